// Taking URLs apart and putting them together. The parser cuts at the delimiters in the order of
// RFC 3986 appendix B, then checks each part against its grammar.
#include <limits>

#include <fmt/format.h>

#include <abi/core/url.hpp>

#include "url_grammar.hpp"

namespace abikit {
namespace {

using url::is_escape;
using url::is_sub_delim;
using url::is_unreserved;

constexpr auto kNpos = std::string_view::npos;

// Carries the offset of the rest of the text along, so that errors can say where they are. The
// text itself is never quoted: it may hold a password.
class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<Url> parse() {
        ABI_CHECK(scheme());
        std::size_t end = text_.size();
        if (const std::size_t hash = text_.find('#', at_); hash != kNpos) {
            ABI_CHECK(check(hash + 1, end, "fragment", "/?:@"));
            url_.fragment = std::string(text_.substr(hash + 1));
            end = hash;
        }
        if (const std::size_t mark = text_.substr(0, end).find('?', at_); mark != kNpos) {
            ABI_CHECK(check(mark + 1, end, "query", "/?:@"));
            url_.query = std::string(text_.substr(mark + 1, end - mark - 1));
            end = mark;
        }
        if (text_.substr(at_, end - at_).starts_with("//")) {
            at_ += 2;
            const std::size_t slash = text_.substr(0, end).find('/', at_);
            ABI_CHECK(authority(slash == kNpos ? end : slash));
        }
        ABI_CHECK(check(at_, end, "path", "/:@"));
        url_.path = std::string(text_.substr(at_, end - at_));
        return std::move(url_);
    }

private:
    static std::unexpected<Error> bad(std::string_view why, std::size_t offset) {
        return fail(Code::kInvalidArgument,
                    fmt::format("malformed url: {} at offset {}", why, offset));
    }

    // Checks that [from, to) holds nothing but unreserved characters, sub-delimiters, escapes and
    // `also`.
    Status check(std::size_t from, std::size_t to, std::string_view part,
                 std::string_view also) const {
        const std::string_view visible = text_.substr(0, to);
        for (std::size_t i = from; i < to; ++i) {
            const char c = text_[i];
            if (is_unreserved(c) || is_sub_delim(c) || also.find(c) != kNpos) {
                continue;
            }
            if (c != '%') {
                return bad(fmt::format("unexpected character in the {}", part), i);
            }
            if (!is_escape(visible, i)) {
                return bad(fmt::format("'%' without two hexadecimal digits in the {}", part), i);
            }
            i += 2;
        }
        return {};
    }

    Status scheme() {
        std::size_t i = 0;
        for (; i < text_.size() && text_[i] != ':'; ++i) {
            const char c = text_[i];
            const bool later = url::is_digit(c) || c == '+' || c == '-' || c == '.';
            if (!url::is_alpha(c) && !(i > 0 && later)) {
                break;
            }
            url_.scheme += url::to_lower(c);
        }
        if (i == 0 || i == text_.size() || text_[i] != ':') {
            return fail(Code::kInvalidArgument, "malformed url: no scheme at offset 0",
                        "begin with the scheme, such as 'http://'");
        }
        at_ = i + 1;
        return {};
    }

    // userinfo, host and port in [at_, end).
    Status authority(std::size_t end) {
        const std::string_view visible = text_.substr(0, end);
        if (const std::size_t sign = visible.rfind('@'); sign != kNpos && sign >= at_) {
            ABI_CHECK(check(at_, sign, "user information", ":"));
            url_.userinfo = std::string(text_.substr(at_, sign - at_));
            at_ = sign + 1;
        }
        if (at_ < end && text_[at_] == '[') {
            ABI_CHECK(bracketed_host(visible));
        } else {
            const std::size_t colon = visible.find(':', at_);
            ABI_CHECK(named_host(colon == kNpos ? end : colon));
        }
        if (at_ < end) {
            ABI_CHECK(port(end));
        }
        at_ = end;
        return {};
    }

    Status bracketed_host(std::string_view visible) {
        const std::size_t close = visible.find(']', at_);
        if (close == kNpos) {
            return bad("'[' without ']'", at_);
        }
        const std::string_view address = text_.substr(at_ + 1, close - at_ - 1);
        if (url::is_ipv6(address)) {
            url_.host_kind = HostKind::kIpv6;
        } else if (url::is_ip_future(address)) {
            url_.host_kind = HostKind::kIpFuture;
        } else {
            return bad("malformed address in brackets", at_ + 1);
        }
        for (const char c : address) {
            url_.host += url::to_lower(c);
        }
        at_ = close + 1;
        if (at_ < visible.size() && text_[at_] != ':') {
            return bad("unexpected character after ']'", at_);
        }
        return {};
    }

    Status named_host(std::size_t end) {
        ABI_CHECK(check(at_, end, "host", ""));
        const std::string_view host = text_.substr(at_, end - at_);
        url_.host_kind = url::is_ipv4(host) ? HostKind::kIpv4 : HostKind::kName;
        for (std::size_t i = 0; i < host.size(); ++i) {
            if (host[i] == '%') {  // RFC 3986 section 6.2.2.1: escapes are upper case
                url_.host += {'%', url::to_upper(host[i + 1]), url::to_upper(host[i + 2])};
                i += 2;
            } else {
                url_.host += url::to_lower(host[i]);
            }
        }
        at_ = end;
        return {};
    }

    // ":" and digits in [at_, end).
    Status port(std::size_t end) {
        std::uint32_t value = 0;
        for (std::size_t i = at_ + 1; i < end; ++i) {
            if (!url::is_digit(text_[i])) {
                return bad("the port is not a number", i);
            }
            value = value * 10 + static_cast<std::uint32_t>(text_[i] - '0');
            if (value > std::numeric_limits<std::uint16_t>::max()) {
                return bad("the port is larger than 65535", at_ + 1);
            }
        }
        if (end > at_ + 1) {
            url_.port = static_cast<std::uint16_t>(value);
        }
        return {};
    }

    std::string_view text_;
    std::size_t at_ = 0;  // everything before is consumed
    Url url_;
};

std::string compose(const Url& url, const std::optional<std::string>& userinfo) {
    std::string text = url.scheme + ":";
    if (url.host_kind != HostKind::kNone) {
        text += "//";
        if (userinfo) {
            text += *userinfo + "@";
        }
        const bool brackets =
            url.host_kind == HostKind::kIpv6 || url.host_kind == HostKind::kIpFuture;
        text += brackets ? "[" + url.host + "]" : url.host;
        if (url.port) {
            text += fmt::format(":{}", *url.port);
        }
    }
    text += url.path;
    if (url.query) {
        text += "?" + *url.query;
    }
    if (url.fragment) {
        text += "#" + *url.fragment;
    }
    return text;
}

}  // namespace

std::string Url::to_string() const {
    return compose(*this, userinfo);
}

std::string Url::redacted() const {
    return compose(*this, userinfo ? std::optional<std::string>("***") : std::nullopt);
}

std::optional<std::uint16_t> Url::effective_port() const {
    if (port) {
        return port;
    }
    constexpr std::pair<std::string_view, std::uint16_t> kKnown[] = {
        {"http", 80}, {"https", 443}, {"ws", 80}, {"wss", 443}, {"ftp", 21}};
    for (const auto& [name, number] : kKnown) {
        if (scheme == name) {
            return number;
        }
    }
    return std::nullopt;
}

Result<Url> parse_url(std::string_view text) {
    return Parser(text).parse();
}

}  // namespace abikit

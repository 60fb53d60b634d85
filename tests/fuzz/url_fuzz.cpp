// The URL parser, percent-coding and query parameters on arbitrary text: what is accepted can be
// written and read again without change, and what any text is encoded to decodes to that text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <abi/core/url.hpp>

namespace {

using namespace abikit;

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

void check_url(std::string_view text) {
    const auto url = parse_url(text);
    if (!url) {
        require(url.error().code() == Code::kInvalidArgument);
        return;
    }
    const std::string written = url->to_string();
    const auto again = parse_url(written);
    require(again.has_value() && *again == *url);
    require(again->to_string() == written);
    require(parse_url(url->redacted()).has_value());
    require(!url->scheme.empty());
    require(url->host_kind != HostKind::kNone ||
            (url->host.empty() && !url->port && !url->userinfo));
    require(url->host_kind == HostKind::kNone || url->path.empty() || url->path[0] == '/');
    // Every part of a valid url holds complete escapes only.
    require(percent_decode(url->path).has_value());
    require(percent_decode(url->query.value_or("")).has_value());
    require(parse_query(url->query.value_or("")).has_value());
}

void check_coding(std::string_view text) {
    for (const PercentSet keep : {PercentSet::kComponent, PercentSet::kPath}) {
        const std::string coded = percent_encode(text, keep);
        require(percent_decode(coded).value() == text);
        require(parse_url("x:" + percent_encode("a") + coded).has_value());
    }
    if (const auto parameters = parse_query(text)) {
        require(parse_query(build_query(*parameters)).value() == *parameters);
    } else {
        require(text.contains('%'));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_url(text);
    check_coding(text);
    return 0;
}

// URLs as RFC 3986 has them: taking them apart, putting them together, percent-coding, and the
// parameters of a query.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit {

enum class HostKind {
    kNone,      // no authority: "mailto:a@b"
    kName,      // a registered name, possibly empty: "file:///x" has the empty one
    kIpv4,      // dotted decimal
    kIpv6,      // in brackets
    kIpFuture,  // in brackets, "v" and a version: reserved by the RFC for what follows IPv6
};

// The parts of one absolute URI, still percent-encoded. "Absent" and "empty" differ: "a:b?" has an
// empty query, "a:b" none. A plain value.
struct ABI_API Url {
    std::string scheme;  // lower case
    std::optional<std::string> userinfo;
    HostKind host_kind = HostKind::kNone;
    std::string host;  // lower case, escapes in upper case; without the brackets
    std::optional<std::uint16_t> port;
    std::string path;  // as written; "." and ".." are kept
    std::optional<std::string> query;
    std::optional<std::string> fragment;

    // The text again (RFC 3986 section 5.3): parse_url(u.to_string()) gives u.
    std::string to_string() const;
    // The same with the user information replaced by "***": for logs and error messages.
    std::string redacted() const;
    // The port, or the one that the scheme implies (http, https, ws, wss, ftp); else nullopt.
    std::optional<std::uint16_t> effective_port() const;

    friend bool operator==(const Url&, const Url&) = default;
};

// Takes an absolute URI apart. Everything that the grammar forbids is an error: a missing scheme,
// spaces and other unescaped characters, a '%' without two hexadecimal digits, a malformed
// address in brackets, a port beyond 65535. Text is bytes; non-ASCII must come percent-encoded.
// Scheme and host are normalised to lower case and an empty port ("http://h:/") is taken as none.
// kInvalidArgument says what is wrong at which offset, without repeating a password.
ABI_API Result<Url> parse_url(std::string_view text);

// Which characters stay as they are besides letters, digits and "-._~".
enum class PercentSet {
    kComponent,  // none: for one parameter, or one segment of a path
    kPath,       // "/" and what else a path may hold: ":@!$&'()*+,;="
};

// Replaces each byte outside the set by %XX, digits in upper case. Any bytes are allowed.
ABI_API std::string percent_encode(std::string_view bytes,
                                   PercentSet keep = PercentSet::kComponent);
// Replaces each %XX by its byte; '+' stays. kInvalidArgument for an incomplete or malformed escape.
ABI_API Result<std::string> percent_decode(std::string_view text);

using QueryParameter = std::pair<std::string, std::string>;

// The pairs of "a=1&b=two+words" in their order, decoded as HTML forms do: '+' is a space, a
// missing '=' gives an empty value, empty pieces ("a&&b") are skipped.
ABI_API Result<std::vector<QueryParameter>> parse_query(std::string_view query);
// The reverse; spaces become %20, which every decoder understands.
ABI_API std::string build_query(std::span<const QueryParameter> parameters);

}  // namespace abikit

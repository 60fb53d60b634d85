// Takes secrets out of text before it is logged or shown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace abikit::cli {

// Knows the values that must not be seen. Thread-compatible; redact() alone is thread-safe.
class Redactor {
public:
    // A value of a secret option. Shorter than four bytes is not looked for: it would hide half of
    // every line.
    void add(std::string secret);

    // `text` with "***" for: the known values; what follows password, passwd, secret, token,
    // api_key, api-key, apikey or authorization and one of '=' or ':' (quoted or up to the next
    // space, comma, semicolon, ampersand or bracket; "Bearer x" and "Basic x" whole); the password
    // in "scheme://user:password@host".
    std::string redact(std::string_view text) const;

private:
    std::vector<std::string> secrets_;
};

}  // namespace abikit::cli

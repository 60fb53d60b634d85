// Base64 decoders on arbitrary text, and encoders on the same bytes: each byte string has exactly
// one text, and everything that is accepted comes back as it was.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/base64.hpp>

namespace {

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace abikit;
    const auto input = std::as_bytes(std::span(data, size));
    const std::string_view text(reinterpret_cast<const char*>(data), size);

    const std::string standard = base64_encode(input);
    const std::string url = base64url_encode(input);
    require(standard.size() == (size + 2) / 3 * 4);
    require(std::ranges::equal(base64_decode(standard).value(), input));
    require(std::ranges::equal(base64url_decode(url).value(), input));

    if (const auto bytes = base64_decode(text)) {
        require(base64_encode(*bytes) == text);
    } else {
        require(bytes.error().code() == Code::kInvalidData);
    }
    if (const auto bytes = base64url_decode(text)) {
        std::string_view bare = text;
        while (bare.ends_with('=')) {
            bare.remove_suffix(1);
        }
        require(base64url_encode(*bytes) == bare);
    }
    return 0;
}

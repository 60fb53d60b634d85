// Base64 and base64url of RFC 4648.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit {

// The standard alphabet ('+', '/'), padded with '=' to a multiple of four characters (section 4).
ABI_API std::string base64_encode(std::span<const std::byte> bytes);
// The alphabet for URLs and file names ('-', '_'), without padding (section 5).
ABI_API std::string base64url_encode(std::span<const std::byte> bytes);

// Strict: padding is required, and nothing but the alphabet is allowed, neither white space nor
// line ends; the bits that no byte uses must be zero. So each byte string has exactly one text, and
// encode(decode(text)) == text. kInvalidData names the offset of the first wrong character.
ABI_API Result<std::vector<std::byte>> base64_decode(std::string_view text);
// As strict, but padding is optional: all of it or none.
ABI_API Result<std::vector<std::byte>> base64url_decode(std::string_view text);

}  // namespace abikit

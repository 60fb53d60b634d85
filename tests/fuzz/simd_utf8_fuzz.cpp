// Vector UTF-8 validation against a state machine of its own, on every instruction set: both name
// the same first ill-formed byte, whatever stands before it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <abi/simd/bytes.hpp>

#include "simd_fuzz.hpp"

namespace {

using namespace abikit;

// States by what may come next, as ranges: the machine of Table 3-7, one byte a step.
std::size_t valid_by_states(std::string_view text) {
    std::size_t valid = 0;
    unsigned awaited = 0;
    unsigned low = 0x80;
    unsigned high = 0xBF;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const unsigned byte = static_cast<unsigned char>(text[at]);
        if (awaited > 0) {
            if (byte < low || byte > high) {
                return valid;
            }
            low = 0x80;
            high = 0xBF;
            --awaited;
        } else if (byte >= 0x80) {
            if (byte < 0xC2 || byte > 0xF4) {
                return valid;
            }
            awaited = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
            low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
            high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
        }
        valid = awaited == 0 ? at + 1 : valid;
    }
    return valid;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const std::size_t before : {0, 1, 61, 64, 255}) {
        const std::string padded = std::string(before, 'x') + std::string(text);
        const fuzz::MovedCopy copy(padded, size % 7);
        const std::size_t expected = valid_by_states(padded);
        fuzz::on_every_target(
            [&] { fuzz::require(simd::valid_utf8_prefix(copy.view()) == expected); });
    }
    return 0;
}

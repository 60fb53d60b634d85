// The hash is a function of bytes and seed alone: not of where they lie, what surrounds them, or
// the instruction set. A byte more, or another seed, is another value.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <abi/simd/bytes.hpp>
#include <abi/simd/reference_bytes.hpp>

#include "simd_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace abikit;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::uint64_t seed = size * 0x9E3779B97F4A7C15U;
    const std::uint64_t expected = simd::reference::hash_bytes(bytes, seed);
    for (const std::size_t offset : {0, 1, 3, 8, 17, 63}) {
        const fuzz::MovedCopy copy(bytes, offset);
        fuzz::on_every_target(
            [&] { fuzz::require(simd::hash_bytes(copy.view(), seed) == expected); });
    }
    fuzz::require(simd::hash_bytes(bytes, seed + 1) != expected);
    fuzz::require(simd::hash_bytes(std::string(bytes) + '\0', seed) != expected);
    fuzz::require(simd::hash_bytes(std::string(20, '\0') + std::string(bytes), seed) != expected);
    return 0;
}

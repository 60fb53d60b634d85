// The CRC instruction takes 8 bytes a cycle but has a latency of three cycles, so three independent
// streams run side by side and are joined by shift tables (the method of Gopal et al., "Fast CRC
// Computation for iSCSI Polynomial Using CRC32 Instruction", Intel 2011). One body serves x86-64
// and ARM64; only the two instruction wrappers differ.
#include <cstring>

#include "crc32c_hardware.hpp"

#if defined(__x86_64__)
#include <nmmintrin.h>
#define ABI_CRC_TARGET [[gnu::target("sse4.2")]]
#elif defined(__aarch64__) && defined(__ORDER_LITTLE_ENDIAN__) && \
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_acle.h>

#include "os_cpu.hpp"
#define ABI_CRC_TARGET [[gnu::target("+crc")]]
#endif

#if defined(ABI_CRC_TARGET)

#include "crc32c_math.hpp"

namespace abikit::crc {
namespace {

#if defined(__x86_64__)
ABI_CRC_TARGET inline std::uint64_t step8(std::uint64_t raw, std::uint64_t word) noexcept {
    return _mm_crc32_u64(raw, word);
}
ABI_CRC_TARGET inline std::uint32_t step1(std::uint32_t raw, std::uint8_t byte) noexcept {
    return _mm_crc32_u8(raw, byte);
}
#else
ABI_CRC_TARGET inline std::uint64_t step8(std::uint64_t raw, std::uint64_t word) noexcept {
    return __crc32cd(static_cast<std::uint32_t>(raw), word);
}
ABI_CRC_TARGET inline std::uint32_t step1(std::uint32_t raw, std::uint8_t byte) noexcept {
    return __crc32cb(raw, byte);
}
#endif

inline std::uint64_t load8(const std::byte* from) noexcept {
    std::uint64_t word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

// Stream lengths: long enough to make the joining cheap, short enough that three fit into L1; the
// short one serves what is left of a long input, and pages.
constexpr std::size_t kLongBytes = 4096;
constexpr std::size_t kShortBytes = 256;
constexpr ByteTables4 kLongShift = make_shift_tables(kLongBytes);
constexpr ByteTables4 kShortShift = make_shift_tables(kShortBytes);

// Consumes 3 * kBytes at `from`.
template <std::size_t kBytes>
ABI_CRC_TARGET std::uint32_t three_streams(std::uint32_t raw, const std::byte* from,
                                           const ByteTables4& shift) noexcept {
    std::uint64_t first = raw;
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < kBytes; i += 8) {
        first = step8(first, load8(from + i));
        second = step8(second, load8(from + kBytes + i));
        third = step8(third, load8(from + 2 * kBytes + i));
    }
    const std::uint32_t two = shift_by_tables(shift, static_cast<std::uint32_t>(first)) ^
                              static_cast<std::uint32_t>(second);
    return shift_by_tables(shift, two) ^ static_cast<std::uint32_t>(third);
}

ABI_CRC_TARGET std::uint32_t update(std::uint32_t raw, std::span<const std::byte> bytes) noexcept {
    const std::byte* from = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 3 * kLongBytes; from += 3 * kLongBytes, left -= 3 * kLongBytes) {
        raw = three_streams<kLongBytes>(raw, from, kLongShift);
    }
    for (; left >= 3 * kShortBytes; from += 3 * kShortBytes, left -= 3 * kShortBytes) {
        raw = three_streams<kShortBytes>(raw, from, kShortShift);
    }
    std::uint64_t wide = raw;
    for (; left >= 8; from += 8, left -= 8) {
        wide = step8(wide, load8(from));
    }
    raw = static_cast<std::uint32_t>(wide);
    for (; left > 0; ++from, --left) {
        raw = step1(raw, std::to_integer<std::uint8_t>(*from));
    }
    return raw;
}

}  // namespace

HardwareCrc hardware_crc() noexcept {
#if defined(__x86_64__)
    return __builtin_cpu_supports("sse4.2") != 0 ? HardwareCrc{update, "sse4.2"} : HardwareCrc{};
#else
    return os::has_arm_crc32() ? HardwareCrc{update, "armv8-crc"} : HardwareCrc{};
#endif
}

}  // namespace abikit::crc

#else

namespace abikit::crc {
HardwareCrc hardware_crc() noexcept {
    return {};
}
}  // namespace abikit::crc

#endif

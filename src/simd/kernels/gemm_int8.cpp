// Products of int8 matrices, once per instruction set: vpdpbusd where the machine has it, else
// 16-bit multiply-adds of pairs (the 8-bit ones of AVX2 saturate for full-range values). Read
// gemm_int8_kernels.hpp for the packed form, gemm_int8_tiles-inl.h for the tiles.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "extensions.hpp"
#include "gemm_int8_kernels.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gemm_int8.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

#undef ABI_INT8_VNNI
#if ABI_SIMD_EXTENDS_AVX3
ABI_SIMD_PUSH_DL
namespace abikit::simd::N_AVX3_DL {
namespace {
#define ABI_INT8_VNNI 1
#define ABI_TILE_ATTR __attribute__((always_inline, target(ABI_SIMD_DL_TARGET)))
#include "kernels/gemm_int8_tiles-inl.h"
#undef ABI_INT8_VNNI
#undef ABI_TILE_ATTR
}  // namespace
}  // namespace abikit::simd::N_AVX3_DL
HWY_POP_ATTRIBUTES
#endif

// Newer Highway has targets with these instructions; a lower number is a better target.
#if HWY_ARCH_X86 && !(HWY_MAJOR == 1 && HWY_MINOR == 0 && HWY_PATCH <= 3) && \
    HWY_TARGET <= HWY_AVX3_DL
#define ABI_INT8_VNNI 1
#else
#define ABI_INT8_VNNI 0
#endif

#undef ABI_TILE_ATTR
#define ABI_TILE_ATTR HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {

#if HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128 || \
    !(HWY_ARCH_X86 || HWY_ARCH_ARM_A64)

// Plain code, for targets whose vectors have no size at compile time, or none.
void multiply_task(const int8::Task& task) {
    using int8::kBlock;
    const std::size_t padded = round_up(task.columns, int8::kPanel);
    const std::size_t padded_depth = round_up(task.depth, int8::kGroup);
    for (std::size_t r = 0; r < task.rows; ++r) {
        for (std::size_t column = 0; column < task.columns; ++column) {
            const std::size_t block = column / kBlock * kBlock;
            const std::size_t width = std::min(kBlock, padded - block);
            const auto* b = reinterpret_cast<const std::int8_t*>(task.b + block * padded_depth) +
                            (column - block) * int8::kGroup;
            const std::uint8_t* a = task.a + r * task.lda;
            std::uint32_t sum = 0;
            for (std::size_t k = 0; k < task.depth; ++k) {
                const std::int32_t left = task.a_unsigned
                                              ? std::int32_t{a[k]}
                                              : std::int32_t{static_cast<std::int8_t>(a[k])};
                const std::int32_t right =
                    b[k / int8::kGroup * int8::kGroup * width + k % int8::kGroup];
                sum += static_cast<std::uint32_t>(left * right);
            }
            std::int32_t& c = task.c[r * task.ldc + column];
            c = static_cast<std::int32_t>(sum +
                                          (task.accumulate ? static_cast<std::uint32_t>(c) : 0U));
        }
    }
}

#else
#include "kernels/gemm_int8_tiles-inl.h"
#endif

void multiply_here(const int8::Task& task) {
#if ABI_SIMD_EXTENDS_AVX3
    if (avx512_level() >= Avx512Level::kDl) {
        N_AVX3_DL::multiply_task(task);
        return;
    }
#endif
    multiply_task(task);
}

// Four rows of B, sixteen neighbouring columns: the bytes of each column side by side.
HWY_INLINE void interleave(const std::int8_t* from, std::size_t stride, std::int8_t* to) {
#if HWY_TARGET == HWY_SCALAR || HWY_HAVE_SCALABLE
    for (std::size_t column = 0; column < int8::kPanel; ++column) {
        for (std::size_t i = 0; i < int8::kGroup; ++i) {
            to[column * int8::kGroup + i] = from[i * stride + column];
        }
    }
#else
    namespace hn = hwy::HWY_NAMESPACE;
    const hn::CappedTag<std::uint8_t, 16> d;
    const hn::Repartition<std::uint16_t, decltype(d)> pairs;
    const auto row = [&](std::size_t i) HWY_ATTR {
        return hn::LoadU(d, reinterpret_cast<const std::uint8_t*>(from + i * stride));
    };
    const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, row(0), row(1)));
    const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, row(0), row(1)));
    const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, row(2), row(3)));
    const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, row(2), row(3)));
    auto* out = reinterpret_cast<std::uint8_t*>(to);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, out);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, out + 16);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, out + 32);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, out + 48);
#endif
}

using Packed = std::int8_t;
using int8::kGroup;
using int8::kPanel;
using int8::PackTask;
#include "kernels/pack_group-inl.h"

void pack_here(const int8::PackTask& task) {
    const std::size_t padded = round_up(task.columns, int8::kPanel);
    std::uint32_t sums[int8::kBlock] = {};
    auto* to = reinterpret_cast<std::int8_t*>(task.out);
    for (std::size_t k = 0; k < task.depth; k += int8::kGroup) {
        for (std::size_t column = 0; column < padded; column += int8::kPanel) {
            gather(task, k, column, to);
            for (std::size_t j = 0; j < int8::kPanel; ++j) {
                const std::int8_t* four = to + j * int8::kGroup;
                sums[column + j] +=
                    static_cast<std::uint32_t>(four[0] + four[1] + four[2] + four[3]);
            }
            to += int8::kPanelGroupBytes;
        }
    }
    for (std::size_t j = 0; j < padded; ++j) {
        sums[j] *= 128;
    }
    std::memcpy(task.corrections, sums, padded * sizeof(sums[0]));
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd::int8 {
namespace {
HWY_EXPORT(multiply_here);
HWY_EXPORT(pack_here);
}  // namespace

void multiply(const Task& task) noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_here)(task);
}

void pack(const PackTask& task) noexcept {
    HWY_DYNAMIC_DISPATCH(pack_here)(task);
}

}  // namespace abikit::simd::int8
#endif  // HWY_ONCE

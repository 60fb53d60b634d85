// Products of bfloat16 matrices, once per instruction set: vdpbf16ps where the machine has it, else
// values widened by shifts and float32 multiply-adds. Read gemm_bf16_kernels.hpp for the packed
// form, gemm_bf16_tiles-inl.h for the tiles.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "extensions.hpp"
#include "gemm_bf16_kernels.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gemm_bf16.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

#undef ABI_BF16_DOT
#if ABI_SIMD_EXTENDS_AVX3
ABI_SIMD_PUSH_ZEN4
namespace abikit::simd::N_AVX3_ZEN4 {
namespace {
#define ABI_BF16_DOT 1
#define ABI_TILE_ATTR __attribute__((always_inline, target(ABI_SIMD_ZEN4_TARGET)))
#include "kernels/gemm_bf16_tiles-inl.h"
#undef ABI_BF16_DOT
#undef ABI_TILE_ATTR
}  // namespace
}  // namespace abikit::simd::N_AVX3_ZEN4
HWY_POP_ATTRIBUTES
#endif

// Newer Highway has targets with this instruction; a lower number is a better target.
#if HWY_ARCH_X86 && defined(HWY_AVX3_ZEN4) && HWY_TARGET <= HWY_AVX3_ZEN4
#define ABI_BF16_DOT 1
#else
#define ABI_BF16_DOT 0
#endif
#undef ABI_TILE_ATTR
#define ABI_TILE_ATTR HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {

#if HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// Plain code, for targets whose vectors have no size at compile time, or none.
float widen(std::uint16_t bits) {
    return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

void multiply_task(const bf16::Task& task) {
    using bf16::kGroup;
    const std::size_t padded = round_up(task.columns, bf16::kPanel);
    const std::size_t padded_depth = round_up(task.depth, kGroup);
    for (std::size_t r = 0; r < task.rows; ++r) {
        for (std::size_t column = 0; column < task.columns; ++column) {
            const std::size_t block = column / bf16::kBlock * bf16::kBlock;
            const std::size_t width = std::min(bf16::kBlock, padded - block);
            const std::size_t first = block * padded_depth + (column - block) * kGroup;
            float sum = 0.0F;
            for (std::size_t k = 0; k < task.depth; ++k) {
                const std::size_t at = first + k / kGroup * kGroup * width + k % kGroup;
                std::uint16_t b = 0;
                std::memcpy(&b, task.b + at * sizeof(b), sizeof(b));
                sum += widen(task.a[r * task.lda + k]) * widen(b);
            }
            float& c = task.c[r * task.ldc + column];
            c = task.accumulate ? sum + c : sum;
        }
    }
}

#else
#include "kernels/gemm_bf16_tiles-inl.h"
#endif

void multiply_here(const bf16::Task& task) {
#if ABI_SIMD_EXTENDS_AVX3
    if (avx512_level() >= Avx512Level::kZen4) {
        N_AVX3_ZEN4::multiply_task(task);
        return;
    }
#endif
    multiply_task(task);
}

// Two rows of B, sixteen neighbouring columns: the values of each column side by side.
HWY_INLINE void interleave(const std::uint16_t* from, std::size_t stride, std::uint16_t* to) {
#if HWY_TARGET == HWY_SCALAR || HWY_HAVE_SCALABLE
    for (std::size_t column = 0; column < bf16::kPanel; ++column) {
        to[column * 2] = from[column];
        to[column * 2 + 1] = from[stride + column];
    }
#else
    namespace hn = hwy::HWY_NAMESPACE;
    const hn::CappedTag<std::uint16_t, 8> d;
    for (std::size_t half = 0; half < bf16::kPanel; half += 8) {
        const auto first = hn::LoadU(d, from + half);
        const auto second = hn::LoadU(d, from + stride + half);
        hn::StoreU(hn::InterleaveLower(d, first, second), d, to + 2 * half);
        hn::StoreU(hn::InterleaveUpper(d, first, second), d, to + 2 * half + 8);
    }
#endif
}

using Packed = std::uint16_t;
using bf16::kGroup;
using bf16::kPanel;
using bf16::PackTask;
#include "kernels/pack_group-inl.h"

void pack_here(const bf16::PackTask& task) {
    const std::size_t padded = round_up(task.columns, bf16::kPanel);
    std::byte* to = task.out;
    for (std::size_t k = 0; k < task.depth; k += bf16::kGroup) {
        for (std::size_t column = 0; column < padded; column += bf16::kPanel) {
            std::uint16_t group[bf16::kPanelGroup];
            gather(task, k, column, group);
            std::memcpy(to, group, sizeof(group));
            to += sizeof(group);
        }
    }
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd::bf16 {
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

}  // namespace abikit::simd::bf16
#endif  // HWY_ONCE

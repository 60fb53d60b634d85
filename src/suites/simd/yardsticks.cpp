// The loops of the yardsticks, once per instruction set, and once more where AVX3 has VNNI and
// BF16. Read yardsticks.hpp for what each stands for.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include <abi/simd/targets.hpp>

#include "simd/extensions.hpp"
#include "yardsticks.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/simd/yardsticks.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on
#include <hwy/cache_control.h>

#ifndef ABI_SUITES_YARDSTICKS_ONCE
#define ABI_SUITES_YARDSTICKS_ONCE
namespace abikit::suites {

// Twelve sums: two multiply-adds a cycle of a latency of up to six cycles, and sixteen registers
// hold them and the operands.
constexpr std::size_t kChains = 12;
// What the chains start with; room for the widest vectors (SVE: 2048 bits). Sums that began equal
// would be merged by the compiler.
constexpr std::size_t kMaxLanes = 64;

}  // namespace abikit::suites
#endif

// Newer Highway has targets and operations for what 1.0.3 needs the passes below for.
#undef ABI_SUITES_QUAD_INT8
#undef ABI_SUITES_PAIR_BF16
#if HWY_ARCH_X86 && (HWY_MAJOR > 1 || HWY_MINOR >= 2)
#define ABI_SUITES_QUAD_INT8 (HWY_TARGET <= HWY_AVX3_DL)
#define ABI_SUITES_PAIR_BF16 (HWY_TARGET <= HWY_AVX3_ZEN4)
#else
#define ABI_SUITES_QUAD_INT8 0
#define ABI_SUITES_PAIR_BF16 0
#endif

HWY_BEFORE_NAMESPACE();
namespace abikit::suites::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// sum = step(...), in the register that it is in: GCC would hold results beside the sums until the
// end of a round, and move what has no register to memory.
template <class V, class Factor, class Step>
HWY_INLINE void advance(V& sum, Factor factor, V term, V& spare, const Step& step) {
    sum = step(sum, factor, term, spare);
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128 && !HWY_COMPILER_MSVC
    __asm__("" : "+v"(sum.raw));
#endif
}

// sum = step(sum, factor, term, spare) for twelve sums in each round; steps that make two vectors
// of results add the second to a spare sum. Returns the total, so that nothing can be dropped.
// Named variables and arguments, because vectors of unknown length can neither stand in arrays nor
// be captured.
template <class D, class Factor, class Step, class T = hn::TFromD<D>>
HWY_INLINE T run_chains(D d, std::size_t steps, const T* HWY_RESTRICT starts, Factor factor,
                        hn::Vec<D> term, const Step& step) {
    const auto start = [d, starts](std::size_t chain)
                           HWY_ATTR { return hn::LoadU(d, starts + chain); };
    auto s0 = start(0), s1 = start(1), s2 = start(2), s3 = start(3), s4 = start(4), s5 = start(5);
    auto s6 = start(6), s7 = start(7), s8 = start(8), s9 = start(9), s10 = start(10);
    auto s11 = start(11);
    auto a = hn::Zero(d), b = hn::Zero(d), c = hn::Zero(d), e = hn::Zero(d);
    for (std::size_t i = 0; i < steps; ++i) {
        advance(s0, factor, term, a, step);
        advance(s1, factor, term, b, step);
        advance(s2, factor, term, c, step);
        advance(s3, factor, term, e, step);
        advance(s4, factor, term, a, step);
        advance(s5, factor, term, b, step);
        advance(s6, factor, term, c, step);
        advance(s7, factor, term, e, step);
        advance(s8, factor, term, a, step);
        advance(s9, factor, term, b, step);
        advance(s10, factor, term, c, step);
        advance(s11, factor, term, e, step);
    }
    const auto first = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)),
                               hn::Add(hn::Add(s4, s5), hn::Add(s6, s7)));
    const auto second =
        hn::Add(hn::Add(hn::Add(s8, s9), hn::Add(s10, s11)), hn::Add(hn::Add(a, b), hn::Add(c, e)));
    return hn::GetLane(hn::SumOfLanes(d, hn::Add(first, second)));
}

// Each returns the number of products in a round.

// sum = sum * factor + term, which no compiler can shorten, and which stays finite.
std::size_t fma_rounds(std::size_t steps, const float* HWY_RESTRICT starts, float* total) {
    const hn::ScalableTag<float> d;
    using Vec = hn::Vec<decltype(d)>;
    *total = run_chains(d, steps, starts, hn::Set(d, starts[0]), hn::Set(d, starts[1]),
                        [](Vec sum, Vec factor, Vec term, Vec&)
                            HWY_ATTR { return hn::MulAdd(sum, factor, term); });
    return kChains * hn::Lanes(d);
}

// The same on int32 sums taken as pairs of int16: two products a lane.
std::size_t int8_rounds(std::size_t steps, const std::int32_t* HWY_RESTRICT starts,
                        std::int32_t* total) {
#if HWY_TARGET == HWY_SCALAR
    std::uint32_t sums[kChains];
    std::copy_n(starts, kChains, sums);
    const auto factor = static_cast<std::uint32_t>(starts[0]);
    for (std::size_t i = 0; i < steps; ++i) {
        for (std::uint32_t& sum : sums) {
            sum = sum * factor + 1U;
        }
    }
    std::uint32_t all = 0;
    for (const std::uint32_t sum : sums) {
        all += sum;
    }
    *total = static_cast<std::int32_t>(all);
    return kChains;
#elif ABI_SUITES_QUAD_INT8
    const hn::ScalableTag<std::int32_t> d;
    using Vec = hn::Vec<decltype(d)>;
    const auto bytes = hn::BitCast(hn::ScalableTag<std::int8_t>(), hn::Set(d, starts[0]));
    *total = run_chains(
        d, steps, starts, bytes, hn::Zero(d),
        [](Vec sum, hn::Vec<hn::ScalableTag<std::int8_t>> factor, Vec, Vec&) HWY_ATTR {
            const auto offset = hn::BitCast(hn::ScalableTag<std::uint8_t>(), factor);
            return hn::SumOfMulQuadAccumulate(hn::ScalableTag<std::int32_t>(), offset, factor, sum);
        });
    return kChains * hn::Lanes(d) * 4;
#else
    const hn::ScalableTag<std::int32_t> d;
    const hn::Repartition<std::int16_t, decltype(d)> d16;
    using Vec = hn::Vec<decltype(d)>;
    *total = run_chains(
        d, steps, starts, hn::BitCast(d16, hn::Set(d, starts[0])), hn::Set(d, starts[1]),
        [](Vec sum, hn::Vec<decltype(d16)> factor, Vec term, Vec& spare) HWY_ATTR {
            const hn::ScalableTag<std::int32_t> d32;
            const hn::Repartition<std::int16_t, decltype(d32)> pairs;
            return hn::ReorderWidenMulAccumulate(d32, hn::BitCast(pairs, sum), factor, term, spare);
        });
    return kChains * hn::Lanes(d) * 2;
#endif
}

std::size_t bf16_rounds(std::size_t steps, const float* HWY_RESTRICT starts, float* total) {
#if ABI_SUITES_PAIR_BF16
    const hn::ScalableTag<float> d;
    const hn::Repartition<hwy::bfloat16_t, decltype(d)> d16;
    using Vec = hn::Vec<decltype(d)>;
    *total = run_chains(
        d, steps, starts, hn::OrderedDemote2To(d16, hn::Set(d, starts[0]), hn::Set(d, starts[1])),
        hn::Zero(d),
        [](Vec sum, hn::Vec<hn::Repartition<hwy::bfloat16_t, hn::ScalableTag<float>>> factor, Vec,
           Vec& spare) HWY_ATTR {
            return hn::ReorderWidenMulAccumulate(hn::ScalableTag<float>(), factor, factor, sum,
                                                 spare);
        });
    return kChains * hn::Lanes(d) * 2;
#else
    return fma_rounds(steps, starts, total);
#endif
}

using Words = hn::ScalableTag<std::uint64_t>;
using WordsVec = hn::Vec<Words>;
constexpr std::size_t kAheadBytes = 4096;

// Four vectors at p and p + stride, and so on, each into a sum of its own.
HWY_INLINE void read_four(const std::uint64_t* HWY_RESTRICT p, std::size_t stride, WordsVec& a,
                          WordsVec& b, WordsVec& c, WordsVec& e) {
    const Words d;
    a = hn::Xor(a, hn::LoadU(d, p));
    b = hn::Xor(b, hn::LoadU(d, p + stride));
    c = hn::Xor(c, hn::LoadU(d, p + 2 * stride));
    e = hn::Xor(e, hn::LoadU(d, p + 3 * stride));
}

HWY_INLINE std::uint64_t xor_lanes(WordsVec v) {
    const Words d;
    HWY_ALIGN std::uint64_t parts[hn::MaxLanes(d)];
    hn::Store(v, d, parts);
    std::uint64_t result = 0;
    for (std::size_t lane = 0; lane < hn::Lanes(d); ++lane) {
        result ^= parts[lane];
    }
    return result;
}

std::uint64_t xor_words(const std::uint64_t* HWY_RESTRICT words, std::size_t count, bool ahead) {
    const Words d;
    const std::size_t lanes = hn::Lanes(d);
    WordsVec a = hn::Zero(d), b = a, c = a, e = a;
    std::size_t i = 0;
    if (ahead) {
        const std::size_t line = 64 / sizeof(std::uint64_t);
        for (; i + 8 * lanes + kAheadBytes / sizeof(std::uint64_t) <= count; i += 8 * lanes) {
            const std::uint64_t* next = words + i + kAheadBytes / sizeof(std::uint64_t);
            for (std::size_t word = 0; word < 8 * lanes; word += line) {
                hwy::Prefetch(next + word);
            }
            read_four(words + i, lanes, a, b, c, e);
            read_four(words + i + 4 * lanes, lanes, a, b, c, e);
        }
    }
    for (; i + 8 * lanes <= count; i += 8 * lanes) {
        read_four(words + i, lanes, a, b, c, e);
        read_four(words + i + 4 * lanes, lanes, a, b, c, e);
    }
    std::uint64_t result = xor_lanes(hn::Xor(hn::Xor(a, b), hn::Xor(c, e)));
    for (; i < count; ++i) {
        result ^= words[i];
    }
    return result;
}

std::uint64_t xor_four_streams(const std::uint64_t* HWY_RESTRICT words, std::size_t count) {
    const Words d;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t quarter = count / 4 / (4 * lanes) * (4 * lanes);
    WordsVec a = hn::Zero(d), b = a, c = a, e = a;
    for (std::size_t i = 0; i < quarter; i += 4 * lanes) {
        for (std::size_t j = i; j < i + 4 * lanes; j += lanes) {
            read_four(words + j, quarter, a, b, c, e);
        }
    }
    std::uint64_t result = xor_lanes(hn::Xor(hn::Xor(a, b), hn::Xor(c, e)));
    return result ^ xor_words(words + 4 * quarter, count - 4 * quarter, false);
}

// Copies whole groups of four vectors and returns the bytes done; `stream` goes past the caches.
std::size_t copy_groups(std::uint8_t* HWY_RESTRICT to, const std::uint8_t* HWY_RESTRICT from,
                        std::size_t size, bool stream) {
    const hn::ScalableTag<std::uint8_t> d;
    const std::size_t lanes = hn::Lanes(d);
    std::size_t i = 0;
    if (stream) {
        for (; i + 4 * lanes <= size; i += 4 * lanes) {
            hn::Stream(hn::LoadU(d, from + i), d, to + i);
            hn::Stream(hn::LoadU(d, from + i + lanes), d, to + i + lanes);
            hn::Stream(hn::LoadU(d, from + i + 2 * lanes), d, to + i + 2 * lanes);
            hn::Stream(hn::LoadU(d, from + i + 3 * lanes), d, to + i + 3 * lanes);
        }
        hwy::FlushStream();
        return i;
    }
    for (; i + 4 * lanes <= size; i += 4 * lanes) {
        const auto a = hn::LoadU(d, from + i);
        const auto b = hn::LoadU(d, from + i + lanes);
        const auto c = hn::LoadU(d, from + i + 2 * lanes);
        const auto e = hn::LoadU(d, from + i + 3 * lanes);
        hn::StoreU(a, d, to + i);
        hn::StoreU(b, d, to + i + lanes);
        hn::StoreU(c, d, to + i + 2 * lanes);
        hn::StoreU(e, d, to + i + 3 * lanes);
    }
    return i;
}

}  // namespace
}  // namespace abikit::suites::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

// Highway 1.0.3 has no targets for these extensions of AVX3, so they are passes of their own.
#if ABI_SIMD_EXTENDS_AVX3
#define ABI_SUITES_HAS_EXTENSIONS 1
// One variable for each of kChains; GCC keeps an array of them in memory.
#define ABI_SUITES_CHAINS(apply)                                                              \
    apply(0) apply(1) apply(2) apply(3) apply(4) apply(5) apply(6) apply(7) apply(8) apply(9) \
        apply(10) apply(11)

ABI_SIMD_PUSH_DL
namespace abikit::suites::N_AVX3_DL {
namespace {

// vpdpbusd: four products a lane.
HWY_NOINLINE std::size_t int8_rounds(std::size_t steps, const std::int32_t* HWY_RESTRICT starts,
                                     std::int32_t* total) {
    const __m512i factor = _mm512_set1_epi32(starts[0]);
    __m512i all = _mm512_setzero_si512();
#define ABI_SUITES_START(n) __m512i s##n = _mm512_loadu_si512(starts + (n));
#define ABI_SUITES_STEP(n) s##n = _mm512_dpbusd_epi32(s##n, factor, factor);
#define ABI_SUITES_JOIN(n) all = _mm512_xor_si512(all, s##n);
    ABI_SUITES_CHAINS(ABI_SUITES_START)
    for (std::size_t i = 0; i < steps; ++i) {
        ABI_SUITES_CHAINS(ABI_SUITES_STEP)
    }
    ABI_SUITES_CHAINS(ABI_SUITES_JOIN)
#undef ABI_SUITES_START
#undef ABI_SUITES_STEP
#undef ABI_SUITES_JOIN
    *total = _mm512_reduce_add_epi32(all);
    return kChains * 16 * 4;
}

}  // namespace
}  // namespace abikit::suites::N_AVX3_DL
HWY_POP_ATTRIBUTES

ABI_SIMD_PUSH_ZEN4
namespace abikit::suites::N_AVX3_ZEN4 {
namespace {

// vdpbf16ps: two products a lane.
HWY_NOINLINE std::size_t bf16_rounds(std::size_t steps, const float* HWY_RESTRICT starts,
                                     float* total) {
    const __m512 wide = _mm512_set1_ps(starts[0]);
    const __m512bh factor = _mm512_cvtne2ps_pbh(wide, wide);
    __m512 all = _mm512_setzero_ps();
#define ABI_SUITES_START(n) __m512 s##n = _mm512_loadu_ps(starts + (n));
#define ABI_SUITES_STEP(n) s##n = _mm512_dpbf16_ps(s##n, factor, factor);
#define ABI_SUITES_JOIN(n) all = _mm512_add_ps(all, s##n);
    ABI_SUITES_CHAINS(ABI_SUITES_START)
    for (std::size_t i = 0; i < steps; ++i) {
        ABI_SUITES_CHAINS(ABI_SUITES_STEP)
    }
    ABI_SUITES_CHAINS(ABI_SUITES_JOIN)
#undef ABI_SUITES_START
#undef ABI_SUITES_STEP
#undef ABI_SUITES_JOIN
    *total = _mm512_reduce_add_ps(all);
    return kChains * 16 * 2;
}

}  // namespace
}  // namespace abikit::suites::N_AVX3_ZEN4
HWY_POP_ATTRIBUTES
#endif

#if HWY_ONCE
namespace abikit::suites {
namespace {
HWY_EXPORT(fma_rounds);
HWY_EXPORT(int8_rounds);
HWY_EXPORT(bf16_rounds);
HWY_EXPORT(xor_words);
HWY_EXPORT(xor_four_streams);
HWY_EXPORT(copy_groups);

// Values around 1 that no compiler knows.
template <class T>
struct Starts {
    T values[kMaxLanes + kChains];
    Starts(T first, T step) {
        for (T& value : values) {
            value = first;
            first = static_cast<T>(first + step);
        }
    }
};

// Stores where the compiler cannot see that nobody reads.
template <class T>
void keep(T value) {
    volatile T kept = value;
    static_cast<void>(kept);
}

double operations(std::size_t steps, std::size_t products) {
    return static_cast<double>(steps) * static_cast<double>(products) * 2.0;
}

}  // namespace

double fma_steps(std::size_t steps) {
    const Starts<float> starts(0.5F, 0.001F);
    float total = 0.0F;
    const std::size_t products = HWY_DYNAMIC_DISPATCH(fma_rounds)(steps, starts.values, &total);
    keep(total);
    return operations(steps, products);
}

double int8_steps(std::size_t steps) {
    const Starts<std::int32_t> starts(0x00010003, 0x00010001);
    std::int32_t total = 0;
    std::size_t products = 0;
#ifdef ABI_SUITES_HAS_EXTENSIONS
    const std::string target = simd::chosen_target();
    if (target == "AVX3_DL" || target == "AVX3_ZEN4") {
        products = N_AVX3_DL::int8_rounds(steps, starts.values, &total);
    }
#endif
    if (products == 0) {
        products = HWY_DYNAMIC_DISPATCH(int8_rounds)(steps, starts.values, &total);
    }
    keep(total);
    return operations(steps, products);
}

double bf16_steps(std::size_t steps) {
    const Starts<float> starts(0.5F, 0.001F);
    float total = 0.0F;
    std::size_t products = 0;
#ifdef ABI_SUITES_HAS_EXTENSIONS
    if (simd::chosen_target() == "AVX3_ZEN4") {
        products = N_AVX3_ZEN4::bf16_rounds(steps, starts.values, &total);
    }
#endif
    if (products == 0) {
        products = HWY_DYNAMIC_DISPATCH(bf16_rounds)(steps, starts.values, &total);
    }
    keep(total);
    return operations(steps, products);
}

std::uint64_t read_memory(const void* data, std::size_t size_bytes, ReadPattern pattern) noexcept {
    const auto* words = static_cast<const std::uint64_t*>(data);
    if (pattern == ReadPattern::kFourStreams) {
        return HWY_DYNAMIC_DISPATCH(xor_four_streams)(words, size_bytes / 8);
    }
    return HWY_DYNAMIC_DISPATCH(xor_words)(words, size_bytes / 8,
                                           pattern == ReadPattern::kPrefetch);
}

void copy_memory(void* to, const void* from, std::size_t size_bytes, CopyPattern pattern) noexcept {
    auto* target = static_cast<std::uint8_t*>(to);
    const auto* source = static_cast<const std::uint8_t*>(from);
    const std::size_t done = HWY_DYNAMIC_DISPATCH(copy_groups)(target, source, size_bytes,
                                                               pattern == CopyPattern::kStream);
    std::memcpy(target + done, source + done, size_bytes - done);
}

}  // namespace abikit::suites
#endif  // HWY_ONCE

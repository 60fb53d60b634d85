// The read kernel: vector loads in address order, several sums so that none waits for another.
#include "read_memory.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bars/read_memory.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace abikit::bars::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

std::uint64_t xor_words(const std::uint64_t* words, std::size_t count) {
    const hn::ScalableTag<std::uint64_t> d;
    const std::size_t lanes = hn::Lanes(d);
    auto a = hn::Zero(d), b = a, c = a, e = a;
    std::size_t i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
        a = hn::Xor(a, hn::LoadU(d, words + i));
        b = hn::Xor(b, hn::LoadU(d, words + i + lanes));
        c = hn::Xor(c, hn::LoadU(d, words + i + 2 * lanes));
        e = hn::Xor(e, hn::LoadU(d, words + i + 3 * lanes));
    }
    HWY_ALIGN std::uint64_t parts[hn::MaxLanes(d)];
    hn::Store(hn::Xor(hn::Xor(a, b), hn::Xor(c, e)), d, parts);
    std::uint64_t result = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        result ^= parts[lane];
    }
    for (; i < count; ++i) {
        result ^= words[i];
    }
    return result;
}

}  // namespace
}  // namespace abikit::bars::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::bars {
namespace {
HWY_EXPORT(xor_words);
}  // namespace

std::uint64_t read_memory(const void* data, std::size_t size_bytes) noexcept {
    return HWY_DYNAMIC_DISPATCH(xor_words)(static_cast<const std::uint64_t*>(data), size_bytes / 8);
}

}  // namespace abikit::bars
#endif  // HWY_ONCE

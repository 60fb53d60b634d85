// The preparation of a needle: its critical place and its period.
#include "two_way.hpp"

#include <algorithm>
#include <functional>

namespace abikit::simd {
namespace {

struct Suffix {
    std::size_t start = 0;
    std::size_t period = 1;
};

// The suffix that comes last in the order `comes_before`, and its period. `offset` counts how much
// of a rival suffix agrees with the best one so far.
template <class Order>
Suffix last_suffix(std::span<const std::uint8_t> needle, Order comes_before) {
    Suffix best;
    std::size_t rival = 1;
    std::size_t offset = 0;
    while (rival + offset < needle.size()) {
        const std::uint8_t theirs = needle[rival + offset];
        const std::uint8_t ours = needle[best.start + offset];
        if (theirs == ours) {
            if (++offset == best.period) {
                rival += offset;
                offset = 0;
            }
        } else if (comes_before(theirs, ours)) {
            rival += offset + 1;
            offset = 0;
            best.period = rival - best.start;
        } else {
            best = {.start = rival, .period = 1};
            ++rival;
            offset = 0;
        }
    }
    return best;
}

}  // namespace

TwoWay::TwoWay(std::span<const std::uint8_t> needle) noexcept : needle_(needle) {
    const Suffix less = last_suffix(needle, std::less<>());
    const Suffix greater = last_suffix(needle, std::greater<>());
    const Suffix& suffix = less.start > greater.start ? less : greater;
    cut_ = suffix.start;
    period_ = suffix.period;
    periodic_ = cut_ + period_ <= needle.size() &&
                std::equal(needle.begin(), needle.begin() + static_cast<std::ptrdiff_t>(cut_),
                           needle.begin() + static_cast<std::ptrdiff_t>(period_));
    if (!periodic_) {
        // A lower bound of the period, which is all that a shift may take.
        period_ = std::max(cut_, needle.size() - cut_) + 1;
    }
}

}  // namespace abikit::simd

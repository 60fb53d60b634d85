// Substring search that takes linear time for any input: where the vector filter of
// kernels/substring.cpp meets too many near misses, it goes on with this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace abikit::simd {

// The Two-Way algorithm: M. Crochemore, D. Perrin, "Two-way string-matching", J. ACM 38 (1991). The
// needle is cut at a critical place. Its right part is compared from left to right and its left
// part backwards; each mismatch moves on by what has been compared, each match by the needle's
// period, so that no more than 2 * text comparisons are made. Borrows the needle; no allocation.
class TwoWay {
public:
    // The needle has at least one byte. Linear in its size.
    explicit TwoWay(std::span<const std::uint8_t> needle) noexcept;

    // Calls on_match(offset) for each occurrence at or after `from`, overlapping ones included,
    // until that returns false.
    template <class OnMatch>
    void search(std::span<const std::uint8_t> text, std::size_t from, OnMatch&& on_match) const;

private:
    std::span<const std::uint8_t> needle_;
    std::size_t cut_ = 0;
    std::size_t period_ = 0;
    // The needle repeats with its period: what is known to match after a match is remembered.
    bool periodic_ = false;
};

template <class OnMatch>
void TwoWay::search(std::span<const std::uint8_t> text, std::size_t from,
                    OnMatch&& on_match) const {
    const std::size_t size = needle_.size();
    std::size_t known = 0;  // bytes at the front of the needle that match at `from`
    while (from <= text.size() && size <= text.size() - from) {
        const std::uint8_t* const place = text.data() + from;
        std::size_t right = cut_ > known ? cut_ : known;
        while (right < size && needle_[right] == place[right]) {
            ++right;
        }
        if (right < size) {
            from += right - cut_ + 1;
            known = 0;
            continue;
        }
        std::size_t left = cut_;
        while (left > known && needle_[left - 1] == place[left - 1]) {
            --left;
        }
        if (left <= known && !on_match(from)) {
            return;
        }
        from += period_;
        known = periodic_ ? size - period_ : 0;
    }
}

}  // namespace abikit::simd

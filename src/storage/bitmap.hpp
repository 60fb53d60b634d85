// A fixed-size set of rows: the deleted ones of a segment or of the log.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

namespace abikit::storage {

// One bit a row, 64 to a word, lowest bit first; also the on-disk form of a deletes file. Value
// semantics.
class Bitmap {
public:
    Bitmap() = default;
    explicit Bitmap(std::uint64_t rows) : words_((rows + 63) / 64) {}
    explicit Bitmap(std::vector<std::uint64_t> words) : words_(std::move(words)) {
        for (const std::uint64_t word : words_) {
            count_ += static_cast<std::uint64_t>(std::popcount(word));
        }
    }
    bool test(std::uint64_t row) const noexcept {
        return row / 64 < words_.size() && ((words_[row / 64] >> (row % 64)) & 1u) != 0;
    }
    // True when the bit was not set before.
    bool set(std::uint64_t row) {
        if (row / 64 >= words_.size()) {
            words_.resize(row / 64 + 1);
        }
        const std::uint64_t bit = std::uint64_t{1} << (row % 64);
        const bool fresh = (words_[row / 64] & bit) == 0;
        words_[row / 64] |= bit;
        count_ += fresh ? 1u : 0u;
        return fresh;
    }
    // Bits beyond the words are zero; grown so that `rows` can be read word by word.
    void grow(std::uint64_t rows) {
        if ((rows + 63) / 64 > words_.size()) {
            words_.resize((rows + 63) / 64);
        }
    }
    std::uint64_t count() const noexcept { return count_; }
    const std::vector<std::uint64_t>& words() const noexcept { return words_; }

private:
    std::vector<std::uint64_t> words_;
    std::uint64_t count_ = 0;
};

using BitmapPtr = std::shared_ptr<const Bitmap>;  // null: no row is deleted

}  // namespace abikit::storage

// Sets of rows as plain bits.
#include <abi/storage/row_set.hpp>

#include <algorithm>
#include <bit>

#include <abi/core/error.hpp>

namespace abikit::storage {

namespace {
std::uint64_t ones(std::uint64_t word) noexcept {
    return static_cast<std::uint64_t>(std::popcount(word));
}
}  // namespace

RowSet::RowSet(std::vector<std::uint64_t> words, std::uint64_t rows)
    : words_(std::move(words)), rows_(rows) {
    ABI_ASSERT(words_.size() == (rows_ + 63) / 64);
    for (const std::uint64_t word : words_) {
        count_ += ones(word);
    }
}

std::uint64_t RowSet::count_in(std::uint64_t first, std::uint64_t count) const noexcept {
    if (first == 0 && count >= rows_) {
        return count_;
    }
    first = std::min(first, rows_);
    const std::uint64_t end = first + std::min(count, rows_ - first);
    std::uint64_t found = 0;
    for (std::uint64_t at = first; at < end;) {
        const std::uint64_t take = std::min(64 - at % 64, end - at);
        const std::uint64_t mask = take == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << take) - 1;
        found += ones((words_[at / 64] >> (at % 64)) & mask);
        at += take;
    }
    return found;
}

std::optional<std::uint64_t> RowSet::next(std::uint64_t from) const noexcept {
    if (from >= rows_) {
        return std::nullopt;
    }
    std::size_t at = from / 64;
    std::uint64_t word = words_[at] & (~std::uint64_t{0} << (from % 64));
    while (word == 0) {
        if (++at == words_.size()) {
            return std::nullopt;
        }
        word = words_[at];
    }
    return at * 64 + static_cast<std::uint64_t>(std::countr_zero(word));
}

}  // namespace abikit::storage

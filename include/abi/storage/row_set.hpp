// A set of rows of one snapshot: what a filter matched, and what a search may be restricted to,
// whatever found the rows. Read `filter.hpp` for the language that makes them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <abi/core/export.h>

namespace abikit::storage {

// One bit a row number: deleted rows are never in it. Value semantics; meaningless with another
// snapshot than the one it was made of. Memory: one bit for each row of the snapshot.
class ABI_API RowSet {
public:
    // No row of a snapshot without rows.
    RowSet() = default;
    // Bit b of word w is row number 64 w + b. `rows` numbers there are in the snapshot, deleted
    // ones included; bits from there on must be zero. Precondition: words has (rows + 63) / 64.
    RowSet(std::vector<std::uint64_t> words, std::uint64_t rows);

    // Members, known without counting.
    std::uint64_t count() const noexcept { return count_; }
    bool empty() const noexcept { return count_ == 0; }
    // Row numbers of the snapshot, members or not: a member is below.
    std::uint64_t rows() const noexcept { return rows_; }
    bool contains(std::uint64_t row) const noexcept {
        return row < rows_ && ((words_[row / 64] >> (row % 64)) & 1u) != 0;
    }
    // Members among [first, first + count), which are cut at rows(). O(count / 64).
    std::uint64_t count_in(std::uint64_t first, std::uint64_t count) const noexcept;
    // The lowest member that is not below `from`. O(gap / 64).
    std::optional<std::uint64_t> next(std::uint64_t from) const noexcept;
    // As the constructor takes them, for walks over whole words.
    std::span<const std::uint64_t> words() const noexcept { return words_; }

    friend bool operator==(const RowSet&, const RowSet&) = default;

private:
    std::vector<std::uint64_t> words_;
    std::uint64_t rows_ = 0;
    std::uint64_t count_ = 0;
};

}  // namespace abikit::storage

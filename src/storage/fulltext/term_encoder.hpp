// The postings of one term as bytes: blocks of 128 rows, their impacts, and positions beside them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "bit_pack.hpp"
#include "text_index_format.hpp"

namespace abikit::storage::fulltext {

// Takes one term's occurrences in order. Memory is reused from term to term.
class TermEncoder {
public:
    // `lengths`: words of each row of the part.
    explicit TermEncoder(std::span<const std::uint32_t> lengths) : lengths_(lengths) {}

    void begin();
    void begin_row(std::uint32_t row);
    void add_position(std::uint32_t delta);
    // What was taken since begin().
    void end();

    std::uint32_t documents() const noexcept { return documents_; }
    const std::string& postings() const noexcept { return postings_; }
    const std::string& positions() const noexcept { return positions_; }

private:
    void end_block();
    void put_entry();
    void put_packed();
    void put_tail();

    std::span<const std::uint32_t> lengths_;
    std::uint32_t documents_ = 0;
    std::uint32_t previous_ = 0;  // one more than the last row of the block before
    std::size_t pending_ = 0;
    std::array<std::uint32_t, kBlockPostings> rows_{}, frequencies_{};
    std::uint32_t block_positions_ = 0;
    std::string entries_, blocks_, postings_, positions_;
};

}  // namespace abikit::storage::fulltext

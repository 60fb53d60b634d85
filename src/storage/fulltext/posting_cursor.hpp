// Walks over the rows of one word, block by block, with bounds on what they can score.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bit_pack.hpp"
#include "bm25.hpp"
#include "text_index.hpp"

namespace abikit::storage::fulltext {

// Rows of a part and how often something stands in each, gathered in memory: for prefixes and
// phrases.
struct PostingList {
    std::vector<std::uint32_t> rows, frequencies;
};

// Single thread. Not copied while it is open. A block that makes no sense ends it: row() is kEnd
// then and ok() false.
class PostingCursor {
public:
    static constexpr std::uint32_t kEnd = 0xFFFFFFFFU;
    enum class Positions { kNo, kYes };

    // Stands on the first row afterwards. The part, and the list, must outlive the cursor.
    Status open(const TextPart& part, const TermEntry& term, const Bm25& bm25, float weight,
                Positions positions = Positions::kNo);
    void open(const TextPart& part, const PostingList& list, const Bm25& bm25, float weight);

    std::uint32_t row() const noexcept { return row_; }
    bool ok() const noexcept { return ok_; }
    std::uint32_t frequency() noexcept {
        if (!frequencies_ready_) {
            load_frequencies();
        }
        return frequencies_[at_];
    }
    // What the row scores.
    std::uint32_t score() noexcept {
        return bm25_.score(weight_, static_cast<float>(frequency()),
                           static_cast<float>(part_->length(row_)));
    }
    void next() noexcept {
        if (++at_ < count_) {
            row_ = rows_[at_];
        } else {
            load(block_ + 1);
        }
    }
    // The first row that is not below `target`.
    void advance(std::uint32_t target) noexcept {
        if (row_ < target) {
            seek(target);
        }
    }

    // No row scores more.
    std::uint32_t highest() const noexcept { return highest_; }
    // The block where the first row from `target` on is, if there is one: up to which row it goes
    // and what no row of it exceeds. Targets must not fall, nor be below row() when it moves.
    struct Bound {
        std::uint32_t last_row = kEnd;
        std::uint32_t score = 0;
    };
    Bound bound(std::uint32_t target) noexcept {
        shallow_ = block_from(std::max(shallow_, block_), target);
        return shallow_ == blocks_.size()
                   ? Bound()
                   : Bound{blocks_[shallow_].last_row, blocks_[shallow_].highest};
    }
    // Where the word stands in the row, ascending. False when that cannot be read.
    bool positions(std::vector<std::uint32_t>& out);

private:
    struct Block {
        std::uint32_t last_row = 0, highest = 0;
        std::uint32_t data = 0, positions = 0;
        std::uint8_t row_bits = 0, frequency_bits = 0;
    };

    void reset(const TextPart& part, const Bm25& bm25, float weight);
    bool read_table(std::span<const std::byte> postings, const TermEntry& term);
    std::uint32_t block_bound(std::span<const std::byte> impacts) const noexcept;
    std::uint32_t loaded_bound() noexcept;
    std::size_t block_from(std::size_t block, std::uint32_t target) const noexcept;
    void seek(std::uint32_t target) noexcept;
    void load(std::size_t block) noexcept;
    bool load_packed(const Block& block, std::uint32_t next) noexcept;
    bool load_tail(std::uint32_t data, std::uint32_t next) noexcept;
    void load_frequencies() noexcept;
    void end() noexcept;

    const TextPart* part_ = nullptr;
    const PostingList* list_ = nullptr;
    Bm25 bm25_;
    float weight_ = 0;
    bool ok_ = true, frequencies_ready_ = true;
    std::uint32_t row_ = kEnd;
    std::uint32_t at_ = 0, count_ = 0;
    std::size_t block_ = 0, shallow_ = 0;
    std::uint32_t documents_ = 0, highest_ = 0;
    std::vector<Block> blocks_;
    std::span<const std::byte> data_, positions_;
    VarintReader position_reader_;
    std::size_t position_block_ = 0;
    std::uint32_t position_at_ = kEnd;
    std::array<std::uint32_t, kBlockPostings> rows_, frequencies_;
};

}  // namespace abikit::storage::fulltext

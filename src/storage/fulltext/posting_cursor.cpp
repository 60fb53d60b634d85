// Decoding with every width, offset and row checked: damaged postings end, they never lead astray.
#include "posting_cursor.hpp"

#include <algorithm>
#include <cstring>

namespace abikit::storage::fulltext {

void PostingCursor::reset(const TextPart& part, const Bm25& bm25, float weight) {
    part_ = &part;
    list_ = nullptr;
    bm25_ = bm25;
    weight_ = weight;
    ok_ = true;
    block_ = shallow_ = 0;
    highest_ = 0;
    row_ = position_at_ = kEnd;
    at_ = count_ = 0;
    blocks_.clear();
    data_ = positions_ = {};
}

std::uint32_t PostingCursor::block_bound(std::span<const std::byte> impacts) const noexcept {
    std::uint32_t bound = 0;
    for (std::size_t i = 0; i < kImpactsPerBlock; ++i) {
        const auto frequency = static_cast<std::uint8_t>(impacts[2 * i]);
        const auto length = static_cast<std::uint8_t>(impacts[2 * i + 1]);
        if (frequency == 0) {
            break;
        }
        bound = std::max(bound, bm25_.score(weight_, decode_impact_up(frequency),
                                            static_cast<float>(decode_impact(length))));
    }
    return bound;
}

// Of the block in memory.
std::uint32_t PostingCursor::loaded_bound() noexcept {
    std::uint32_t bound = 0;
    for (std::uint32_t i = 0; i < count_; ++i) {
        bound = std::max(bound, bm25_.score(weight_, static_cast<float>(frequencies_[i]),
                                            static_cast<float>(part_->length(rows_[i]))));
    }
    return bound;
}

bool PostingCursor::read_table(std::span<const std::byte> postings, const TermEntry& term) {
    const std::size_t count = (std::size_t{term.documents} + kBlockPostings - 1) / kBlockPostings;
    if (postings.size() < count * kBlockEntryBytes) {
        return false;
    }
    data_ = postings.subspan(count * kBlockEntryBytes);
    blocks_.resize(count);
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto entry = postings.subspan(i * kBlockEntryBytes, kBlockEntryBytes);
        std::array<std::uint32_t, 3> words{};
        std::memcpy(words.data(), entry.data(), sizeof words);
        Block& block = blocks_[i];
        block.last_row = words[0];
        block.data = words[1];
        block.positions = words[2];
        block.row_bits = static_cast<std::uint8_t>(entry[12]);
        block.frequency_bits = static_cast<std::uint8_t>(entry[13]);
        block.highest = block_bound(entry.subspan(16));
        highest_ = std::max(highest_, block.highest);
        const bool full = (i + 1) * kBlockPostings <= term.documents;
        const std::size_t bytes =
            full ? packed_bytes(block.row_bits) + packed_bytes(block.frequency_bits) : 0;
        if (block.last_row < next || block.last_row >= part_->entry().rows ||
            block.data > data_.size() || bytes > data_.size() - block.data ||
            block.row_bits > kMaxRowBits || block.frequency_bits > 32 ||
            block.positions > term.positions_bytes) {
            return false;
        }
        next = std::uint64_t{block.last_row} + 1;
    }
    return true;
}

Status PostingCursor::open(const TextPart& part, const TermEntry& term, const Bm25& bm25,
                           float weight, Positions positions) {
    reset(part, bm25, weight);
    ABI_TRY(const auto postings, part.bytes().range(term.offset, term.postings_bytes));
    if (positions == Positions::kYes) {
        ABI_TRY(positions_,
                part.bytes().range(term.offset + term.postings_bytes, term.positions_bytes));
    }
    documents_ = term.documents;
    bool sound = true;
    if (documents_ < kBlockPostings) {
        data_ = postings;
        blocks_.resize(1);
        count_ = documents_;
        sound = load_tail(0, 0);
        if (sound) {
            highest_ = blocks_[0].highest = loaded_bound();
            blocks_[0].last_row = rows_[count_ - 1];
            at_ = 0;
            row_ = rows_[0];
        }
    } else {
        sound = read_table(postings, term);
        if (sound) {
            load(0);
        }
    }
    return sound && ok_ ? Status()
                        : fail(part.bytes().damage(term.offset,
                                                   "postings of the full-text index "
                                                   "cannot be read"));
}

void PostingCursor::open(const TextPart& part, const PostingList& list, const Bm25& bm25,
                         float weight) {
    reset(part, bm25, weight);
    list_ = &list;
    documents_ = static_cast<std::uint32_t>(list.rows.size());
    const std::size_t count = (list.rows.size() + kBlockPostings - 1) / kBlockPostings;
    blocks_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        load(i);
        blocks_[i].last_row = rows_[count_ - 1];
        blocks_[i].highest = loaded_bound();
        highest_ = std::max(highest_, blocks_[i].highest);
    }
    load(0);
}

void PostingCursor::end() noexcept {
    row_ = kEnd;
    block_ = blocks_.size();
    at_ = count_ = 0;
}

bool PostingCursor::load_packed(const Block& block, std::uint32_t next) noexcept {
    unpack_block(data_.data() + block.data, block.row_bits, rows_.data());
    for (std::uint32_t& row : rows_) {
        row += next;
        next = row + 1;
    }
    frequencies_ready_ = false;
    return rows_.back() == block.last_row;
}

void PostingCursor::load_frequencies() noexcept {
    const Block& block = blocks_[block_];
    unpack_block(data_.data() + block.data + packed_bytes(block.row_bits), block.frequency_bits,
                 frequencies_.data());
    for (std::uint32_t& frequency : frequencies_) {
        ++frequency;
    }
    frequencies_ready_ = true;
}

bool PostingCursor::load_tail(std::uint32_t data, std::uint32_t next) noexcept {
    VarintReader in(data_.subspan(data));
    const std::uint64_t rows = part_->entry().rows;
    for (std::uint32_t i = 0; i < count_; ++i) {
        const std::uint64_t head = in.get();
        const std::uint64_t row = next + (head >> 1U);
        frequencies_[i] = (head & 1U) != 0 ? 1 : in.get32();
        if (!in.ok() || row >= rows || frequencies_[i] == 0) {
            return false;
        }
        rows_[i] = static_cast<std::uint32_t>(row);
        next = rows_[i] + 1;
    }
    frequencies_ready_ = true;
    return count_ != 0;
}

void PostingCursor::load(std::size_t number) noexcept {
    if (number >= blocks_.size()) {
        end();
        return;
    }
    const std::uint64_t before = std::uint64_t{number} * kBlockPostings;
    block_ = number;
    at_ = 0;
    count_ =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(kBlockPostings, documents_ - before));
    if (list_ != nullptr) {
        std::copy_n(list_->rows.begin() + static_cast<std::ptrdiff_t>(before), count_,
                    rows_.begin());
        std::copy_n(list_->frequencies.begin() + static_cast<std::ptrdiff_t>(before), count_,
                    frequencies_.begin());
        frequencies_ready_ = true;
        row_ = rows_[0];
        return;
    }
    const Block& block = blocks_[number];
    const std::uint32_t next = number == 0 ? 0 : blocks_[number - 1].last_row + 1;
    const bool sound = count_ == kBlockPostings
                           ? load_packed(block, next)
                           : load_tail(block.data, next) && rows_[count_ - 1] == block.last_row;
    if (!sound) {
        ok_ = false;
        end();
        return;
    }
    row_ = rows_[0];
}

std::size_t PostingCursor::block_from(std::size_t block, std::uint32_t target) const noexcept {
    std::size_t step = 1, low = block;
    while (block < blocks_.size() && blocks_[block].last_row < target) {
        low = block + 1;
        block += step;
        step *= 2;
    }
    const auto stop =
        blocks_.begin() + static_cast<std::ptrdiff_t>(std::min(block, blocks_.size()));
    const auto found = std::partition_point(
        blocks_.begin() + static_cast<std::ptrdiff_t>(low), stop,
        [target](const Block& candidate) { return candidate.last_row < target; });
    return static_cast<std::size_t>(found - blocks_.begin());
}

void PostingCursor::seek(std::uint32_t target) noexcept {
    if (block_ >= blocks_.size()) {
        return;
    }
    if (blocks_[block_].last_row < target) {
        load(block_from(block_ + 1, target));
        if (row_ >= target) {
            return;
        }
    }
    const auto* const found = std::lower_bound(rows_.data() + at_, rows_.data() + count_, target);
    at_ = static_cast<std::uint32_t>(found - rows_.data());
    if (at_ < count_) {
        row_ = rows_[at_];
    } else {
        end();  // not reachable: the block ends with a row that is not below the target
    }
}

bool PostingCursor::positions(std::vector<std::uint32_t>& out) {
    out.clear();
    const std::uint32_t count = frequency();
    if (position_at_ > at_ || position_block_ != block_) {
        position_reader_ = VarintReader(positions_.subspan(blocks_[block_].positions));
        position_block_ = block_;
        position_at_ = 0;
    }
    std::uint64_t before = 0;
    for (; position_at_ < at_; ++position_at_) {
        before += frequencies_[position_at_];
    }
    position_reader_.skip(before);
    std::uint64_t position = 0;
    for (std::uint32_t i = 0; i < count && position_reader_.ok(); ++i) {
        position += position_reader_.get32();
        out.push_back(static_cast<std::uint32_t>(position));
    }
    ++position_at_;
    ok_ = ok_ && position_reader_.ok() && position < kEnd && count != 0;
    return ok_;
}

}  // namespace abikit::storage::fulltext

// Cuts postings into blocks; a last one of fewer than 128 rows is written as single numbers.
#include "term_encoder.hpp"

#include <algorithm>
#include <limits>

#include "bm25.hpp"
#include "varint.hpp"

namespace abikit::storage::fulltext {

namespace {
constexpr std::uint32_t kExactFrequencies = 16;  // higher ones are bounded together

// The impacts that no other one covers, highest frequency first, at most kImpactsPerBlock: where
// there are more, those of the highest frequencies become one.
std::array<Impact, kImpactsPerBlock> impacts_of(std::span<const std::uint32_t> rows,
                                                std::span<const std::uint32_t> frequencies,
                                                std::span<const std::uint32_t> lengths) {
    constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
    std::array<std::uint32_t, kExactFrequencies + 1> shortest;
    shortest.fill(kNone);
    std::uint32_t highest = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::uint32_t& length = shortest[std::min(frequencies[i], kExactFrequencies)];
        length = std::min(length, lengths[rows[i]]);
        highest = std::max(highest, frequencies[i]);
    }
    std::array<Impact, kExactFrequencies> front{};
    std::size_t count = 0;
    std::uint32_t best = kNone;
    for (std::uint32_t frequency = kExactFrequencies; frequency > 0; --frequency) {
        if (shortest[frequency] < best) {
            best = shortest[frequency];
            front[count++] = {
                encode_impact_up(frequency == kExactFrequencies ? highest : frequency),
                encode_impact(best)};
        }
    }
    std::array<Impact, kImpactsPerBlock> kept{};
    const std::size_t merged = count > kImpactsPerBlock ? count - kImpactsPerBlock : 0;
    std::copy(front.begin() + static_cast<std::ptrdiff_t>(merged),
              front.begin() + static_cast<std::ptrdiff_t>(count), kept.begin());
    kept[0].frequency = front[0].frequency;
    return kept;
}

void put_u32(std::string& out, std::uint32_t value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
}  // namespace

void TermEncoder::begin() {
    documents_ = previous_ = block_positions_ = 0;
    pending_ = 0;
    entries_.clear();
    blocks_.clear();
    positions_.clear();
}

void TermEncoder::begin_row(std::uint32_t row) {
    if (pending_ == kBlockPostings) {
        end_block();
    }
    if (pending_ == 0) {
        block_positions_ = static_cast<std::uint32_t>(positions_.size());
    }
    rows_[pending_] = row;
    frequencies_[pending_] = 0;
    ++pending_;
    ++documents_;
}

void TermEncoder::add_position(std::uint32_t delta) {
    ++frequencies_[pending_ - 1];
    put_varint(positions_, delta);
}

void TermEncoder::put_entry() {
    const auto impacts = impacts_of(std::span(rows_).first(pending_),
                                    std::span(frequencies_).first(pending_), lengths_);
    put_u32(entries_, rows_[pending_ - 1]);
    put_u32(entries_, static_cast<std::uint32_t>(blocks_.size()));
    put_u32(entries_, block_positions_);
    entries_.append(4, '\0');  // widths, and two bytes of nothing
    for (const Impact& impact : impacts) {
        entries_ += static_cast<char>(impact.frequency);
        entries_ += static_cast<char>(impact.length);
    }
}

void TermEncoder::put_packed() {
    std::array<std::uint32_t, kBlockPostings> gaps, extra;
    std::uint32_t next = previous_;
    for (std::size_t i = 0; i < kBlockPostings; ++i) {
        gaps[i] = rows_[i] - next;
        next = rows_[i] + 1;
        extra[i] = frequencies_[i] - 1;
    }
    const unsigned row_bits = bits_needed(gaps), frequency_bits = bits_needed(extra);
    const std::size_t widths = entries_.size() - kBlockEntryBytes + 12;
    entries_[widths] = static_cast<char>(row_bits);
    entries_[widths + 1] = static_cast<char>(frequency_bits);
    pack_block(gaps, row_bits, blocks_);
    pack_block(extra, frequency_bits, blocks_);
}

void TermEncoder::put_tail() {
    std::uint32_t next = previous_;
    for (std::size_t i = 0; i < pending_; ++i) {
        const bool once = frequencies_[i] == 1;
        put_varint(blocks_, std::uint64_t{rows_[i] - next} << 1U | (once ? 1U : 0U));
        if (!once) {
            put_varint(blocks_, frequencies_[i]);
        }
        next = rows_[i] + 1;
    }
}

void TermEncoder::end_block() {
    put_entry();
    if (pending_ == kBlockPostings) {
        put_packed();
    } else {
        put_tail();
    }
    previous_ = rows_[pending_ - 1] + 1;
    pending_ = 0;
}

void TermEncoder::end() {
    if (pending_ != 0) {
        end_block();
    }
    // A term of few rows has no table of blocks.
    postings_.clear();
    if (documents_ >= kBlockPostings) {
        postings_ = entries_;
    }
    postings_ += blocks_;
}

}  // namespace abikit::storage::fulltext

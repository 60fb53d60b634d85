// Gathering occurrences, then writing terms in order with their dictionary.
#include "text_part_builder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "../format.hpp"
#include "term_encoder.hpp"
#include "varint.hpp"

namespace abikit::storage::fulltext {

namespace {
constexpr std::size_t kWriteBytes = std::size_t{1} << 18;

// The first eight bytes as a number that sorts as they do.
std::uint64_t sort_key(std::string_view name) {
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        key = key << 8U | (i < name.size() ? static_cast<std::uint8_t>(name[i]) : 0U);
    }
    return key;
}
}  // namespace

// Reads back what put() wrote: numbers, slice after slice.
class TextPartBuilder::Occurrences {
public:
    Occurrences(TextPartBuilder& builder, const Term& term)
        : builder_(builder),
          at_(term.head),
          end_(term.at),
          slice_bytes_(kFirstSlice),
          slice_end_(term.head + kFirstSlice - kLinkBytes) {}
    bool empty() const noexcept { return at_ == end_; }
    std::uint32_t next() noexcept {
        std::uint32_t value = 0;
        for (unsigned shift = 0;; shift += 7) {
            const auto byte = static_cast<std::uint32_t>(next_byte());
            value |= (byte & 0x7FU) << shift;
            if (byte < 0x80) {
                return value;
            }
        }
    }

private:
    std::byte next_byte() noexcept {
        if (at_ == slice_end_) {
            std::memcpy(&at_, &builder_.byte(slice_end_), kLinkBytes);
            slice_bytes_ = std::min(slice_bytes_ * 2, kLastSlice);
            slice_end_ = at_ + slice_bytes_ - kLinkBytes;
        }
        return builder_.byte(at_++);
    }

    TextPartBuilder& builder_;
    std::uint32_t at_, end_, slice_bytes_, slice_end_;
};

std::uint32_t TextPartBuilder::new_slice(std::uint32_t bytes) {
    const std::uint32_t left = kSlabBytes - slab_end_ % kSlabBytes;
    if (slabs_.empty() || left < bytes || slab_end_ == slabs_.size() * kSlabBytes) {
        slab_end_ = static_cast<std::uint32_t>(slabs_.size()) * kSlabBytes;
        slabs_.push_back(std::make_unique_for_overwrite<std::byte[]>(kSlabBytes));
    }
    slab_end_ += bytes;
    return slab_end_ - bytes;
}

void TextPartBuilder::put(Term& term, std::uint32_t number) {
    const auto put_byte = [&](std::uint32_t value) {
        if (term.at == term.slice_end) {
            term.slice_bytes = std::min(term.slice_bytes * 2, kLastSlice);
            const std::uint32_t next = new_slice(term.slice_bytes);
            std::memcpy(&byte(term.slice_end), &next, kLinkBytes);
            term.at = next;
            term.slice_end = next + term.slice_bytes - kLinkBytes;
        }
        byte(term.at++) = static_cast<std::byte>(value);
    };
    for (; number >= 0x80; number >>= 7U) {
        put_byte((number & 0x7FU) | 0x80U);
    }
    put_byte(number);
}

void TextPartBuilder::grow_table() {
    table_.assign(std::max<std::size_t>(1024, table_.size() * 2), 0);
    for (std::uint32_t i = 0; i < terms_.size(); ++i) {
        std::size_t slot = terms_[i].hash & (table_.size() - 1);
        while (table_[slot] != 0) {
            slot = (slot + 1) & (table_.size() - 1);
        }
        table_[slot] = i + 1;
    }
}

TextPartBuilder::Term& TextPartBuilder::term(std::string_view bytes, std::uint64_t hash64) {
    if ((terms_.size() + 1) * 2 > table_.size()) {
        grow_table();
    }
    const auto hash = static_cast<std::uint32_t>(hash64);
    std::size_t slot = hash & (table_.size() - 1);
    for (; table_[slot] != 0; slot = (slot + 1) & (table_.size() - 1)) {
        Term& found = terms_[table_[slot] - 1];
        if (found.hash == hash && name(found) == bytes) {
            return found;
        }
    }
    Term fresh;
    fresh.name = names_.size();
    fresh.name_bytes = static_cast<std::uint32_t>(bytes.size());
    fresh.head = fresh.at = new_slice(kFirstSlice);
    fresh.slice_bytes = kFirstSlice;
    fresh.slice_end = fresh.head + kFirstSlice - kLinkBytes;
    fresh.hash = hash;
    names_ += bytes;
    terms_.push_back(fresh);
    table_[slot] = static_cast<std::uint32_t>(terms_.size());
    return terms_.back();
}

void TextPartBuilder::add(std::uint32_t row, std::string_view text) {
    std::uint32_t words = 0;
    words_.visit(text, [&](const text::SearchWord& word) {
        Term& found = term(word.bytes, word.hash);
        const bool new_row = found.documents == 0 || found.row != row;
        const std::uint32_t delta = word.position - (new_row ? 0 : found.position);
        // A position delta with one bit more may need 33 bits only beyond 2 GiB of words.
        put(found, delta << 1U | (new_row ? 1U : 0U));
        if (new_row) {
            put(found, row - found.row);
            found.row = row;
            ++found.documents;
        }
        found.position = word.position;
        words = std::max(words, word.position + 1);
    });
    lengths_.resize(std::size_t{row} + 1);
    lengths_[row] = words;
    total_words_ += words;
    ++documents_;
    text_bytes_ += text.size();
}

std::vector<std::uint32_t> TextPartBuilder::sorted_terms() const {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> keys;
    keys.reserve(terms_.size());
    for (std::uint32_t i = 0; i < terms_.size(); ++i) {
        keys.emplace_back(sort_key(name(terms_[i])), i);
    }
    std::sort(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first
                                  : name(terms_[a.second]) < name(terms_[b.second]);
    });
    std::vector<std::uint32_t> order;
    order.reserve(keys.size());
    for (const auto& [key, term] : keys) {
        order.push_back(term);
    }
    return order;
}

Status TextPartBuilder::write_terms(PartEntry& entry, const ByteSink& sink) {
    TermEncoder encoder(lengths_);
    std::string out, terms;
    std::vector<std::uint32_t> blocks;
    std::string_view previous;
    std::uint64_t written = 0;
    std::size_t count = 0;
    for (const std::uint32_t id : sorted_terms()) {
        const Term& term = terms_[id];
        encoder.begin();
        std::uint32_t row = 0;
        for (Occurrences from(*this, term); !from.empty();) {
            const std::uint32_t head = from.next();
            if ((head & 1U) != 0) {
                row += from.next();
                encoder.begin_row(row);
            }
            encoder.add_position(head >> 1U);
        }
        encoder.end();
        if (count++ % kTermsPerBlock == 0) {
            blocks.push_back(static_cast<std::uint32_t>(terms.size()));
            const std::uint64_t at = entry.data_offset + written;
            terms.append(reinterpret_cast<const char*>(&at), sizeof at);
            previous = {};
        }
        const std::string_view bytes = name(term);
        const auto shared = static_cast<std::size_t>(
            std::mismatch(bytes.begin(), bytes.end(), previous.begin(), previous.end()).first -
            bytes.begin());
        put_varint(terms, shared);
        put_varint(terms, bytes.size() - shared);
        terms += bytes.substr(shared);
        put_varint(terms, encoder.documents());
        put_varint(terms, encoder.postings().size());
        put_varint(terms, encoder.positions().size());
        previous = bytes;
        out += encoder.postings();
        out += encoder.positions();
        written += encoder.postings().size() + encoder.positions().size();
        if (out.size() >= kWriteBytes) {
            ABI_CHECK(sink(as_bytes(out)));
            out.clear();
        }
    }
    ABI_CHECK(sink(as_bytes(out)));
    entry.lengths_offset = entry.data_offset + written;
    ABI_CHECK(write_lengths(entry, entry.rows, sink));
    ABI_CHECK(sink(as_bytes(terms)));
    entry.blocks_offset = entry.terms_offset + terms.size();
    ABI_CHECK(sink(std::as_bytes(std::span<const std::uint32_t>(blocks))));
    entry.end = entry.blocks_offset + blocks.size() * sizeof(std::uint32_t);
    return {};
}

Status TextPartBuilder::write_lengths(PartEntry& entry, std::uint32_t rows, const ByteSink& sink) {
    lengths_.resize(rows);
    std::uint32_t longest = 0;
    for (const std::uint32_t length : lengths_) {
        longest = std::max(longest, length);
    }
    entry.length_bytes = longest < 0x100 ? 1 : longest < 0x10000 ? 2 : 4;
    std::string bytes;
    bytes.reserve(std::size_t{rows} * entry.length_bytes);
    for (const std::uint32_t length : lengths_) {
        bytes.append(reinterpret_cast<const char*>(&length), entry.length_bytes);
    }
    entry.terms_offset = entry.lengths_offset + bytes.size();
    return sink(as_bytes(bytes));
}

Result<PartEntry> TextPartBuilder::write(std::uint64_t first_row, std::uint32_t rows,
                                         std::uint64_t offset, const ByteSink& sink) {
    PartEntry entry;
    entry.first_row = first_row;
    entry.rows = rows;
    entry.documents = documents_;
    entry.words = total_words_;
    entry.data_offset = offset;
    entry.terms = static_cast<std::uint32_t>(terms_.size());
    lengths_.resize(rows);
    ABI_CHECK(write_terms(entry, sink));
    table_.clear();
    terms_.clear();
    names_.clear();
    slabs_.clear();
    lengths_.clear();
    slab_end_ = 0;
    text_bytes_ = total_words_ = 0;
    documents_ = 0;
    return entry;
}

}  // namespace abikit::storage::fulltext

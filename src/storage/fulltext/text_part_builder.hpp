// Builds one part of a full-text index in memory and writes it out in one pass. Read
// text_index_writer.hpp next.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/error.hpp>

#include "../../text/search_words.hpp"
#include "text_index_format.hpp"

namespace abikit::storage::fulltext {

using ByteSink = std::function<Status(std::span<const std::byte>)>;

// Postings of each term as they come, in chains of slices that double: little for the many rare
// terms, long runs for the few frequent ones. Single thread.
class TextPartBuilder {
public:
    // Rows ascend. A row that is not added has no text.
    void add(std::uint32_t row, std::string_view text);
    std::uint64_t text_bytes() const noexcept { return text_bytes_; }
    // Writes the part, whose bytes start at `offset` of the section, and forgets it. Same rows,
    // same bytes.
    Result<PartEntry> write(std::uint64_t first_row, std::uint32_t rows, std::uint64_t offset,
                            const ByteSink& sink);

private:
    struct Term {
        std::uint64_t name = 0;  // in names_
        std::uint32_t name_bytes = 0;
        std::uint32_t documents = 0;
        std::uint32_t head = 0;  // the first slice
        std::uint32_t at = 0;    // where the next byte goes
        std::uint32_t slice_end = 0;
        std::uint32_t slice_bytes = 0;
        std::uint32_t row = 0, position = 0;  // of the last occurrence
        std::uint32_t hash = 0;
    };
    class Occurrences;

    Term& term(std::string_view bytes, std::uint64_t hash);
    void grow_table();
    void put(Term& term, std::uint32_t number);
    std::uint32_t new_slice(std::uint32_t bytes);
    std::byte& byte(std::uint32_t at) noexcept { return slabs_[at / kSlabBytes][at % kSlabBytes]; }
    std::string_view name(const Term& term) const noexcept {
        return std::string_view(names_).substr(term.name, term.name_bytes);
    }
    std::vector<std::uint32_t> sorted_terms() const;
    Status write_terms(PartEntry& entry, const ByteSink& sink);
    Status write_lengths(PartEntry& entry, std::uint32_t rows, const ByteSink& sink);

    static constexpr std::uint32_t kSlabBytes = 1U << 20;
    static constexpr std::uint32_t kFirstSlice = 12, kLastSlice = 2048, kLinkBytes = 4;

    text::SearchWords words_;
    std::vector<std::uint32_t> table_;  // term + 1, by hash; 0: free
    std::vector<Term> terms_;
    std::string names_;
    std::vector<std::unique_ptr<std::byte[]>> slabs_;
    std::uint32_t slab_end_ = 0;
    std::vector<std::uint32_t> lengths_;  // of each row
    std::uint64_t text_bytes_ = 0, total_words_ = 0;
    std::uint32_t documents_ = 0;
};

}  // namespace abikit::storage::fulltext

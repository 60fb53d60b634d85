// Reads a full-text index: its parts, their dictionaries and lengths. Postings are read by
// posting_cursor.hpp.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index_bytes.hpp"
#include "text_index_format.hpp"
#include "varint.hpp"

namespace abikit::storage::fulltext {

// One part. Thread-safe. Nothing of its bytes is believed: whatever does not fit is kCorrupt.
class TextPart {
public:
    TextPart(IndexBytes bytes, const PartEntry& entry, std::span<const std::byte> lengths)
        : bytes_(bytes), entry_(entry), lengths_(lengths) {}

    const PartEntry& entry() const noexcept { return entry_; }
    const IndexBytes& bytes() const noexcept { return bytes_; }
    // Words of a row of the part.
    std::uint32_t length(std::uint32_t row) const noexcept {
        switch (entry_.length_bytes) {
            case 1:
                return static_cast<std::uint32_t>(lengths_[row]);
            case 2:
                return load<std::uint16_t>(row);
            default:
                return load<std::uint32_t>(row);
        }
    }

    Result<std::optional<TermEntry>> find(std::string_view term) const;
    // All terms that begin with `prefix`, in order. The name lives until the visitor returns.
    using TermVisitor = std::function<Status(std::string_view, const TermEntry&)>;
    Status visit_prefix(std::string_view prefix, const TermVisitor& visit) const;

private:
    template <class T>
    std::uint32_t load(std::uint32_t row) const noexcept {
        T value;
        std::memcpy(&value, lengths_.data() + std::size_t{row} * sizeof value, sizeof value);
        return value;
    }
    Result<std::span<const std::byte>> block(std::uint32_t block) const;
    Result<std::string_view> first_term(std::uint32_t block) const;
    // The last block whose first term is not above `term`; 0 when there is none.
    Result<std::uint32_t> block_of(std::string_view term) const;

    IndexBytes bytes_;
    PartEntry entry_;
    std::span<const std::byte> lengths_;
};

// All parts of a segment, or of rows in memory. Thread-safe.
class TextIndex {
public:
    // Of a section. kCorrupt when it is not whole; kIncompatible when another version of the
    // program cut its words.
    static Result<std::shared_ptr<const TextIndex>> open(IndexBytes bytes, std::uint64_t rows);
    // Of bytes that TextIndexWriter gave, which it keeps.
    static Result<std::shared_ptr<const TextIndex>> adopt(std::string bytes, std::uint64_t rows);

    std::span<const TextPart> parts() const noexcept { return parts_; }
    std::uint64_t documents() const noexcept { return documents_; }
    std::uint64_t words() const noexcept { return words_; }
    std::uint64_t size_bytes() const noexcept { return size_bytes_; }

    // Decodes everything and compares what is told twice. kCorrupt names the first byte that does
    // not fit.
    Status audit() const;

private:
    TextIndex() = default;
    Status load(IndexBytes bytes, std::uint64_t rows);
    Status add_part(IndexBytes bytes, const PartEntry& entry, std::uint64_t row,
                    std::uint64_t offset);

    std::string memory_;
    std::vector<TextPart> parts_;
    std::uint64_t documents_ = 0, words_ = 0, size_bytes_ = 0;
};

}  // namespace abikit::storage::fulltext

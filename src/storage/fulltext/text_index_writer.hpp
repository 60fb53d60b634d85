// Writes a full-text index over rows that come in order, part after part, in bounded memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "text_part_builder.hpp"

namespace abikit::storage::fulltext {

// Bytes go to the sink as soon as a part is full. Same texts, same bytes.
class TextIndexWriter {
public:
    explicit TextIndexWriter(ByteSink sink);
    // The next row.
    Status add(std::optional<std::string_view> text);
    // Everything is out after this.
    Status finish();

private:
    Status end_part();

    ByteSink sink_;
    std::uint64_t offset_ = 0, row_ = 0, part_row_ = 0;
    TextPartBuilder builder_;
    std::vector<PartEntry> parts_;
};

}  // namespace abikit::storage::fulltext

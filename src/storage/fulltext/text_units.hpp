// All that a full-text search of a snapshot goes through: one index for each segment that has
// texts, and for each run of the log's rows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <abi/core/context.hpp>

#include "../state.hpp"
#include "text_index.hpp"

namespace abikit::storage::fulltext {

struct TextUnit {
    std::shared_ptr<const TextIndex> index;
    RowNumber first = 0;               // number of its first row
    const Segment* segment = nullptr;  // null: rows of the log
    const Bitmap* deleted = nullptr;   // null: none
    std::uint64_t deleted_bit = 0;     // of its first row
    std::string note;                  // why its section is not used; empty when it is

    bool dead(std::uint64_t row) const noexcept {
        return deleted != nullptr && deleted->test(deleted_bit + row);
    }
    // Goes on without the segment's section, which is damaged.
    Status rebuild(const Context& context, const Error& why);
};

// In order of their rows. Damage of an index is not an error, damage of texts is.
Result<std::vector<TextUnit>> text_units(const Context& context, const State& state);

// Whether every segment with texts has an index that is whole and makes sense. Reads all of them.
bool text_indexes_sound(const State& state);

}  // namespace abikit::storage::fulltext

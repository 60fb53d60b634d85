// The full-text side of `abi db query`: --match, --hybrid and --snippets.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <abi/data/value.hpp>
#include <abi/storage/text_search.hpp>

#include "../invocation.hpp"
#include "../spec.hpp"

namespace abikit::cli {

std::vector<OptionSpec> text_query_options();

// What these options ask for.
struct TextRequest {
    std::optional<storage::TextQuery> match;     // absent: a search of vectors alone
    std::optional<storage::TextQuery> snippets;  // what they show; absent: none
    bool hybrid = false;
    storage::HybridOptions options = {};

    // The columns of a hit that tell how well it answers.
    std::vector<std::string> score_columns() const;
};
// kInvalidArgument for options that do not go together.
Result<TextRequest> text_request(const Invocation& invocation);

// One row found, and what its hit says of it beside its id.
struct FoundRow {
    storage::RowNumber row = 0;
    data::Value scores;
};
// `vector` is looked at only by a hybrid search.
Result<std::vector<FoundRow>> find_text(const Context& context, const storage::Snapshot& snapshot,
                                        const TextRequest& request, std::span<const float> vector);

// The excerpt with **marks** around what was found, and ... where it was cut.
Result<std::string> marked_snippet(std::string_view text, const storage::TextQuery& query);

}  // namespace abikit::cli

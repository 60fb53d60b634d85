// What the db commands share: opening with the right words, vectors and metadata from the command
// line, rows as values.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/error.hpp>
#include <abi/data/value.hpp>
#include <abi/storage/database.hpp>

#include "../invocation.hpp"
#include "../spec.hpp"

namespace abikit::cli {

// The first operand of every db command.
OperandSpec database_operand();
// The options that describe one row: --vector, --text, --metadata.
std::vector<OptionSpec> row_options();

// `--collection NAME` and `--snapshot NAME`, for open_collection and open_for_reading.
OptionSpec collection_option();
OptionSpec snapshot_option();
// `--sync MODE` and `--auto-merge on|off`, for open_for_writing.
OptionSpec sync_option();
// `--filter EXPRESSION`, for filter_of; `help` says what happens to the rows that match.
OptionSpec filter_option(std::string_view help);
// What --filter says; nullopt when it is not given.
Result<std::optional<storage::Filter>> filter_of(const Invocation& invocation);
// The rows of a snapshot that --filter selects; nullopt when it is not given.
Result<std::optional<storage::RowSet>> matching_rows(Invocation& invocation,
                                                     const storage::Snapshot& snapshot);
OptionSpec merge_option();
// `--metric`, `--embedder` and so on: what a new collection is. name stays the default.
std::vector<OptionSpec> shape_options();
Result<storage::CollectionOptions> shape_of(const Invocation& invocation);

// On the oldest collection, for commands about the whole database. Merges nothing by itself.
Result<storage::Database> open_database(Invocation& invocation, storage::AccessMode mode);
// On the collection that --collection names, for writing with the sync mode that --sync names.
Result<storage::Database> open_for_writing(Invocation& invocation);
// The same, for reading what is there now or what --snapshot names.
Result<storage::Database> open_for_reading(Invocation& invocation);

// "0.1, -2e3" with commas or white space between; kInvalidArgument names the bad word.
Result<std::vector<float>> parse_vector(std::string_view text);
// The double whose shortest decimal form is that of `value`: 0.1, not 0.10000000149011612.
double shown(float value);
// A JSON object in compact form; kInvalidArgument otherwise.
Result<std::string> parse_metadata(std::string_view text);

// Which members of a row a command shows.
struct RowMembers {
    bool vector = false;
    bool text = true;
    bool metadata = true;
};
// {"id", "vector", "text", "metadata"} with absent members left out.
Result<data::Value> row_value(const storage::Snapshot& snapshot, storage::RowNumber row,
                              RowMembers members);

// A fresh batch of one row; absent parts stay absent. Text without a vector is embedded.
struct RowParts {
    std::string id;  // "" : the next ordinal
    std::vector<float> vector;
    std::optional<std::string> text;
    std::optional<std::string> metadata;
};
Result<storage::CommitInfo> commit_row(storage::Database& database, const RowParts& parts,
                                       storage::WriteMode mode);

// The closing of a database that was written: its error must not be lost.
Result<Outcome> close_with(storage::Database& database, Outcome outcome);

}  // namespace abikit::cli

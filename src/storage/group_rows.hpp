// Groups of rows that share a value in a field of their metadata.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/storage/snapshot.hpp>

namespace abikit::storage {

// What is known of the groups of one snapshot, which outlives it. Single thread.
class RowGroups {
public:
    // `field` as a filter names it.
    static Result<RowGroups> of(const Snapshot& snapshot, std::string_view field);

    // The row's value as JSON, equal numbers written equally; rows without one are the group
    // "null". kInvalidArgument for an array or object. Remembered, since searches come back with
    // the same rows.
    Result<std::string> group_of(RowNumber row);
    // The same without remembering it.
    Result<std::string> read_group(RowNumber row);
    // All live rows of these groups, which group_of() gave.
    Result<RowSet> rows_in(const Context& context, std::span<const std::string> groups) const;
    // All live rows.
    Result<RowSet> all_rows(const Context& context) const;
    // kInvalidArgument when no live row has the field at all. Looks at the rows only when none of
    // those asked for so far had it.
    Status check_known(const Context& context) const;

private:
    RowGroups(const Snapshot& snapshot, std::string field, std::vector<std::string> keys)
        : snapshot_(snapshot), field_(std::move(field)), keys_(std::move(keys)) {}
    const Snapshot& snapshot_;
    std::string field_;
    std::vector<std::string> keys_;
    std::unordered_map<RowNumber, std::string> known_;
    bool seen_ = false;  // some row had the field
};

// The members of `rows` (null: all live rows) that are not in `others`, of the same snapshot.
Result<RowSet> rows_but(const Snapshot& snapshot, const RowSet* rows, const RowSet& others);

}  // namespace abikit::storage

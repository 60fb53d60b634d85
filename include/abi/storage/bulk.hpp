// Changing all rows that match a filter at once. Single rows are changed by Database::commit.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <abi/core/export.h>
#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/storage/database.hpp>
#include <abi/storage/filter.hpp>

namespace abikit::storage {

// Sets or removes one member of the metadata.
struct MetadataChange {
    std::string field;  // as filters name it: "lang", "a.b"; objects on the way are made
    std::optional<std::string> value;  // a JSON text; nullopt removes the member
};

// The metadata after the changes, in compact form; nullopt when there were none and none came.
// kInvalidArgument: a field that is no field, a value that is no JSON, or a member on the way that
// is no object.
ABI_API Result<std::optional<std::string>> change_metadata(std::optional<std::string_view> metadata,
                                                           std::span<const MetadataChange> changes);

// Rows that matched, and what was committed for them.
struct BulkInfo {
    std::uint64_t matched = 0;
    std::uint64_t changed = 0;  // deleted, or with other metadata than before
    std::uint64_t lsn = 0;      // of the commit; 0 when nothing was to be done
};

// Each is one atomic commit of rows as the handle's snapshot holds them on entry: a row that
// another thread replaces meanwhile is overwritten. With `kLook` nothing is written and the counts
// say what would be. Errors are those of Snapshot::match and Database::commit. Memory: the rows
// that change, with vectors and texts.
enum class BulkMode { kWrite, kLook };
ABI_API Result<BulkInfo> update_matching(const Context& context, Database& database,
                                         const Filter& filter,
                                         std::span<const MetadataChange> changes,
                                         BulkMode mode = BulkMode::kWrite);
ABI_API Result<BulkInfo> delete_matching(const Context& context, Database& database,
                                         const Filter& filter, BulkMode mode = BulkMode::kWrite);

}  // namespace abikit::storage

#include "group_rows.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <abi/data/value.hpp>

namespace abikit::storage {

namespace {
constexpr std::string_view kNone = "null";

// Whole numbers as integers, so that 1.0 and 1 are one group, as they are equal to a filter.
data::Value plain(const data::Value& value) {
    if (!value.is_number() || value.is_integer()) {
        return value;
    }
    const double number = value.as_double();
    if (number != std::trunc(number) || !(std::abs(number) < 0x1p63)) {
        return value;
    }
    return data::Value(static_cast<std::int64_t>(number));
}

// "FIELD IN (..)", or nothing where there are no values.
void add_values(std::string& filter, std::string_view field, const std::string& values) {
    if (!values.empty()) {
        filter += fmt::format("{}{} IN ({})", filter.empty() ? "" : " OR ", field, values);
    }
}

// Values of each type apart, as IN wants them.
std::string filter_of(std::string_view field, std::span<const std::string> groups) {
    std::string strings, booleans, numbers, filter;
    for (const std::string& group : groups) {
        if (group == kNone) {
            filter = fmt::format("{} IS NULL", field);
            continue;
        }
        std::string& values = group.starts_with('"')                ? strings
                              : group == "true" || group == "false" ? booleans
                                                                    : numbers;
        values += (values.empty() ? "" : ", ") + group;
    }
    add_values(filter, field, strings);
    add_values(filter, field, booleans);
    add_values(filter, field, numbers);
    return filter;
}
}  // namespace

Result<RowGroups> RowGroups::of(const Snapshot& snapshot, std::string_view field) {
    ABI_TRY(std::vector<std::string> keys, metadata_keys(field));
    return RowGroups(snapshot, std::string(field), std::move(keys));
}

Result<std::string> RowGroups::read_group(RowNumber row) {
    ABI_TRY(const auto text, snapshot_.read_metadata(row));
    if (!text) {
        return std::string(kNone);
    }
    ABI_TRY(const data::Value metadata, data::parse_json(*text));
    const data::Value* value = &metadata;
    for (const std::string& key : keys_) {
        value = value == nullptr ? nullptr : value->find(key);
    }
    if (value == nullptr || value->is_null()) {
        return std::string(kNone);
    }
    if (value->is_array() || value->is_object()) {
        ABI_TRY(const std::string id, snapshot_.read_id(row));
        return fail(Code::kInvalidArgument,
                    fmt::format("row '{}' has an {} in the field '{}' to group by", id,
                                value->is_array() ? "array" : "object", field_),
                    "groups are made by strings, numbers, true and false");
    }
    seen_ = true;
    return data::to_json(plain(*value));
}

Result<std::string> RowGroups::group_of(RowNumber row) {
    const auto known = known_.find(row);
    if (known != known_.end()) {
        return known->second;
    }
    ABI_TRY(std::string group, read_group(row));
    known_.emplace(row, group);
    return group;
}

Result<RowSet> RowGroups::rows_in(const Context& context,
                                  std::span<const std::string> groups) const {
    // A filter has a limit on its length: long lists are matched in parts.
    constexpr std::size_t kMostBytes = kMaxFilterBytes / 2;
    constexpr std::size_t kMostGroups = 4096;
    std::vector<std::uint64_t> words;
    std::uint64_t rows = 0;
    for (std::size_t first = 0; first < groups.size();) {
        std::size_t end = first, bytes = 0;
        while (end < groups.size() && end - first < kMostGroups &&
               (end == first || bytes + groups[end].size() + 2 < kMostBytes)) {
            bytes += groups[end++].size() + 2;
        }
        ABI_TRY(const Filter filter,
                Filter::parse(filter_of(field_, groups.subspan(first, end - first))));
        ABI_TRY(const RowSet some, snapshot_.match(context, filter));
        words.resize(some.words().size());
        rows = some.rows();
        for (std::size_t i = 0; i < words.size(); ++i) {
            words[i] |= some.words()[i];
        }
        first = end;
    }
    return RowSet(std::move(words), rows);
}

Result<RowSet> RowGroups::all_rows(const Context& context) const {
    ABI_TRY(const Filter any, Filter::parse(fmt::format("{0} IS NULL OR {0} IS NOT NULL", field_)));
    return snapshot_.match(context, any);
}

Status RowGroups::check_known(const Context& context) const {
    if (seen_) {
        return {};
    }
    ABI_TRY(const Filter absent, Filter::parse(field_ + " IS NULL"));
    ABI_TRY(const RowSet rows, snapshot_.match(context, absent));
    if (rows.count() < snapshot_.rows() || rows.empty()) {
        return {};
    }
    // A condition on it fails, and tells which fields there are.
    ABI_TRY(const Filter any, Filter::parse(field_ + " = 0"));
    const auto failed = snapshot_.match(context, any);
    return fail(Code::kInvalidArgument, fmt::format("no row has the field '{}'", field_),
                failed ? std::string() : failed.error().hint());
}

Result<RowSet> rows_but(const Snapshot& snapshot, const RowSet* rows, const RowSet& others) {
    std::vector<std::uint64_t> words(others.words().size());
    if (rows != nullptr) {
        words.assign(rows->words().begin(), rows->words().end());
    } else {
        ABI_CHECK(snapshot.scan_runs(std::uint64_t{1} << 20, [&](RowRun run) -> Status {
            for (RowNumber row = run.first; row < run.first + run.count; ++row) {
                words[row / 64] |= std::uint64_t{1} << (row % 64);
            }
            return {};
        }));
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        words[i] &= ~others.words()[i];
    }
    return RowSet(std::move(words), others.rows());
}

}  // namespace abikit::storage

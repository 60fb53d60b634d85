// Bulk changes: match, gather the rows that would differ, commit them as one batch.
#include <abi/storage/bulk.hpp>

#include <fmt/format.h>

#include <abi/data/value.hpp>

#include "filter/program.hpp"
#include "guard.hpp"

namespace abikit::storage {

namespace {
constexpr std::uint64_t kCancelEvery = 1024;  // rows between looks at the token

struct Change {
    FieldPath path;
    std::optional<data::Value> value;
};

Result<std::vector<Change>> parse_changes(std::span<const MetadataChange> changes) {
    std::vector<Change> parsed;
    for (const MetadataChange& change : changes) {
        Change& next = parsed.emplace_back();
        ABI_TRY(next.path, parse_field(change.field));
        if (next.path.is_id) {
            return fail(Code::kInvalidArgument, "the id of a row cannot be changed",
                        "a member of the metadata that is called id is `id` in backquotes");
        }
        if (change.value) {
            auto value = data::parse_json(*change.value);
            if (!value) {
                return fail(Code::kInvalidArgument,
                            fmt::format("the value of '{}' is no JSON: {}", change.field,
                                        value.error().describe()));
            }
            next.value = *std::move(value);
        }
    }
    return parsed;
}

void remove_member(data::Value& object, std::string_view key) {
    std::erase_if(object.as_object(),
                  [&](const data::Member& member) { return member.first == key; });
}

// Goes down to the object that holds the path's last key, making objects where `make` says so.
// Null: there is none, and nothing to remove.
Result<data::Value*> holder_of(data::Value& document, const FieldPath& path, bool make) {
    data::Value* at = &document;
    for (std::size_t i = 0; i + 1 < path.keys.size(); ++i) {
        const data::Value* found = at->find(path.keys[i]);
        if (found == nullptr && !make) {
            return nullptr;
        }
        at = found == nullptr ? &at->set(path.keys[i], data::Value(data::Object{}))
                              : const_cast<data::Value*>(found);
        if (!at->is_object()) {
            return make ? Result<data::Value*>(
                              fail(Code::kInvalidArgument,
                                   fmt::format("'{}' cannot be set: '{}' is there and no object",
                                               print_path(path), path.keys[i])))
                        : Result<data::Value*>(nullptr);
        }
    }
    return at;
}

Result<std::optional<std::string>> apply_changes(std::optional<std::string_view> metadata,
                                                 std::span<const Change> changes) {
    data::Value document{data::Object{}};
    if (metadata) {
        ABI_TRY(document, data::parse_json(*metadata));
        if (!document.is_object()) {
            return fail(Code::kCorrupt, "the metadata are no JSON object");
        }
    }
    bool any = metadata.has_value();
    for (const Change& change : changes) {
        ABI_TRY(data::Value* const holder,
                holder_of(document, change.path, change.value.has_value()));
        if (change.value) {
            holder->set(change.path.keys.back(), *change.value);
            any = true;
        } else if (holder != nullptr) {
            remove_member(*holder, change.path.keys.back());
        }
    }
    return any ? std::optional(data::to_json(document)) : std::nullopt;
}

void append_cell(data::StringColumn& column, const std::optional<std::string_view>& value) {
    value ? column.append(*value) : column.append_null();
}

// The matching rows whose metadata change, as one batch.
Status gather(const Context& context, const Snapshot& snapshot, const RowSet& rows,
              std::span<const Change> changes, data::RecordBatch& batch) {
    std::uint64_t looked_at = 0;
    for (auto row = rows.next(0); row; row = rows.next(*row + 1)) {
        if (looked_at++ % kCancelEvery == 0) {
            ABI_CHECK(context.cancel.check());
        }
        ABI_TRY(const RowView view, snapshot.read(*row));
        auto changed = apply_changes(view.metadata, changes);
        if (!changed) {
            return fail(std::move(changed).error().with_context(fmt::format("row '{}'", view.id)));
        }
        if (*changed == view.metadata) {
            continue;
        }
        batch.ids.append(view.id);
        append_cell(batch.texts, view.text);
        append_cell(batch.metadata, *changed);
        batch.owned_vectors.insert(batch.owned_vectors.end(), view.vector.begin(),
                                   view.vector.end());
        ++batch.rows;
    }
    batch.vectors = batch.owned_vectors;
    return {};
}
}  // namespace

Result<std::optional<std::string>> change_metadata(std::optional<std::string_view> metadata,
                                                   std::span<const MetadataChange> changes) {
    return guarded([&]() -> Result<std::optional<std::string>> {
        ABI_TRY(const std::vector<Change> parsed, parse_changes(changes));
        return apply_changes(metadata, parsed);
    });
}

Result<BulkInfo> update_matching(const Context& context, Database& database, const Filter& filter,
                                 std::span<const MetadataChange> changes, BulkMode mode) {
    return guarded([&]() -> Result<BulkInfo> {
        ABI_TRY(const std::vector<Change> parsed, parse_changes(changes));
        const Snapshot snapshot = database.snapshot();
        ABI_TRY(const RowSet rows, snapshot.match(context, filter));
        data::RecordBatch batch;
        batch.dimension = database.dimension();
        ABI_CHECK(gather(context, snapshot, rows, parsed, batch));
        BulkInfo info{rows.count(), batch.rows, 0};
        if (batch.rows != 0 && mode == BulkMode::kWrite) {
            ABI_TRY(const CommitInfo done, database.commit({&batch, {}, WriteMode::kUpdate}));
            info.lsn = done.lsn;
        }
        return info;
    });
}

Result<BulkInfo> delete_matching(const Context& context, Database& database, const Filter& filter,
                                 BulkMode mode) {
    return guarded([&]() -> Result<BulkInfo> {
        const Snapshot snapshot = database.snapshot();
        ABI_TRY(const RowSet rows, snapshot.match(context, filter));
        BulkInfo info{rows.count(), rows.count(), 0};
        if (rows.empty() || mode == BulkMode::kLook) {
            return info;
        }
        WriteBatch batch;
        for (auto row = rows.next(0); row; row = rows.next(*row + 1)) {
            ABI_TRY(std::string id, snapshot.read_id(*row));
            batch.deletes.push_back(std::move(id));
        }
        ABI_TRY(const CommitInfo done, database.commit(batch));
        info.lsn = done.lsn;
        info.changed = done.deleted;
        return info;
    });
}

}  // namespace abikit::storage

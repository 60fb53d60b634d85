// The public face of a database: handles on collections, delegating to the Impl behind a border
// that lets no exception out. Commits are in commit.cpp.
#include <abi/storage/database.hpp>

#include <algorithm>

#include <fmt/format.h>

#include "database_impl.hpp"
#include "guard.hpp"

namespace abikit::storage {

namespace {
// What a handle keeps of its collection: not the files of the moment when it was made.
std::shared_ptr<const State> without_rows(const State& state) {
    auto bare = std::make_shared<State>();
    bare->collection = state.collection;
    bare->index_units();
    return bare;
}
}  // namespace

Database::Database(std::shared_ptr<Impl> impl, std::shared_ptr<const State> origin)
    : impl_(std::move(impl)), origin_(without_rows(*origin)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

const std::string& Database::path() const noexcept {
    return impl_->path();
}
const std::string& Database::name() const noexcept {
    return origin_->collection->name;
}
std::uint32_t Database::dimension() const noexcept {
    return origin_->shape().dimension;
}
Metric Database::metric() const noexcept {
    return origin_->collection->metric;
}
ElementType Database::element() const noexcept {
    return origin_->shape().element;
}

Result<Database> Database::collection(std::string_view name) const {
    return guarded([&]() -> Result<Database> {
        const auto now = impl_->newest();
        for (const auto& state : now->collections) {
            if (state->collection->name == name) {
                return Database(impl_, state);
            }
        }
        return fail(no_collection(path(), name));
    });
}

Snapshot Database::snapshot() const {
    const auto now = impl_->newest();
    const auto found = std::find_if(
        now->collections.begin(), now->collections.end(),
        [this](const auto& state) { return state->collection->id == origin_->collection->id; });
    if (found != now->collections.end()) {
        return Snapshot(now, *found);
    }
    return Snapshot(now, origin_);  // the collection was dropped: no rows
}

Status Database::refresh() {
    return guarded([&] { return impl_->refresh(); });
}

std::shared_ptr<const Embedder> Database::embedder() const {
    const auto now = impl_->newest();
    const State* const state = now->find(origin_->collection->id);
    return state == nullptr ? nullptr : state->embedder;
}

Result<std::vector<Snapshot>> Database::snapshots_of(std::span<const std::string> names) const {
    return guarded([&]() -> Result<std::vector<Snapshot>> {
        const auto now = impl_->newest();
        std::vector<Snapshot> snapshots;
        for (const std::string& name : names) {
            const auto found = std::find_if(
                now->collections.begin(), now->collections.end(),
                [&name](const auto& state) { return state->collection->name == name; });
            if (found == now->collections.end()) {
                return fail(no_collection(path(), name));
            }
            snapshots.emplace_back(now, *found);
        }
        return snapshots;
    });
}

std::vector<CollectionInfo> Database::collections() const {
    std::vector<CollectionInfo> list;
    for (const auto& state : impl_->newest()->collections) {
        const CollectionEntry& entry = *state->collection;
        list.push_back({entry.name, entry.shape.dimension, entry.metric, entry.shape.element,
                        entry.embedder_kind, state->rows()});
    }
    return list;
}

std::vector<SnapshotInfo> Database::snapshots() const {
    std::vector<SnapshotInfo> list;
    for (const SnapshotEntry& entry : impl_->newest()->manifest->snapshots) {
        SnapshotInfo info{entry.name, entry.time_ns, entry.lsn, 0};
        for (const CollectionEntry& collection : entry.collections) {
            for (const SegmentEntry& segment : collection.segments) {
                info.rows += segment.rows - segment.deleted_rows;
            }
        }
        list.push_back(std::move(info));
    }
    return list;
}

Status Database::create_collection(const CollectionOptions& options) {
    return guarded([&] { return impl_->alone([&] { return impl_->create_collection(options); }); });
}
Status Database::drop_collection(std::string_view name) {
    return guarded([&] { return impl_->alone([&] { return impl_->drop_collection(name); }); });
}
Status Database::create_snapshot(std::string_view name) {
    return guarded([&] { return impl_->alone([&] { return impl_->create_snapshot(name); }); });
}
Status Database::drop_snapshot(std::string_view name) {
    return guarded([&] { return impl_->alone([&] { return impl_->drop_snapshot(name); }); });
}

Result<CommitInfo> Database::commit(const WriteBatch& batch) {
    return commit_all(std::span(&batch, 1));
}
Result<CommitInfo> Database::commit_all(std::span<const WriteBatch> batches) {
    return guarded([&] { return impl_->commit(origin_->collection->id, batches); });
}

Status Database::embed(data::RecordBatch& batch) const {
    return guarded([&] { return embed_texts(impl_->context(), name(), embedder().get(), batch); });
}

Result<bool> Database::learn_if_new(std::span<const std::string_view> texts) {
    return guarded([&] {
        return impl_->alone([&] { return impl_->learn_if_new(origin_->collection->id, texts); });
    });
}

Status Database::checkpoint() {
    return guarded([&] { return impl_->alone([&] { return impl_->checkpoint(); }); });
}

Status Database::close() {
    return guarded([&] { return impl_->close(); });
}

Result<OptimizeInfo> Database::optimize(const OptimizeOptions& options) {
    return guarded([&]() -> Result<OptimizeInfo> {
        const bool was_indexed = index_info().segments != 0;
        IndexHeir heir;
        ABI_TRY(const OptimizeInfo info, impl_->alone([&] {
            return impl_->optimize(origin_->collection->id, options, heir);
        }));
        if (was_indexed) {
            ABI_CHECK(index_segments(impl_->context(), {}, heir));
        }
        return info;
    });
}

}  // namespace abikit::storage

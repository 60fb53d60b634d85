// Repair: find out what belongs together, read what can be read, write it as a new database beside
// the destination, verify, rename.
#include <algorithm>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>
#include <abi/core/random.hpp>
#include <abi/core/time.hpp>

#include "database_impl.hpp"
#include "guard.hpp"
#include "repair_salvage.hpp"
#include "staging.hpp"

namespace abikit::storage {

std::string_view finding_name(FindingKind kind) noexcept {
    switch (kind) {
        case FindingKind::kLost:
            return "lost";
        case FindingKind::kDoubt:
            return "doubt";
        case FindingKind::kMade:
            break;
    }
    return "made anew";
}

std::string_view manifest_source_name(ManifestSource source) noexcept {
    switch (source) {
        case ManifestSource::kIntact:
            return "intact";
        case ManifestSource::kUnfinished:
            return "unfinished";
        case ManifestSource::kRebuilt:
            break;
    }
    return "rebuilt";
}

namespace {
// Writes what was salvaged. Segments stay segments, so that named snapshots go on sharing them with
// the present; the rows of the log become one more.
class Rebuild {
public:
    Rebuild(const Context& context, Salvage& salvage, Staging& staging)
        : context_(context), salvage_(salvage), staging_(staging) {}

    Result<Manifest> run() {
        ABI_TRY(manifest_.uuid, make_uuid_v4());
        ABI_CHECK(fill_secure(std::as_writable_bytes(std::span(&manifest_.log_salt, 1))));
        const Manifest& old = salvage_.plan().manifest;
        manifest_.generation = 1;
        manifest_.checkpoint_ns = wall_clock_ns();
        manifest_.created_ns = old.created_ns != 0 ? old.created_ns : manifest_.checkpoint_ns;
        manifest_.lsn = salvage_.lsn();
        manifest_.log_number = manifest_.next_file++;
        manifest_.next_collection = old.next_collection;
        ABI_CHECK(write_segments());
        for (const SalvagedView& view : salvage_.present()) {
            ABI_TRY(CollectionEntry entry, write_view(view));
            manifest_.next_collection = std::max(manifest_.next_collection, entry.id + 1);
            manifest_.collections.push_back(std::move(entry));
        }
        for (std::size_t i = 0; i < old.snapshots.size(); ++i) {
            SnapshotEntry snapshot = old.snapshots[i];
            snapshot.collections.clear();
            for (const SalvagedView& view : salvage_.snapshots()[i]) {
                ABI_TRY(CollectionEntry entry, write_view(view));
                snapshot.collections.push_back(std::move(entry));
            }
            manifest_.snapshots.push_back(std::move(snapshot));
        }
        ABI_CHECK(create_log(*context_.fs,
                             join_path(staging_.path(), log_name(manifest_.log_number)),
                             {manifest_.uuid, manifest_.log_number, manifest_.log_salt}));
        ABI_CHECK(staging_.write_file(kManifestName, as_bytes(encode_manifest(manifest_))));
        return std::move(manifest_);
    }

private:
    // A segment that was written anew, and which rows of the damaged one it has.
    struct NewSegment {
        SegmentEntry entry;
        std::vector<std::uint32_t> rows;
    };

    template <class Visit>
    Status for_each_view(Visit visit) {
        for (const SalvagedView& view : salvage_.present()) {
            ABI_CHECK(visit(view));
        }
        for (const auto& views : salvage_.snapshots()) {
            for (const SalvagedView& view : views) {
                ABI_CHECK(visit(view));
            }
        }
        return {};
    }

    // Each once, with the rows that live at any moment.
    Status write_segments() {
        std::map<std::uint64_t, Bitmap> live;
        std::uint64_t total = 0;
        ABI_CHECK(for_each_view([&](const SalvagedView& view) -> Status {
            for (std::size_t i = 0; i < view.entry.segments.size(); ++i) {
                Bitmap& rows = live[view.entry.segments[i].number];
                const Bitmap& more = view.moment->live_of_segments()[i];
                for (std::uint64_t row = 0; row < more.words().size() * 64; ++row) {
                    if (more.test(row)) {
                        rows.set(row);
                    }
                }
            }
            total += view.moment->rows();
            return {};
        }));
        for (const auto& [number, rows] : live) {
            ABI_CHECK(context_.cancel.check());
            if (rows.count() != 0) {
                ABI_CHECK(write_segment_of(number, rows));
            }
        }
        return {};
    }
    Status write_segment_of(std::uint64_t number, const Bitmap& rows) {
        DamagedSegment& source = *salvage_.segment(number).segment;
        SegmentHeader identity;
        identity.uuid = manifest_.uuid;
        identity.number = manifest_.next_file++;
        identity.shape = source.header().shape;
        identity.metric = source.header().metric;
        identity.first_lsn = source.header().first_lsn;
        identity.last_lsn = source.header().last_lsn;
        SegmentRows salvaged(source, rows);
        NewSegment& made = segments_[number];
        ABI_TRY(made.entry, write_segment(context_, staging_.path(), identity, salvaged));
        made.rows = salvaged.numbers();
        return {};
    }

    Result<CollectionEntry> write_view(const SalvagedView& view) {
        CollectionEntry entry = view.entry;
        entry.next_ordinal = std::max(entry.next_ordinal, view.moment->next_ordinal());
        ABI_CHECK(write_embedder(entry));
        entry.segments.clear();
        for (std::size_t i = 0; i < view.entry.segments.size(); ++i) {
            const auto found = segments_.find(view.entry.segments[i].number);
            if (found != segments_.end() && view.moment->live_of_segments()[i].count() != 0) {
                ABI_TRY(const SegmentEntry segment,
                        write_deletes(found->second, view.moment->live_of_segments()[i]));
                entry.segments.push_back(segment);
            }
        }
        if (!view.moment->live_of_log().empty()) {
            SegmentHeader identity;
            identity.uuid = manifest_.uuid;
            identity.number = manifest_.next_file++;
            identity.shape = entry.shape;
            identity.metric = entry.metric;
            identity.first_lsn = salvage_.plan().manifest.lsn + 1;
            identity.last_lsn = manifest_.lsn;
            LogRows rows(*view.moment);
            ABI_TRY(const SegmentEntry segment,
                    write_segment(context_, staging_.path(), identity, rows));
            entry.segments.push_back(segment);
        }
        return entry;
    }

    // The segment as this moment sees it.
    Result<SegmentEntry> write_deletes(const NewSegment& made, const Bitmap& live) {
        SegmentEntry entry = made.entry;
        Bitmap deleted(entry.rows);
        for (std::uint64_t i = 0; i < made.rows.size(); ++i) {
            if (!live.test(made.rows[i])) {
                deleted.set(i);
            }
        }
        if (deleted.count() != 0) {
            entry.deletes_number = manifest_.next_file++;
            entry.deleted_rows = deleted.count();
            ABI_CHECK(staging_.write_file(
                deletes_name(entry.deletes_number),
                as_bytes(encode_deletes(manifest_.uuid, entry.number, entry.rows, deleted))));
        }
        return entry;
    }

    Status write_embedder(CollectionEntry& entry) {
        const std::uint64_t old = entry.embedder_number;
        const std::string* const state = salvage_.embedder_state(old);
        if (old == 0 || state == nullptr) {
            entry.embedder_number = 0;
            entry.embedder_crc = 0;
            return {};
        }
        const auto [place, fresh] = embedders_.emplace(old, 0);
        if (fresh) {
            place->second = manifest_.next_file++;
            ABI_CHECK(staging_.write_file(embedder_name(place->second), as_bytes(*state)));
        }
        entry.embedder_number = place->second;
        return {};
    }

    const Context& context_;
    Salvage& salvage_;
    Staging& staging_;
    Manifest manifest_;
    std::map<std::uint64_t, NewSegment> segments_;      // by the old number
    std::map<std::uint64_t, std::uint64_t> embedders_;  // old number -> new number
};

// Holds writers off while we read, where the lock can be had without changing anything. A medium
// that cannot be locked has no writer.
Result<std::unique_ptr<File>> hold_writers_off(FileSystem& fs, const std::string& path) {
    auto lock = fs.open(join_path(path, kLockName), OpenMode::kRead);
    if (!lock) {
        return std::unique_ptr<File>();
    }
    if (const Status status = (*lock)->try_lock(LockKind::kShared, kWriterRange);
        !status && status.error().code() == Code::kLocked) {
        return fail(Code::kLocked,
                    fmt::format("database '{}' is being written by another process", path),
                    "end it first; what it writes would be missed");
    }
    return *std::move(lock);
}

Status check_apart(const std::string& path, const std::string& destination) {
    const std::string inside = path.ends_with('/') ? path : path + "/";
    if (destination == path || destination.starts_with(inside)) {
        return fail(Code::kInvalidArgument,
                    fmt::format("'{}' lies inside the damaged database", destination),
                    "choose a directory outside of it");
    }
    return {};
}

Result<RepairInfo> repair_database(const Context& context, const std::string& path,
                                   const std::string& destination, Rehearsal rehearsal) {
    const TraceSpan span(context.trace, "storage", "repair");
    FileSystem& fs = *context.fs;
    ABI_CHECK(check_apart(path, destination));
    ABI_CHECK(check_destination(fs, destination));
    ABI_TRY(const auto lock, hold_writers_off(fs, path));
    RepairInfo info;
    Findings findings(info);
    ABI_TRY(RepairPlan plan, plan_repair(context, path, findings));
    Salvage salvage(context, path, std::move(plan), findings);
    ABI_CHECK(salvage.run());
    info.collections = salvage.present().size();
    info.snapshots = salvage.snapshots().size();
    for (const SalvagedView& view : salvage.present()) {
        info.rows += view.moment->rows();
    }
    if (info.collections == 0) {
        return fail(Code::kCorrupt,
                    fmt::format("nothing of '{}' can be recovered: no row can be read", path),
                    "'abi db restore' brings a backup back");
    }
    if (rehearsal == Rehearsal::kYes) {
        return info;
    }
    ABI_TRY(Staging staging, Staging::begin(fs, destination));
    ABI_TRY(const Manifest manifest, Rebuild(context, salvage, staging).run());
    info.uuid = format_uuid(manifest.uuid);
    ABI_TRY(const VerifyInfo check, verify(context, staging.path()));
    if (check.faults_total != 0 || check.rows != info.rows) {
        return fail(Code::kInternal,
                    check.faults.empty()
                        ? "the repaired database lacks rows"
                        : fmt::format("the repaired database has a fault in '{}': "
                                      "{}",
                                      check.faults.front().file, check.faults.front().what));
    }
    ABI_CHECK(context.cancel.check());
    ABI_CHECK(staging.publish());
    return info;
}
}  // namespace

Result<RepairInfo> repair(const Context& context, const std::string& path,
                          const std::string& destination, Rehearsal rehearsal) {
    return guarded([&] { return repair_database(context, path, destination, rehearsal); });
}

}  // namespace abikit::storage

// Reading beside a writer in another process: a cheap look whether it went on, and catching up by
// replaying the new records of its log, or by loading the generation that took the old one's place.
#include <abi/core/memory.hpp>

#include "database_impl.hpp"
#include "guard.hpp"

namespace abikit::storage {

// The log that was followed keeps its name as long as it is the one that is written: a writer
// removes it, after the new manifest stands and before it acknowledges anything into a new log.
// Should the removal have failed, the manifest is another file all the same.
Result<bool> Database::Impl::generation_swapped(const FollowPoint& point) const {
    FileSystem& fs = *context_.fs;
    ABI_TRY(const auto log, fs.stat(point.log.path()));
    if (!log) {
        return true;
    }
    ABI_TRY(const auto manifest, fs.stat(join_path(path_, kManifestName)));
    return !manifest || !point.manifest || manifest->size_bytes != point.manifest->size_bytes ||
           manifest->modified_ns != point.manifest->modified_ns;
}

Result<bool> Database::Impl::has_changed(const DatabaseState& seen) const {
    ABI_TRY(const bool more, seen.follow->log.has_more());
    return more ? Result<bool>(true) : generation_swapped(*seen.follow);
}

Status Database::Impl::refresh() {
    auto seen = state();
    if (seen->follow == nullptr) {
        return {};
    }
    ABI_TRY(bool changed, has_changed(*seen));
    if (!changed) {
        return {};
    }
    std::unique_lock lock(follow_mutex_, std::try_to_lock);
    if (!lock.owns_lock()) {
        follow_waits_->fetch_add(1, std::memory_order_relaxed);
        lock.lock();
    }
    // Another thread may have done it meanwhile, but it may have begun before the commit that this
    // one is to see.
    if (auto now = state(); now != seen) {
        ABI_TRY(changed, has_changed(*now));
    }
    return changed ? catch_up() : Status();
}

// What stands in the log since the last look.
Status Database::Impl::follow_log(const FollowPoint& point) {
    const TraceSpan span(context_.trace, "storage", "follow");
    must_load_ = true;  // until all is well: a record may be applied in part
    while (true) {
        ABI_TRY(const auto record, reader_->poll());
        if (!record) {
            break;
        }
        ABI_CHECK(replay_record(*record, point.log.path()));
        lsn_ = record->lsn;
    }
    log_end_ = reader_->end();
    for (Core& core : cores_) {
        if (core.changed) {
            refresh_state(core);
        }
    }
    publish(make_state());
    if (watched_ != nullptr) {
        watched_->settle(lsn_);
    }
    must_load_ = false;
    return {};
}

Status Database::Impl::catch_up() {
    const auto before = state();
    ABI_TRY(const bool swapped, generation_swapped(*before->follow));
    // Whoever watches reads the old log to its end, which an open file still gives.
    if (!must_load_ && (!swapped || watched_ != nullptr)) {
        ABI_CHECK(follow_log(*before->follow));
    }
    if (swapped || must_load_) {
        must_load_ = true;
        ABI_CHECK(load_settled());
        must_load_ = false;
    }
    return {};
}

std::shared_ptr<const DatabaseState> Database::Impl::newest() {
    const Status status = guarded([this] { return refresh(); });
    if (!status && context_.log != nullptr) {
        context_.log->write(LogLevel::kWarn, "storage", status.error().describe());
    }
    return state();
}

}  // namespace abikit::storage

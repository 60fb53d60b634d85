// Watching: the notes that a following handle takes, and the comparison of rows where the log that
// held the commits was folded away before it was read.
#include <abi/storage/watch.hpp>

#include <algorithm>
#include <limits>
#include <unordered_map>

#include <fmt/format.h>

#include "database_impl.hpp"
#include "guard.hpp"
#include "watch_notes.hpp"

namespace abikit::storage {

using Rows = abikit::storage::State;

std::string_view change_kind_name(ChangeKind kind) noexcept {
    switch (kind) {
        case ChangeKind::kInsert:
            return "insert";
        case ChangeKind::kUpdate:
            return "update";
        case ChangeKind::kDelete:
            return "delete";
        case ChangeKind::kCreate:
            return "create";
        case ChangeKind::kDrop:
            return "drop";
    }
    return "unknown";
}

namespace {
// Visits the live rows of `state` that are not, by their place in the same file, live in `other`.
template <class Visit>
Status for_each_of_its_own(const Rows& state, const Rows& other, Visit visit) {
    for (std::size_t unit = 0; unit < state.segments.size(); ++unit) {
        const SegmentUnit& own = state.segments[unit];
        const auto shared =
            std::find_if(other.segments.begin(), other.segments.end(),
                         [&own](const SegmentUnit& one) { return one.segment == own.segment; });
        for (std::uint64_t row = 0; row < own.segment->rows(); ++row) {
            if (!own.dead(row) && (shared == other.segments.end() || shared->dead(row))) {
                ABI_CHECK(visit(state.first_row(unit) + row));
            }
        }
    }
    const RowNumber log = state.first_row(state.segments.size());
    for (std::uint64_t row = 0; row < state.log_rows.rows; ++row) {
        if (!state.log_rows.dead(static_cast<MemRow>(row))) {
            ABI_CHECK(visit(log + row));
        }
    }
    return {};
}

// Whether two rows differ in what users gave. A vector that an embedder made is not among that.
Result<bool> differ(const Rows& before, RowNumber old_row, const Rows& now, RowNumber new_row) {
    ABI_TRY(const auto old_text, before.text(old_row));
    ABI_TRY(const auto new_text, now.text(new_row));
    ABI_TRY(const auto old_metadata, before.metadata(old_row));
    ABI_TRY(const auto new_metadata, now.metadata(new_row));
    if (old_text != new_text || old_metadata != new_metadata) {
        return true;
    }
    if (new_text && before.collection->embedder_number != now.collection->embedder_number) {
        return false;
    }
    ABI_TRY(const auto old_vector, before.vector(old_row));
    ABI_TRY(const auto new_vector, now.vector(new_row));
    return !std::equal(old_vector.begin(), old_vector.end(), new_vector.begin(), new_vector.end());
}
}  // namespace

Status WatchNotes::compare_rows(const Rows& before, const Rows& now) {
    const std::string& name = now.collection->name;
    const auto note = [&](ChangeKind kind, std::string_view id) {
        pending_.push_back({kind, lsn_, time_ns_, name, std::string(id)});
    };
    std::unordered_map<std::string, RowNumber> gone;
    ABI_CHECK(for_each_of_its_own(before, now, [&](RowNumber row) -> Status {
        ABI_TRY(std::string id, before.id(row));
        gone[std::move(id)] = row;
        return {};
    }));
    ABI_CHECK(for_each_of_its_own(now, before, [&](RowNumber row) -> Status {
        ABI_TRY(const std::string id, now.id(row));
        const auto old = gone.find(id);
        if (old == gone.end()) {
            note(ChangeKind::kInsert, id);
            return {};
        }
        ABI_TRY(const bool changed, differ(before, old->second, now, row));
        if (changed) {
            note(ChangeKind::kUpdate, id);
        }
        gone.erase(old);
        return {};
    }));
    for (const auto& [id, row] : gone) {
        note(ChangeKind::kDelete, id);
    }
    return {};
}

Status WatchNotes::compare(const DatabaseState& before, const DatabaseState& now) {
    for (const auto& old : before.collections) {
        if (now.find(old->collection->id) == nullptr) {
            pending_.push_back({ChangeKind::kDrop, lsn_, time_ns_, old->collection->name, {}});
        }
    }
    for (const auto& each : now.collections) {
        const Rows* old = before.find(each->collection->id);
        Rows nothing;
        if (old == nullptr) {
            pending_.push_back({ChangeKind::kCreate, lsn_, time_ns_, each->collection->name, {}});
            nothing.collection = each->collection;
            nothing.index_units();
            old = &nothing;
        }
        // Rows may also come without a commit: with an archive, into a collection without any.
        if (lsn_ > seen_ || (old->rows() == 0 && each->rows() != 0)) {
            ABI_CHECK(compare_rows(*old, *each));
        }
    }
    return {};
}

// In the middle of load(): the segments are there, the new log is not replayed yet.
Status Database::Impl::watch_generation() {
    const auto before = state();
    if (before == nullptr) {
        if (manifest_->lsn > watched_->seen()) {
            return fail(Code::kNotFound,
                        fmt::format("the log of '{}' begins behind commit {}: what came before is "
                                    "folded into segments",
                                    path_, manifest_->lsn),
                        fmt::format("the earliest that can be told is --from {}", manifest_->lsn));
        }
        return {};
    }
    for (Core& core : cores_) {
        refresh_state(core);
    }
    watched_->begin(manifest_->lsn, manifest_->checkpoint_ns);
    return watched_->compare(*before, *make_state());
}

class Watch::State {
public:
    std::shared_ptr<Database::Impl> impl;
    std::string collection;
};

Watch::Watch(std::unique_ptr<State> state) : state_(std::move(state)) {}
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;
Watch::~Watch() = default;

Result<Watch> Watch::open(const Context& context, const std::string& path,
                          const WatchOptions& options) {
    return guarded([&]() -> Result<Watch> {
        ImplOptions opening;
        opening.watch_from = options.from.value_or(std::numeric_limits<std::uint64_t>::max());
        auto state = std::make_unique<State>();
        ABI_TRY(state->impl, Database::Impl::open(context, path, AccessMode::kRead, opening));
        state->collection = options.collection;
        const auto now = state->impl->state();
        if (!options.collection.empty() &&
            std::none_of(now->collections.begin(), now->collections.end(), [&](const auto& each) {
                return each->collection->name == options.collection;
            })) {
            return fail(no_collection(path, options.collection));
        }
        return Watch(std::move(state));
    });
}

Result<std::vector<Change>> Watch::poll() {
    return guarded([&]() -> Result<std::vector<Change>> {
        ABI_CHECK(state_->impl->refresh());
        std::vector<Change> changes = state_->impl->watched()->take();
        if (!state_->collection.empty()) {
            std::erase_if(changes, [this](const Change& change) {
                return change.collection != state_->collection;
            });
        }
        return changes;
    });
}

std::uint64_t Watch::lsn() const noexcept {
    return state_->impl->watched()->seen();
}

}  // namespace abikit::storage

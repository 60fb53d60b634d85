// What a commit is made of: check a batch, find what it replaces, stage it, apply it. The order of
// these steps, for many commits at once, is in group_commit.cpp.
#include <algorithm>
#include <charconv>
#include <limits>
#include <unordered_set>

#include <fmt/format.h>

#include <abi/core/memory.hpp>
#include <abi/core/time.hpp>
#include <abi/simd/distance.hpp>

#include "database_impl.hpp"
#include "row_check.hpp"

namespace abikit::storage {

namespace {
// The log is folded into a segment when its rows take this much memory.
constexpr std::uint64_t kCheckpointBytes = std::uint64_t{128} << 20;
constexpr std::uint64_t kCheckpointRows = std::uint64_t{1} << 22;

constexpr std::size_t kMaxCommitRows = std::size_t{1} << 30;

// Under a memory limit the log is folded earlier, so that its rows take a small part of it.
std::uint64_t checkpoint_bytes() {
    const std::uint64_t limit = memory_usage().limit_bytes;
    return limit == 0 ? kCheckpointBytes : std::min(kCheckpointBytes, limit / 8);
}
}  // namespace

Status Database::Impl::check_writable() const {
    if (!writable()) {
        return fail(Code::kInvalidArgument,
                    fmt::format("database '{}' is open for reading only", path_));
    }
    if (!intact()) {
        return fail(Code::kIo,
                    fmt::format("database '{}' takes no more writes: after an earlier failure it "
                                "is unknown what is on disk",
                                path_),
                    "open it again; what was acknowledged is safe");
    }
    return {};
}

std::string Database::Impl::label(const Core& core) const {
    const std::string& name = core.entry->name;
    return name == kDefaultCollection ? fmt::format("database '{}'", path_)
                                      : fmt::format("collection '{}' of '{}'", name, path_);
}

Status Database::Impl::check_vectors(const Core& core, const data::RecordBatch& rows) const {
    const std::uint32_t dimension = core.entry->shape.dimension;
    const ElementType element = core.entry->shape.element;
    if (rows.dimension != dimension || rows.vectors.size() != rows.rows * dimension) {
        return fail(Code::kIncompatible, fmt::format("the vectors have dimension {}, {} has {}",
                                                     rows.dimension, label(core), dimension));
    }
    const std::size_t bad = simd::first_non_finite(rows.vectors.data(), rows.vectors.size());
    if (bad != rows.vectors.size()) {
        return fail(Code::kInvalidData,
                    fmt::format("the vector of {} holds NaN or infinity at position {}",
                                row_label(rows, bad / dimension), bad % dimension));
    }
    const std::size_t unfit = first_unfit(element, rows.vectors);
    if (unfit != rows.vectors.size()) {
        return fail(Code::kInvalidData,
                    fmt::format("the vector of {} holds {} at position {}, which {} cannot store",
                                row_label(rows, unfit / dimension), rows.vectors[unfit],
                                unfit % dimension, element_name(element)));
    }
    return {};
}

Status Database::Impl::check_rows(const Core& core, const data::RecordBatch& rows) const {
    ABI_CHECK(check_vectors(core, rows));
    const bool strings = !rows.ids.empty() || !rows.texts.empty() || !rows.metadata.empty();
    for (std::size_t row = 0; strings && row < rows.rows; ++row) {
        ABI_CHECK(check_row_strings(rows, row));
    }
    return {};
}

Status Database::Impl::assign_ids(const data::RecordBatch& rows, Prepared& out) const {
    std::uint64_t next = cores_[out.core].next_ordinal;
    char digits[20];
    for (std::size_t row = 0; row < rows.rows; ++row) {
        std::string_view id = rows.ids[row];
        if (!rows.ids.has(row)) {
            const auto [end, error] = std::to_chars(digits, digits + sizeof digits, next);
            id = std::string_view(digits, static_cast<std::size_t>(end - digits));
        }
        // Ordinals stay above every integer id, so that they never meet one.
        if (const auto number = canonical_integer(id); number && *number >= next) {
            if (*number == std::numeric_limits<std::uint64_t>::max()) {
                return fail(Code::kLimit, fmt::format("no ordinal is left in '{}'", path_));
            }
            next = *number + 1;
        }
        out.assigned_ids.append(id);
    }
    out.view.next_ordinal = next;
    return {};
}

Result<std::optional<State::Place>> Database::Impl::find_in_segments(const Core& core,
                                                                     std::string_view id) {
    for (std::size_t unit = core.segments.size(); unit-- > 0;) {
        ABI_TRY(const auto row, core.segments[unit].segment->find(id));
        if (row && !core.segments[unit].dead(*row)) {
            return State::Place{unit, *row};
        }
    }
    return std::nullopt;
}

Status Database::Impl::check_mode(WriteMode mode, std::string_view id, bool present) const {
    if (mode == WriteMode::kInsert && present) {
        return fail(Code::kAlreadyExists, fmt::format("id '{}' is already in '{}'", id, path_),
                    "use 'abi db update' to change a row");
    }
    if (mode == WriteMode::kUpdate && !present) {
        return fail(Code::kNotFound, fmt::format("id '{}' is not in '{}'", id, path_),
                    "use 'abi db add' to make a row");
    }
    return {};
}

Status Database::Impl::locate(WriteMode mode, Prepared& out) const {
    const Core& core = cores_[out.core];
    std::unordered_set<std::string_view> deleted, seen;
    for (std::size_t i = 0; i < out.deletes.size(); ++i) {
        ABI_TRY(auto place, find_in_segments(core, out.deletes[i]));
        out.old_of_deletes.push_back(place);
        if (mode != WriteMode::kUpsert) {
            deleted.insert(out.deletes[i]);
        }
    }
    out.old_of_rows.resize(out.view.rows);
    for (std::size_t row = 0; row < out.view.rows; ++row) {
        const std::string_view id = (*out.view.ids)[row];
        bool present = false;
        // Above every integer id there is: new.
        const auto number = canonical_integer(id);
        if (!number || *number < core.next_ordinal) {
            ABI_TRY(out.old_of_rows[row], find_in_segments(core, id));
            present = (out.old_of_rows[row] || core.mem->find(id)) && !deleted.contains(id);
        }
        if (mode != WriteMode::kUpsert) {
            present = !seen.insert(id).second || present;
            ABI_CHECK(check_mode(mode, id, present));
        }
    }
    return {};
}

Status Database::Impl::prepare(const WriteBatch& batch, Prepared& out) const {
    const Core& core = cores_[out.core];
    for (const std::string& id : batch.deletes) {
        out.deletes.append(id);
    }
    out.view.deletes = &out.deletes;
    out.view.shape = core.entry->shape;
    out.view.next_ordinal = core.next_ordinal;
    if (batch.rows != nullptr && batch.rows->rows != 0) {
        const data::RecordBatch& rows = *batch.rows;
        if (rows.rows > kMaxCommitRows) {
            return fail(Code::kInvalidArgument,
                        fmt::format("a commit of {} rows is too large", rows.rows));
        }
        ABI_CHECK(check_rows(core, rows));
        out.view.rows = rows.rows;
        if (out.view.shape.element == ElementType::kFloat32) {
            out.view.vectors = std::as_bytes(rows.vectors);
        } else {
            out.encoded.resize(rows.rows * out.view.shape.row_bytes());
            encode_vectors(out.view.shape, rows.vectors, out.encoded.data());
            out.view.vectors = out.encoded;
        }
        out.view.texts = &rows.texts;
        out.view.metadata = &rows.metadata;
        ABI_CHECK(assign_ids(rows, out));
        out.view.ids = &out.assigned_ids;
    }
    return locate(batch.mode, out);
}

// Everything of a commit that needs memory: bitmaps to change, room in the index, copies of the
// rows.
void Database::Impl::stage(Prepared& batch) {
    Core& core = cores_[batch.core];
    batch.changed.resize(core.segments.size());
    for (const auto* const places : {&batch.old_of_rows, &batch.old_of_deletes}) {
        for (const auto& place : *places) {
            if (!place || batch.changed[place->unit] != nullptr) {
                continue;
            }
            const SegmentUnit& unit = core.segments[place->unit];
            batch.changed[place->unit] = unit.deleted == nullptr
                                             ? std::make_shared<Bitmap>(unit.segment->rows())
                                             : std::make_shared<Bitmap>(*unit.deleted);
        }
    }
    const BatchView& view = batch.view;
    const auto cell = [](const data::StringColumn* column, std::size_t row) {
        return column != nullptr && column->has(row) ? std::optional((*column)[row]) : std::nullopt;
    };
    const std::size_t row_bytes = view.shape.row_bytes();
    core.mem->reserve(static_cast<MemRow>(view.rows));
    for (std::size_t row = 0; row < view.rows; ++row) {
        core.mem->stage(static_cast<MemRow>(row),
                        {(*view.ids)[row], view.vectors.subspan(row * row_bytes, row_bytes),
                         cell(view.texts, row), cell(view.metadata, row)});
    }
    if (view.rows != 0) {
        batch.info.first_id = (*view.ids)[0];
    }
}

// Makes a staged batch part of the table; for a writer it needs no memory, so it cannot fail after
// the log took it.
void Database::Impl::apply(Prepared& batch) {
    Core& core = cores_[batch.core];
    // True when a live row with this id was there.
    const auto remove = [&](std::string_view id, const std::optional<State::Place>& old) {
        if (const auto row = core.mem->find(id)) {
            core.mem->set_deleted(*row);
            return true;
        }
        return old && batch.changed[old->unit]->set(old->row);
    };
    CommitInfo& info = batch.info;
    for (std::size_t i = 0; i < batch.deletes.size(); ++i) {
        const bool removed = remove(batch.deletes[i], batch.old_of_deletes[i]);
        (removed ? info.deleted : info.missing) += 1;
        if (removed && watched_ != nullptr) {
            watched_->add(ChangeKind::kDelete, core.entry->name, batch.deletes[i]);
        }
    }
    for (std::size_t row = 0; row < batch.view.rows; ++row) {
        const bool replaced = remove((*batch.view.ids)[row], batch.old_of_rows[row]);
        (replaced ? info.replaced : info.added) += 1;
        if (watched_ != nullptr) {
            watched_->add(replaced ? ChangeKind::kUpdate : ChangeKind::kInsert, core.entry->name,
                          (*batch.view.ids)[row]);
        }
        core.mem->admit();
    }
    core.changed = true;
    for (std::size_t unit = 0; unit < batch.changed.size(); ++unit) {
        if (batch.changed[unit] != nullptr) {
            core.segments[unit].deleted = std::move(batch.changed[unit]);
            core.deletes_changed = true;
        }
    }
    core.next_ordinal = std::max(core.next_ordinal, batch.view.next_ordinal);
}

Status Database::Impl::replay(std::size_t core, const BatchView& view) {
    Prepared batch;
    batch.core = core;
    batch.view = view;
    batch.deletes = *view.deletes;
    ABI_CHECK(locate(WriteMode::kUpsert, batch));
    stage(batch);
    apply(batch);
    return {};
}

// The commit before is durable whatever happens here: a checkpoint that fails is tried again after
// as much more.
void Database::Impl::fold_log_if_large() {
    const auto totals = [this] {
        std::pair<std::uint64_t, std::uint64_t> sum;
        for (const Core& core : cores_) {
            sum.first += core.mem->size_bytes();
            sum.second += core.mem->rows();
        }
        return sum;
    };
    const auto [bytes, rows] = totals();
    if (bytes < fold_retry_bytes_ + checkpoint_bytes() && rows < kCheckpointRows) {
        return;
    }
    const Status status = checkpoint();
    fold_retry_bytes_ = status ? 0 : totals().first;
    if (!status && context_.log != nullptr) {
        context_.log->write(LogLevel::kWarn, "storage", status.error().describe());
    }
}

void Database::Impl::refresh_state(Core& core) const {
    auto state = std::make_shared<State>();
    state->collection = core.entry;
    state->segments = core.segments;
    state->log_rows = core.mem->view();
    state->embedder = core.embedder;
    state->index_units();
    core.state = std::move(state);
    core.changed = false;
}

std::shared_ptr<const DatabaseState> Database::Impl::make_state() const {
    auto state = std::make_shared<DatabaseState>();
    state->manifest = manifest_;
    state->lsn = lsn_;
    state->pin = pin_;
    state->log_bytes = log_end_ - kLogHeaderBytes;
    state->collections.reserve(cores_.size());
    for (const Core& core : cores_) {
        state->collections.push_back(core.state);
    }
    if (reader_) {
        state->follow = std::make_shared<const FollowPoint>(
            FollowPoint{reader_->probe(), manifest_info_, follow_waits_});
    }
    return state;
}

}  // namespace abikit::storage

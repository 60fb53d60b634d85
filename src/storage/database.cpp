// Commits: check the batch, find what it replaces, log it, sync, apply, publish. The rest of
// Database delegates.
#include <abi/storage/database.hpp>

#include <charconv>
#include <limits>
#include <unordered_set>

#include <fmt/format.h>

#include <abi/core/memory.hpp>
#include <abi/core/time.hpp>
#include <abi/simd/distance.hpp>

#include "database_impl.hpp"
#include "guard.hpp"
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

Status Database::Impl::check_rows(const data::RecordBatch& rows) const {
    const std::uint32_t dimension = manifest_.dimension;
    if (rows.dimension != dimension || rows.vectors.size() != rows.rows * dimension) {
        return fail(Code::kIncompatible,
                    fmt::format("the vectors have dimension {}, database '{}' has {}",
                                rows.dimension, path_, dimension));
    }
    const std::size_t bad = simd::first_non_finite(rows.vectors.data(), rows.vectors.size());
    if (bad != rows.vectors.size()) {
        return fail(Code::kInvalidData,
                    fmt::format("the vector of {} holds NaN or infinity at position {}",
                                row_label(rows, bad / dimension), bad % dimension));
    }
    const bool strings = !rows.ids.empty() || !rows.texts.empty() || !rows.metadata.empty();
    for (std::size_t row = 0; strings && row < rows.rows; ++row) {
        ABI_CHECK(check_row_strings(rows, row));
    }
    return {};
}

Status Database::Impl::assign_ids(const data::RecordBatch& rows, Prepared& out) const {
    std::uint64_t next = next_ordinal_;
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

Result<std::optional<State::Place>> Database::Impl::find_in_segments(std::string_view id) const {
    for (std::size_t unit = segments_.size(); unit-- > 0;) {
        ABI_TRY(const auto row, segments_[unit].segment->find(id));
        if (row && !segments_[unit].dead(*row)) {
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
    std::unordered_set<std::string_view> deleted, seen;
    for (std::size_t i = 0; i < out.deletes.size(); ++i) {
        ABI_TRY(auto place, find_in_segments(out.deletes[i]));
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
        if (!number || *number < next_ordinal_) {
            ABI_TRY(out.old_of_rows[row], find_in_segments(id));
            present = (out.old_of_rows[row] || mem_->find(id)) && !deleted.contains(id);
        }
        if (mode != WriteMode::kUpsert) {
            present = !seen.insert(id).second || present;
            ABI_CHECK(check_mode(mode, id, present));
        }
    }
    return {};
}

Status Database::Impl::prepare(const WriteBatch& batch, Prepared& out) const {
    for (const std::string& id : batch.deletes) {
        out.deletes.append(id);
    }
    out.view.deletes = &out.deletes;
    out.view.dimension = manifest_.dimension;
    out.view.next_ordinal = next_ordinal_;
    if (batch.rows != nullptr && batch.rows->rows != 0) {
        const data::RecordBatch& rows = *batch.rows;
        ABI_CHECK(check_rows(rows));
        out.view.rows = rows.rows;
        out.view.vectors = rows.vectors;
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
    batch.changed.resize(segments_.size());
    for (const auto* const places : {&batch.old_of_rows, &batch.old_of_deletes}) {
        for (const auto& place : *places) {
            if (!place || batch.changed[place->unit] != nullptr) {
                continue;
            }
            const SegmentUnit& unit = segments_[place->unit];
            batch.changed[place->unit] = unit.deleted == nullptr
                                             ? std::make_shared<Bitmap>(unit.segment->rows())
                                             : std::make_shared<Bitmap>(*unit.deleted);
        }
    }
    const BatchView& view = batch.view;
    const auto cell = [](const data::StringColumn* column, std::size_t row) {
        return column != nullptr && column->has(row) ? std::optional((*column)[row]) : std::nullopt;
    };
    mem_->reserve(static_cast<MemRow>(view.rows));
    for (std::size_t row = 0; row < view.rows; ++row) {
        mem_->stage(static_cast<MemRow>(row),
                    {(*view.ids)[row], view.vectors.subspan(row * view.dimension, view.dimension),
                     cell(view.texts, row), cell(view.metadata, row)});
    }
    if (view.rows != 0) {
        batch.info.first_id = (*view.ids)[0];
    }
}

// Makes a staged batch part of the table; needs no memory, so it cannot fail after the log took it.
void Database::Impl::apply(Prepared& batch) {
    // True when a live row with this id was there.
    const auto remove = [&](std::string_view id, const std::optional<State::Place>& old) {
        if (const auto row = mem_->find(id)) {
            mem_->set_deleted(*row);
            return true;
        }
        return old && batch.changed[old->unit]->set(old->row);
    };
    CommitInfo& info = batch.info;
    for (std::size_t i = 0; i < batch.deletes.size(); ++i) {
        (remove(batch.deletes[i], batch.old_of_deletes[i]) ? info.deleted : info.missing) += 1;
    }
    for (std::size_t row = 0; row < batch.view.rows; ++row) {
        const bool replaced = remove((*batch.view.ids)[row], batch.old_of_rows[row]);
        (replaced ? info.replaced : info.added) += 1;
        mem_->admit();
    }
    for (std::size_t unit = 0; unit < batch.changed.size(); ++unit) {
        if (batch.changed[unit] != nullptr) {
            segments_[unit].deleted = std::move(batch.changed[unit]);
            deletes_changed_ = true;
        }
    }
    next_ordinal_ = std::max(next_ordinal_, batch.view.next_ordinal);
}

Status Database::Impl::replay(const BatchView& view) {
    Prepared batch;
    batch.view = view;
    batch.deletes = *view.deletes;
    ABI_CHECK(locate(WriteMode::kUpsert, batch));
    stage(batch);
    apply(batch);
    return {};
}

Result<CommitInfo> Database::Impl::commit(const WriteBatch& batch) {
    const TraceSpan span(context_.trace, "storage", "commit");
    ABI_CHECK(check_writable());
    Prepared prepared;
    ABI_CHECK(prepare(batch, prepared));
    if (prepared.view.rows == 0 && prepared.deletes.empty()) {
        return CommitInfo();
    }
    if (prepared.view.rows > kMaxCommitRows) {
        return fail(Code::kInvalidArgument,
                    fmt::format("a commit of {} rows is too large", prepared.view.rows));
    }
    stage(prepared);
    const std::string head = encode_batch(prepared.view);
    const std::array<std::span<const std::byte>, 2> pieces{as_bytes(head),
                                                           std::as_bytes(prepared.view.vectors)};
    {
        const TraceSpan log_span(context_.trace, "storage", "log_append");
        ABI_CHECK(log_->append(RecordType::kBatch, lsn_ + 1, wall_clock_ns(), pieces));
    }
    broken_ = true;  // until readers see it: what remains can only run out of memory
    apply(prepared);
    prepared.info.lsn = ++lsn_;
    log_end_ = log_->end();
    publish(make_state(manifest_, segments_, *mem_, log_end_, embedder_.get()));
    broken_ = false;
    fold_log_if_large();
    return std::move(prepared.info);
}

// The commit before is durable whatever happens here: a checkpoint that fails is tried again after
// as much more.
void Database::Impl::fold_log_if_large() {
    const std::uint64_t enough = fold_retry_bytes_ + checkpoint_bytes();
    if (mem_->size_bytes() < enough && mem_->rows() < kCheckpointRows) {
        return;
    }
    const Status status = checkpoint();
    fold_retry_bytes_ = status ? 0 : mem_->size_bytes();
    if (!status && context_.log != nullptr) {
        context_.log->write(LogLevel::kWarn, "storage", status.error().describe());
    }
}

std::shared_ptr<const State> Database::Impl::make_state(const Manifest& manifest,
                                                        const std::vector<SegmentUnit>& segments,
                                                        const MemTable& mem, std::uint64_t log_end,
                                                        const Embedder* embedder) const {
    auto state = std::make_shared<State>();
    state->manifest = manifest;
    state->segments = segments;
    state->log_rows = mem.view();
    state->lsn = lsn_;
    state->log_bytes = log_end - kLogHeaderBytes;
    state->learned_documents = embedder == nullptr ? 0 : embedder->learned_documents();
    state->index_units();
    return state;
}

void Database::Impl::publish(std::shared_ptr<const State> state) {
    {
        const std::scoped_lock lock(state_mutex_);
        state_.swap(state);
    }
    // The old state may go here, outside the lock: unmapping takes its time.
}

std::shared_ptr<const State> Database::Impl::state() const {
    const std::scoped_lock lock(state_mutex_);
    return state_;
}

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

const std::string& Database::path() const noexcept {
    return impl_->path();
}
std::uint32_t Database::dimension() const noexcept {
    return impl_->manifest().dimension;
}
Metric Database::metric() const noexcept {
    return impl_->manifest().metric;
}
const Embedder* Database::embedder() const noexcept {
    return impl_->embedder().get();
}
Snapshot Database::snapshot() const {
    return Snapshot(impl_->state());
}

Result<CommitInfo> Database::commit(const WriteBatch& batch) {
    return guarded([&] { return impl_->commit(batch); });
}

Status Database::Impl::embed(data::RecordBatch& batch) const {
    if (embedder_ == nullptr) {
        return fail(Code::kInvalidArgument,
                    fmt::format("database '{}' has no embedder: its rows bring vectors", path_),
                    "give --vector, or make a database with 'abi db init PATH --embedder hash'");
    }
    const TraceSpan span(context_.trace, "storage", "embed");
    const std::size_t dimension = embedder_->dimension();
    batch.owned_vectors.resize(batch.rows * dimension);
    const auto body = [&](std::size_t first, std::size_t last) {
        for (std::size_t row = first; row < last; ++row) {
            embedder_->embed(batch.texts[row],
                             std::span(batch.owned_vectors).subspan(row * dimension, dimension));
        }
    };
    if (context_.pool != nullptr) {
        context_.pool->parallel_for(0, batch.rows, 16, body);
    } else {
        body(0, batch.rows);
    }
    batch.dimension = embedder_->dimension();
    batch.vectors = batch.owned_vectors;
    return {};
}

Status Database::embed(data::RecordBatch& batch) const {
    return guarded([&] { return impl_->embed(batch); });
}

Result<bool> Database::learn_if_new(std::span<const std::string_view> texts) {
    return guarded([&] { return impl_->learn_if_new(texts); });
}

Status Database::checkpoint() {
    return guarded([&] { return impl_->checkpoint(); });
}

Status Database::close() {
    Status status = impl_->writable() ? checkpoint() : Status();
    impl_->release();
    if (status || !impl_->intact()) {
        return status;
    }
    // Everything acknowledged is in the log and stays there; the next writer tries again.
    if (LogSink* const log = impl_->context().log; log != nullptr) {
        log->write(LogLevel::kWarn, "storage",
                   fmt::format("the log stays as it is: {}", status.error().describe()));
    }
    return {};
}

Result<OptimizeInfo> Database::optimize() {
    return guarded([&] { return impl_->optimize(); });
}

}  // namespace abikit::storage

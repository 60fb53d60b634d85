// Commits: check the batch, find what it replaces, log it, sync, apply, publish. The rest of
// Database delegates.
#include <abi/storage/database.hpp>

#include <charconv>
#include <limits>

#include <fmt/format.h>

#include <abi/core/memory.hpp>
#include <abi/core/time.hpp>
#include <abi/simd/distance.hpp>
#include <abi/text/utf8.hpp>

#include "database_impl.hpp"

namespace abikit::storage {

namespace {
// The log is folded into a segment when its rows take this much memory.
constexpr std::uint64_t kCheckpointBytes = std::uint64_t{128} << 20;
constexpr std::uint64_t kCheckpointRows = std::uint64_t{1} << 22;

// Under a memory limit the log is folded earlier, so that an import of any size stays within it.
std::uint64_t checkpoint_bytes() {
    const std::uint64_t limit = memory_usage().limit_bytes;
    return limit == 0 ? kCheckpointBytes : std::min(kCheckpointBytes, limit / 8);
}

std::string row_label(const data::RecordBatch& rows, std::size_t row) {
    if (rows.ids.has(row)) {
        return fmt::format("row '{}'", rows.ids[row]);
    }
    return row < rows.lines.size() ? fmt::format("row at {}", rows.lines[row])
                                   : fmt::format("row {}", row);
}

Status check_id(std::string_view id) {
    if (id.empty()) {
        return fail(Code::kInvalidData, "an id is empty",
                    "leave the id out to get the next ordinal");
    }
    if (id.size() > kMaxIdBytes) {
        return fail(Code::kInvalidData, fmt::format("an id of {} bytes is too long (at most {})",
                                                    id.size(), kMaxIdBytes));
    }
    if (!text::utf8_valid(id) || id.find('\0') != std::string_view::npos) {
        return fail(Code::kInvalidData, "an id is not valid UTF-8");
    }
    return {};
}

Status check_strings(const data::RecordBatch& rows, std::size_t row) {
    if (rows.ids.has(row)) {
        ABI_CHECK(check_id(rows.ids[row]));
    }
    const std::string_view text = rows.texts[row];
    if (text.size() > kMaxTextBytes) {
        return fail(Code::kInvalidData,
                    fmt::format("the text of {} is longer than 64 MiB", row_label(rows, row)),
                    "split it into smaller documents");
    }
    if (!text::utf8_valid(text)) {
        return fail(Code::kInvalidData,
                    fmt::format("the text of {} is not valid UTF-8", row_label(rows, row)));
    }
    if (rows.metadata[row].size() > kMaxMetadataBytes) {
        return fail(Code::kInvalidData,
                    fmt::format("the metadata of {} are larger than 1 MiB", row_label(rows, row)));
    }
    return {};
}
}  // namespace

Status Database::Impl::check_writable() const {
    if (!writable()) {
        return fail(Code::kInvalidArgument,
                    fmt::format("database '{}' is open for reading only", path_));
    }
    if (broken_) {
        return fail(
            Code::kIo,
            fmt::format("database '{}' takes no more writes: an earlier sync failed", path_),
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
        ABI_CHECK(check_strings(rows, row));
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
                return fail(Code::kInvalidData,
                            fmt::format("id '{}' is too large: no ordinal would be left", id));
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

Status Database::Impl::locate(const WriteBatch& batch, Prepared& out) const {
    for (std::size_t i = 0; i < out.deletes.size(); ++i) {
        ABI_TRY(auto place, find_in_segments(out.deletes[i]));
        out.old_of_deletes.push_back(place);
    }
    data::StringColumn& ids = out.assigned_ids;
    out.old_of_rows.resize(out.view.rows);
    for (std::size_t row = 0; row < out.view.rows; ++row) {
        const auto number = canonical_integer(ids[row]);
        if (number && *number >= next_ordinal_) {
            continue;  // above every integer id there is: new
        }
        ABI_TRY(out.old_of_rows[row], find_in_segments(ids[row]));
        const bool present = out.old_of_rows[row] || mem_->find(ids[row]);
        if (batch.mode == WriteMode::kInsert && present) {
            return fail(Code::kAlreadyExists,
                        fmt::format("id '{}' is already in '{}'", ids[row], path_),
                        "use 'abi db update' to change a row");
        }
        if (batch.mode == WriteMode::kUpdate && !present) {
            return fail(Code::kNotFound, fmt::format("id '{}' is not in '{}'", ids[row], path_),
                        "use 'abi db add' to make a row");
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
    return locate(batch, out);
}

void Database::Impl::kill_row(const State::Place& place,
                              std::vector<std::shared_ptr<Bitmap>>& changed) {
    if (changed[place.unit] == nullptr) {
        const SegmentUnit& unit = segments_[place.unit];
        changed[place.unit] = unit.deleted == nullptr
                                  ? std::make_shared<Bitmap>(unit.segment->rows())
                                  : std::make_shared<Bitmap>(*unit.deleted);
    }
    changed[place.unit]->set(place.row);
}

CommitInfo Database::Impl::apply(const Prepared& batch) {
    CommitInfo info;
    std::vector<std::shared_ptr<Bitmap>> changed(segments_.size());
    // True when a live row with this id was there.
    const auto remove = [&](std::string_view id, const std::optional<State::Place>& old) {
        if (const auto row = mem_->find(id)) {
            mem_->set_deleted(*row);
            return true;
        }
        if (old && (changed[old->unit] == nullptr || !changed[old->unit]->test(old->row))) {
            kill_row(*old, changed);
            return true;
        }
        return false;
    };
    for (std::size_t i = 0; i < batch.deletes.size(); ++i) {
        (remove(batch.deletes[i], batch.old_of_deletes[i]) ? info.deleted : info.missing) += 1;
    }
    const BatchView& view = batch.view;
    const auto cell = [](const data::StringColumn* column, std::size_t row) {
        return column != nullptr && column->has(row) ? std::optional((*column)[row]) : std::nullopt;
    };
    for (std::size_t row = 0; row < view.rows; ++row) {
        const std::string_view id = (*view.ids)[row];
        (remove(id, batch.old_of_rows[row]) ? info.replaced : info.added) += 1;
        mem_->append(id, view.vectors.subspan(row * view.dimension, view.dimension),
                     cell(view.texts, row), cell(view.metadata, row));
    }
    for (std::size_t unit = 0; unit < changed.size(); ++unit) {
        if (changed[unit] != nullptr) {
            segments_[unit].deleted = std::move(changed[unit]);
            deletes_changed_ = true;
        }
    }
    next_ordinal_ = std::max(next_ordinal_, view.next_ordinal);
    if (view.rows != 0) {
        info.first_id = (*view.ids)[0];
    }
    return info;
}

Status Database::Impl::replay(const BatchView& view) {
    Prepared batch;
    batch.view = view;
    batch.deletes = *view.deletes;
    for (std::size_t i = 0; i < batch.deletes.size(); ++i) {
        ABI_TRY(auto place, find_in_segments(batch.deletes[i]));
        batch.old_of_deletes.push_back(place);
    }
    batch.old_of_rows.resize(view.rows);
    for (std::size_t row = 0; row < view.rows; ++row) {
        const auto number = canonical_integer((*view.ids)[row]);
        if (!number || *number < next_ordinal_) {
            ABI_TRY(batch.old_of_rows[row], find_in_segments((*view.ids)[row]));
        }
    }
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
    const std::string head = encode_batch(prepared.view);
    const std::array<std::span<const std::byte>, 2> pieces{as_bytes(head),
                                                           std::as_bytes(prepared.view.vectors)};
    {
        const TraceSpan log_span(context_.trace, "storage", "log_append");
        ABI_CHECK(log_->append(RecordType::kBatch, lsn_ + 1, wall_clock_ns(), pieces));
    }
    broken_ = true;  // until the memory agrees with the log again: applying may run out of memory
    CommitInfo info = apply(prepared);
    info.lsn = ++lsn_;
    log_end_ = log_->end();
    publish();
    broken_ = false;
    if (mem_->size_bytes() >= checkpoint_bytes() || mem_->rows() >= kCheckpointRows) {
        // The commit is durable whatever happens here; a checkpoint that fails is tried again by
        // the next commit.
        if (const Status status = checkpoint(); !status && context_.log != nullptr) {
            context_.log->write(LogLevel::kWarn, "storage", status.error().describe());
        }
    }
    return info;
}

void Database::Impl::publish() {
    auto state = std::make_shared<State>();
    state->manifest = manifest_;
    state->segments = segments_;
    state->log_rows = mem_->view();
    state->lsn = lsn_;
    state->log_bytes = log_end_ - kLogHeaderBytes;
    state->learned_documents = embedder_ == nullptr ? 0 : embedder_->learned_documents();
    const std::scoped_lock lock(state_mutex_);
    state_ = std::move(state);
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
    const RoomScope room(Room::kStorage);
    try {
        return impl_->commit(batch);
    } catch (...) {
        return fail(error_from_current_exception());
    }
}

Status Database::embed(data::RecordBatch& batch) const {
    const RoomScope room(Room::kStorage);
    const Embedder* const embedder = impl_->embedder().get();
    if (embedder == nullptr) {
        return fail(Code::kInvalidArgument,
                    fmt::format("database '{}' has no embedder: its rows bring vectors", path()),
                    "give --vector, or make a database with 'abi db init PATH --embedder hash'");
    }
    const TraceSpan span(impl_->context().trace, "storage", "embed");
    const std::size_t dimension = embedder->dimension();
    batch.owned_vectors.resize(batch.rows * dimension);
    const auto body = [&](std::size_t first, std::size_t last) {
        for (std::size_t row = first; row < last; ++row) {
            embedder->embed(batch.texts[row],
                            std::span(batch.owned_vectors).subspan(row * dimension, dimension));
        }
    };
    if (impl_->context().pool != nullptr) {
        impl_->context().pool->parallel_for(0, batch.rows, 16, body);
    } else {
        body(0, batch.rows);
    }
    batch.dimension = embedder->dimension();
    batch.vectors = batch.owned_vectors;
    return {};
}

Result<bool> Database::learn_if_new(std::span<const std::string_view> texts) {
    return impl_->learn_if_new(texts);
}

Status Database::checkpoint() {
    const RoomScope room(Room::kStorage);
    return impl_->checkpoint();
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
    const RoomScope room(Room::kStorage);
    return impl_->optimize();
}

}  // namespace abikit::storage

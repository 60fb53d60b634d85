// The public face of a State: reading rows, counting, statistics. Search is in search.cpp.
#include <abi/storage/snapshot.hpp>

#include <fmt/format.h>

#include "guard.hpp"
#include "state.hpp"

namespace abikit::storage {

Snapshot::Snapshot(std::shared_ptr<const DatabaseState> database,
                   std::shared_ptr<const State> state)
    : database_(std::move(database)), state_(std::move(state)) {}
Snapshot::~Snapshot() = default;
Snapshot::Snapshot(const Snapshot&) = default;
Snapshot& Snapshot::operator=(const Snapshot&) = default;

std::uint64_t Snapshot::rows() const noexcept {
    return state_->rows();
}

SnapshotStats Snapshot::stats() const {
    const State& state = *state_;
    const Manifest& manifest = *database_->manifest;
    SnapshotStats stats;
    stats.collection = state.collection->name;
    stats.dimension = state.shape().dimension;
    stats.metric = state.collection->metric;
    stats.element = state.shape().element;
    stats.rows = state.rows();
    stats.deleted_rows = state.total_rows() - stats.rows;
    stats.segments = state.segments.size();
    stats.log_rows = state.log_rows.live();
    stats.log_bytes = database_->log_bytes;
    for (const SegmentUnit& unit : state.segments) {
        const Segment& segment = *unit.segment;
        stats.vector_bytes += segment.section_bytes(SectionKind::kVectors);
        stats.id_bytes +=
            segment.section_bytes(SectionKind::kIds) + segment.section_bytes(SectionKind::kIdIndex);
        stats.text_bytes += segment.section_bytes(SectionKind::kTexts);
        stats.metadata_bytes += segment.section_bytes(SectionKind::kMetadata);
    }
    stats.generation = manifest.generation;
    stats.lsn = database_->lsn;
    stats.created_ns = manifest.created_ns;
    stats.checkpoint_ns = manifest.checkpoint_ns;
    stats.uuid = format_uuid(manifest.uuid);
    if (state.embedder != nullptr) {
        stats.learned_documents = state.embedder->learned_documents();
        const auto rows = static_cast<double>(stats.rows);
        const auto learned = static_cast<double>(stats.learned_documents);
        stats.embedder_drift = rows > learned ? (rows - learned) / rows : 0;
    }
    if (database_->follow != nullptr) {
        stats.read_waits = database_->follow->waits->load(std::memory_order_relaxed);
    }
    return stats;
}

Status embed_texts(const Context& context, std::string_view collection, const Embedder* embedder,
                   data::RecordBatch& batch) {
    if (embedder == nullptr) {
        return fail(
            Code::kInvalidArgument,
            fmt::format("collection '{}' has no embedder: its rows bring vectors", collection),
            "give --vector, or make a database with 'abi db init PATH --embedder hash'");
    }
    const TraceSpan span(context.trace, "storage", "embed");
    const std::size_t dimension = embedder->dimension();
    batch.owned_vectors.resize(batch.rows * dimension);
    const auto body = [&](std::size_t first, std::size_t last) {
        for (std::size_t row = first; row < last; ++row) {
            embedder->embed(batch.texts[row],
                            std::span(batch.owned_vectors).subspan(row * dimension, dimension));
        }
    };
    if (context.pool != nullptr) {
        context.pool->parallel_for(0, batch.rows, 16, body);
    } else {
        body(0, batch.rows);
    }
    batch.dimension = embedder->dimension();
    batch.vectors = batch.owned_vectors;
    return {};
}
Status Snapshot::embed(const Context& context, data::RecordBatch& batch) const {
    return guarded([&] {
        return embed_texts(context, state_->collection->name, state_->embedder.get(), batch);
    });
}

Result<std::optional<RowNumber>> Snapshot::find(std::string_view id) const {
    return guarded([&] { return state_->find(id); });
}

namespace {
Status check_row(const State& state, RowNumber row) {
    if (row >= state.total_rows()) {
        return fail(Code::kInvalidArgument, "the row number is none of this snapshot's");
    }
    return {};
}
}  // namespace

Result<RowView> Snapshot::read(RowNumber row) const {
    return guarded([&]() -> Result<RowView> {
        ABI_CHECK(check_row(*state_, row));
        RowView view;
        ABI_TRY(view.id, state_->id(row));
        ABI_TRY(const std::span<const std::byte> stored, state_->vector(row));
        const VectorShape shape = state_->shape();
        if (shape.element == ElementType::kFloat32) {
            view.vector = {reinterpret_cast<const float*>(stored.data()), shape.dimension};
        } else {
            view.decoded.resize(shape.dimension);
            decode_vectors(shape, stored.data(), 1, view.decoded.data());
            view.vector = view.decoded;
        }
        ABI_TRY(view.text, state_->text(row));
        ABI_TRY(view.metadata, state_->metadata(row));
        return view;
    });
}

Result<std::string> Snapshot::read_id(RowNumber row) const {
    return guarded([&]() -> Result<std::string> {
        ABI_CHECK(check_row(*state_, row));
        return state_->id(row);
    });
}

Status Snapshot::scan(std::uint64_t offset,
                      const std::function<Result<bool>(RowNumber)>& visit) const {
    const State& state = *state_;
    for (const Run& run : runs_of(state, std::uint64_t{1} << 20)) {
        for (std::uint64_t i = 0; i < run.count; ++i) {
            if (run.deleted != nullptr && run.deleted->test(run.deleted_bit + i)) {
                continue;
            }
            if (offset != 0) {
                --offset;
                continue;
            }
            ABI_TRY(const bool go_on, visit(run.number + i));
            if (!go_on) {
                return {};
            }
        }
    }
    return {};
}

Status Snapshot::scan_runs(std::uint64_t max_rows,
                           const std::function<Status(RowRun)>& visit) const {
    for (const Run& run : runs_of(*state_, max_rows)) {
        const auto dead = [&run](std::uint64_t i) {
            return run.deleted != nullptr && run.deleted->test(run.deleted_bit + i);
        };
        if (run.deleted == nullptr) {
            ABI_CHECK(visit({run.number, run.count}));
            continue;
        }
        for (std::uint64_t begin = 0; begin < run.count;) {
            if (dead(begin)) {
                ++begin;
                continue;
            }
            std::uint64_t end = begin + 1;
            while (end < run.count && !dead(end)) {
                ++end;
            }
            ABI_CHECK(visit({run.number + begin, end - begin}));
            begin = end;
        }
    }
    return {};
}

Result<std::span<const float>> Snapshot::read_vectors(RowRun run,
                                                      std::vector<float>& decoded) const {
    return guarded([&]() -> Result<std::span<const float>> {
        ABI_CHECK(run.count == 0 ? Status() : check_row(*state_, run.first + run.count - 1));
        ABI_TRY(const std::span<const std::byte> stored, state_->vectors(run.first, run.count));
        const VectorShape shape = state_->shape();
        const auto values = static_cast<std::size_t>(run.count * shape.dimension);
        if (shape.element == ElementType::kFloat32) {
            return std::span(reinterpret_cast<const float*>(stored.data()), values);
        }
        decoded.resize(values);
        decode_vectors(shape, stored.data(), run.count, decoded.data());
        return decoded;
    });
}

Result<std::optional<std::string_view>> Snapshot::read_text(RowNumber row) const {
    return guarded([&]() -> Result<std::optional<std::string_view>> {
        ABI_CHECK(check_row(*state_, row));
        return state_->text(row);
    });
}

Result<std::optional<std::string_view>> Snapshot::read_metadata(RowNumber row) const {
    return guarded([&]() -> Result<std::optional<std::string_view>> {
        ABI_CHECK(check_row(*state_, row));
        return state_->metadata(row);
    });
}

}  // namespace abikit::storage

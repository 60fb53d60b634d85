// Rows in, commits out: bad rows are sifted, texts embedded, the embedder taught first where it
// knows nothing yet.
#include <fmt/format.h>

#include <abi/simd/distance.hpp>

#include "importer.hpp"
#include "row_check.hpp"
#include "vector_codec.hpp"

namespace abikit::storage {

namespace {
// The embedder learns from at most this much input, so that an endless one needs a bounded memory.
constexpr std::size_t kLearnBytes = std::size_t{256} << 20;
constexpr std::size_t kRowOverheadBytes = 64;
// Chunks are committed early when they are long: one commit stays a few megabytes.
constexpr std::size_t kPendingBytes = std::size_t{32} << 20;

std::uint64_t line_of(const data::RecordBatch& batch, std::size_t row) {
    return row < batch.lines.size() ? batch.lines[row] : row;
}

void copy_cell(const data::StringColumn& from, std::size_t row, data::StringColumn& to) {
    if (!from.empty()) {
        from.has(row) ? to.append(from[row]) : to.append_null();
    }
}

// Keeps the rows that `good` marks.
data::RecordBatch filtered(const data::RecordBatch& batch, const std::vector<bool>& good) {
    data::RecordBatch out;
    out.dimension = batch.dimension;
    for (std::size_t row = 0; row < batch.rows; ++row) {
        if (!good[row]) {
            continue;
        }
        if (batch.dimension != 0) {
            const auto vector = batch.vectors.subspan(row * batch.dimension, batch.dimension);
            out.owned_vectors.insert(out.owned_vectors.end(), vector.begin(), vector.end());
        }
        copy_cell(batch.ids, row, out.ids);
        copy_cell(batch.texts, row, out.texts);
        copy_cell(batch.metadata, row, out.metadata);
        out.lines.push_back(line_of(batch, row));
        ++out.rows;
    }
    out.vectors = out.owned_vectors;
    return out;
}
}  // namespace

Status RowIntake::reject(const std::string& name, std::uint64_t line, std::string reason) {
    ++info_.rows_rejected;
    if (info_.rejections.size() < kMaxRejections) {
        info_.rejections.push_back({name, line, reason});
    }
    if (options_.on_error == OnError::kSkip) {
        return {};
    }
    return fail(Code::kInvalidData, fmt::format("'{}' {} {}: {}", name, unit_, line, reason),
                "'--on-error skip' leaves bad rows out and counts them");
}

// Everything that commit() would refuse a whole batch for is refused row by row here.
Status RowIntake::remove_bad_rows(data::RecordBatch& batch, const std::string& name) {
    std::vector<bool> good(batch.rows, true);
    bool all_good = true;
    const auto refuse = [&](std::size_t row, std::string reason) {
        good[row] = all_good = false;
        return reject(name, line_of(batch, row), std::move(reason));
    };
    const std::size_t dimension = batch.dimension;
    for (std::size_t row = 0; dimension != 0 && row < batch.rows; ++row) {
        const auto rest = batch.vectors.subspan(row * dimension);
        const std::size_t bad = simd::first_non_finite(rest.data(), rest.size());
        if (bad == rest.size()) {
            break;
        }
        row += bad / dimension;
        ABI_CHECK(refuse(
            row, fmt::format("the vector holds NaN or infinity at position {}", bad % dimension)));
    }
    const ElementType element = database_.element();
    for (std::size_t row = 0;
         dimension != 0 && element != ElementType::kFloat32 && row < batch.rows; ++row) {
        const auto vector = batch.vectors.subspan(row * dimension, dimension);
        const std::size_t unfit = good[row] ? first_unfit(element, vector) : dimension;
        if (unfit != dimension) {
            ABI_CHECK(refuse(row, fmt::format("the vector holds {} at position {}, which {} "
                                              "cannot store",
                                              vector[unfit], unfit, element_name(element))));
        }
    }
    const bool strings = !batch.ids.empty() || !batch.texts.empty() || !batch.metadata.empty();
    for (std::size_t row = 0; strings && row < batch.rows; ++row) {
        if (!good[row]) {
            continue;
        }
        if (const Status status = check_row_strings(batch, row); !status) {
            ABI_CHECK(refuse(row, status.error().message()));
        }
    }
    const bool cannot_embed = dimension == 0 && database_.embedder() == nullptr;
    for (std::size_t row = 0; cannot_embed && row < batch.rows; ++row) {
        if (good[row]) {
            ABI_CHECK(refuse(
                row, "the row brings a text and no vector, and the database has no embedder"));
        }
    }
    if (!all_good) {
        batch = filtered(batch, good);
    }
    return {};
}

Status RowIntake::commit(const WriteBatch& batch) {
    ABI_TRY(const CommitInfo done, database_.commit(batch));
    info_.rows_added += done.added;
    info_.rows_replaced += done.replaced;
    info_.rows_dropped += done.deleted;
    info_.commits += done.lsn == 0 ? 0u : 1u;
    if (options_.on_durable && done.lsn != 0) {
        ABI_CHECK(options_.on_durable(info_.rows_added + info_.rows_replaced));
    }
    return context_.cancel.check();
}

Status RowIntake::store(data::RecordBatch&& batch) {
    if (batch.dimension == 0) {
        ABI_CHECK(database_.embed(batch));
    }
    return commit({&batch, {}, WriteMode::kUpsert});
}

bool RowIntake::must_learn() const {
    const std::shared_ptr<const Embedder> embedder = database_.embedder();
    return !learned_ && embedder != nullptr &&
           (embedder->learned_documents() == 0 || database_.snapshot().rows() == 0);
}

Status RowIntake::take(data::RecordBatch&& batch, const std::string& name) {
    info_.rows_read += batch.rows;
    ABI_CHECK(remove_bad_rows(batch, name));
    if (batch.rows == 0) {
        return {};
    }
    // What came before must be stored before: the later row of an id wins.
    const bool wait = !unlearned_.empty() || (batch.dimension == 0 && must_learn());
    if (!wait) {
        return store(std::move(batch));
    }
    if (batch.dimension != 0 && batch.owned_vectors.empty()) {  // the mapped input will not wait
        batch.owned_vectors.assign(batch.vectors.begin(), batch.vectors.end());
        batch.vectors = batch.owned_vectors;
    }
    unlearned_bytes_ += batch.texts.size_bytes() + batch.ids.size_bytes() +
                        batch.metadata.size_bytes() + batch.vectors.size_bytes() +
                        batch.rows * kRowOverheadBytes;
    unlearned_.push_back(std::move(batch));
    return unlearned_bytes_ >= kLearnBytes ? end_learning() : Status();
}

Status RowIntake::end_learning() {
    if (unlearned_.empty()) {
        return {};
    }
    std::vector<std::string_view> texts;
    for (const data::RecordBatch& batch : unlearned_) {
        for (std::size_t row = 0; row < batch.rows; ++row) {
            if (batch.texts.has(row)) {
                texts.push_back(batch.texts[row]);
            }
        }
    }
    ABI_TRY(info_.embedder_learned, database_.learn_if_new(texts));
    learned_ = true;
    for (data::RecordBatch& batch : unlearned_) {
        ABI_CHECK(store(std::move(batch)));
        batch = data::RecordBatch();
    }
    unlearned_.clear();
    unlearned_bytes_ = 0;
    return {};
}

Status RowIntake::take_chunk(std::string_view id, std::string_view text, std::string_view metadata,
                             std::uint64_t line) {
    if (id.empty()) {
        pending_.ids.append_null();
    } else {
        pending_.ids.append(id);
    }
    pending_.texts.append(text);
    pending_.metadata.append(metadata);
    pending_.lines.push_back(line);
    ++pending_.rows;
    const bool full =
        pending_.rows >= options_.commit_every || pending_.texts.size_bytes() >= kPendingBytes;
    return full ? flush() : Status();
}

Status RowIntake::flush() {
    if (pending_.rows == 0) {
        return {};
    }
    data::RecordBatch batch;
    std::swap(batch, pending_);
    return take(std::move(batch), "documents");
}

Status RowIntake::drop(std::vector<std::string> ids) {
    if (ids.empty()) {
        return {};
    }
    ABI_CHECK(finish());
    return commit({nullptr, std::move(ids), WriteMode::kUpsert});
}

Status RowIntake::finish() {
    ABI_CHECK(flush());
    return end_learning();
}

}  // namespace abikit::storage

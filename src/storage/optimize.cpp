// Merging all segments into one, and teaching the embedder: the two jobs that rewrite every row.
#include <algorithm>

#include <fmt/format.h>

#include "database_impl.hpp"
#include "fulltext/text_units.hpp"

namespace abikit::storage {

namespace {
constexpr std::size_t kEmbedRows = 1024;

// All live rows of a state, the ones with a text embedded anew.
class ReembeddedRows : public StateRows {
public:
    ReembeddedRows(std::shared_ptr<const State> state, std::shared_ptr<const Embedder> embedder,
                   const Context& context)
        : StateRows(std::move(state), 0), embedder_(std::move(embedder)), context_(context) {}

    Status vectors(const std::function<Status(std::span<const std::byte>)>& sink) override {
        const VectorShape shape = state_->shape();
        const std::size_t dimension = shape.dimension;
        std::vector<float> block;
        std::vector<std::byte> encoded;
        for (std::size_t at = 0; at < numbers().size(); at += kEmbedRows) {
            ABI_CHECK(context_.cancel.check());
            const std::size_t count = std::min(kEmbedRows, numbers().size() - at);
            std::vector<std::optional<std::string_view>> texts(count);
            block.resize(count * dimension);
            for (std::size_t i = 0; i < count; ++i) {
                ABI_TRY(texts[i], state_->text(numbers()[at + i]));
                if (!texts[i]) {
                    ABI_TRY(const auto vector, state_->vector(numbers()[at + i]));
                    decode_vectors(shape, vector.data(), 1, block.data() + i * dimension);
                }
            }
            embed(texts, block);
            encoded.resize(count * shape.row_bytes());
            encode_vectors(shape, block, encoded.data());
            ABI_CHECK(sink(encoded));
        }
        return {};
    }

private:
    void embed(const std::vector<std::optional<std::string_view>>& texts,
               std::span<float> block) const {
        const std::size_t dimension = embedder_->dimension();
        const auto body = [&](std::size_t first, std::size_t last) {
            for (std::size_t i = first; i < last; ++i) {
                if (texts[i]) {
                    embedder_->embed(*texts[i], block.subspan(i * dimension, dimension));
                }
            }
        };
        if (context_.pool != nullptr) {
            context_.pool->parallel_for(0, texts.size(), 16, body);
        } else {
            body(0, texts.size());
        }
    }

    std::shared_ptr<const Embedder> embedder_;
    const Context& context_;
};

Result<std::vector<std::string_view>> all_texts(const std::shared_ptr<const State>& state) {
    std::vector<std::string_view> texts;
    const StateRows rows(state, 0);
    for (const RowNumber row : rows.numbers()) {
        ABI_TRY(const auto text, state->text(row));
        if (text) {
            texts.push_back(*text);
        }
    }
    return texts;
}

std::uint64_t size_of(const State& state, std::uint64_t log_bytes) {
    std::uint64_t bytes = log_bytes;
    for (const SegmentUnit& unit : state.segments) {
        bytes += unit.segment->size_bytes();
    }
    return bytes;
}
}  // namespace

namespace {
// A flag that is down again afterwards, however the scope ends.
class Raised {
public:
    Raised(bool& flag, bool value) noexcept : flag_(flag) { flag_ = value; }
    ~Raised() { flag_ = false; }
    Raised(const Raised&) = delete;
    Raised& operator=(const Raised&) = delete;

private:
    bool& flag_;
};
}  // namespace

Status Database::Impl::optimize_rows(std::size_t core, const OptimizeOptions& options,
                                     OptimizeInfo& info, IndexHeir& heir) {
    const std::shared_ptr<const State> before = cores_[core].state;
    const std::uint64_t log_bytes = log_end_ - kLogHeaderBytes;
    info.segments_before = before->segments.size();
    info.size_bytes_before = size_of(*before, log_bytes);
    info.rows = before->rows();
    info.dropped_rows = before->total_rows() - info.rows;
    ABI_TRY(const std::vector<std::string_view> texts, all_texts(before));
    if (before->embedder != nullptr && !texts.empty()) {
        const std::shared_ptr<const Embedder> relearned = before->embedder->relearn(texts);
        ABI_CHECK(rewrite(core, std::make_unique<ReembeddedRows>(before, relearned, context_),
                          relearned));
        info.reembedded = true;
    } else if (before->segments.size() > 1 || info.dropped_rows != 0 ||
               before->log_rows.rows != 0 || (options.purge && log_bytes != 0) ||
               !fulltext::text_indexes_sound(*before)) {
        ABI_TRY(heir, merge(before->collection->id));
    }
    const std::shared_ptr<const State> after = cores_[core].state;
    info.segments_after = after->segments.size();
    info.size_bytes_after = size_of(*after, log_end_ - kLogHeaderBytes);
    return {};
}

Result<OptimizeInfo> Database::Impl::optimize(std::uint32_t collection,
                                              const OptimizeOptions& options, IndexHeir& heir) {
    const TraceSpan span(context_.trace, "storage", "optimize");
    ABI_CHECK(check_writable());
    ABI_TRY(const std::size_t core, core_of(collection));
    OptimizeInfo info;
    {
        const Raised purging(purging_, options.purge);
        ABI_CHECK(optimize_rows(core, options, info, heir));
    }
    if (options.purge) {
        heir = {};  // its file is overwritten, and what it learned of deleted rows is to go as well
        ABI_CHECK(finish_purge(info));
        info.snapshot_files = files_of_snapshots();
    }
    return info;
}

Result<IndexHeir> Database::Impl::merge(std::uint32_t collection) {
    const TraceSpan span(context_.trace, "storage", "merge");
    ABI_CHECK(check_writable());
    ABI_TRY(const std::size_t core, core_of(collection));
    const std::shared_ptr<const State> before = cores_[core].state;
    IndexHeir heir = heir_of(*before);
    ABI_CHECK(rewrite(core, std::make_unique<StateRows>(before, 0), before->embedder));
    const std::shared_ptr<const State> after = cores_[core].state;
    if (!after->segments.empty()) {
        heir.segment = after->segments.front().segment;
    }
    return heir;
}

Result<bool> Database::Impl::learn_if_new(std::uint32_t collection,
                                          std::span<const std::string_view> texts) {
    ABI_TRY(const std::size_t core, core_of(collection));
    const std::shared_ptr<const State> before = cores_[core].state;
    const bool empty = before->rows() == 0;
    if (before->embedder == nullptr || texts.empty() ||
        (before->embedder->learned_documents() != 0 && !empty)) {
        return false;
    }
    ABI_CHECK(check_writable());
    const TraceSpan span(context_.trace, "storage", "learn");
    // Rows that were embedded before anything was learned count too, and are embedded again: one
    // state fits all vectors.
    ABI_TRY(std::vector<std::string_view> all, all_texts(before));
    all.insert(all.end(), texts.begin(), texts.end());
    const std::shared_ptr<const Embedder> relearned = before->embedder->relearn(all);
    ABI_CHECK(
        rewrite(core, std::make_unique<ReembeddedRows>(before, relearned, context_), relearned));
    return true;
}

}  // namespace abikit::storage

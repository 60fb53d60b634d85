// Two rankings made one.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include <abi/storage/row_set.hpp>
#include <abi/storage/text_search.hpp>

#include "../guard.hpp"

namespace abikit::storage {

namespace {
constexpr std::size_t kLeastCandidates = 100, kCandidatesPerHit = 10;

Status check_options(const FusionOptions& options) {
    if (!(options.rank_constant > 0) || !std::isfinite(options.rank_constant)) {
        return fail(Code::kInvalidArgument, "the constant of the ranks must be above 0");
    }
    if (!(options.text_weight >= 0 && options.text_weight <= 1)) {
        return fail(Code::kInvalidArgument, "the weight of the text must be from 0 to 1");
    }
    return {};
}

double text_share(const FusedHit& hit, double best, const FusionOptions& options) {
    if (!hit.text_rank) {
        return 0;
    }
    if (options.method == FusionMethod::kReciprocalRank) {
        return 2 / (options.rank_constant + static_cast<double>(*hit.text_rank));
    }
    return best > 0 ? *hit.text_score / best : 1;
}

double vector_share(const FusedHit& hit, double nearest, double farthest,
                    const FusionOptions& options) {
    if (!hit.vector_rank) {
        return 0;
    }
    if (options.method == FusionMethod::kReciprocalRank) {
        return 2 / (options.rank_constant + static_cast<double>(*hit.vector_rank));
    }
    return farthest > nearest ? (farthest - double{*hit.distance}) / (farthest - nearest) : 1;
}
}  // namespace

Result<std::vector<FusedHit>> fuse(std::span<const TextHit> texts, std::span<const Hit> vectors,
                                   std::size_t k, const FusionOptions& options) {
    return guarded([&]() -> Result<std::vector<FusedHit>> {
        ABI_CHECK(check_options(options));
        std::map<RowNumber, FusedHit> rows;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            FusedHit& hit = rows[texts[i].row];
            hit.text_rank = i + 1;
            hit.text_score = texts[i].score;
        }
        for (std::size_t i = 0; i < vectors.size(); ++i) {
            FusedHit& hit = rows[vectors[i].row];
            hit.vector_rank = i + 1;
            hit.distance = vectors[i].distance;
        }
        const double best = texts.empty() ? 0 : texts.front().score;
        const double nearest = vectors.empty() ? 0 : double{vectors.front().distance};
        const double farthest = vectors.empty() ? 0 : double{vectors.back().distance};
        std::vector<FusedHit> hits;
        hits.reserve(rows.size());
        for (auto& [row, hit] : rows) {
            hit.row = row;
            hit.score = options.text_weight * text_share(hit, best, options) +
                        (1 - options.text_weight) * vector_share(hit, nearest, farthest, options);
            hits.push_back(hit);
        }
        std::stable_sort(hits.begin(), hits.end(),
                         [](const FusedHit& a, const FusedHit& b) { return a.score > b.score; });
        hits.resize(std::min(k, hits.size()));
        return hits;
    });
}

Result<HybridResult> search_hybrid(const Context& context, const Snapshot& snapshot,
                                   const TextQuery& query, std::span<const float> vector,
                                   const HybridOptions& options) {
    return guarded([&]() -> Result<HybridResult> {
        ABI_CHECK(check_options(options.fusion));
        const std::size_t k = options.text.k;
        TextSearchOptions wider = options.text;
        wider.k = options.candidates != 0
                      ? std::max(options.candidates, k)
                      : std::max(kLeastCandidates, k > snapshot.rows() ? k : k * kCandidatesPerHit);
        std::optional<RowSet> matching;
        if (wider.filter != nullptr && wider.rows == nullptr) {  // found once for both
            ABI_TRY(matching, snapshot.match(context, *wider.filter));
            wider.filter = nullptr;
            wider.rows = &*matching;
        }
        SearchOptions near = options.vector;
        near.k = wider.k;
        near.filter = wider.filter;
        near.rows = wider.rows;
        ABI_TRY(TextSearchResult texts, snapshot.search_text(context, query, wider));
        ABI_TRY(const auto vectors, snapshot.search(context, vector, 1, near));
        HybridResult result;
        ABI_TRY(result.hits, fuse(texts.hits, vectors.front(), k, options.fusion));
        result.notes = std::move(texts.notes);
        return result;
    });
}

}  // namespace abikit::storage

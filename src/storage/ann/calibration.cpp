// Exact neighbours of the queries by a scan, then walks of rising effort until all are found.
#include "ann/calibration.hpp"

#include <algorithm>
#include <mutex>

#include <abi/simd/distance.hpp>
#include <abi/simd/topk.hpp>

#include "ann/beam.hpp"
#include "ann/pieces.hpp"

namespace abikit::storage::ann {

namespace {
constexpr std::uint32_t kEfforts[] = {10,  12,  14,  17,  20,  24,  28,   34,   40,   48,
                                      58,  70,  85,  100, 120, 145, 175,  210,  250,  300,
                                      360, 430, 520, 620, 750, 900, 1100, 1300, 1600, 2000};
constexpr double kHighEnough = 0.9995;
constexpr std::size_t kBlockRows = 256;
constexpr std::size_t kQueryGrain = 64;
// Of two distances that differ by less, rounding decides which is nearer.
constexpr float kTie = 1.0F + 1e-5F;

// One query: where it is in the metric's space, its code, and how far its k-th neighbour is.
struct Probe {
    std::vector<float> mapped;
    CodeQuery code;
    float farthest = 0.0F;
};

class Calibration {
public:
    Calibration(const VectorSource& rows, const Projection& projection, const GraphView& graph,
                std::span<const std::uint32_t> queries)
        : rows_(rows), projection_(projection), graph_(graph), queries_(queries) {
        out_.resize((rows.rows() + 63) / 64);
        for (const std::uint32_t row : queries) {
            out_[row / 64] |= std::uint64_t{1} << (row % 64);
        }
        probes_.resize(queries.size());
    }

    Status find_truth(std::size_t first, std::size_t last);
    // Mean recall of probes [first, last), as a sum.
    Result<double> recall(std::size_t first, std::size_t last, std::uint32_t effort) const;

private:
    std::size_t dimension() const { return projection_.space().dimension(); }

    const VectorSource& rows_;
    const Projection& projection_;
    const GraphView& graph_;
    std::span<const std::uint32_t> queries_;
    std::vector<std::uint64_t> out_;  // bit of each row that is no neighbour: the queries
    std::vector<Probe> probes_;
};

Status Calibration::find_truth(std::size_t first, std::size_t last) {
    const std::size_t count = last - first;
    std::vector<float> buffer, mapped(kBlockRows * dimension()), queries(count * dimension()),
        distances(count * kBlockRows);
    Projection::Scratch scratch;
    std::vector<std::int8_t> code(projection_.stride());
    for (std::size_t i = 0; i < count; ++i) {
        ABI_TRY(const float* const values, rows_.read(queries_[first + i], 1, buffer));
        float* const query = queries.data() + i * dimension();
        projection_.space().map_query(values, query);
        projection_.encode_query(values, code.data(), scratch);
        Probe& probe = probes_[first + i];
        probe.mapped.assign(query, query + dimension());
        probe.code.assign(code.data(), code.size());
    }
    std::vector<simd::TopK> best(count, simd::TopK(kCalibratedK));
    for (std::uint64_t at = 0; at < rows_.rows(); at += kBlockRows) {
        const auto block =
            static_cast<std::size_t>(std::min<std::uint64_t>(kBlockRows, rows_.rows() - at));
        ABI_TRY(const float* const values, rows_.read(at, block, buffer));
        for (std::size_t i = 0; i < block; ++i) {
            projection_.space().map_row(values + i * rows_.dimension(),
                                        mapped.data() + i * dimension());
        }
        simd::l2_squared_block(queries.data(), count, mapped.data(), dimension(), block,
                               distances.data());
        for (std::size_t i = 0; i < count; ++i) {
            best[i].offer_masked(distances.data() + i * block, block, at, {out_.data(), at});
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        probes_[first + i].farthest = best[i].take_sorted().back().distance;
    }
    return {};
}

Result<double> Calibration::recall(std::size_t first, std::size_t last,
                                   std::uint32_t effort) const {
    Beam beam;
    std::vector<float> buffer, mapped(dimension());
    double sum = 0;
    for (std::size_t i = first; i < last; ++i) {
        const Probe& probe = probes_[i];
        beam.walk(graph_, probe.code, effort);
        const auto found = beam.found();
        std::size_t hits = 0;
        for (std::size_t j = 0; j < compared(kCalibratedK, found.size()); ++j) {
            ABI_TRY(const float* const values, rows_.read(found[j].row, 1, buffer));
            projection_.space().map_row(values, mapped.data());
            float distance = 0;
            simd::l2_squared_rows(probe.mapped.data(), mapped.data(), dimension(), 1, &distance);
            hits += distance <= probe.farthest * kTie ? 1 : 0;
        }
        sum += static_cast<double>(std::min(hits, kCalibratedK)) / double{kCalibratedK};
    }
    return sum;
}

}  // namespace

Result<std::vector<AnnEffort>> measure_recall(const Context& context, const VectorSource& rows,
                                              const Projection& projection, const GraphView& graph,
                                              std::span<const std::uint32_t> queries) {
    const TraceSpan span(context.trace, "storage", "ann_calibrate");
    Calibration calibration(rows, projection, graph, queries);
    ABI_CHECK(for_pieces(
        context, queries.size(), kQueryGrain,
        [&](std::size_t first, std::size_t last) { return calibration.find_truth(first, last); }));
    std::vector<AnnEffort> curve;
    double best = 0;
    for (const std::uint32_t effort : kEfforts) {
        std::mutex mutex;
        std::vector<std::pair<std::size_t, double>> sums;
        ABI_CHECK(for_pieces(context, queries.size(), kQueryGrain,
                             [&](std::size_t first, std::size_t last) -> Status {
                                 ABI_TRY(const double sum, calibration.recall(first, last, effort));
                                 const std::scoped_lock lock(mutex);
                                 sums.emplace_back(first, sum);
                                 return {};
                             }));
        std::sort(sums.begin(), sums.end());  // added in one order
        double total = 0;
        for (const auto& [first, sum] : sums) {
            total += sum;
        }
        best = std::max(best, total / static_cast<double>(queries.size()));
        curve.push_back({effort, static_cast<float>(best)});
        if (best >= kHighEnough) {
            break;
        }
    }
    return curve;
}

}  // namespace abikit::storage::ann

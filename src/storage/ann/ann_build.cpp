// Making an index: from nothing, or out of one whose rows changed.
#include <abi/storage/ann_index.hpp>

#include <algorithm>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

#include <abi/core/random.hpp>

#include "ann/ann_parts.hpp"
#include "ann/builder.hpp"
#include "ann/calibration.hpp"
#include "ann/pieces.hpp"
#include "ann/reach.hpp"
#include "guard.hpp"

namespace abikit::storage {

namespace {
// Rows that measure recall before they are inserted.
constexpr std::uint64_t kMostProbes = 1000, kProbeShare = 20;
// When fewer than one row in so many came or went, the recall that was measured before still holds.
constexpr std::uint64_t kChangedShare = 50;
constexpr std::size_t kEncodeGrain = 256;
// Axes are learned anew when they hold so much less of the new rows' variance than of the old
// ones'.
constexpr double kDrift = 0.03;
constexpr std::uint64_t kDriftRows = 1000, kFewestDriftRows = 100;

using Codes = ann::AlignedVector<std::int8_t>;

Status check_rows(const VectorSource& rows) {
    if (rows.rows() < AnnIndex::kFewestRows || rows.rows() > AnnIndex::kMostRows) {
        return fail(Code::kInvalidArgument,
                    fmt::format("{} rows: an index takes {} to {}", rows.rows(),
                                AnnIndex::kFewestRows, AnnIndex::kMostRows));
    }
    return {};
}

std::size_t probes_of(const VectorSource& rows) {
    return static_cast<std::size_t>(std::min(kMostProbes, rows.rows() / kProbeShare));
}

// What building and deriving share: rows, where they are projected to, and their codes.
struct Making {
    const Context& context;
    const VectorSource& rows;
    const AnnOptions& options;
    const ann::Projection& projection;
    Codes codes;

    // Those whose origin is a row of `base` have their code there already.
    Status encode(std::span<const std::uint32_t> origins, const std::int8_t* base) {
        const TraceSpan span(context.trace, "storage", "ann_encode");
        const std::size_t stride = projection.stride();
        codes.resize(rows.rows() * stride);
        const auto some = [&](std::size_t first, std::size_t last) -> Status {
            ann::Projection::Scratch scratch;
            std::vector<float> buffer;
            for (std::size_t row = first; row < last; ++row) {
                std::int8_t* const code = codes.data() + row * stride;
                if (!origins.empty() && origins[row] != AnnIndex::kNewRow) {
                    std::memcpy(code, base + origins[row] * stride, stride);
                    continue;
                }
                ABI_TRY(const float* const values, rows.read(row, 1, buffer));
                projection.encode_row(values, code, scratch);
            }
            return {};
        };
        return ann::for_pieces(context, rows.rows(), kEncodeGrain, some);
    }

    // Inserts `order`, the last `probes` of it after they measured the recall of the others.
    Result<std::vector<AnnEffort>> insert(ann::Builder& builder,
                                          std::span<const std::uint32_t> order,
                                          std::size_t probes) const {
        std::vector<AnnEffort> curve;
        if (context.progress != nullptr) {
            context.progress->begin("index", "rows", rows.rows());
        }
        ABI_CHECK(builder.insert(order.first(order.size() - probes)));
        const auto held_out = order.last(probes);
        if (probes != 0) {
            ABI_TRY(curve,
                    ann::measure_recall(context, rows, projection, builder.view(), held_out));
        }
        ABI_CHECK(builder.insert(held_out));
        ABI_CHECK(builder.connect());
        if (context.progress != nullptr) {
            context.progress->end();
        }
        return curve;
    }

    Result<AnnIndex> finish(ann::Builder& builder, std::vector<AnnEffort> curve) const {
        ann::AnnParts parts;
        parts.info.curve = std::move(curve);
        parts.info.rows = rows.rows();
        parts.info.dimension = rows.dimension();
        parts.info.degree = options.degree;
        parts.info.build_effort = options.build_effort;
        parts.space = projection.space();
        parts.projection = projection.data();
        parts.codes = codes;
        parts.edges = builder.edges();
        parts.entries = builder.entries();
        const auto bytes =
            std::make_shared<const ann::AlignedVector<std::byte>>(ann::encode_index(parts));
        return AnnIndex::parse(bytes, *bytes);
    }
};

// Which rows of a changed set are new, and how many are not.
struct Changes {
    std::vector<std::uint32_t> added;
    std::uint64_t kept = 0;
};

Result<Changes> compare(std::span<const std::uint32_t> origins, std::uint64_t rows,
                        std::uint64_t base_rows) {
    if (origins.size() != rows) {
        return fail(Code::kInvalidArgument,
                    fmt::format("{} origins for {} rows", origins.size(), rows));
    }
    Changes changes;
    std::vector<bool> taken(base_rows);
    for (std::size_t row = 0; row < origins.size(); ++row) {
        const std::uint32_t origin = origins[row];
        if (origin == AnnIndex::kNewRow) {
            changes.added.push_back(static_cast<std::uint32_t>(row));
        } else if (origin >= base_rows || taken[origin]) {
            return fail(Code::kInvalidArgument,
                        fmt::format("row {} stems from row {}, which is not there or taken twice",
                                    row, origin));
        } else {
            taken[origin] = true;
            ++changes.kept;
        }
    }
    return changes;
}

// The part of the variance of these rows that their codes hold.
Result<double> share_held(const Making& making, std::span<const std::uint32_t> some) {
    const ann::MetricSpace& space = making.projection.space();
    const ann::ProjectionData& data = making.projection.data();
    const std::size_t stride = making.projection.stride();
    std::vector<float> buffer, mapped(space.dimension());
    double held = 0, total = 0;
    const std::size_t used = std::min<std::size_t>(some.size(), kDriftRows);
    for (std::size_t i = 0; i < used; ++i) {
        const std::uint32_t row = some[i * some.size() / used];
        ABI_TRY(const float* const values, making.rows.read(row, 1, buffer));
        space.map_row(values, mapped.data());
        for (std::size_t j = 0; j < mapped.size(); ++j) {
            const double from_mean = static_cast<double>(mapped[j]) - double{data.mean[j]};
            total += from_mean * from_mean;
        }
        std::int32_t norm = 0;
        std::memcpy(&norm, making.codes.data() + (row + 1) * stride - ann::kNormBytes,
                    ann::kNormBytes);
        held += norm;
    }
    const double step = double{data.step};
    return total > 0 ? held * step * step / total : 1.0;
}

// Whether the axes that fit the old rows fit the new ones as well.
Result<bool> still_fits(const Making& making, std::span<const std::uint32_t> origins,
                        const Changes& changes) {
    if (changes.added.size() < kFewestDriftRows) {
        return true;
    }
    std::vector<std::uint32_t> kept;
    for (std::size_t row = 0; row < origins.size(); ++row) {
        if (origins[row] != AnnIndex::kNewRow) {
            kept.push_back(static_cast<std::uint32_t>(row));
        }
    }
    ABI_TRY(const double before, share_held(making, kept));
    ABI_TRY(const double now, share_held(making, changes.added));
    return now > before - kDrift;
}

// The rows to insert into a graph that is adopted, in order, the last `probes` of which measure
// recall first. Those are drawn from all rows, as when building: ones that stayed lose their
// origin.
std::vector<std::uint32_t> draw_probes(std::vector<std::uint32_t>& origins, std::size_t probes,
                                       std::uint64_t seed) {
    std::vector<std::uint32_t> order(origins.size());
    std::iota(order.begin(), order.end(), std::uint32_t{0});
    Random(seed).shuffle(std::span(order));
    for (std::size_t i = order.size() - probes; i < order.size(); ++i) {
        origins[order[i]] = AnnIndex::kNewRow;
    }
    std::erase_if(order, [&](std::uint32_t row) { return origins[row] != AnnIndex::kNewRow; });
    return order;
}

Result<bool> all_fit(const ann::MetricSpace& space, const VectorSource& rows,
                     std::span<const std::uint32_t> added) {
    std::vector<float> buffer;
    for (const std::uint32_t row : added) {
        ABI_TRY(const float* const values, rows.read(row, 1, buffer));
        if (!space.fits(values)) {
            return false;
        }
    }
    return true;
}
}  // namespace

Status AnnIndex::check(const AnnOptions& options) {
    if (options.metric != Metric::kL2 && options.metric != Metric::kCosine &&
        options.metric != Metric::kDot) {
        return fail(Code::kInvalidArgument,
                    fmt::format("no index is made for metric '{}'", metric_name(options.metric)),
                    "l2, cosine and dot have one");
    }
    if (options.degree < 8 || options.degree > 64 || options.degree % 8 != 0) {
        return fail(Code::kInvalidArgument,
                    fmt::format("{} edges a row: 8 to 64 in steps of 8 work", options.degree));
    }
    if (options.build_effort < 8 || options.build_effort > 4096) {
        return fail(Code::kInvalidArgument,
                    fmt::format("a build effort of {}: 8 to 4096 work", options.build_effort));
    }
    return {};
}

Result<AnnIndex> AnnIndex::build(const Context& context, const VectorSource& rows,
                                 const AnnOptions& options) {
    return guarded([&]() -> Result<AnnIndex> {
        ABI_CHECK(check(options));
        ABI_CHECK(check_rows(rows));
        const TraceSpan span(context.trace, "storage", "ann_build");
        ABI_TRY(const ann::Projection projection,
                ann::Projection::learn(context, rows, options.metric, options.seed));
        Making making{context, rows, options, projection, {}};
        ABI_CHECK(making.encode({}, nullptr));
        std::vector<std::uint32_t> order(rows.rows());
        std::iota(order.begin(), order.end(), std::uint32_t{0});
        Random(options.seed).shuffle(std::span(order));
        ann::Builder builder(context, making.codes, projection.stride(), options);
        ABI_TRY(std::vector<AnnEffort> curve, making.insert(builder, order, probes_of(rows)));
        return making.finish(builder, std::move(curve));
    });
}

Result<AnnIndex> AnnIndex::derive(const Context& context, const AnnIndex& base,
                                  const VectorSource& rows, std::span<const std::uint32_t> origins,
                                  std::uint64_t seed) {
    return guarded([&]() -> Result<AnnIndex> {
        ABI_CHECK(check_rows(rows));
        const AnnInfo& info = base.info();
        if (info.dimension != rows.dimension()) {
            return fail(Code::kIncompatible, fmt::format("rows of dimension {} for an index of {}",
                                                         rows.dimension(), info.dimension));
        }
        const AnnOptions options{.metric = info.metric,
                                 .degree = info.degree,
                                 .build_effort = info.build_effort,
                                 .seed = seed};
        ABI_TRY(const Changes changes, compare(origins, rows.rows(), info.rows));
        ABI_TRY(const bool all_in, all_fit(base.parts_->parts.space, rows, changes.added));
        // Mending what mostly is gone, or growing to more than double, is slower than building and
        // ends in a worse graph.
        if (!all_in || changes.kept * 2 < std::max(info.rows, rows.rows())) {
            return build(context, rows, options);
        }
        const TraceSpan span(context.trace, "storage", "ann_derive");
        const ann::Projection& projection = base.parts_->projection;
        Making making{context, rows, options, projection, {}};
        ABI_CHECK(making.encode(origins, base.parts_->graph.codes));
        ABI_TRY(const bool fits, still_fits(making, origins, changes));
        if (!fits) {
            return build(context, rows, options);
        }
        const std::uint64_t changed = changes.added.size() + info.rows - changes.kept;
        const std::size_t probes = changed * kChangedShare < rows.rows() ? 0 : probes_of(rows);
        std::vector<std::uint32_t> adopted(origins.begin(), origins.end());
        const std::vector<std::uint32_t> order = draw_probes(adopted, probes, seed);
        ann::Builder builder(context, making.codes, projection.stride(), options);
        ABI_CHECK(builder.adopt(base.parts_->graph, adopted));
        ABI_TRY(std::vector<AnnEffort> curve, making.insert(builder, order, probes));
        return making.finish(builder, probes == 0 ? info.curve : std::move(curve));
    });
}

AnnAudit AnnIndex::audit() const {
    return ann::audit(parts_->graph);
}

}  // namespace abikit::storage

// The public face: building, walking, comparing.
#include <abi/storage/ann_index.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include <abi/core/random.hpp>
#include <abi/simd/distance.hpp>

#include "ann/ann_file.hpp"
#include "ann/beam.hpp"
#include "ann/builder.hpp"
#include "ann/calibration.hpp"
#include "ann/pieces.hpp"
#include "guard.hpp"

namespace abikit::storage {

namespace {
// Rows that measure recall before they are inserted.
constexpr std::uint64_t kMostProbes = 1000, kProbeShare = 20;
constexpr std::size_t kEncodeGrain = 256;
constexpr std::size_t kScanBlock = 64;
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kFetchAhead = 3;  // rows on their way while one is compared

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

namespace {
Status check_rows(const VectorSource& rows) {
    if (rows.rows() < AnnIndex::kFewestRows || rows.rows() > AnnIndex::kMostRows) {
        return fail(Code::kInvalidArgument,
                    fmt::format("{} rows: an index takes {} to {}", rows.rows(),
                                AnnIndex::kFewestRows, AnnIndex::kMostRows));
    }
    return {};
}

Result<ann::AlignedVector<std::int8_t>> encode_all(const Context& context, const VectorSource& rows,
                                                   const ann::Projection& projection) {
    const TraceSpan span(context.trace, "storage", "ann_encode");
    const std::size_t stride = projection.stride();
    ann::AlignedVector<std::int8_t> codes(rows.rows() * stride);
    const auto encode = [&](std::size_t first, std::size_t last) -> Status {
        ann::Projection::Scratch scratch;
        std::vector<float> buffer;
        ABI_TRY(const float* values, rows.read(first, last - first, buffer));
        for (std::size_t row = first; row < last; ++row) {
            projection.encode_row(values, codes.data() + row * stride, scratch);
            values += rows.dimension();
        }
        return {};
    };
    ABI_CHECK(ann::for_pieces(context, rows.rows(), kEncodeGrain, encode));
    return codes;
}
}  // namespace

VectorSource::~VectorSource() = default;

Result<const float*> MemoryVectors::read(std::uint64_t first, std::size_t /*count*/,
                                         std::vector<float>& /*buffer*/) const {
    return values_.data() + first * dimension_;
}

void VectorSource::fetch(std::uint64_t /*row*/) const noexcept {}
void MemoryVectors::fetch(std::uint64_t row) const noexcept {
    const float* const first = values_.data() + row * dimension_;
    for (std::size_t at = 0; at < dimension_; at += kCacheLine / sizeof(float)) {
        __builtin_prefetch(first + at);
    }
}

struct AnnScratch::Parts {
    ann::Beam beam;
    ann::CodeQuery query;
    ann::Projection::Scratch projection;
    std::vector<std::int8_t> code;
    std::vector<float> buffer;
    std::vector<AnnCandidate> list;
};
AnnScratch::AnnScratch() : parts_(std::make_unique<Parts>()) {}
AnnScratch::~AnnScratch() = default;
AnnScratch::AnnScratch(AnnScratch&&) noexcept = default;
AnnScratch& AnnScratch::operator=(AnnScratch&&) noexcept = default;

struct AnnIndex::Parts {
    std::shared_ptr<const void> owner;
    std::span<const std::byte> bytes;
    ann::AnnParts parts;
    ann::Projection projection;
    ann::GraphView graph;
};

AnnIndex::AnnIndex(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

Result<AnnIndex> AnnIndex::parse(std::shared_ptr<const void> owner,
                                 std::span<const std::byte> bytes) {
    return guarded([&]() -> Result<AnnIndex> {
        if (reinterpret_cast<std::uintptr_t>(bytes.data()) % ann::kCodeAlignment != 0) {
            const auto copy =
                std::make_shared<const ann::AlignedVector<std::byte>>(bytes.begin(), bytes.end());
            return parse(copy, *copy);
        }
        ABI_TRY(ann::AnnParts parts, ann::decode_index(bytes));
        ann::Projection projection(parts.space, std::move(parts.projection));
        const ann::GraphView graph{parts.codes.data(),
                                   parts.edges.data(),
                                   projection.stride(),
                                   parts.info.degree,
                                   static_cast<std::uint32_t>(parts.info.rows),
                                   parts.entries};
        return AnnIndex(std::make_shared<const Parts>(
            Parts{std::move(owner), bytes, std::move(parts), std::move(projection), graph}));
    });
}

Result<AnnIndex> AnnIndex::build(const Context& context, const VectorSource& rows,
                                 const AnnOptions& options) {
    return guarded([&]() -> Result<AnnIndex> {
        ABI_CHECK(check(options));
        ABI_CHECK(check_rows(rows));
        const TraceSpan span(context.trace, "storage", "ann_build");
        ABI_TRY(ann::Projection projection,
                ann::Projection::learn(context, rows, options.metric, options.seed));
        ABI_TRY(const ann::AlignedVector<std::int8_t> codes, encode_all(context, rows, projection));
        std::vector<std::uint32_t> order(rows.rows());
        std::iota(order.begin(), order.end(), std::uint32_t{0});
        Random random(options.seed);
        random.shuffle(std::span(order));
        const auto probes = std::min(kMostProbes, rows.rows() / kProbeShare);
        const auto held_out = std::span(order).last(probes);
        ann::Builder builder(context, codes, projection.stride(), options);
        if (context.progress != nullptr) {
            context.progress->begin("index", "rows", rows.rows());
        }
        ABI_CHECK(builder.insert(std::span(order).first(order.size() - probes)));
        ann::AnnParts parts;
        ABI_TRY(parts.info.curve,
                ann::measure_recall(context, rows, projection, builder.view(), held_out));
        ABI_CHECK(builder.insert(held_out));
        if (context.progress != nullptr) {
            context.progress->end();
        }
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
        return parse(bytes, *bytes);
    });
}

std::span<const std::byte> AnnIndex::bytes() const noexcept {
    return parts_->bytes;
}
const AnnInfo& AnnIndex::info() const noexcept {
    return parts_->parts.info;
}

std::uint32_t AnnIndex::effort_for(double recall, std::size_t k) const noexcept {
    const std::vector<AnnEffort>& curve = info().curve;
    const auto at = std::find_if(curve.begin(), curve.end(), [&](const AnnEffort& point) {
        return static_cast<double>(point.recall) >= recall;
    });
    if (at == curve.end()) {
        return 0;
    }
    double effort = at->effort;
    if (at != curve.begin()) {
        // Between two points the misses fall evenly on a logarithmic scale of effort.
        const AnnEffort& below = *(at - 1);
        const double part = (recall - static_cast<double>(below.recall)) /
                            static_cast<double>(at->recall - below.recall);
        effort = below.effort * std::pow(double{1} * at->effort / below.effort, part);
    }
    // More hits need as many more candidates.
    effort *= std::max(1.0, static_cast<double>(k) / double{ann::kCalibratedK});
    return static_cast<std::uint32_t>(std::ceil(effort));
}

void AnnIndex::encode(const float* query, AnnScratch& scratch) const {
    AnnScratch::Parts& mine = *scratch.parts_;
    const ann::Projection& projection = parts_->projection;
    mine.code.resize(projection.stride());
    projection.encode_query(query, mine.code.data(), mine.projection);
    mine.query.assign(mine.code.data(), projection.stride());
}

std::span<const AnnCandidate> AnnIndex::nearest_of(const float* query,
                                                   std::span<const std::uint32_t> rows,
                                                   std::size_t most, AnnScratch& scratch) const {
    encode(query, scratch);
    AnnScratch::Parts& mine = *scratch.parts_;
    mine.list.resize(rows.size());
    std::int32_t distances[kScanBlock];
    for (std::size_t at = 0; at < rows.size(); at += kScanBlock) {
        const std::size_t count = std::min(kScanBlock, rows.size() - at);
        parts_->graph.distances(mine.query, rows.data() + at, count, distances);
        for (std::size_t i = 0; i < count; ++i) {
            mine.list[at + i] = {distances[i], rows[at + i]};
        }
    }
    const auto nearer = [](const AnnCandidate& a, const AnnCandidate& b) {
        return a.distance != b.distance ? a.distance < b.distance : a.row < b.row;
    };
    const auto kept = mine.list.begin() + static_cast<std::ptrdiff_t>(std::min(most, rows.size()));
    std::nth_element(mine.list.begin(), kept, mine.list.end(), nearer);
    std::sort(mine.list.begin(), kept, nearer);
    return {mine.list.begin(), kept};
}

std::span<const AnnCandidate> AnnIndex::candidates(const float* query, std::uint32_t effort,
                                                   AnnScratch& scratch) const {
    encode(query, scratch);
    AnnScratch::Parts& mine = *scratch.parts_;
    mine.beam.walk(parts_->graph, mine.query, effort);
    return mine.beam.found();
}

namespace {
float exact_distance(Metric metric, const float* query, const float* row, std::size_t dimension) {
    float distance = 0;
    switch (metric) {
        case Metric::kCosine:
            simd::cosine_rows(query, row, dimension, 1, &distance);
            return distance;
        case Metric::kDot:
            simd::dot_rows(query, row, dimension, 1, &distance);
            return -distance;
        default:
            simd::l2_squared_rows(query, row, dimension, 1, &distance);
            return distance;
    }
}
}  // namespace

Status AnnIndex::search(const VectorSource& rows, const float* query, std::size_t k,
                        std::uint32_t effort, AnnScratch& scratch, std::vector<Hit>& hits) const {
    return guarded([&]() -> Status {
        const std::size_t dimension = info().dimension;
        const auto found = candidates(query, effort, scratch);
        const std::size_t count = ann::compared(k, found.size());
        std::vector<float>& buffer = scratch.parts_->buffer;
        hits.clear();
        for (std::size_t i = 0; i < std::min(count, kFetchAhead); ++i) {
            rows.fetch(found[i].row);
        }
        for (std::size_t i = 0; i < count; ++i) {
            if (i + kFetchAhead < count) {
                rows.fetch(found[i + kFetchAhead].row);
            }
            ABI_TRY(const float* const row, rows.read(found[i].row, 1, buffer));
            hits.push_back({found[i].row, exact_distance(info().metric, query, row, dimension)});
        }
        const std::size_t kept = std::min(k, hits.size());
        const auto nearer = [](const Hit& a, const Hit& b) {
            return a.distance != b.distance ? a.distance < b.distance : a.row < b.row;
        };
        std::partial_sort(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(kept),
                          hits.end(), nearer);
        hits.resize(kept);
        return {};
    });
}

}  // namespace abikit::storage

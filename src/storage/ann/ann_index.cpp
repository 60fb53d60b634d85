// The public face of an index that is there: walking and comparing. ann_build.cpp makes one.
#include <abi/storage/ann_index.hpp>

#include <algorithm>
#include <cmath>

#include <abi/simd/distance.hpp>

#include "ann/ann_parts.hpp"
#include "ann/beam.hpp"
#include "ann/calibration.hpp"
#include "guard.hpp"

namespace abikit::storage {

namespace {
constexpr std::size_t kScanBlock = 64;
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kFetchAhead = 3;  // rows on their way while one is compared

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

std::uint64_t AnnScratch::walked_distances() const noexcept {
    return parts_->beam.measured();
}

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

// From a vector to its code: the metric's space, principal axes, 8 bits. Integer arithmetic from
// the projection on, so that codes are equal on every vector target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/storage/ann_index.hpp>

#include "ann/aligned.hpp"

namespace abikit::storage::ann {

// A code is `stride` bytes: the coordinates, zeros, and in the last four bytes the sum of their
// squares, so that a distance needs no second cache line.
inline constexpr std::size_t kNormBytes = 4;
inline constexpr std::size_t kCodeAlignment = 64;

// A vector in the space where the index measures: what the metric's distance orders alike.
class MetricSpace {
public:
    // largest_norm: of the rows; only for dot.
    MetricSpace(Metric metric, std::size_t dimension, float largest_norm) noexcept
        : metric_(metric), dimension_(dimension), largest_norm_(largest_norm) {}

    // One more coordinate for dot.
    std::size_t dimension() const noexcept {
        return dimension_ + (metric_ == Metric::kDot ? 1 : 0);
    }
    float largest_norm() const noexcept { return largest_norm_; }
    Metric metric() const noexcept { return metric_; }
    // out: dimension() values.
    void map_row(const float* row, float* out) const noexcept;
    void map_query(const float* query, float* out) const noexcept;
    // Whether a row has a place here: for dot, that it is no longer than the longest.
    bool fits(const float* row) const noexcept;

private:
    Metric metric_;
    std::size_t dimension_;
    float largest_norm_;
};

// What learn() found; everything a code depends on. Plain data, as it is stored.
struct ProjectionData {
    float step = 0.0F;                 // of the codes
    std::uint32_t code_dimension = 0;  // coordinates of a code
    bool is_identity = false;          // no axes: the vector itself
    std::vector<float> mean;
    std::vector<float> axis_scales;   // axis value = scale * int8
    AlignedVector<std::int8_t> axes;  // code_dimension rows of padded dimension
};

class Projection {
public:
    Projection(MetricSpace space, ProjectionData data);
    // From a sample of rows.
    static Result<Projection> learn(const Context& context, const VectorSource& rows, Metric metric,
                                    std::uint64_t seed);

    const MetricSpace& space() const noexcept { return space_; }
    const ProjectionData& data() const noexcept { return data_; }
    std::size_t stride() const noexcept { return stride_; }

    // Room for one vector on its way; one for each thread.
    struct Scratch {
        std::vector<float> mapped, projected;
        std::vector<std::int8_t> parts;
        std::vector<std::int32_t> dots;
    };
    // code: stride() bytes.
    void encode_row(const float* row, std::int8_t* code, Scratch& scratch) const;
    void encode_query(const float* query, std::int8_t* code, Scratch& scratch) const;

private:
    void project(Scratch& scratch) const;
    void encode(std::int8_t* code, Scratch& scratch) const;

    MetricSpace space_;
    ProjectionData data_;
    std::size_t padded_ = 0;  // dimension of the space, rounded up to whole cache lines
    std::size_t stride_ = 0;
};

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

}  // namespace abikit::storage::ann

// Learning the axes and the step from a sample; projecting with 16-bit by 8-bit integer products.
#include "ann/projection.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <mutex>
#include <optional>

#include <abi/simd/distance.hpp>
#include <abi/simd/distance_bytes.hpp>

#include "ann/principal.hpp"

namespace abikit::storage::ann {

namespace {
constexpr std::size_t kSampleRows = 20'000;
// More dimensions than this are solved through the sample's Gram matrix of as many rows.
constexpr std::size_t kMostSolved = 1024;
constexpr std::size_t kStepRows = 4096;  // of the sample, for the step
// The part of the variance that the axes must hold. Distances between neighbours lose less than the
// rest, which is mostly noise; what they lose, the exact comparison brings back.
constexpr double kVarianceShare = 0.93;
// Values beyond this share of the sample's are cut to the outermost code.
constexpr double kClipShare = 0.9999;
constexpr float kMostCode = 127.0F;
constexpr float kMostShort = 32512.0F;  // 127 * 256: the high byte never leaves int8

std::size_t dimension_for(std::size_t wanted) {
    return round_up(wanted + kNormBytes, kCodeAlignment) - kNormBytes;
}

// The Euclidean norm with four sums in a fixed order: the same on every vector target.
double exact_norm(const float* values, std::size_t count) {
    double sums[4] = {};
    const auto add = [&](std::size_t i, std::size_t k) {
        sums[k] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    };
    std::size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        for (std::size_t k = 0; k < 4; ++k) {
            add(i + k, k);
        }
    }
    for (; i < count; ++i) {
        add(i, i % 4);
    }
    return std::sqrt((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// To the nearest whole number, ties to even, of at most 2^22 in magnitude: the sum has no room for
// a fraction. Unlike nearbyint() it becomes vector code on every processor.
std::int32_t nearest(float value) {
    constexpr float kShift = 12582912.0F;  // 1.5 * 2^23
    return std::bit_cast<std::int32_t>(value + kShift) - std::bit_cast<std::int32_t>(kShift);
}

// Cut to a magnitude; not a number becomes the limit, as whatever overflowed on the way.
float bounded(float value, float limit) {
    return value < limit ? (value > -limit ? value : -limit) : limit;
}

// The bits of floats without sign are in their order, which compilers may use for float32 only
// where there is no NaN.
float largest_magnitude(std::span<const float> values, float least) {
    auto largest = std::bit_cast<std::int32_t>(least);
    for (const float value : values) {
        largest = std::max(largest, std::bit_cast<std::int32_t>(value) & 0x7FFFFFFF);
    }
    return std::bit_cast<float>(largest);
}

// Rows in the metric's space, spread evenly over all.
struct Sample {
    std::vector<float> values;
    std::size_t rows = 0;
};

Result<Sample> draw_sample(const VectorSource& rows, const MetricSpace& space, std::size_t most) {
    Sample sample;
    sample.rows = static_cast<std::size_t>(std::min<std::uint64_t>(rows.rows(), most));
    sample.values.resize(sample.rows * space.dimension());
    std::vector<float> buffer;
    for (std::size_t i = 0; i < sample.rows; ++i) {
        const std::uint64_t row = i * rows.rows() / sample.rows;
        ABI_TRY(const float* const values, rows.read(row, 1, buffer));
        space.map_row(values, sample.values.data() + i * space.dimension());
    }
    return sample;
}

std::vector<float> centre(Sample& sample, std::size_t dimension) {
    std::vector<double> sums(dimension);
    for (std::size_t i = 0; i < sample.values.size(); i += dimension) {
        for (std::size_t j = 0; j < dimension; ++j) {
            sums[j] += static_cast<double>(sample.values[i + j]);
        }
    }
    std::vector<float> mean(dimension);
    for (std::size_t j = 0; j < dimension; ++j) {
        mean[j] = static_cast<float>(sums[j] / static_cast<double>(sample.rows));
    }
    for (std::size_t i = 0; i < sample.values.size(); i += dimension) {
        for (std::size_t j = 0; j < dimension; ++j) {
            sample.values[i + j] -= mean[j];
        }
    }
    return mean;
}

// How much of the variance of rows that had no part in finding the axes each first few axes hold.
std::size_t axes_needed(const Axes& axes, std::span<const float> rows, std::size_t dimension) {
    std::vector<double> held(axes.count);
    double total = 0;
    std::vector<float> dots(axes.count);
    for (std::size_t i = 0; i + dimension <= rows.size(); i += dimension) {
        const float* const row = rows.data() + i;
        simd::dot_rows(row, axes.values.data(), dimension, axes.count, dots.data());
        for (std::size_t j = 0; j < axes.count; ++j) {
            held[j] += static_cast<double>(dots[j]) * static_cast<double>(dots[j]);
        }
        float norm = 0;
        simd::squared_norms(row, dimension, 1, &norm);
        total += static_cast<double>(norm);
    }
    double sum = 0;
    for (std::size_t j = 0; j < axes.count; ++j) {
        sum += held[j];
        if (sum >= kVarianceShare * total) {
            return j + 1;
        }
    }
    return axes.count + 1;  // never
}

// Fills axes (or none) for centred rows.
Status choose_axes(ProjectionData& data, const Sample& sample, std::size_t dimension,
                   std::uint64_t seed, ThreadPool* pool) {
    // Codes shorter than the vectors, in whole cache lines.
    const std::size_t whole = std::max(kCodeAlignment, dimension / kCodeAlignment * kCodeAlignment);
    const std::size_t most = std::min({dimension, whole - kNormBytes, kMostSolved - kNormBytes});
    const std::size_t held_out = std::min<std::size_t>(sample.rows / 5, 1000);
    std::size_t used = sample.rows - held_out;
    if (dimension > kMostSolved) {
        used = std::min(used, kMostSolved);
    }
    ABI_TRY(Axes axes, principal_axes(std::span(sample.values).first(used * dimension), dimension,
                                      most, pool));
    const std::size_t needed =
        axes_needed(axes, std::span(sample.values).last(held_out * dimension), dimension);
    data.is_identity = axes.count == 0 || (needed > axes.count && dimension > kMostSolved);
    if (data.is_identity) {
        data.code_dimension = static_cast<std::uint32_t>(dimension);
        return {};
    }
    const std::size_t count = std::min(axes.count, dimension_for(needed));
    axes.values.resize(count * dimension);
    turn_axes(axes.values, count, dimension, seed);
    data.code_dimension = static_cast<std::uint32_t>(count);
    const std::size_t padded = round_up(dimension, kCodeAlignment);
    data.axes.assign(count * padded, 0);
    for (std::size_t i = 0; i < count; ++i) {
        const auto axis = std::span(axes.values).subspan(i * dimension, dimension);
        float largest = 1e-30F;
        for (const float value : axis) {
            largest = std::max(largest, std::fabs(value));
        }
        const float scale = largest / 127.0F;
        data.axis_scales.push_back(scale);
        for (std::size_t j = 0; j < dimension; ++j) {
            data.axes[i * padded + j] = static_cast<std::int8_t>(nearest(axis[j] / scale));
        }
    }
    return {};
}
}  // namespace

void MetricSpace::map_query(const float* query, float* out) const noexcept {
    std::copy_n(query, dimension_, out);
    if (metric_ == Metric::kCosine) {
        const double norm = exact_norm(out, dimension_);
        const auto inverse = static_cast<float>(norm > 0 ? 1.0 / norm : 0.0);
        std::transform(out, out + dimension_, out, [&](float value) { return value * inverse; });
    } else if (metric_ == Metric::kDot) {
        out[dimension_] = 0.0F;
    }
}

void MetricSpace::map_row(const float* row, float* out) const noexcept {
    map_query(row, out);
    if (metric_ == Metric::kDot) {
        const auto norm = static_cast<float>(exact_norm(row, dimension_));
        const float rest = (largest_norm_ - norm) * (largest_norm_ + norm);
        out[dimension_] = std::sqrt(std::max(0.0F, rest));
    }
}

bool MetricSpace::fits(const float* row) const noexcept {
    return metric_ != Metric::kDot ||
           static_cast<float>(exact_norm(row, dimension_)) <= largest_norm_;
}

Projection::Projection(MetricSpace space, ProjectionData data)
    : space_(space),
      data_(std::move(data)),
      padded_(round_up(space.dimension(), kCodeAlignment)),
      stride_(round_up(data_.code_dimension + kNormBytes, kCodeAlignment)) {}

Result<Projection> Projection::learn(const Context& context, const VectorSource& rows,
                                     Metric metric, std::uint64_t seed) {
    const TraceSpan span(context.trace, "storage", "ann_learn");
    const std::size_t dimension = rows.dimension();
    float largest = 0;
    if (metric == Metric::kDot) {
        std::vector<float> buffer;
        for (std::uint64_t row = 0; row < rows.rows(); ++row) {
            ABI_TRY(const float* const values, rows.read(row, 1, buffer));
            largest = std::max(largest, static_cast<float>(exact_norm(values, dimension)));
        }
    }
    const MetricSpace space(metric, dimension, largest);
    // A sample of 64 MiB at most, but enough rows to solve for.
    const std::size_t most =
        std::clamp<std::size_t>((std::size_t{16} << 20) / space.dimension(), 1280, kSampleRows);
    ABI_TRY(Sample sample, draw_sample(rows, space, most));
    ABI_CHECK(context.cancel.check());
    ProjectionData data;
    data.mean = centre(sample, space.dimension());
    ABI_CHECK(choose_axes(data, sample, space.dimension(), seed, context.pool));
    data.step = 1.0F;
    Projection draft(space, data);

    std::vector<float> magnitudes;
    Scratch scratch;
    const std::size_t used = std::min(sample.rows, kStepRows);
    for (std::size_t i = 0; i < used; ++i) {
        const float* const row = sample.values.data() + i * sample.rows / used * space.dimension();
        scratch.mapped.assign(row, row + space.dimension());
        draft.project(scratch);
        for (const float value : scratch.projected) {
            magnitudes.push_back(std::fabs(value));
        }
    }
    const auto place =
        static_cast<std::ptrdiff_t>(static_cast<double>(magnitudes.size() - 1) * kClipShare);
    std::nth_element(magnitudes.begin(), magnitudes.begin() + place, magnitudes.end());
    const float outermost = magnitudes[static_cast<std::size_t>(place)];
    data.step = outermost > 0 ? outermost / 127.0F : 1.0F;
    return Projection(space, std::move(data));
}

// mapped (centred) to projected: whole numbers of 15 bits, as a high and a low byte, times the
// bytes of the axes.
void Projection::project(Scratch& scratch) const {
    const std::size_t dimension = space_.dimension();
    if (data_.is_identity) {
        scratch.projected = scratch.mapped;
        return;
    }
    const float largest = largest_magnitude(scratch.mapped, 1e-30F);
    const float scale = largest / kMostShort;
    const float inverse = kMostShort / largest;
    // The high bytes of all values, then the low ones.
    scratch.parts.assign(2 * padded_, 0);
    std::int8_t* const high = scratch.parts.data();
    std::int8_t* const low = high + padded_;
    for (std::size_t j = 0; j < dimension; ++j) {
        const std::int32_t value = nearest(bounded(scratch.mapped[j] * inverse, kMostShort));
        const std::int32_t upper = (value + 128) >> 8;
        high[j] = static_cast<std::int8_t>(upper);
        low[j] = static_cast<std::int8_t>(value - upper * 256);
    }
    const std::size_t count = data_.code_dimension;
    scratch.dots.resize(2 * count);
    simd::dot_block(high, 2, data_.axes.data(), padded_, count, scratch.dots.data());
    scratch.projected.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        const float dot = 256.0F * static_cast<float>(scratch.dots[i]) +
                          static_cast<float>(scratch.dots[count + i]);
        scratch.projected[i] = dot * (scale * data_.axis_scales[i]);
    }
}

void Projection::encode(std::int8_t* code, Scratch& scratch) const {
    for (std::size_t j = 0; j < scratch.mapped.size(); ++j) {
        scratch.mapped[j] -= data_.mean[j];
    }
    project(scratch);
    std::fill_n(code, stride_, std::int8_t{0});
    std::int32_t norm = 0;
    const float inverse = 1.0F / data_.step;
    for (std::size_t i = 0; i < data_.code_dimension; ++i) {
        const std::int32_t value = nearest(bounded(scratch.projected[i] * inverse, kMostCode));
        code[i] = static_cast<std::int8_t>(value);
        norm += value * value;
    }
    std::memcpy(code + stride_ - kNormBytes, &norm, kNormBytes);
}

void Projection::encode_row(const float* row, std::int8_t* code, Scratch& scratch) const {
    scratch.mapped.resize(space_.dimension());
    space_.map_row(row, scratch.mapped.data());
    encode(code, scratch);
}

void Projection::encode_query(const float* query, std::int8_t* code, Scratch& scratch) const {
    scratch.mapped.resize(space_.dimension());
    space_.map_query(query, scratch.mapped.data());
    encode(code, scratch);
}

}  // namespace abikit::storage::ann

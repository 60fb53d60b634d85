// Softmax and norms of rows, once per instruction set. Read abi/simd/normalize.hpp for the
// contract.
//
// A row takes three steps: look at it (the largest value, the mean), work on it (exponentials,
// deviations), write it. The steps of three neighbouring rows go together, a kilobyte of each in
// turn: the first reads from memory, the others find their row in the cache, and reading, computing
// and writing overlap all the time. Outputs far larger than the caches are written past them.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <abi/simd/normalize.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/normalize_f32.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on
#include <hwy/cache_control.h>

#include "math-inl.h"
#include "reduce-inl.h"
#include "transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

constexpr std::size_t kChunk = 256;
constexpr std::size_t kLineFloats = 16;
// How far ahead of the first step memory is asked for, in rows that are too long for the hardware
// prefetchers to see three neighbours as one stream; for short rows asking slows them down.
constexpr std::size_t kAheadFloats = 8192;
constexpr std::size_t kShortRow = 1024;
// Sums of chunks that lanes add in float32 before they go on in double precision.
constexpr std::size_t kSumChunks = 32;
// The exponentials of rows up to this length are kept on the stack; longer rows keep them in the
// output.
constexpr std::size_t kStackFloats = 16384;
// Outputs from this size on go past the caches, unless they replace the input, whose lines are
// there already. Half of a large last-level cache.
constexpr std::size_t kPastCachesBytes = std::size_t{16} << 20;

struct Shape {
    const float* x;
    float* out;
    std::size_t rows;
    std::size_t cols;

    HWY_INLINE bool past_caches() const {
        return out != x && rows * cols * sizeof(float) >= kPastCachesBytes;
    }
};

// A sum that goes on from chunk to chunk: lanes in memory, since vectors of SVE cannot be members.
class RunningSum {
public:
    HWY_INLINE Vec lanes() const { return hn::Load(Floats(), lanes_); }
    HWY_INLINE void set_lanes(Vec sum) {
        hn::Store(sum, Floats(), lanes_);
        if (++chunks_ == kSumChunks) {
            flush();
        }
    }
    // The sum, which starts again from zero.
    HWY_INLINE double take() {
        flush();
        const double total = total_;
        total_ = 0.0;
        return total;
    }

private:
    HWY_INLINE void flush() {
        total_ += math::sum_of_lanes(Floats(), lanes());
        hn::Store(hn::Zero(Floats()), Floats(), lanes_);
        chunks_ = 0;
    }

    HWY_ALIGN float lanes_[hn::MaxLanes(Floats())] = {};
    double total_ = 0.0;
    std::size_t chunks_ = 0;
};

template <class Term>
HWY_INLINE void add_chunk(RunningSum& sum, const float* x, std::size_t count, const Term& term) {
    sum.set_lanes(math::add_terms(Floats(), x, count, term, sum.lanes()));
}

// out[i] = op(in[i]...) for one row from `begin` on, at least to `end`; returns where it stopped.
// Past the caches it stops at whole lines of the output.
template <class Op, class... Inputs>
HWY_INLINE std::size_t write_chunk(bool past_caches, const Op& op, std::size_t begin,
                                   std::size_t end, std::size_t cols, float* out,
                                   const Inputs*... in) {
    if (begin >= end) {
        return begin;
    }
    if (!past_caches) {
        math::transform(Floats(), op, end - begin, out + begin, in + begin...);
        return end;
    }
    const auto address = reinterpret_cast<std::uintptr_t>(out + end) / sizeof(float);
    end = std::min(cols, end + (kLineFloats - address % kLineFloats) % kLineFloats);
    math::transform_past_caches(Floats(), op, end - begin, out + begin, in + begin...);
    return end;
}

// Runs the steps over all rows. A row's third step is a row behind its second, and that one behind
// the first; within a turn the third goes first, so that it may free what the second overwrites.
template <class Steps>
HWY_INLINE void run_steps(const Shape& shape, Steps& steps) {
    const std::size_t cols = shape.cols;
    for (std::size_t turn = 0; cols != 0 && turn < shape.rows + 2; ++turn) {
        const float* look = turn < shape.rows ? shape.x + turn * cols : nullptr;
        const bool works = turn >= 1 && turn <= shape.rows;
        std::size_t written = 0;
        for (std::size_t begin = 0; begin < cols; begin += kChunk) {
            const std::size_t count = std::min(kChunk, cols - begin);
            if (turn >= 2) {
                written = steps.write(turn - 2, written, begin + count);
            }
            if (works) {
                steps.work(turn - 1, begin, count);
            }
            if (look != nullptr) {
                if (cols > kShortRow) {
                    math::prefetch_floats(look + begin + kAheadFloats, count);
                }
                steps.look(look + begin, count);
            }
        }
        steps.finish_turn();
    }
    hwy::FlushStream();
}

// ---- Softmax ---------------------------------------------------------------------------------

struct Multiple {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return hn::Mul(x, hn::Set(d, factor)); }
    float factor;
};
struct Shifted {
    HWY_INLINE Vec operator()(Floats d, Vec x) const {
        return hn::Sub(hn::Sub(x, hn::Set(d, first)), hn::Set(d, second));
    }
    float first;
    float second;
};

// out[i] = e^(x[i] - top), or nothing when out is null; returns the sum of lanes with `sum` added.
template <bool kStore>
HWY_INLINE Vec exponentials(const float* x, std::size_t count, float top, float* out, Vec sum) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const Vec largest = hn::Set(d, top);
    Vec s0 = sum, s1 = hn::Zero(d);
    std::size_t i = 0;
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
        const Vec e0 = math::exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i), largest));
        const Vec e1 = math::exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i + lanes), largest));
        if constexpr (kStore) {
            hn::StoreU(e0, d, out + i);
            hn::StoreU(e1, d, out + i + lanes);
        }
        s0 = hn::Add(s0, e0);
        s1 = hn::Add(s1, e1);
    }
    if (i + lanes <= count) {
        const Vec e = math::exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i), largest));
        if constexpr (kStore) {
            hn::StoreU(e, d, out + i);
        }
        s0 = hn::Add(s0, e);
        i += lanes;
    }
    if (i < count) {
        const std::size_t rest = count - i;
        const Vec last = hn::Sub(math::load_first(d, x + i, rest), largest);
        const Vec e = math::exp_nonpositive(d, last);
        if constexpr (kStore) {
            math::store_first(e, d, out + i, rest);
        }
        s1 = hn::Add(s1, hn::IfThenElseZero(hn::FirstN(d, rest), e));
    }
    return hn::Add(s0, s1);
}

// The steps of softmax, or of its logarithm, which keeps no exponentials.
template <bool kLogarithm>
class SoftmaxSteps {
public:
    // `kept` has room for kStackFloats.
    HWY_INLINE SoftmaxSteps(const Shape& shape, float* kept)
        : shape_(shape),
          kept_(shape.cols <= kStackFloats ? kept : nullptr),
          past_caches_(shape.past_caches() && (kLogarithm || kept_ != nullptr)) {
        hn::Store(hn::Set(Floats(), math::Greatest::kNone), Floats(), largest_);
    }

    HWY_INLINE void look(const float* x, std::size_t count) {
        const Floats d;
        const Vec largest = hn::Load(d, largest_);
        hn::Store(math::join_extreme<math::Greatest>(d, x, count, largest), d, largest_);
    }
    HWY_INLINE void work(std::size_t row, std::size_t begin, std::size_t count) {
        const float* x = shape_.x + row * shape_.cols + begin;
        float* out = kLogarithm ? nullptr : exponentials_of(row) + begin;
        sum_.set_lanes(exponentials<!kLogarithm>(x, count, top_, out, sum_.lanes()));
    }
    HWY_INLINE std::size_t write(std::size_t row, std::size_t begin, std::size_t end) {
        float* out = shape_.out + row * shape_.cols;
        if constexpr (kLogarithm) {
            const float* x = shape_.x + row * shape_.cols;
            return write_chunk(past_caches_, Shifted{written_top_, factor_}, begin, end,
                               shape_.cols, out, x);
        } else {
            return write_chunk(past_caches_, Multiple{factor_}, begin, end, shape_.cols, out,
                               exponentials_of(row));
        }
    }
    HWY_INLINE void finish_turn() {
        const Floats d;
        const double sum = sum_.take();
        if constexpr (kLogarithm) {
            factor_ = sum == 0.0 ? 0.0F : static_cast<float>(std::log(sum));
        } else {
            factor_ = sum == 0.0 ? 0.0F : static_cast<float>(1.0 / sum);
        }
        written_top_ = top_;
        // A row of -infinity has no largest value to take off; with 0 its exponentials are zeros.
        // NaN may get lost here, but not in the exponentials.
        top_ = math::Greatest::of_lanes(d, hn::Load(d, largest_));
        top_ = top_ == math::Greatest::kNone ? 0.0F : top_;
        hn::Store(hn::Set(d, math::Greatest::kNone), d, largest_);
    }

private:
    HWY_INLINE float* exponentials_of(std::size_t row) const {
        return kept_ != nullptr ? kept_ : shape_.out + row * shape_.cols;
    }

    Shape shape_;
    float* kept_;  // null: the output keeps them
    bool past_caches_;
    HWY_ALIGN float largest_[hn::MaxLanes(Floats())];
    RunningSum sum_;
    float top_ = 0.0F;          // of the row that is worked on
    float written_top_ = 0.0F;  // of the row that is written
    float factor_ = 0.0F;
};

void softmax_all(const float* x, std::size_t rows, std::size_t cols, float* out) {
    HWY_ALIGN float kept[kStackFloats];
    const Shape shape{x, out, rows, cols};
    SoftmaxSteps<false> steps(shape, kept);
    run_steps(shape, steps);
}

void log_softmax_all(const float* x, std::size_t rows, std::size_t cols, float* out) {
    const Shape shape{x, out, rows, cols};
    SoftmaxSteps<true> steps(shape, nullptr);
    run_steps(shape, steps);
}

// ---- Norms -----------------------------------------------------------------------------------

struct Standard {
    HWY_INLINE Vec operator()(Floats d, Vec x) const {
        return hn::Mul(hn::Sub(x, hn::Set(d, mean)), hn::Set(d, factor));
    }
    float mean;
    float factor;
};
struct StandardGain {
    HWY_INLINE Vec operator()(Floats d, Vec x, Vec gain) const { return hn::Mul(base(d, x), gain); }
    Standard base;
};
struct StandardBias {
    HWY_INLINE Vec operator()(Floats d, Vec x, Vec bias) const { return hn::Add(base(d, x), bias); }
    Standard base;
};
struct StandardGainBias {
    HWY_INLINE Vec operator()(Floats d, Vec x, Vec gain, Vec bias) const {
        return hn::MulAdd(base(d, x), gain, bias);
    }
    Standard base;
};

// The steps of layer norm (mean, deviations from it, output), or of RMS norm (squares, nothing,
// output).
template <bool kCentred>
class NormSteps {
public:
    HWY_INLINE NormSteps(const Shape& shape, RowAffine affine, float epsilon)
        : shape_(shape), affine_(affine), epsilon_(epsilon), past_caches_(shape.past_caches()) {}

    HWY_INLINE void look(const float* x, std::size_t count) {
        if constexpr (kCentred) {
            add_chunk(first_, x, count, math::PlainTerm());
        } else {
            add_chunk(first_, x, count, math::SquareTerm());
        }
    }
    HWY_INLINE void work(std::size_t row, std::size_t begin, std::size_t count) {
        if constexpr (kCentred) {
            const float* x = shape_.x + row * shape_.cols + begin;
            add_chunk(second_, x, count, math::SquaredDeviationTerm{mean_});
        }
    }
    HWY_INLINE std::size_t write(std::size_t row, std::size_t begin, std::size_t end) {
        const float* x = shape_.x + row * shape_.cols;
        float* out = shape_.out + row * shape_.cols;
        const auto run = [&](const auto& op, const auto*... more) HWY_ATTR {
            return write_chunk(past_caches_, op, begin, end, shape_.cols, out, x, more...);
        };
        if (affine_.gain != nullptr && affine_.bias != nullptr) {
            return run(StandardGainBias{written_}, affine_.gain, affine_.bias);
        }
        if (affine_.gain != nullptr) {
            return run(StandardGain{written_}, affine_.gain);
        }
        if (affine_.bias != nullptr) {
            return run(StandardBias{written_}, affine_.bias);
        }
        return run(written_);
    }
    HWY_INLINE void finish_turn() {
        const double size = static_cast<double>(shape_.cols);
        const double first = first_.take();
        const double squares = kCentred ? second_.take() : previous_;
        const double root = std::sqrt(squares / size + static_cast<double>(epsilon_));
        written_ = {kCentred ? mean_ : 0.0F, static_cast<float>(1.0 / root)};
        mean_ = static_cast<float>(first / size);
        previous_ = first;
    }

private:
    Shape shape_;
    RowAffine affine_;
    float epsilon_;
    bool past_caches_;
    RunningSum first_;
    RunningSum second_;
    double previous_ = 0.0;  // what the first step of the row that is worked on added up
    float mean_ = 0.0F;
    Standard written_{0.0F, 0.0F};
};

void layer_norm_all(const float* x, std::size_t rows, std::size_t cols, RowAffine affine,
                    float epsilon, float* out) {
    const Shape shape{x, out, rows, cols};
    NormSteps<true> steps(shape, affine, epsilon);
    run_steps(shape, steps);
}

void rms_norm_all(const float* x, std::size_t rows, std::size_t cols, RowAffine affine,
                  float epsilon, float* out) {
    const Shape shape{x, out, rows, cols};
    NormSteps<false> steps(shape, affine, epsilon);
    run_steps(shape, steps);
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(softmax_all);
HWY_EXPORT(log_softmax_all);
HWY_EXPORT(layer_norm_all);
HWY_EXPORT(rms_norm_all);
}  // namespace

void softmax_rows(const float* x, std::size_t rows, std::size_t cols, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(softmax_all)(x, rows, cols, out);
}

void log_softmax_rows(const float* x, std::size_t rows, std::size_t cols, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(log_softmax_all)(x, rows, cols, out);
}

void layer_norm_rows(const float* x, std::size_t rows, std::size_t cols, RowAffine affine,
                     float epsilon, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(layer_norm_all)(x, rows, cols, affine, epsilon, out);
}

void rms_norm_rows(const float* x, std::size_t rows, std::size_t cols, RowAffine affine,
                   float epsilon, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(rms_norm_all)(x, rows, cols, affine, epsilon, out);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE

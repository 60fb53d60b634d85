// Softmax and norms of rows, once per instruction set. Read abi/simd/normalize.hpp for the
// contract.
//
// A row takes two steps: look at it (exponentials and their sum, moments) and write it. The steps
// of two neighbouring rows go together, a kilobyte of each in turn: the first reads from memory,
// the second finds its row in the cache, and reading, computing and writing overlap all the time.
// What the first step needs beforehand, the largest value or the mean, is guessed from the
// beginning of the row and corrected where the guess is poor. Outputs far larger than the caches
// are written past them.
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
// Rows up to this length, and the exponentials of vectors shorter than a cache line, gain most from
// memory asked for shortly before it is used, into the first-level cache; other rows from more
// time, into the second. Measured: asking for a chunk at once, instead of a line with each line
// read, costs a fifth of the speed, for then reads queue behind the requests.
constexpr std::size_t kShortRow = 1024;
constexpr std::size_t kNearFloats = 512;
constexpr std::size_t kFarFloats = 1024;

// Sums of chunks that lanes add in float32 before they go on in double precision.
constexpr std::size_t kSumChunks = 16;
// The exponentials of rows up to this length are kept on the stack; those of longer rows are
// computed twice.
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

// Asks for the lines of `count` floats that are read soon after those at p; they need not exist.
HWY_INLINE void fetch_ahead(const float* p, std::size_t count, bool far) {
    if (far) {
        for (std::size_t i = 0; i < count; i += kLineFloats) {
            __builtin_prefetch(p + kFarFloats + i, 0, 2);
        }
    } else {
        for (std::size_t i = 0; i < count; i += kLineFloats) {
            __builtin_prefetch(p + kNearFloats + i, 0, 3);
        }
    }
}

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
    HWY_INLINE void scale(float factor) {
        hn::Store(hn::Mul(lanes(), hn::Set(Floats(), factor)), Floats(), lanes_);
        total_ *= static_cast<double>(factor);
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

// Runs the steps over all rows. A row's second step is a row behind its first; within a turn the
// second goes first, so that it may free what the other overwrites.
template <class Steps>
HWY_INLINE void run_steps(const Shape& shape, Steps& steps) {
    const std::size_t cols = shape.cols;
    for (std::size_t turn = 0; cols != 0 && turn <= shape.rows; ++turn) {
        const float* look = turn < shape.rows ? shape.x + turn * cols : nullptr;
        std::size_t written = 0;
        for (std::size_t begin = 0; begin < cols; begin += kChunk) {
            const std::size_t count = std::min(kChunk, cols - begin);
            if (turn != 0) {
                written = steps.write(turn - 1, written, begin + count);
            }
            if (look != nullptr) {
                steps.look(look, begin, count);
            }
        }
        if (look != nullptr) {
            steps.finish_look(look);
        }
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
struct ExponentialMultiple {
    HWY_INLINE Vec operator()(Floats d, Vec x) const {
        const Vec e = math::exp_nonpositive(d, hn::Sub(x, hn::Set(d, top)));
        return hn::Mul(e, hn::Set(d, factor));
    }
    float top;
    float factor;
};

// out[i] = e^(x[i] - top), or nothing when out is null, added to `sum`. Returns whether no value
// exceeds `limit`.
template <bool kStore>
HWY_INLINE bool exponentials(const float* x, std::size_t count, bool far, float top, float limit,
                             float* out, Vec& sum) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const Vec origin = hn::Set(d, top);
    Vec s0 = sum, s1 = hn::Zero(d);
    // Values come first: where one of them is NaN, x86 keeps the other.
    Vec m0 = hn::Set(d, math::Greatest::kNone), m1 = m0;
    std::size_t i = 0;
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
        fetch_ahead(x + i, 2 * lanes, far);
        const Vec x0 = hn::LoadU(d, x + i);
        const Vec x1 = hn::LoadU(d, x + i + lanes);
        const Vec e0 = math::exp_nonpositive(d, hn::Sub(x0, origin));
        const Vec e1 = math::exp_nonpositive(d, hn::Sub(x1, origin));
        if constexpr (kStore) {
            hn::StoreU(e0, d, out + i);
            hn::StoreU(e1, d, out + i + lanes);
        }
        m0 = hn::Max(x0, m0);
        m1 = hn::Max(x1, m1);
        s0 = hn::Add(s0, e0);
        s1 = hn::Add(s1, e1);
    }
    for (; i < count; i += lanes) {
        const std::size_t rest = std::min(lanes, count - i);
        const auto some = hn::FirstN(d, rest);
        const Vec values = rest == lanes ? hn::LoadU(d, x + i) : math::load_first(d, x + i, rest);
        const Vec e = math::exp_nonpositive(d, hn::Sub(values, origin));
        if constexpr (kStore) {
            if (rest == lanes) {
                hn::StoreU(e, d, out + i);
            } else {
                math::store_first(e, d, out + i, rest);
            }
        }
        m0 = hn::Max(hn::IfThenElse(some, values, m0), m0);
        s1 = hn::Add(s1, hn::IfThenElseZero(some, e));
    }
    sum = hn::Add(s0, s1);
    return hn::AllFalse(d, hn::Gt(hn::Max(m0, m1), hn::Set(d, limit)));
}

// The steps of softmax, or of its logarithm, which keeps no exponentials.
//
// Exponentials are taken below the largest value of the first chunk, which nearly always is close
// enough to that of the row: when a later chunk exceeds it by more than kSlack, what came before is
// scaled down. So each value is read once, and no chunk waits for its own maximum.
template <bool kLogarithm>
class SoftmaxSteps {
public:
    // `kept` has room for kStackFloats.
    HWY_INLINE SoftmaxSteps(const Shape& shape, float* kept)
        : shape_(shape),
          kept_(shape.cols <= kStackFloats ? kept : nullptr),
          past_caches_(shape.past_caches()),
          far_(shape.cols > kShortRow && hn::Lanes(Floats()) >= kLineFloats) {}

    HWY_INLINE void look(const float* row, std::size_t begin, std::size_t count) {
        const Floats d;
        if (begin == 0) {
            top_ = math::extreme_of<math::Greatest>(d, row, count);
        }
        Vec sum = sum_.lanes();
        if (HWY_UNLIKELY(!add_chunk(row, begin, count, sum))) {
            raise_top(math::extreme_of<math::Greatest>(d, row + begin, count), begin);
            sum = sum_.lanes();
            add_chunk(row, begin, count, sum);
        }
        sum_.set_lanes(sum);
    }
    HWY_INLINE std::size_t write(std::size_t row, std::size_t begin, std::size_t end) {
        float* out = shape_.out + row * shape_.cols;
        const float* x = shape_.x + row * shape_.cols;
        const auto run = [&](const auto& op, const float* from) HWY_ATTR {
            return write_chunk(past_caches_, op, begin, end, shape_.cols, out, from);
        };
        if constexpr (kLogarithm) {
            return run(Shifted{written_top_, factor_}, x);
        } else if (kept_ != nullptr) {
            return run(Multiple{factor_}, kept_);
        } else {
            return run(ExponentialMultiple{written_top_, factor_}, x);
        }
    }
    HWY_INLINE void finish_look(const float* /*row*/) {
        const double sum = sum_.take();
        written_top_ = finite_top();
        if constexpr (kLogarithm) {
            factor_ = sum == 0.0 ? 0.0F : static_cast<float>(std::log(sum));
        } else {
            factor_ = sum == 0.0 ? 0.0F : static_cast<float>(1.0 / sum);
        }
    }

private:
    // e^kSlack times the length of any row is far from overflow.
    static constexpr float kSlack = 32.0F;

    // -infinity cannot be taken off; with 0 its exponentials are zeros.
    HWY_INLINE float finite_top() const { return top_ == math::Greatest::kNone ? 0.0F : top_; }
    HWY_INLINE bool add_chunk(const float* row, std::size_t begin, std::size_t count, Vec& sum) {
        const float top = finite_top();
        const float limit = top_ + kSlack;
        if (!kLogarithm && kept_ != nullptr) {
            return exponentials<true>(row + begin, count, far_, top, limit, kept_ + begin, sum);
        }
        return exponentials<false>(row + begin, count, far_, top, limit, nullptr, sum);
    }
    // Only rows that rise by kSlack from chunk to chunk come here often.
    HWY_NOINLINE void raise_top(float top, std::size_t before) {
        const float factor =
            top_ == math::Greatest::kNone ? 0.0F : static_cast<float>(std::exp(top_ - top));
        top_ = top;
        sum_.scale(factor);
        if (!kLogarithm && kept_ != nullptr) {
            math::transform(Floats(), Multiple{factor}, before, kept_, kept_);
        }
    }

    Shape shape_;
    float* kept_;  // null: exponentials are computed again
    bool past_caches_;
    bool far_;
    RunningSum sum_;
    float top_ = 0.0F;          // of the row that is looked at
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
        return hn::MulSub(x, hn::Set(d, factor), hn::Set(d, centre));
    }
    float factor;
    float centre;  // the mean, times the factor
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

// Adds the deviations from `pivot` to one sum, their squares to another.
HWY_INLINE void add_deviations(const float* x, std::size_t count, bool far, float pivot,
                               RunningSum& first, RunningSum& second) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const Vec origin = hn::Set(d, pivot);
    Vec a0 = first.lanes(), a1 = hn::Zero(d), a2 = a1, a3 = a1;
    Vec b0 = second.lanes(), b1 = a1, b2 = a1, b3 = a1;
    std::size_t i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
        fetch_ahead(x + i, 4 * lanes, far);
        const Vec d0 = hn::Sub(hn::LoadU(d, x + i), origin);
        const Vec d1 = hn::Sub(hn::LoadU(d, x + i + lanes), origin);
        const Vec d2 = hn::Sub(hn::LoadU(d, x + i + 2 * lanes), origin);
        const Vec d3 = hn::Sub(hn::LoadU(d, x + i + 3 * lanes), origin);
        a0 = hn::Add(a0, d0);
        a1 = hn::Add(a1, d1);
        a2 = hn::Add(a2, d2);
        a3 = hn::Add(a3, d3);
        b0 = hn::MulAdd(d0, d0, b0);
        b1 = hn::MulAdd(d1, d1, b1);
        b2 = hn::MulAdd(d2, d2, b2);
        b3 = hn::MulAdd(d3, d3, b3);
    }
    for (; i < count; i += lanes) {
        const std::size_t rest = std::min(lanes, count - i);
        const Vec values = rest == lanes ? hn::LoadU(d, x + i) : math::load_first(d, x + i, rest);
        const Vec last = hn::IfThenElseZero(hn::FirstN(d, rest), hn::Sub(values, origin));
        a1 = hn::Add(a1, last);
        b1 = hn::MulAdd(last, last, b1);
    }
    first.set_lanes(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)));
    second.set_lanes(hn::Add(hn::Add(b0, b1), hn::Add(b2, b3)));
}

// The steps of layer norm and of RMS norm.
//
// Layer norm adds deviations from a pivot, the mean of the first chunk, and their squares. With s
// the mean of those deviations, variance = mean of the squares - s^2, which cancels little as long
// as s is below half of the standard deviation. A row that begins unlike the rest is read again,
// from the cache, with its mean for the pivot.
template <bool kCentred>
class NormSteps {
public:
    HWY_INLINE NormSteps(const Shape& shape, RowAffine affine, float epsilon)
        : shape_(shape), affine_(affine), epsilon_(epsilon), past_caches_(shape.past_caches()) {}

    HWY_INLINE void look(const float* row, std::size_t begin, std::size_t count) {
        if constexpr (kCentred) {
            if (begin == 0) {
                const double sum = math::sum_terms(Floats(), row, count, math::PlainTerm());
                pivot_ = static_cast<float>(sum / static_cast<double>(count));
            }
            add_deviations(row + begin, count, far(), pivot_, first_, second_);
        } else {
            second_.set_lanes(
                math::add_terms(Floats(), row + begin, count, math::SquareTerm(), second_.lanes()));
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
    HWY_INLINE void finish_look(const float* row) {
        Spread spread = take_spread();
        if (kCentred && HWY_UNLIKELY(spread.shift * spread.shift > spread.variance / 4.0)) {
            pivot_ = static_cast<float>(static_cast<double>(pivot_) + spread.shift);
            for (std::size_t begin = 0; begin < shape_.cols; begin += kChunk) {
                add_deviations(row + begin, std::min(kChunk, shape_.cols - begin), far(), pivot_,
                               first_, second_);
            }
            spread = take_spread();
        }
        const double root = std::sqrt(spread.variance + static_cast<double>(epsilon_));
        const auto factor = static_cast<float>(1.0 / root);
        const double mean = static_cast<double>(pivot_) + spread.shift;
        written_ = {factor, static_cast<float>(mean * static_cast<double>(factor))};
    }

private:
    HWY_INLINE bool far() const { return shape_.cols > kShortRow; }
    struct Spread {
        double shift;  // of the mean from the pivot
        double variance;
    };
    HWY_INLINE Spread take_spread() {
        const double size = static_cast<double>(shape_.cols);
        const double shift = kCentred ? first_.take() / size : 0.0;
        return {shift, std::max(second_.take() / size - shift * shift, 0.0)};
    }

    Shape shape_;
    RowAffine affine_;
    float epsilon_;
    bool past_caches_;
    RunningSum first_;
    RunningSum second_;
    float pivot_ = 0.0F;
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

// Benchmark rows of reductions, prefix sums, histograms, arithmetic and scans of float32 arrays, of
// integer prefix sums and of top-k selection.
#include <algorithm>
#include <cmath>
#include <string>

#include <abi/simd/distance.hpp>
#include <abi/simd/elementwise.hpp>
#include <abi/simd/histogram.hpp>
#include <abi/simd/prefix_sum.hpp>
#include <abi/simd/reduce.hpp>
#include <abi/simd/reference_reduce.hpp>
#include <abi/simd/topk.hpp>

#include "bench_floats.hpp"
#include "registry.hpp"

namespace abikit::suites {
namespace {

namespace reference = simd::reference;
using Arrays = FloatArrays;

constexpr float kLow = -8.0F;
constexpr float kHigh = 8.0F;
constexpr std::size_t kBins = 256;
constexpr float kThreshold = -7.9F;  // one value of 160 passes

void scalar_histogram(Arrays& a) {
    std::ranges::fill(a.bins, 0);
    for (const float x : a.x) {
        const std::size_t bin = reference::histogram_bin(x, kLow, kHigh, kBins);
        if (bin < kBins) {
            ++a.bins[bin];
        }
    }
}

// out[i] = element(x[i], y[i]) for kernels of one or two inputs.
template <class Element>
void each(Arrays& a, Element element) {
    for (std::size_t i = 0; i < a.count; ++i) {
        a.out[i] = element(a.x[i], a.y.empty() ? 0.0F : a.y[i]);
    }
}

constexpr FloatKernel kReductions[] = {
    {"sum/f32", 1, false, [](Arrays& a) { a.result += simd::sum(a.x.data(), a.count); },
     [](Arrays& a) { a.result += reference::sum(a.x.data(), a.count).value; }},
    {"minimum/f32", 1, false,
     [](Arrays& a) { a.result += double(simd::minimum(a.x.data(), a.count)); },
     [](Arrays& a) { a.result += double(reference::minimum(a.x.data(), a.count)); }},
    {"maximum/f32", 1, false,
     [](Arrays& a) { a.result += double(simd::maximum(a.x.data(), a.count)); },
     [](Arrays& a) { a.result += double(reference::maximum(a.x.data(), a.count)); }},
    {"index_of_minimum/f32", 1, false,
     [](Arrays& a) { a.result += double(simd::index_of_minimum(a.x.data(), a.count)); },
     [](Arrays& a) { a.result += double(reference::index_of_minimum(a.x.data(), a.count)); }},
    {"index_of_maximum/f32", 1, false,
     [](Arrays& a) { a.result += double(simd::index_of_maximum(a.x.data(), a.count)); },
     [](Arrays& a) { a.result += double(reference::index_of_maximum(a.x.data(), a.count)); }},
    {"mean_and_variance/f32", 1, false,
     [](Arrays& a) { a.result += simd::mean_and_variance(a.x.data(), a.count).variance; },
     [](Arrays& a) { a.result += reference::mean_and_variance(a.x.data(), a.count).variance; }},
    {"histogram/f32", 1, false,
     [](Arrays& a) {
         const auto outside = simd::histogram(a.x.data(), a.count, kLow, kHigh, a.bins);
         a.result += double(outside.has_value());
     },
     scalar_histogram, kBins},
    {"first_non_finite/f32", 1, false,
     [](Arrays& a) { a.result += double(simd::first_non_finite(a.x.data(), a.count)); },
     [](Arrays& a) {
         const auto found = std::ranges::find_if_not(a.x, [](float x) { return std::isfinite(x); });
         a.result += double(found - a.x.begin());
     }},
};

constexpr FloatKernel kElementwise[] = {
    {"prefix_sum/f32", 1, true,
     [](Arrays& a) { simd::prefix_sum(a.x.data(), a.count, a.out.data()); },
     [](Arrays& a) {
         double sum = 0.0;
         each(a, [&](float x, float) { return static_cast<float>(sum += double(x)); });
     }},
    {"exclusive_prefix_sum/f32", 1, true,
     [](Arrays& a) {
         a.result += double(simd::exclusive_prefix_sum(a.x.data(), a.count, a.out.data()));
     },
     [](Arrays& a) {
         double sum = 0.0;
         each(a, [&](float x, float) {
             const double before = sum;
             sum += double(x);
             return static_cast<float>(before);
         });
     }},
    {"add/f32", 2, true,
     [](Arrays& a) { simd::add(a.x.data(), a.y.data(), a.count, a.out.data()); },
     [](Arrays& a) { each(a, [](float x, float y) { return x + y; }); }},
    {"multiply/f32", 2, true,
     [](Arrays& a) { simd::multiply(a.x.data(), a.y.data(), a.count, a.out.data()); },
     [](Arrays& a) { each(a, [](float x, float y) { return x * y; }); }},
    {"multiply_add/f32", 2, true,
     [](Arrays& a) {
         simd::multiply_add(a.x.data(), a.y.data(), a.x.data(), a.count, a.out.data());
     },
     [](Arrays& a) { each(a, [](float x, float y) { return std::fma(x, y, x); }); }},
    {"scale/f32", 1, true, [](Arrays& a) { simd::scale(a.x.data(), 1.5F, a.count, a.out.data()); },
     [](Arrays& a) { each(a, [](float x, float) { return x * 1.5F; }); }},
    {"clamp/f32", 1, true,
     [](Arrays& a) { simd::clamp(a.x.data(), -1.0F, 1.0F, a.count, a.out.data()); },
     [](Arrays& a) { each(a, [](float x, float) { return std::clamp(x, -1.0F, 1.0F); }); }},
    // out is read too; alternating signs keep it bounded.
    {"axpy/f32", 1, true,
     [](Arrays& a) {
         a.result = a.result > 0.0 ? -0.5 : 0.5;
         simd::axpy(static_cast<float>(a.result), a.x.data(), a.count, a.out.data());
     },
     [](Arrays& a) {
         a.result = a.result > 0.0 ? -0.5 : 0.5;
         for (std::size_t i = 0; i < a.count; ++i) {
             a.out[i] += static_cast<float>(a.result) * a.x[i];
         }
     }},
};

// ---- Integers and selection ------------------------------------------------------------------

template <class T>
PreparedBenchmark prepare_integers(std::size_t count) {
    struct Data {
        std::vector<T> x;
        std::vector<T> out;
    };
    auto data = std::make_shared<Data>();
    for (const float x : uniform_floats(count)) {
        data->x.push_back(static_cast<T>(x));
    }
    data->out.resize(count);
    return {.run = [=] { simd::prefix_sum(data->x.data(), count, data->out.data()); },
            .run_scalar =
                [=] {
                    T sum = 0;
                    for (std::size_t i = 0; i < count; ++i) {
                        data->out[i] = sum += data->x[i];
                    }
                },
            .bytes = static_cast<double>(2 * count * sizeof(T)),
            .limits = {Peak::kCopy},
            .working_set_bytes = 2 * count * sizeof(T)};
}

template <class T>
void add_integers(std::vector<KernelBenchmark>& rows, const char* name) {
    for (const std::size_t count : kFloatCounts) {
        rows.push_back({.name = name,
                        .group = "vector",
                        .parameters = {{"values", count}},
                        .prepare = [=](ThreadPool*) { return prepare_integers<T>(count); }});
    }
}

// The `nearest` of `count` distances in random order, against sorting that many to the front.
PreparedBenchmark prepare_selection(std::size_t nearest, std::size_t count) {
    auto data = std::make_shared<Arrays>();
    data->x = uniform_floats(count);
    const std::size_t bytes = count * sizeof(float);
    return {.run =
                [=] {
                    simd::TopK top(nearest);
                    top.offer(data->x.data(), count, 0);
                    data->result += double(top.take_sorted().front().distance);
                },
            .run_scalar =
                [=] {
                    data->out.resize(nearest);
                    std::ranges::partial_sort_copy(data->x, data->out);
                    data->result += double(data->out.front());
                },
            .bytes = static_cast<double>(bytes),
            .limits = {Peak::kRead},
            .working_set_bytes = bytes};
}

PreparedBenchmark prepare_threshold(std::size_t count) {
    struct Data {
        std::vector<float> x;
        std::vector<std::uint32_t> out;
        std::size_t selected = 0;
    };
    auto data = std::make_shared<Data>();
    data->x = uniform_floats(count);
    data->out.resize(count);
    const std::size_t bytes = count * sizeof(float);
    return {.run =
                [=] {
                    data->selected +=
                        simd::select_not_above(data->x.data(), count, kThreshold, data->out.data());
                },
            .run_scalar =
                [=] {
                    for (std::size_t i = 0; i < count; ++i) {
                        if (data->x[i] <= kThreshold) {
                            data->out[data->selected++ % count] = static_cast<std::uint32_t>(i);
                        }
                    }
                },
            .bytes = static_cast<double>(bytes),
            .limits = {Peak::kRead},
            .working_set_bytes = bytes};
}

}  // namespace

void add_reduce_benchmarks(std::vector<KernelBenchmark>& rows) {
    add_float_kernels(rows, "vector", kReductions);
    add_float_kernels(rows, "vector", kElementwise);
    add_integers<std::int32_t>(rows, "prefix_sum/i32");
    add_integers<std::int64_t>(rows, "prefix_sum/i64");
    constexpr std::size_t kDistances = 1'000'000;
    for (const std::size_t nearest : {10, 100, 10'000}) {
        rows.push_back(
            {.name = "top_k/f32",
             .group = "vector",
             .parameters = {{"k", nearest}, {"values", kDistances}},
             .prepare = [=](ThreadPool*) { return prepare_selection(nearest, kDistances); }});
    }
    for (const std::size_t count : {std::size_t{2'048}, kDistances}) {
        rows.push_back({.name = "select_not_above/f32",
                        .group = "vector",
                        .parameters = {{"values", count}},
                        .prepare = [=](ThreadPool*) { return prepare_threshold(count); }});
    }
}

}  // namespace abikit::suites

// Benchmark rows of the float32 products: squares, layers of a transformer and a batch of heads.
#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include <abi/simd/gemm.hpp>
#include <abi/simd/reference_products.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

struct GemmData {
    std::vector<float> a;
    std::vector<float> b;
    std::vector<float> c;
    std::vector<float> bias;
    std::vector<std::byte> workspace;
    simd::Gemm product;
};

struct Shape {
    std::size_t m;
    std::size_t k;
    std::size_t n;
    simd::Activation activation = simd::Activation::kNone;
};

std::vector<float> random_values(std::size_t count) {
    std::mt19937 random(42);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    std::vector<float> values(count);
    std::generate(values.begin(), values.end(), [&] { return uniform(random); });
    return values;
}

void run_scalar(GemmData& data, const Shape& s) {
    for (std::size_t i = 0; i < data.c.size(); ++i) {
        data.c[i] =
            static_cast<float>(simd::reference::strided_dot(data.a.data() + i / s.n * s.k, 1,
                                                            data.b.data() + i % s.n, s.n, s.k)
                                   .value);
    }
}

PreparedBenchmark prepare(const Shape& s, ThreadPool* pool) {
    auto data = std::make_shared<GemmData>();
    data->a = random_values(s.m * s.k);
    data->b = random_values(s.k * s.n);
    data->c.resize(s.m * s.n);
    data->product.a = {.values = data->a, .rows = s.m, .columns = s.k, .stride = s.k};
    data->product.b = {.values = data->b, .rows = s.k, .columns = s.n, .stride = s.n};
    data->product.c = {.values = data->c, .rows = s.m, .columns = s.n, .stride = s.n};
    data->product.activation = s.activation;
    if (s.activation != simd::Activation::kNone) {
        data->bias = random_values(s.n);
        data->product.bias = data->bias;
    }
    const unsigned threads = pool == nullptr ? 1 : pool->threads();
    data->workspace.resize(simd::gemm_workspace_bytes(data->product, threads));
    const std::size_t floats = s.m * s.k + s.k * s.n + s.m * s.n;
    return {.run =
                [=] {
                    static_cast<void>(simd::gemm(data->product, data->workspace, pool).has_value());
                },
            .run_scalar = [=] { run_scalar(*data, s); },
            .bytes = static_cast<double>(floats * sizeof(float)),
            .operations = 2.0 * static_cast<double>(s.m * s.n) * static_cast<double>(s.k),
            .limits = {Peak::kRead, Peak::kFma},
            .working_set_bytes = floats * sizeof(float),
            .threads = threads};
}

}  // namespace

void add_gemm_f32_benchmarks(std::vector<KernelBenchmark>& rows) {
    for (const Shape s : {Shape{32, 32, 32}, Shape{128, 128, 128}, Shape{512, 512, 512},
                          Shape{1024, 1024, 1024}, Shape{2048, 2048, 2048}, Shape{64, 768, 3072},
                          Shape{1, 4096, 4096}, Shape{8, 4096, 4096}}) {
        rows.push_back({.name = "gemm/f32",
                        .group = "matrix",
                        .parameters = {{"m", s.m}, {"k", s.k}, {"n", s.n}},
                        .prepare = [=](ThreadPool* pool) { return prepare(s, pool); }});
    }
    const Shape fused{64, 768, 3072, simd::Activation::kGelu};
    rows.push_back({.name = "gemm_bias_gelu/f32",
                    .group = "matrix",
                    .parameters = {{"m", fused.m}, {"k", fused.k}, {"n", fused.n}},
                    .prepare = [=](ThreadPool* pool) { return prepare(fused, pool); }});
}

}  // namespace abikit::suites

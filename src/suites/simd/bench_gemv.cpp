// Benchmark rows of sgemv: one column and several, in both orders of storage, in cache and beyond.
#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include <abi/simd/gemv.hpp>
#include <abi/simd/reference_products.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

struct GemvData {
    std::vector<float> a;
    std::vector<float> x;
    std::vector<float> y;
    std::vector<std::byte> workspace;
    simd::Gemv product;
};

std::vector<float> random_floats(std::size_t count) {
    std::mt19937 random(42);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    std::vector<float> values(count);
    std::generate(values.begin(), values.end(), [&] { return uniform(random); });
    return values;
}

std::shared_ptr<GemvData> make_data(std::size_t m, std::size_t k, std::size_t columns,
                                    simd::Transpose transpose) {
    auto data = std::make_shared<GemvData>();
    data->a = random_floats(m * k);
    data->x = random_floats(k * columns);
    data->y.resize(m * columns);
    const bool plain = transpose == simd::Transpose::kNo;
    simd::Gemv& product = data->product;
    product.a = {.values = data->a,
                 .rows = plain ? m : k,
                 .columns = plain ? k : m,
                 .stride = plain ? k : m};
    product.transpose = transpose;
    product.columns = columns;
    product.x = data->x;
    product.x_row_stride = columns;
    product.y = data->y;
    product.y_row_stride = columns;
    data->workspace.resize(simd::sgemv_workspace_bytes(product));
    return data;
}

void run_scalar(GemvData& data) {
    const simd::Gemv& g = data.product;
    const bool plain = g.transpose == simd::Transpose::kNo;
    for (std::size_t i = 0; i < data.y.size(); ++i) {
        const std::size_t row = i / g.columns;
        const auto sum =
            simd::reference::strided_dot(data.a.data() + (plain ? row * g.a.stride : row),
                                         plain ? 1 : g.a.stride, data.x.data() + i % g.columns,
                                         g.x_row_stride, simd::effective_columns(g.a, g.transpose));
        data.y[i] = static_cast<float>(sum.value);
    }
}

PreparedBenchmark prepare(std::size_t m, std::size_t k, std::size_t columns,
                          simd::Transpose transpose, ThreadPool* pool) {
    auto data = make_data(m, k, columns, transpose);
    const double floats = static_cast<double>(m) * static_cast<double>(k);
    return {
        .run =
            [=] {
                static_cast<void>(simd::sgemv(data->product, data->workspace, pool).has_value());
            },
        .run_scalar = [=] { run_scalar(*data); },
        .bytes = floats * sizeof(float),
        .operations = 2.0 * floats * static_cast<double>(columns),
        .limits = {Peak::kRead, Peak::kFma},
        .working_set_bytes = m * k * sizeof(float),
        .threads = pool == nullptr ? 1 : pool->threads()};
}

}  // namespace

void add_gemv_benchmarks(std::vector<KernelBenchmark>& rows) {
    struct Shape {
        std::size_t m;
        std::size_t k;
    };
    for (const simd::Transpose transpose : {simd::Transpose::kNo, simd::Transpose::kYes}) {
        for (const Shape shape : {Shape{256, 256}, Shape{3072, 768}, Shape{4096, 4096}}) {
            for (const std::size_t columns : {1, 4, 16}) {
                rows.push_back(
                    {.name = transpose == simd::Transpose::kNo ? "sgemv/f32" : "sgemv_t/f32",
                     .group = "matrix",
                     .parameters = {{"m", shape.m}, {"k", shape.k}, {"columns", columns}},
                     .prepare = [=](ThreadPool* pool) {
                         return prepare(shape.m, shape.k, columns, transpose, pool);
                     }});
            }
        }
    }
}

}  // namespace abikit::suites

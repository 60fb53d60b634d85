// Benchmark rows of the bfloat16 products: squares and a decoding step of a language model.
#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include <abi/simd/gemm_bf16.hpp>
#include <abi/simd/reference_products.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

using simd::BFloat16;

struct Bf16Data {
    std::vector<BFloat16> a;
    std::vector<BFloat16> b;
    std::vector<std::byte> packed;
    std::vector<float> c;
    simd::GemmBf16 product;
    simd::MatrixView<const BFloat16> b_view;
};

std::vector<BFloat16> random_values(std::size_t count) {
    std::mt19937 random(42);
    std::vector<BFloat16> values(count);
    std::generate(values.begin(), values.end(), [&] {
        return BFloat16{static_cast<std::uint16_t>(0x3F00U | (random() & 0x80FFU))};
    });
    return values;
}

std::shared_ptr<Bf16Data> make_data(std::size_t m, std::size_t k, std::size_t n, ThreadPool* pool) {
    auto data = std::make_shared<Bf16Data>();
    data->a = random_values(m * k);
    data->b = random_values(k * n);
    data->packed.resize(simd::packed_bf16_bytes(k, n));
    data->c.resize(m * n);
    data->b_view = {.values = data->b, .rows = k, .columns = n, .stride = n};
    static_cast<void>(
        simd::pack_bf16(data->b_view, simd::Transpose::kNo, data->packed, pool).has_value());
    data->product.a = {.values = data->a, .rows = m, .columns = k, .stride = k};
    data->product.b = {.bytes = data->packed, .k = k, .n = n};
    data->product.c = {.values = data->c, .rows = m, .columns = n, .stride = n};
    return data;
}

void run_scalar(Bf16Data& data) {
    const std::size_t k = data.product.b.k;
    const std::size_t n = data.product.b.n;
    for (std::size_t i = 0; i < data.c.size(); ++i) {
        data.c[i] = static_cast<float>(
            simd::reference::strided_dot(data.a.data() + i / n * k, 1, data.b.data() + i % n, n, k)
                .value);
    }
}

PreparedBenchmark prepare(std::size_t m, std::size_t k, std::size_t n, ThreadPool* pool) {
    auto data = make_data(m, k, n, pool);
    const double elements = static_cast<double>(k) * static_cast<double>(n);
    return {.run = [=] { static_cast<void>(simd::gemm_bf16(data->product, {}, pool).has_value()); },
            .run_scalar = [=] { run_scalar(*data); },
            .bytes = 2.0 * elements + 2.0 * static_cast<double>(m * k) +
                     4.0 * static_cast<double>(m * n),
            .operations = 2.0 * elements * static_cast<double>(m),
            .limits = {Peak::kRead, Peak::kBf16},
            .working_set_bytes = 2 * k * n + 2 * m * k + 4 * m * n,
            .threads = pool == nullptr ? 1 : pool->threads()};
}

}  // namespace

void add_gemm_bf16_benchmarks(std::vector<KernelBenchmark>& rows) {
    struct Shape {
        std::size_t m;
        std::size_t k;
        std::size_t n;
    };
    for (const Shape s : {Shape{32, 32, 32}, Shape{256, 256, 256}, Shape{1024, 1024, 1024},
                          Shape{2048, 2048, 2048}, Shape{1, 4096, 11008}, Shape{8, 4096, 11008}}) {
        rows.push_back({.name = "gemm/bf16",
                        .group = "matrix",
                        .parameters = {{"m", s.m}, {"k", s.k}, {"n", s.n}},
                        .prepare = [=](ThreadPool* pool) { return prepare(s.m, s.k, s.n, pool); }});
    }
}

}  // namespace abikit::suites

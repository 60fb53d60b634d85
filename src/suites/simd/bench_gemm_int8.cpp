// Benchmark rows of the int8 products: squares, a decoding step of a language model, and packing.
#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include <abi/simd/gemm_int8.hpp>
#include <abi/simd/reference_products.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

struct Int8Data {
    std::vector<std::int8_t> a;
    std::vector<std::int8_t> b;
    std::vector<std::byte> packed;
    std::vector<std::int32_t> c;
    simd::GemmInt8<std::int8_t> product;
    simd::MatrixView<const std::int8_t> b_view;
};

std::vector<std::int8_t> random_bytes(std::size_t count) {
    std::mt19937 random(42);
    std::vector<std::int8_t> values(count);
    std::generate(values.begin(), values.end(), [&] { return static_cast<std::int8_t>(random()); });
    return values;
}

std::shared_ptr<Int8Data> make_data(std::size_t m, std::size_t k, std::size_t n, ThreadPool* pool) {
    auto data = std::make_shared<Int8Data>();
    data->a = random_bytes(m * k);
    data->b = random_bytes(k * n);
    data->packed.resize(simd::packed_int8_bytes(k, n));
    data->c.resize(m * n);
    data->b_view = {.values = data->b, .rows = k, .columns = n, .stride = n};
    static_cast<void>(
        simd::pack_int8(data->b_view, simd::Transpose::kNo, data->packed, pool).has_value());
    data->product.a = {.values = data->a, .rows = m, .columns = k, .stride = k};
    data->product.b = {.bytes = data->packed, .k = k, .n = n};
    data->product.c = {.values = data->c, .rows = m, .columns = n, .stride = n};
    return data;
}

void run_scalar(Int8Data& data) {
    const std::size_t k = data.product.b.k;
    const std::size_t n = data.product.b.n;
    for (std::size_t i = 0; i < data.c.size(); ++i) {
        data.c[i] = static_cast<std::int32_t>(simd::reference::strided_dot(
            data.a.data() + i / n * k, 1, data.b.data() + i % n, n, k));
    }
}

PreparedBenchmark prepare(std::size_t m, std::size_t k, std::size_t n, ThreadPool* pool) {
    auto data = make_data(m, k, n, pool);
    const double elements = static_cast<double>(k) * static_cast<double>(n);
    return {.run = [=] { static_cast<void>(simd::gemm_int8(data->product, {}, pool).has_value()); },
            .run_scalar = [=] { run_scalar(*data); },
            .bytes = elements + static_cast<double>(m * k) + 4.0 * static_cast<double>(m * n),
            .operations = 2.0 * elements * static_cast<double>(m),
            .limits = {Peak::kRead, Peak::kInt8},
            .working_set_bytes = k * n + m * k + 4 * m * n,
            .threads = pool == nullptr ? 1 : pool->threads()};
}

PreparedBenchmark prepare_pack(std::size_t k, std::size_t n, ThreadPool* pool) {
    auto data = make_data(1, k, n, pool);
    return {.run =
                [=] {
                    static_cast<void>(
                        simd::pack_int8(data->b_view, simd::Transpose::kNo, data->packed, pool)
                            .has_value());
                },
            .run_scalar = nullptr,
            .bytes = 2.0 * static_cast<double>(k) * static_cast<double>(n),
            .limits = {Peak::kCopy},
            .working_set_bytes = 2 * k * n,
            .threads = pool == nullptr ? 1 : pool->threads()};
}

}  // namespace

void add_gemm_int8_benchmarks(std::vector<KernelBenchmark>& rows) {
    struct Shape {
        std::size_t m;
        std::size_t k;
        std::size_t n;
    };
    for (const Shape s : {Shape{32, 32, 32}, Shape{256, 256, 256}, Shape{1024, 1024, 1024},
                          Shape{2048, 2048, 2048}, Shape{1, 4096, 11008}, Shape{8, 4096, 11008}}) {
        rows.push_back({.name = "gemm/int8",
                        .group = "matrix",
                        .parameters = {{"m", s.m}, {"k", s.k}, {"n", s.n}},
                        .prepare = [=](ThreadPool* pool) { return prepare(s.m, s.k, s.n, pool); }});
    }
    for (const std::size_t size : {256, 2048}) {
        rows.push_back(
            {.name = "pack/int8",
             .group = "matrix",
             .parameters = {{"k", size}, {"n", size}},
             .prepare = [=](ThreadPool* pool) { return prepare_pack(size, size, pool); }});
    }
}

}  // namespace abikit::suites

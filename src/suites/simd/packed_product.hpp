// Benchmark rows of the products with a packed B, written once for both element types. Read
// bench_gemm_int8.cpp for use.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <abi/core/thread_pool.hpp>
#include <abi/simd/matrix.hpp>

#include "registry.hpp"

namespace abikit::suites {

// A family of products. Traits name its types (Element, Sum, Product), its functions (element()
// from random bits, packed_bytes(), pack(), multiply(), scalar() for one element of C), and kName,
// kPeak.
template <class Traits>
struct PackedProduct {
    using Element = typename Traits::Element;

    PackedProduct(std::size_t m, std::size_t k, std::size_t n, ThreadPool* pool)
        : a(random_values(m * k)),
          b(random_values(k * n)),
          packed(Traits::packed_bytes(k, n)),
          c(m * n) {
        b_view = {.values = b, .rows = k, .columns = n, .stride = n};
        pack(pool);
        product.a = {.values = a, .rows = m, .columns = k, .stride = k};
        product.b = {.bytes = packed, .k = k, .n = n};
        product.c = {.values = c, .rows = m, .columns = n, .stride = n};
    }
    PackedProduct(const PackedProduct&) = delete;
    PackedProduct& operator=(const PackedProduct&) = delete;

    void pack(ThreadPool* pool) {
        static_cast<void>(Traits::pack(b_view, packed, pool).has_value());
    }
    void multiply(ThreadPool* pool) {
        static_cast<void>(Traits::multiply(product, pool).has_value());
    }
    void multiply_scalar() {
        const std::size_t k = product.b.k;
        const std::size_t n = product.b.n;
        for (std::size_t i = 0; i < c.size(); ++i) {
            c[i] = Traits::scalar(a.data() + i / n * k, b.data() + i % n, n, k);
        }
    }

    static std::vector<Element> random_values(std::size_t count) {
        std::mt19937 random(42);
        std::vector<Element> values(count);
        std::generate(values.begin(), values.end(), [&] { return Traits::element(random()); });
        return values;
    }

    std::vector<Element> a;
    std::vector<Element> b;
    std::vector<std::byte> packed;
    std::vector<typename Traits::Sum> c;
    simd::MatrixView<const Element> b_view;
    typename Traits::Product product;
};

template <class Traits>
PreparedBenchmark prepare_product(std::size_t m, std::size_t k, std::size_t n, ThreadPool* pool) {
    using Data = PackedProduct<Traits>;
    const auto data = std::make_shared<Data>(m, k, n, pool);
    const std::size_t bytes =
        (m * k + k * n) * sizeof(typename Data::Element) + m * n * sizeof(typename Traits::Sum);
    return {.run = [=] { data->multiply(pool); },
            .run_scalar = [=] { data->multiply_scalar(); },
            .bytes = static_cast<double>(bytes),
            .operations = 2.0 * static_cast<double>(m * n) * static_cast<double>(k),
            .limits = {Peak::kRead, Traits::kPeak},
            .working_set_bytes = bytes,
            .threads = pool == nullptr ? 1 : pool->threads()};
}

// Squares, and a decoding step of a language model for one and for eight tokens.
template <class Traits>
void add_product_benchmarks(std::vector<KernelBenchmark>& rows) {
    struct Shape {
        std::size_t m;
        std::size_t k;
        std::size_t n;
    };
    for (const Shape s : {Shape{32, 32, 32}, Shape{256, 256, 256}, Shape{1024, 1024, 1024},
                          Shape{2048, 2048, 2048}, Shape{1, 4096, 11008}, Shape{8, 4096, 11008}}) {
        rows.push_back({.name = Traits::kName,
                        .group = "matrix",
                        .parameters = {{"m", s.m}, {"k", s.k}, {"n", s.n}},
                        .prepare = [=](ThreadPool* pool) {
                            return prepare_product<Traits>(s.m, s.k, s.n, pool);
                        }});
    }
}

}  // namespace abikit::suites

// Benchmark rows of the int8 products and of packing their B. Read packed_product.hpp for what the
// products do.
#include <cstdint>
#include <memory>
#include <vector>

#include <abi/simd/gemm_int8.hpp>
#include <abi/simd/reference_products.hpp>

#include "packed_product.hpp"
#include "registry.hpp"

namespace abikit::suites {
namespace {

struct Int8Traits {
    using Element = std::int8_t;
    using Sum = std::int32_t;
    using Product = simd::GemmInt8<std::int8_t>;
    static constexpr const char* kName = "gemm/int8";
    static constexpr Peak kPeak = Peak::kInt8;

    static Element element(std::mt19937::result_type bits) { return static_cast<Element>(bits); }
    static std::size_t packed_bytes(std::size_t k, std::size_t n) {
        return simd::packed_int8_bytes(k, n);
    }
    static Status pack(const simd::MatrixView<const Element>& b, std::span<std::byte> out,
                       ThreadPool* pool) {
        return simd::pack_int8(b, simd::Transpose::kNo, out, pool);
    }
    static Status multiply(const Product& product, ThreadPool* pool) {
        return simd::gemm_int8(product, {}, pool);
    }
    static Sum scalar(const Element* a, const Element* b, std::size_t n, std::size_t k) {
        return static_cast<Sum>(simd::reference::strided_dot(a, 1, b, n, k));
    }
};

PreparedBenchmark prepare_pack(std::size_t k, std::size_t n, ThreadPool* pool) {
    const auto data = std::make_shared<PackedProduct<Int8Traits>>(1, k, n, pool);
    return {.run = [=] { data->pack(pool); },
            .run_scalar = nullptr,
            .bytes = 2.0 * static_cast<double>(k) * static_cast<double>(n),
            .limits = {Peak::kCopy},
            .working_set_bytes = 2 * k * n,
            .threads = pool == nullptr ? 1 : pool->threads()};
}

}  // namespace

void add_gemm_int8_benchmarks(std::vector<KernelBenchmark>& rows) {
    add_product_benchmarks<Int8Traits>(rows);
    for (const std::size_t size : {256, 2048}) {
        rows.push_back(
            {.name = "pack/int8",
             .group = "matrix",
             .parameters = {{"k", size}, {"n", size}},
             .prepare = [=](ThreadPool* pool) { return prepare_pack(size, size, pool); }});
    }
}

}  // namespace abikit::suites

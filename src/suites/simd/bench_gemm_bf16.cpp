// Benchmark rows of the bfloat16 products. Read packed_product.hpp for what they do.
#include <cstdint>
#include <vector>

#include <abi/simd/gemm_bf16.hpp>
#include <abi/simd/reference_products.hpp>

#include "packed_product.hpp"
#include "registry.hpp"

namespace abikit::suites {
namespace {

struct Bf16Traits {
    using Element = simd::BFloat16;
    using Sum = float;
    using Product = simd::GemmBf16;
    static constexpr const char* kName = "gemm/bf16";
    static constexpr Peak kPeak = Peak::kBf16;

    // Of either sign, from 0.5 to 2.
    static Element element(std::mt19937::result_type bits) {
        return Element{static_cast<std::uint16_t>(0x3F00U | (bits & 0x80FFU))};
    }
    static std::size_t packed_bytes(std::size_t k, std::size_t n) {
        return simd::packed_bf16_bytes(k, n);
    }
    static Status pack(const simd::MatrixView<const Element>& b, std::span<std::byte> out,
                       ThreadPool* pool) {
        return simd::pack_bf16(b, simd::Transpose::kNo, out, pool);
    }
    static Status multiply(const Product& product, ThreadPool* pool) {
        return simd::gemm_bf16(product, {}, pool);
    }
    static Sum scalar(const Element* a, const Element* b, std::size_t n, std::size_t k) {
        return static_cast<Sum>(simd::reference::strided_dot(a, 1, b, n, k).value);
    }
};

}  // namespace

void add_gemm_bf16_benchmarks(std::vector<KernelBenchmark>& rows) {
    add_product_benchmarks<Bf16Traits>(rows);
}

}  // namespace abikit::suites

// Benchmark rows of the elementary functions. Read bench_floats.hpp for the sizes.
#include <abi/simd/math.hpp>
#include <abi/simd/reference_math.hpp>

#include "bench_floats.hpp"
#include "registry.hpp"

namespace abikit::suites {
namespace {

namespace reference = simd::reference;

using ArrayFunction = void (*)(const float*, std::size_t, float*) noexcept;
using ScalarFunction = long double (*)(long double) noexcept;

template <ArrayFunction kFunction>
void run(FloatArrays& a) {
    kFunction(a.x.data(), a.count, a.out.data());
}
template <ScalarFunction kFunction>
void run_scalar(FloatArrays& a) {
    for (std::size_t i = 0; i < a.count; ++i) {
        a.out[i] = static_cast<float>(kFunction(static_cast<long double>(a.x[i])));
    }
}
template <ArrayFunction kFunction, ScalarFunction kScalar>
constexpr FloatKernel function(const char* name) {
    return {name, 1, true, run<kFunction>, run_scalar<kScalar>};
}

constexpr FloatKernel kKernels[] = {
    function<simd::exp, reference::exp>("exp/f32"),
    // Half of the arguments are negative, which costs nothing extra.
    function<simd::log, reference::log>("log/f32"),
    function<simd::sin, reference::sin>("sin/f32"),
    function<simd::cos, reference::cos>("cos/f32"),
    function<simd::tanh, reference::tanh>("tanh/f32"),
    function<simd::sigmoid, reference::sigmoid>("sigmoid/f32"),
    function<simd::erf, reference::erf>("erf/f32"),
    function<simd::gelu, reference::gelu>("gelu/f32"),
    function<simd::gelu_tanh, reference::gelu_tanh>("gelu_tanh/f32"),
    function<simd::silu, reference::silu>("silu/f32"),
};

}  // namespace

void add_math_benchmarks(std::vector<KernelBenchmark>& rows) {
    add_float_kernels(rows, "math", kKernels);
}

}  // namespace abikit::suites

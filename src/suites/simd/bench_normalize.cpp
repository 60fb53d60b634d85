// Benchmark rows of softmax and of norms over rows: short rows in cache, the width of a language
// model's layer and of its vocabulary beyond all caches.
#include <algorithm>
#include <vector>

#include <abi/simd/normalize.hpp>
#include <abi/simd/reference_reduce.hpp>

#include "bench_floats.hpp"
#include "registry.hpp"

namespace abikit::suites {
namespace {

namespace reference = simd::reference;

constexpr float kEpsilon = 1e-5F;

struct Matrix {
    std::size_t rows = 0;
    std::size_t cols = 0;
    std::vector<float> x;
    std::vector<float> gain;
    std::vector<float> bias;
    std::vector<float> out;
    std::vector<double> row;  // of the scalar twin

    simd::RowAffine affine() const { return {gain.data(), bias.data()}; }
};

struct RowKernel {
    const char* name;
    void (*run)(Matrix&);
    void (*run_row)(Matrix&, const float* x, double* out);
};

constexpr RowKernel kKernels[] = {
    {"softmax_rows/f32",
     [](Matrix& m) { simd::softmax_rows(m.x.data(), m.rows, m.cols, m.out.data()); },
     [](Matrix& m, const float* x, double* out) { reference::softmax_row(x, m.cols, out); }},
    {"log_softmax_rows/f32",
     [](Matrix& m) { simd::log_softmax_rows(m.x.data(), m.rows, m.cols, m.out.data()); },
     [](Matrix& m, const float* x, double* out) { reference::log_softmax_row(x, m.cols, out); }},
    {"layer_norm_rows/f32",
     [](Matrix& m) {
         simd::layer_norm_rows(m.x.data(), m.rows, m.cols, m.affine(), kEpsilon, m.out.data());
     },
     [](Matrix& m, const float* x, double* out) {
         reference::layer_norm_row(x, m.cols, m.affine(), kEpsilon, out);
     }},
    {"rms_norm_rows/f32",
     [](Matrix& m) {
         simd::rms_norm_rows(m.x.data(), m.rows, m.cols, m.affine(), kEpsilon, m.out.data());
     },
     [](Matrix& m, const float* x, double* out) {
         reference::rms_norm_row(x, m.cols, m.affine(), kEpsilon, out);
     }},
};

PreparedBenchmark prepare(const RowKernel& kernel, std::size_t rows, std::size_t cols) {
    auto matrix = std::make_shared<Matrix>();
    matrix->rows = rows;
    matrix->cols = cols;
    matrix->x = uniform_floats(rows * cols);
    matrix->gain.resize(cols, 1.25F);
    matrix->bias.resize(cols, 0.5F);
    matrix->out.resize(rows * cols);
    matrix->row.resize(cols);
    const std::size_t bytes = 2 * rows * cols * sizeof(float);
    return {.run = [matrix, run = kernel.run] { run(*matrix); },
            .run_scalar =
                [matrix, run = kernel.run_row] {
                    for (std::size_t r = 0; r < matrix->rows; ++r) {
                        const std::size_t first = r * matrix->cols;
                        run(*matrix, matrix->x.data() + first, matrix->row.data());
                        std::ranges::transform(matrix->row, matrix->out.data() + first,
                                               [](double v) { return static_cast<float>(v); });
                    }
                },
            .bytes = static_cast<double>(bytes),
            .limits = {Peak::kCopy},
            .working_set_bytes = bytes};
}

}  // namespace

void add_normalize_benchmarks(std::vector<KernelBenchmark>& rows) {
    struct Shape {
        std::size_t rows;
        std::size_t cols;
    };
    for (const RowKernel& kernel : kKernels) {
        for (const Shape shape : {Shape{16, 512}, Shape{4'096, 4'096}, Shape{1'024, 16'384}}) {
            rows.push_back({.name = kernel.name,
                            .group = "math",
                            .parameters = {{"rows", shape.rows}, {"cols", shape.cols}},
                            .prepare = [&kernel, shape](ThreadPool*) {
                                return prepare(kernel, shape.rows, shape.cols);
                            }});
        }
    }
}

}  // namespace abikit::suites

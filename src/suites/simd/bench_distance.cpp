// Benchmark rows of the distance kernels.
#include <memory>
#include <random>

#include <abi/simd/distance.hpp>
#include <abi/simd/reference.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

using RowsKernel = void (*)(const float*, const float*, std::size_t, std::size_t, float*) noexcept;
using RowReference = simd::reference::Sum (*)(const float*, const float*, std::size_t) noexcept;

struct RowsData {
    std::vector<float> query;
    std::vector<float> rows;
    std::vector<float> out;
};

std::vector<float> random_floats(std::size_t count) {
    std::mt19937 random(42);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    std::vector<float> values(count);
    for (float& value : values) {
        value = uniform(random);
    }
    return values;
}

PreparedBenchmark prepare_rows(RowsKernel kernel, RowReference reference, std::size_t dim,
                               std::size_t count) {
    auto data = std::make_shared<RowsData>();
    data->query = random_floats(dim);
    data->rows = random_floats(dim * count);
    data->out.resize(count);
    const double floats = static_cast<double>(dim * count);
    return {
        .run = [=] { kernel(data->query.data(), data->rows.data(), dim, count, data->out.data()); },
        .run_scalar =
            [=] {
                for (std::size_t i = 0; i < count; ++i) {
                    const float* row = data->rows.data() + i * dim;
                    data->out[i] =
                        static_cast<float>(reference(data->query.data(), row, dim).value);
                }
            },
        .bytes = floats * sizeof(float),
        .operations = floats * 2.0,
        .limits = {Peak::kRead, Peak::kFma},
        .working_set_bytes = dim * count * sizeof(float)};
}

}  // namespace

void add_distance_benchmarks(std::vector<KernelBenchmark>& rows) {
    for (const std::size_t dim : {96, 128, 384, 768, 1536}) {
        const std::size_t count = (std::size_t{256} << 10) / sizeof(float) / dim;
        rows.push_back({.name = "dot_rows/f32",
                        .group = "vector",
                        .parameters = {{"dim", dim}, {"rows", count}},
                        .prepare = [=](ThreadPool*) {
                            return prepare_rows(simd::dot_rows, simd::reference::dot, dim, count);
                        }});
    }
}

}  // namespace abikit::suites

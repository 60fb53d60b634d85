// Benchmark rows of the distances that a walk through a graph takes: as many rows at a time as a
// node has edges that are new, anywhere in an index that fits a cache, or none.
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include <abi/simd/distance_walk.hpp>
#include <abi/simd/reference_distance.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

constexpr std::size_t kAtOnce = 16;
constexpr std::size_t kMeasured = 4096;  // distances a run

struct WalkData {
    struct alignas(simd::kWalkAlignment) Line {
        std::int8_t bytes[simd::kWalkAlignment];
    };
    std::vector<Line> codes, query, room;
    std::vector<std::uint32_t> rows;
    std::vector<std::int32_t> out;
    simd::WalkQuery walk;
};

std::shared_ptr<WalkData> walk_data(std::size_t stride, std::size_t count) {
    auto data = std::make_shared<WalkData>();
    const std::size_t lines = stride / simd::kWalkAlignment;
    data->codes.resize(lines * count);
    data->query.resize(lines);
    data->room.resize(lines);
    data->out.resize(kMeasured);
    std::mt19937 random(42);
    for (auto* const filled : {&data->codes, &data->query}) {
        for (WalkData::Line& line : *filled) {
            for (std::int8_t& byte : line.bytes) {
                byte = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
            }
        }
    }
    for (std::size_t i = 0; i < kMeasured; ++i) {
        data->rows.push_back(static_cast<std::uint32_t>(random() % count));
    }
    data->walk = simd::make_walk_query(data->query[0].bytes, stride, data->room[0].bytes);
    return data;
}

PreparedBenchmark prepare_walk(std::size_t stride, std::size_t count) {
    const auto data = walk_data(stride, count);
    return {.run =
                [=] {
                    for (std::size_t i = 0; i < kMeasured; i += kAtOnce) {
                        simd::walk_distances(data->walk, data->codes[0].bytes, stride,
                                             data->rows.data() + i, kAtOnce, data->out.data() + i);
                    }
                },
            .run_scalar =
                [=] {
                    for (std::size_t i = 0; i < kMeasured; ++i) {
                        data->out[i] = static_cast<std::int32_t>(simd::reference::walk_distance(
                            data->query[0].bytes, data->codes[0].bytes + data->rows[i] * stride,
                            stride));
                    }
                },
            .bytes = static_cast<double>(stride * kMeasured),
            .operations = 2.0 * static_cast<double>(stride * kMeasured),
            .limits = {Peak::kRead},
            .working_set_bytes = stride * count};
}

}  // namespace

void add_walk_benchmarks(std::vector<KernelBenchmark>& rows) {
    for (const std::size_t stride : {std::size_t{64}, std::size_t{128}, std::size_t{256}}) {
        for (const std::size_t count : {std::size_t{1000}, std::size_t{1'000'000}}) {
            rows.push_back({.name = "walk_distances/int8",
                            .group = "vector",
                            .parameters = {{"stride", stride}, {"rows", count}},
                            .prepare = [=](ThreadPool*) { return prepare_walk(stride, count); }});
        }
    }
}

}  // namespace abikit::suites

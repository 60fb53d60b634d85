// Benchmark rows of the distance and conversion kernels: one size in the second-level cache, one
// beyond all caches, and gathered rows as a graph index reads them.
#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include <abi/simd/convert.hpp>
#include <abi/simd/distance.hpp>
#include <abi/simd/distance_bits.hpp>
#include <abi/simd/distance_bytes.hpp>
#include <abi/simd/distance_codes.hpp>
#include <abi/simd/distance_half.hpp>
#include <abi/simd/quantise.hpp>
#include <abi/simd/reference.hpp>
#include <abi/simd/reference_convert.hpp>
#include <abi/simd/reference_distance.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

using simd::BFloat16;
using simd::Half;

constexpr std::size_t kCacheBytes = std::size_t{256} << 10;
constexpr std::size_t kMemoryBytes = std::size_t{128} << 20;

// Bits that are ordinary values in every type: no NaN, no denormal float32.
template <class T>
std::vector<T> random_values(std::size_t count) {
    std::mt19937 random(42);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    std::vector<T> values(count);
    for (T& value : values) {
        if constexpr (std::is_same_v<T, float>) {
            value = uniform(random);
        } else if constexpr (std::is_same_v<T, Half>) {
            value = simd::reference::to_half(uniform(random));
        } else if constexpr (std::is_same_v<T, BFloat16>) {
            value = simd::reference::to_bfloat16(uniform(random));
        } else {
            value = static_cast<T>(random());
        }
    }
    return values;
}

template <class Query, class Row, class Out>
struct Data {
    std::vector<Query> query;
    std::vector<Row> rows;
    std::vector<std::uint32_t> indices;
    std::vector<Out> out;
};

template <class Query, class Row, class Out>
using RowsKernel = void (*)(const Query*, const Row*, std::size_t, std::size_t, Out*) noexcept;
template <class Query, class Row, class Out>
using GatherKernel = void (*)(const Query*, const Row*, std::size_t, std::size_t,
                              const std::uint32_t*, std::size_t, Out*) noexcept;

// Rows in order, or in random order where there is a gather kernel.
template <class Query, class Row, class Out>
struct Scan {
    RowsKernel<Query, Row, Out> rows;
    GatherKernel<Query, Row, Out> gather;
    void (*scalar)(const Query*, const Row*, std::size_t, Out*);
};

template <class Query, class Row, class Out>
PreparedBenchmark prepare(Scan<Query, Row, Out> scan, std::size_t dim, std::size_t count) {
    auto data = std::make_shared<Data<Query, Row, Out>>();
    data->query = random_values<Query>(dim);
    data->rows = random_values<Row>(dim * count);
    data->out.resize(count);
    for (std::size_t i = 0; scan.rows == nullptr && i < count; ++i) {
        data->indices.push_back(static_cast<std::uint32_t>(i));
    }
    std::shuffle(data->indices.begin(), data->indices.end(), std::mt19937(7));
    const double values = static_cast<double>(dim * count);
    PreparedBenchmark row;
    row.bytes = values * sizeof(Row);
    row.operations = values * 2.0;
    row.limits = {Peak::kRead};
    row.working_set_bytes = dim * count * sizeof(Row);
    if constexpr (std::is_same_v<Query, float>) {
        row.limits.push_back(Peak::kFma);
    }
    if (scan.rows != nullptr) {
        row.run = [=] {
            scan.rows(data->query.data(), data->rows.data(), dim, count, data->out.data());
        };
    } else {
        row.run = [=] {
            scan.gather(data->query.data(), data->rows.data(), dim, dim, data->indices.data(),
                        count, data->out.data());
        };
    }
    row.run_scalar = [=] {
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t from = data->indices.empty() ? i : data->indices[i];
            scan.scalar(data->query.data(), data->rows.data() + from * dim, dim, &data->out[i]);
        }
    };
    return row;
}

// One row of the suite for `bytes` of data.
template <class Query, class Row, class Out>
void add(std::vector<KernelBenchmark>& rows, const char* name, Scan<Query, Row, Out> scan,
         std::size_t dim, std::size_t bytes) {
    const std::size_t count = bytes / sizeof(Row) / dim;
    rows.push_back({.name = name,
                    .group = "vector",
                    .parameters = {{"dim", dim}, {"rows", count}},
                    .prepare = [=](ThreadPool*) { return prepare(scan, dim, count); }});
}

template <class Row>
float as_float(Row value) {
    return simd::reference::to_float(value);
}
float as_float(float value) {
    return value;
}

template <class Row>
void scalar_dot(const float* query, const Row* row, std::size_t dim, float* out) {
    double sum = 0.0;
    for (std::size_t j = 0; j < dim; ++j) {
        sum += static_cast<double>(query[j]) * static_cast<double>(as_float(row[j]));
    }
    *out = static_cast<float>(sum);
}
template <class Row>
void scalar_l2(const float* query, const Row* row, std::size_t dim, float* out) {
    double sum = 0.0;
    for (std::size_t j = 0; j < dim; ++j) {
        const double difference =
            static_cast<double>(query[j]) - static_cast<double>(as_float(row[j]));
        sum += difference * difference;
    }
    *out = static_cast<float>(sum);
}
void scalar_cosine(const float* query, const float* row, std::size_t dim, float* out) {
    const double norms = simd::reference::squared_norm(query, dim).value *
                         simd::reference::squared_norm(row, dim).value;
    *out = static_cast<float>(1.0 - simd::reference::dot(query, row, dim).value / std::sqrt(norms));
}
template <class T, class Out>
void scalar_exact_dot(const T* query, const T* row, std::size_t dim, Out* out) {
    *out = static_cast<Out>(simd::reference::dot(query, row, dim));
}
template <class T>
void scalar_exact_l2(const T* query, const T* row, std::size_t dim, std::uint32_t* out) {
    *out = static_cast<std::uint32_t>(simd::reference::l2_squared(query, row, dim));
}
void scalar_hamming(const std::uint8_t* query, const std::uint8_t* row, std::size_t bytes,
                    std::uint32_t* out) {
    *out = static_cast<std::uint32_t>(simd::reference::bits(query, row, bytes).different);
}

// Blocks of queries against rows, and what is kept of rows: bodies over the same data.
struct Rows {
    static constexpr std::size_t kQueries = 64;
    std::vector<float> queries;
    std::vector<float> rows;
    std::vector<float> out;
};

using BlockKernel = void (*)(const float*, std::size_t, const float*, std::size_t, std::size_t,
                             float*) noexcept;

PreparedBenchmark prepare_block(BlockKernel kernel,
                                void (*scalar)(const float*, const float*, std::size_t, float*),
                                std::size_t dim, std::size_t count) {
    auto data = std::make_shared<Rows>();
    data->queries = random_values<float>(dim * Rows::kQueries);
    data->rows = random_values<float>(dim * count);
    data->out.resize(Rows::kQueries * count);
    const std::size_t bytes = (dim * (count + Rows::kQueries) + data->out.size()) * sizeof(float);
    return {.run =
                [=] {
                    kernel(data->queries.data(), Rows::kQueries, data->rows.data(), dim, count,
                           data->out.data());
                },
            .run_scalar =
                [=] {
                    for (std::size_t i = 0; i < data->out.size(); ++i) {
                        scalar(data->queries.data() + i / count * dim,
                               data->rows.data() + i % count * dim, dim, &data->out[i]);
                    }
                },
            .bytes = static_cast<double>(bytes),
            .operations = 2.0 * static_cast<double>(dim * count * Rows::kQueries),
            .limits = {Peak::kFma},
            .working_set_bytes = bytes};
}

PreparedBenchmark prepare_norms(std::size_t dim, std::size_t count) {
    auto data = std::make_shared<Rows>();
    data->rows = random_values<float>(dim * count);
    data->out.resize(count);
    const std::size_t bytes = dim * count * sizeof(float);
    return {.run = [=] { simd::norms(data->rows.data(), dim, count, data->out.data()); },
            .run_scalar =
                [=] {
                    for (std::size_t i = 0; i < count; ++i) {
                        const float* row = data->rows.data() + i * dim;
                        data->out[i] = static_cast<float>(
                            std::sqrt(simd::reference::squared_norm(row, dim).value));
                    }
                },
            .bytes = static_cast<double>(bytes),
            .limits = {Peak::kRead},
            .working_set_bytes = bytes};
}

void add_blocks(std::vector<KernelBenchmark>& rows) {
    struct Block {
        const char* name;
        BlockKernel kernel;
        void (*scalar)(const float*, const float*, std::size_t, float*);
    };
    constexpr std::size_t kBlockRows = 512;
    for (const Block block :
         {Block{"dot_block/f32", simd::dot_block, scalar_dot<float>},
          Block{"l2_squared_block/f32", simd::l2_squared_block, scalar_l2<float>}}) {
        for (const std::size_t dim : {96, 384, 1536}) {
            rows.push_back(
                {.name = block.name,
                 .group = "vector",
                 .parameters = {{"dim", dim}, {"rows", kBlockRows}, {"queries", Rows::kQueries}},
                 .prepare = [=](ThreadPool*) {
                     return prepare_block(block.kernel, block.scalar, dim, kBlockRows);
                 }});
        }
    }
    for (const std::size_t bytes : {kCacheBytes, kMemoryBytes}) {
        constexpr std::size_t kDim = 768;
        const std::size_t count = bytes / sizeof(float) / kDim;
        rows.push_back({.name = "norms/f32",
                        .group = "vector",
                        .parameters = {{"dim", kDim}, {"rows", count}},
                        .prepare = [=](ThreadPool*) { return prepare_norms(kDim, count); }});
    }
}

void add_floats(std::vector<KernelBenchmark>& rows) {
    using S = Scan<float, float, float>;
    const S dot{simd::dot_rows, nullptr, scalar_dot<float>};
    const S l2{simd::l2_squared_rows, nullptr, scalar_l2<float>};
    for (const std::size_t dim : {96, 128, 384, 768, 1536}) {
        add(rows, "dot_rows/f32", dot, dim, kCacheBytes);
    }
    for (const std::size_t dim : {96, 768}) {
        add(rows, "dot_rows/f32", dot, dim, kMemoryBytes);
        add(rows, "l2_squared_rows/f32", l2, dim, kCacheBytes);
        add(rows, "l2_squared_rows/f32", l2, dim, kMemoryBytes);
        add(rows, "cosine_rows/f32", S{simd::cosine_rows, nullptr, scalar_cosine}, dim,
            kCacheBytes);
        add(rows, "l2_squared_gather/f32", S{nullptr, simd::l2_squared_gather, scalar_l2<float>},
            dim, kMemoryBytes);
    }
}

template <class T>
void add_halves(std::vector<KernelBenchmark>& rows, const char* dot_name, const char* l2_name) {
    using S = Scan<float, T, float>;
    for (const std::size_t bytes : {kCacheBytes, kMemoryBytes}) {
        add(rows, dot_name, S{simd::dot_rows, nullptr, scalar_dot<T>}, 768, bytes);
        add(rows, l2_name, S{simd::l2_squared_rows, nullptr, scalar_l2<T>}, 768, bytes);
    }
}

template <class T, class Dot>
void add_bytes(std::vector<KernelBenchmark>& rows, const char* dot_name, const char* l2_name) {
    for (const std::size_t bytes : {kCacheBytes, kMemoryBytes}) {
        add(rows, dot_name, Scan<T, T, Dot>{simd::dot_rows, nullptr, scalar_exact_dot<T, Dot>}, 768,
            bytes);
        add(rows, l2_name,
            Scan<T, T, std::uint32_t>{simd::l2_squared_rows, nullptr, scalar_exact_l2<T>}, 768,
            bytes);
    }
}

void add_bits(std::vector<KernelBenchmark>& rows) {
    using S = Scan<std::uint8_t, std::uint8_t, std::uint32_t>;
    constexpr std::size_t kRowBytes = 128;  // 1024 bits
    for (const std::size_t bytes : {kCacheBytes, kMemoryBytes}) {
        add(rows, "hamming_rows/bits", S{simd::hamming_rows, nullptr, scalar_hamming}, kRowBytes,
            bytes);
    }
    add(rows, "hamming_gather/bits", S{nullptr, simd::hamming_gather, scalar_hamming}, kRowBytes,
        kMemoryBytes);
}

// Gathered codes whose headers stand in one record with them.
template <class Code>
PreparedBenchmark prepare_codes(std::size_t dim, std::size_t row_bytes, std::size_t count) {
    struct CodeData {
        std::vector<float> query;
        std::vector<std::uint32_t> records;
        std::vector<std::uint32_t> indices;
        std::vector<float> out;
        simd::CodeRows<const Code, const simd::CodeHeader> rows;
    };
    auto data = std::make_shared<CodeData>();
    const std::size_t stride = (sizeof(simd::CodeHeader) + row_bytes + 3) / 4 * 4;
    data->query = random_values<float>(dim);
    data->records = random_values<std::uint32_t>(stride / 4 * count);
    data->out.resize(count);
    auto* memory = reinterpret_cast<std::byte*>(data->records.data());
    for (std::size_t i = 0; i < count; ++i) {
        *reinterpret_cast<simd::CodeHeader*>(memory + i * stride) = {.scale = 0.01F};
        data->indices.push_back(static_cast<std::uint32_t>(i));
    }
    std::shuffle(data->indices.begin(), data->indices.end(), std::mt19937(7));
    data->rows = {reinterpret_cast<const Code*>(memory + sizeof(simd::CodeHeader)), stride,
                  reinterpret_cast<const simd::CodeHeader*>(memory), stride};
    return {
        .run =
            [=] {
                simd::l2_squared_gather(data->query.data(), data->rows, dim, data->indices.data(),
                                        count, data->out.data());
            },
        .run_scalar =
            [=] {
                std::vector<float> decoded(dim);
                for (const std::uint32_t i : data->indices) {
                    auto one = data->rows;
                    one.codes += i * stride;
                    simd::dequantise_rows(one, dim, 1, decoded.data());
                    data->out[i] = static_cast<float>(
                        simd::reference::l2_squared(data->query.data(), decoded.data(), dim).value);
                }
            },
        .bytes = static_cast<double>(stride * count),
        .operations = 2.0 * static_cast<double>(dim * count),
        .limits = {Peak::kRead, Peak::kFma},
        .working_set_bytes = stride * count};
}

void add_codes(std::vector<KernelBenchmark>& rows) {
    for (const std::size_t count : {std::size_t{300}, std::size_t{100'000}}) {
        rows.push_back(
            {.name = "l2_squared_gather/int8_codes",
             .group = "vector",
             .parameters = {{"dim", 768}, {"rows", count}},
             .prepare = [=](ThreadPool*) { return prepare_codes<std::int8_t>(768, 768, count); }});
        rows.push_back({.name = "l2_squared_gather/int4_codes",
                        .group = "vector",
                        .parameters = {{"dim", 768}, {"rows", count}},
                        .prepare = [=](ThreadPool*) {
                            return prepare_codes<simd::Int4Pair>(768, 384, count);
                        }});
    }
}

// One value in, one value out.
template <class From, class To>
void add_conversion(std::vector<KernelBenchmark>& rows, const char* name,
                    void (*convert)(const From*, std::size_t, To*) noexcept, To (*scalar)(From)) {
    for (const std::size_t count : {std::size_t{16'384}, std::size_t{10'000'000}}) {
        rows.push_back(
            {.name = name,
             .group = "vector",
             .parameters = {{"values", count}},
             .prepare = [=](ThreadPool*) {
                 auto data = std::make_shared<Data<From, To, To>>();
                 data->query = random_values<From>(count);
                 data->out.resize(count);
                 const std::size_t bytes = count * (sizeof(From) + sizeof(To));
                 return PreparedBenchmark{
                     .run = [=] { convert(data->query.data(), count, data->out.data()); },
                     .run_scalar =
                         [=] {
                             for (std::size_t i = 0; i < count; ++i) {
                                 data->out[i] = scalar(data->query[i]);
                             }
                         },
                     .bytes = static_cast<double>(bytes),
                     .limits = {Peak::kCopy},
                     .working_set_bytes = bytes};
             }});
    }
}

}  // namespace

void add_distance_benchmarks(std::vector<KernelBenchmark>& rows) {
    add_floats(rows);
    add_blocks(rows);
    add_halves<Half>(rows, "dot_rows/f16", "l2_squared_rows/f16");
    add_halves<BFloat16>(rows, "dot_rows/bf16", "l2_squared_rows/bf16");
    add_bytes<std::int8_t, std::int32_t>(rows, "dot_rows/int8", "l2_squared_rows/int8");
    add_bytes<std::uint8_t, std::uint32_t>(rows, "dot_rows/uint8", "l2_squared_rows/uint8");
    add_bits(rows);
    add_codes(rows);
    add_conversion<float, Half>(rows, "to_half/f32", simd::to_half,
                                [](float v) { return simd::reference::to_half(v); });
    add_conversion<float, BFloat16>(rows, "to_bfloat16/f32", simd::to_bfloat16,
                                    [](float v) { return simd::reference::to_bfloat16(v); });
    add_conversion<Half, float>(rows, "to_float/f16", simd::to_float,
                                [](Half v) { return simd::reference::to_float(v); });
    add_conversion<BFloat16, float>(rows, "to_float/bf16", simd::to_float,
                                    [](BFloat16 v) { return simd::reference::to_float(v); });
}

}  // namespace abikit::suites

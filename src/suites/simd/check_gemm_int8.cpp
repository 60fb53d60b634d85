// Checks of the int8 products: exact over the whole range of values, all sizes around the tiles,
// strides, transposition, accumulation, batches, equal bytes of packed form on every target and for
// any number of threads. Read check.hpp for how a check reports.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include <abi/simd/gemm_int8.hpp>
#include <abi/simd/reference_products.hpp>

#include "matrix_case.hpp"
#include "registry.hpp"

namespace abikit::suites {
namespace {

using simd::Accumulate;
using simd::GemmInt8;
using simd::MatrixView;
using simd::Transpose;

enum class Values {
    kRandom,
    kExtreme,  // the lowest and highest only: where 8-bit multiply-adds would saturate
};

struct Case {
    std::size_t m;
    std::size_t k;
    std::size_t n;
    Transpose transpose_a = Transpose::kNo;
    Transpose transpose_b = Transpose::kNo;
    Accumulate accumulate = Accumulate::kNo;
    Values values = Values::kRandom;
    std::size_t gap = 0;  // elements between two rows of each matrix
};

std::string name_of(const Case& c) {
    return std::to_string(c.m) + " x " + std::to_string(c.k) + " x " + std::to_string(c.n) +
           (c.transpose_a == Transpose::kYes ? ", A transposed" : "") +
           (c.transpose_b == Transpose::kYes ? ", B transposed" : "") +
           (c.accumulate == Accumulate::kYes ? ", added" : "");
}

template <class T>
void fill(ExactBuffer<T>& buffer, Values values, std::uint32_t seed) {
    std::mt19937 random(seed);
    for (T& value : buffer) {
        const auto bits = static_cast<std::uint32_t>(random());
        const T extreme =
            (bits & 3U) == 0 ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min();
        value = values == Values::kExtreme ? extreme : static_cast<T>(bits);
    }
}

// The operands of a case in buffers that end where their values end. Unsigned A has extremes of its
// own: 255 is what saturates first.
template <class T>
struct Data {
    explicit Data(const Case& c)
        : plain_a(c.transpose_a == Transpose::kNo),
          plain_b(c.transpose_b == Transpose::kNo),
          a(plain_a ? values_of(c.m, c.k, c.gap) : values_of(c.k, c.m, c.gap), c.m % 3),
          b(plain_b ? values_of(c.k, c.n, c.gap) : values_of(c.n, c.k, c.gap), c.n % 3),
          result(values_of(c.m, c.n, c.gap), c.k % 2),
          packed(simd::packed_int8_bytes(c.k, c.n), c.n % 2) {
        fill(a, c.values, 1);
        fill(b, c.values, 2);
        fill(result, Values::kRandom, 3);
        if (std::is_unsigned_v<T> && c.values == Values::kExtreme) {
            std::fill(a.begin(), a.end(), std::numeric_limits<T>::max());
        }
    }

    MatrixView<const std::int8_t> b_view(const Case& c) const {
        return plain_b ? view(b, c.k, c.n, c.gap) : view(b, c.n, c.k, c.gap);
    }
    GemmInt8<T> product(const Case& c) {
        GemmInt8<T> p;
        p.a = plain_a ? view(a, c.m, c.k, c.gap) : view(a, c.k, c.m, c.gap);
        p.transpose_a = c.transpose_a;
        p.b = {.bytes = {packed.data(), packed.size()}, .k = c.k, .n = c.n};
        p.c = {.values = {result.data(), result.size()},
               .rows = c.m,
               .columns = c.n,
               .stride = c.n + c.gap};
        p.accumulate = c.accumulate;
        return p;
    }

    bool plain_a;
    bool plain_b;
    ExactBuffer<T> a;
    ExactBuffer<std::int8_t> b;
    ExactBuffer<std::int32_t> result;
    ExactBuffer<std::byte> packed;
};

template <class T>
bool run(Checker& checker, Data<T>& data, const Case& c, ThreadPool* pool) {
    const auto packed = simd::pack_int8(data.b_view(c), c.transpose_b,
                                        {data.packed.data(), data.packed.size()}, pool);
    const GemmInt8<T> product = data.product(c);
    ExactBuffer<std::byte> workspace(simd::gemm_int8_workspace_bytes(product), 1);
    const bool ok =
        packed.has_value() &&
        simd::gemm_int8(product, {workspace.data(), workspace.size()}, pool).has_value();
    checker.expect(ok, [&] { return name_of(c) + ": refused"; });
    return ok;
}

template <class T>
void check_case(Checker& checker, const Case& c, ThreadPool* pool = nullptr) {
    Data<T> data(c);
    const std::vector<std::int32_t> before(data.result.begin(), data.result.end());
    if (!run(checker, data, c, pool)) {
        return;
    }
    const std::size_t stride_a = (data.plain_a ? c.k : c.m) + c.gap;
    const std::size_t stride_b = (data.plain_b ? c.n : c.k) + c.gap;
    for (std::size_t i = 0; i < before.size(); ++i) {
        const std::size_t row = i / (c.n + c.gap);
        const std::size_t column = i % (c.n + c.gap);
        std::int64_t expected = before[i];
        if (column < c.n) {
            expected = simd::reference::strided_dot(
                data.a.data() + row * (data.plain_a ? stride_a : 1), data.plain_a ? 1 : stride_a,
                data.b.data() + column * (data.plain_b ? 1 : stride_b), data.plain_b ? stride_b : 1,
                c.k);
            expected += c.accumulate == Accumulate::kYes ? before[i] : 0;
        }
        // Additions to C wrap around.
        checker.expect(data.result[i] == static_cast<std::int32_t>(expected), [&] {
            return name_of(c) + ", row " + std::to_string(row) + ", column " +
                   std::to_string(column) + ": " + std::to_string(data.result[i]) + " instead of " +
                   std::to_string(expected);
        });
    }
}

template <class T>
void check_sizes(Checker& checker) {
    for (std::size_t size = 0; size <= 14; ++size) {
        check_case<T>(checker, {.m = size, .k = 9, .n = 20});
        check_case<T>(checker, {.m = 7, .k = size, .n = 33, .values = Values::kExtreme});
    }
    for (std::size_t n = 0; n <= 3 * 16 + 1; ++n) {
        check_case<T>(checker, {.m = 1 + n % 7, .k = 5 + n, .n = n, .gap = n % 3});
    }
    for (const std::size_t n : {63, 64, 65, 80, 127, 130}) {
        for (const std::size_t m : {1, 2, 6, 13}) {
            check_case<T>(checker, {.m = m,
                                    .k = 67,
                                    .n = n,
                                    .transpose_b = m % 2 == 0 ? Transpose::kYes : Transpose::kNo,
                                    .values = Values::kExtreme});
        }
    }
    for (const Transpose a : {Transpose::kNo, Transpose::kYes}) {
        for (const Transpose b : {Transpose::kNo, Transpose::kYes}) {
            for (const Accumulate accumulate : {Accumulate::kNo, Accumulate::kYes}) {
                for (const std::size_t k : {0, 1, 70, 1030}) {
                    check_case<T>(checker, {.m = 9,
                                            .k = k,
                                            .n = 35,
                                            .transpose_a = a,
                                            .transpose_b = b,
                                            .accumulate = accumulate,
                                            .gap = 2});
                }
            }
        }
    }
}

// A size that is cut into tasks, alone and with threads.
template <class T>
void check_threads(Checker& checker) {
    const Case c{.m = 37, .k = 1100, .n = 150, .transpose_a = Transpose::kYes};
    Data<T> alone(c);
    Data<T> together(c);
    if (run(checker, alone, c, nullptr) && run(checker, together, c, checker.pool())) {
        checker.expect(
            std::equal(alone.result.begin(), alone.result.end(), together.result.begin()),
            [&] { return name_of(c) + ": threads change the result"; });
        checker.expect(
            std::equal(alone.packed.begin(), alone.packed.end(), together.packed.begin()),
            [&] { return name_of(c) + ": threads change the pack"; });
    }
}

// The deepest sums that are allowed, of the largest products: exact to the last bit.
template <class T>
void check_depth(Checker& checker) {
    const std::size_t depth = std::is_signed_v<T> ? simd::kMaxDepthInt8 : simd::kMaxDepthUint8;
    const Case c{.m = 1, .k = depth, .n = 2};
    Data<T> data(c);
    std::fill(data.a.begin(), data.a.end(),
              std::is_signed_v<T> ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max());
    std::fill(data.b.begin(), data.b.end(), std::int8_t{-128});
    if (run(checker, data, c, nullptr)) {
        const std::int64_t product = std::is_signed_v<T> ? 128 * 128 : 255 * -128;
        checker.expect(data.result[1] == static_cast<std::int64_t>(depth) * product,
                       [&] { return name_of(c) + ": " + std::to_string(data.result[1]); });
    }
    const Case deeper{.m = 1, .k = depth + 1, .n = 1};
    Data<T> refused(deeper);
    checker.expect(!simd::gemm_int8(refused.product(deeper), {}).has_value(),
                   [] { return "accepted sums that may overflow"; });
}

template <class T>
void check_batches(Checker& checker) {
    constexpr std::size_t kCount = 3;
    const Case c{.m = 5, .k = 21, .n = 18};
    const std::size_t bytes = simd::packed_int8_bytes(c.k, c.n);
    ExactBuffer<T> a(kCount * c.m * c.k);
    ExactBuffer<std::int8_t> b(kCount * c.k * c.n);
    ExactBuffer<std::byte> packed(kCount * bytes);
    ExactBuffer<std::int32_t> out(kCount * c.m * c.n);
    fill(a, Values::kRandom, 4);
    fill(b, Values::kRandom, 5);
    bool ok = true;
    for (std::size_t i = 0; i < kCount; ++i) {
        const MatrixView<const std::int8_t> each = {.values = {b.data() + i * c.k * c.n, c.k * c.n},
                                                    .rows = c.k,
                                                    .columns = c.n,
                                                    .stride = c.n};
        ok = ok && simd::pack_int8(each, Transpose::kNo, {packed.data() + i * bytes, bytes});
    }
    simd::GemmInt8Batch<T> batch;
    batch.first.a = view(a, c.m, c.k, 0);
    batch.first.b = {.bytes = {packed.data(), packed.size()}, .k = c.k, .n = c.n};
    batch.first.c = {
        .values = {out.data(), out.size()}, .rows = c.m, .columns = c.n, .stride = c.n};
    batch.count = kCount;
    batch.a_stride = c.m * c.k;
    batch.b_stride = bytes;
    batch.c_stride = c.m * c.n;
    ok = ok && simd::gemm_int8(batch, {}, checker.pool()).has_value();
    std::vector<GemmInt8<T>> list;
    ExactBuffer<std::int32_t> listed(out.size());
    for (std::size_t i = 0; i < kCount; ++i) {
        GemmInt8<T> p = batch.first;
        p.a.values = p.a.values.subspan(i * batch.a_stride);
        p.b.bytes = p.b.bytes.subspan(i * batch.b_stride);
        p.c.values = {listed.data() + i * batch.c_stride, batch.c_stride};
        list.push_back(p);
    }
    ok = ok && simd::gemm_int8(std::span<const GemmInt8<T>>(list), {}, checker.pool()).has_value();
    checker.expect(ok, [] { return "a batch is refused"; });
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t product = i / batch.c_stride;
        const std::size_t row = i / c.n;
        const std::int64_t expected = simd::reference::strided_dot(
            a.data() + row * c.k, 1, b.data() + product * c.k * c.n + i % c.n, c.n, c.k);
        checker.expect(out[i] == expected && listed[i] == expected,
                       [&] { return "batch, element " + std::to_string(i); });
    }
    batch.c_stride -= 1;
    checker.expect(!simd::gemm_int8(batch, {}).has_value(),
                   [] { return "accepted results that overlap"; });
    batch.c_stride += 2;
    checker.expect(!simd::gemm_int8(batch, {}).has_value(),
                   [] { return "accepted a batch beyond its values"; });
}

// The packed form is the same on every target: a checksum that was computed by plain loops.
void check_pack(Checker& checker) {
    const Case c{.m = 0, .k = 7, .n = 70};
    Data<std::int8_t> data(c);
    if (!run(checker, data, c, nullptr)) {
        return;
    }
    const std::size_t padded_n = 80;
    const std::size_t padded_k = 8;
    for (std::size_t column = 0; column < padded_n; ++column) {
        std::int32_t sum = 0;
        const std::size_t block = column / 64 * 64;
        const std::size_t width = std::min<std::size_t>(64, padded_n - block);
        for (std::size_t k = 0; k < padded_k; ++k) {
            const std::int8_t expected =
                k < c.k && column < c.n ? data.b[k * c.n + column] : std::int8_t{0};
            sum += 128 * expected;
            const std::size_t at =
                padded_n * 4 + block * padded_k + k / 4 * 4 * width + (column - block) * 4 + k % 4;
            checker.expect(data.packed[at] == static_cast<std::byte>(expected), [&] {
                return "packed k " + std::to_string(k) + ", column " + std::to_string(column);
            });
        }
        std::int32_t stored = 0;
        std::memcpy(&stored, data.packed.data() + column * 4, sizeof(stored));
        checker.expect(stored == sum, [&] { return "packed sum " + std::to_string(column); });
    }
}

void check_refusals(Checker& checker) {
    const Case c{.m = 6, .k = 5, .n = 7};
    Data<std::int8_t> data(c);
    const auto refused = [&](auto change, const char* what) {
        GemmInt8<std::int8_t> p = data.product(c);
        change(p);
        const auto status = simd::gemm_int8(p, {});
        checker.expect(!status && status.error().code() == Code::kInvalidArgument,
                       [&] { return std::string("accepted ") + what; });
    };
    using P = GemmInt8<std::int8_t>;
    refused([](P& p) { p.a.stride = 4; }, "a stride below the columns");
    refused([](P& p) { p.a.values = p.a.values.first(29); }, "a matrix that is too short");
    refused([](P& p) { p.c.values = p.c.values.first(41); }, "a result that is too short");
    refused([](P& p) { p.b.bytes = p.b.bytes.first(p.b.bytes.size() - 1); }, "a short pack");
    refused([](P& p) { p.b.k = 6; }, "depths that differ");
    refused([](P& p) { p.c.rows = 5; }, "a result of another shape");
    refused([](P& p) { p.transpose_a = Transpose::kYes; }, "A the wrong way round");
    const auto pack = simd::pack_int8(data.b_view(c), Transpose::kNo,
                                      {data.packed.data(), data.packed.size() - 1});
    checker.expect(!pack, [] { return "packed into too little room"; });
}

template <class T>
void check_type(Checker& checker) {
    check_sizes<T>(checker);
    check_threads<T>(checker);
    check_depth<T>(checker);
    check_batches<T>(checker);
}

void check_int8(Checker& checker) {
    check_type<std::int8_t>(checker);
    check_pack(checker);
    check_refusals(checker);
}

}  // namespace

std::span<const KernelCheck> gemm_int8_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"gemm/int8", "matrix", check_int8},
        {"gemm/uint8", "matrix", check_type<std::uint8_t>},
    };
    return kChecks;
}

}  // namespace abikit::suites

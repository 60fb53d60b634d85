// Checks of the bfloat16 products: sizes around the tiles, strides, transposition, accumulation,
// special values, equal bits for any number of threads. Read check.hpp for how a check reports.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <abi/simd/gemm_bf16.hpp>
#include <abi/simd/reference_products.hpp>

#include "matrix_case.hpp"
#include "registry.hpp"

namespace abikit::suites {
namespace {

using simd::Accumulate;
using simd::BFloat16;
using simd::GemmBf16;
using simd::MatrixView;
using simd::Transpose;

constexpr BFloat16 kNan{0x7FC0};
constexpr BFloat16 kInfinity{0x7F80};
constexpr BFloat16 kOne{0x3F80};

struct Case {
    std::size_t m;
    std::size_t k;
    std::size_t n;
    Transpose transpose_a = Transpose::kNo;
    Transpose transpose_b = Transpose::kNo;
    Accumulate accumulate = Accumulate::kNo;
    std::size_t gap = 0;  // elements between two rows of each matrix
};

std::string name_of(const Case& c) {
    return std::to_string(c.m) + " x " + std::to_string(c.k) + " x " + std::to_string(c.n) +
           (c.transpose_a == Transpose::kYes ? ", A transposed" : "") +
           (c.transpose_b == Transpose::kYes ? ", B transposed" : "") +
           (c.accumulate == Accumulate::kYes ? ", added" : "");
}

void fill(ExactBuffer<BFloat16>& buffer, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    for (BFloat16& value : buffer) {
        value.bits =
            static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(uniform(random)) >> 16);
    }
}

// The operands of a case in buffers that end where their values end.
struct Data {
    explicit Data(const Case& c)
        : plain_a(c.transpose_a == Transpose::kNo),
          plain_b(c.transpose_b == Transpose::kNo),
          a(plain_a ? values_of(c.m, c.k, c.gap) : values_of(c.k, c.m, c.gap), c.m % 3),
          b(plain_b ? values_of(c.k, c.n, c.gap) : values_of(c.n, c.k, c.gap), c.n % 3),
          result(values_of(c.m, c.n, c.gap), c.k % 2),
          packed(simd::packed_bf16_bytes(c.k, c.n), c.n % 2) {
        fill(a, 1);
        fill(b, 2);
        for (std::size_t i = 0; i < result.size(); ++i) {
            result[i] = static_cast<float>(i % 17) - 8.0F;
        }
    }

    MatrixView<const BFloat16> b_view(const Case& c) const {
        return plain_b ? view(b, c.k, c.n, c.gap) : view(b, c.n, c.k, c.gap);
    }
    GemmBf16 product(const Case& c) {
        GemmBf16 p;
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
    ExactBuffer<BFloat16> a;
    ExactBuffer<BFloat16> b;
    ExactBuffer<float> result;
    ExactBuffer<std::byte> packed;
};

bool run(Checker& checker, Data& data, const Case& c, ThreadPool* pool) {
    const auto packed = simd::pack_bf16(data.b_view(c), c.transpose_b,
                                        {data.packed.data(), data.packed.size()}, pool);
    const GemmBf16 product = data.product(c);
    ExactBuffer<std::byte> workspace(simd::gemm_bf16_workspace_bytes(product), 1);
    const bool ok =
        packed.has_value() &&
        simd::gemm_bf16(product, {workspace.data(), workspace.size()}, pool).has_value();
    checker.expect(ok, [&] { return name_of(c) + ": refused"; });
    return ok;
}

simd::reference::Sum expected(const Data& data, const Case& c, std::size_t row,
                              std::size_t column) {
    const std::size_t stride_a = (data.plain_a ? c.k : c.m) + c.gap;
    const std::size_t stride_b = (data.plain_b ? c.n : c.k) + c.gap;
    return simd::reference::strided_dot(
        data.a.data() + row * (data.plain_a ? stride_a : 1), data.plain_a ? 1 : stride_a,
        data.b.data() + column * (data.plain_b ? 1 : stride_b), data.plain_b ? stride_b : 1, c.k);
}

void check_case(Checker& checker, const Case& c) {
    Data data(c);
    const std::vector<float> before(data.result.begin(), data.result.end());
    if (!run(checker, data, c, nullptr)) {
        return;
    }
    const double eps = std::numeric_limits<float>::epsilon();
    const double k = static_cast<double>(c.k);
    for (std::size_t i = 0; i < before.size(); ++i) {
        const std::size_t row = i / (c.n + c.gap);
        const std::size_t column = i % (c.n + c.gap);
        const auto describe = [&] {
            return name_of(c) + ", row " + std::to_string(row) + ", column " +
                   std::to_string(column);
        };
        const double old = static_cast<double>(before[i]);
        if (column >= c.n) {
            checker.expect_close(data.result[i], old, 0.0, describe);
            continue;
        }
        const auto sum = expected(data, c, row, column);
        const double kept = c.accumulate == Accumulate::kYes ? old : 0.0;
        const double bound =
            (k + 4.0) * eps * (sum.magnitude + std::abs(kept)) + k * std::ldexp(1.0, -125);
        checker.expect_close(data.result[i], sum.value + kept, bound, describe);
    }
}

void check_sizes(Checker& checker) {
    for (std::size_t size = 0; size <= 14; ++size) {
        check_case(checker, {.m = size, .k = 9, .n = 20});
        check_case(checker, {.m = 7, .k = size, .n = 33});
    }
    for (std::size_t n = 0; n <= 3 * 16 + 1; ++n) {
        check_case(checker, {.m = 1 + n % 7, .k = 5 + n, .n = n, .gap = n % 3});
    }
    for (const std::size_t n : {63, 64, 65, 80, 127, 130}) {
        for (const std::size_t m : {1, 2, 6, 13}) {
            const Transpose b = m % 2 == 0 ? Transpose::kYes : Transpose::kNo;
            check_case(checker, {.m = m, .k = 67, .n = n, .transpose_b = b});
        }
    }
    for (const Transpose a : {Transpose::kNo, Transpose::kYes}) {
        for (const Transpose b : {Transpose::kNo, Transpose::kYes}) {
            for (const Accumulate accumulate : {Accumulate::kNo, Accumulate::kYes}) {
                for (const std::size_t k : {0, 1, 70, 1030}) {
                    check_case(checker, {.m = 9,
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
void check_threads(Checker& checker) {
    const Case c{.m = 37, .k = 1100, .n = 150, .transpose_a = Transpose::kYes};
    Data alone(c);
    Data together(c);
    if (!run(checker, alone, c, nullptr) || !run(checker, together, c, checker.pool())) {
        return;
    }
    for (std::size_t i = 0; i < alone.result.size(); ++i) {
        checker.expect(std::bit_cast<std::uint32_t>(alone.result[i]) ==
                           std::bit_cast<std::uint32_t>(together.result[i]),
                       [&] { return name_of(c) + ": threads change the result"; });
    }
    checker.expect(std::equal(alone.packed.begin(), alone.packed.end(), together.packed.begin()),
                   [&] { return name_of(c) + ": threads change the pack"; });
}

// A value that is not finite spoils the results of its row (in A) or column (in B), no others.
// Denormal values may count as zero, not as more.
void check_special_values(Checker& checker) {
    const Case c{.m = 8, .k = 5, .n = 20};
    for (const BFloat16 poison : {kNan, kInfinity}) {
        for (const std::size_t at : {0, 4}) {
            Data data(c);
            data.a[at * c.k + at] = poison;
            data.b[at * c.n + 3 * at] = poison;
            run(checker, data, c, nullptr);
            for (std::size_t i = 0; i < data.result.size(); ++i) {
                const bool spoilt = i / c.n == at || i % c.n == 3 * at;
                checker.expect(std::isfinite(data.result[i]) != spoilt, [&] {
                    return name_of(c) + ": element " + std::to_string(i) + " is " +
                           std::to_string(data.result[i]);
                });
            }
        }
    }
    Data data(c);
    std::fill(data.a.begin(), data.a.end(), BFloat16{1});
    std::fill(data.b.begin(), data.b.end(), kOne);
    run(checker, data, c, nullptr);
    for (const float value : data.result) {
        checker.expect_close(value, 5.0 * std::ldexp(1.0, -133), 5.0 * std::ldexp(1.0, -125),
                             [&] { return name_of(c) + ": denormal values"; });
    }
}

// The packed form is the same on every target.
void check_pack(Checker& checker) {
    const Case c{.m = 0, .k = 7, .n = 70};
    Data data(c);
    if (!run(checker, data, c, nullptr)) {
        return;
    }
    const std::size_t padded_n = 80;
    const std::size_t padded_k = 8;
    for (std::size_t column = 0; column < padded_n; ++column) {
        const std::size_t block = column / 64 * 64;
        const std::size_t width = std::min<std::size_t>(64, padded_n - block);
        for (std::size_t k = 0; k < padded_k; ++k) {
            const BFloat16 value = k < c.k && column < c.n ? data.b[k * c.n + column] : BFloat16{};
            const std::size_t at =
                2 * (block * padded_k + k / 2 * 2 * width + (column - block) * 2 + k % 2);
            const auto stored =
                static_cast<std::uint16_t>(std::to_integer<unsigned>(data.packed[at]) |
                                           std::to_integer<unsigned>(data.packed[at + 1]) << 8U);
            checker.expect(stored == value.bits, [&] {
                return "packed k " + std::to_string(k) + ", column " + std::to_string(column);
            });
        }
    }
}

void check_refusals(Checker& checker) {
    const Case c{.m = 6, .k = 5, .n = 7};
    Data data(c);
    const auto refused = [&](auto change, const char* what) {
        GemmBf16 p = data.product(c);
        change(p);
        const auto status = simd::gemm_bf16(p, {});
        checker.expect(!status && status.error().code() == Code::kInvalidArgument,
                       [&] { return std::string("accepted ") + what; });
    };
    refused([](GemmBf16& p) { p.a.stride = 4; }, "a stride below the columns");
    refused([](GemmBf16& p) { p.a.values = p.a.values.first(29); }, "a short matrix");
    refused([](GemmBf16& p) { p.c.values = p.c.values.first(41); }, "a short result");
    refused([](GemmBf16& p) { p.b.bytes = p.b.bytes.first(p.b.bytes.size() - 1); }, "a short pack");
    refused([](GemmBf16& p) { p.b.k = 6; }, "depths that differ");
    refused([](GemmBf16& p) { p.c.rows = 5; }, "a result of another shape");
    refused([](GemmBf16& p) { p.transpose_a = Transpose::kYes; }, "A the wrong way round");
    const auto pack = simd::pack_bf16(data.b_view(c), Transpose::kNo,
                                      {data.packed.data(), data.packed.size() - 1});
    checker.expect(!pack, [] { return "packed into too little room"; });
}

void check_bf16(Checker& checker) {
    check_sizes(checker);
    check_threads(checker);
    check_special_values(checker);
    check_pack(checker);
    check_refusals(checker);
}

}  // namespace

std::span<const KernelCheck> gemm_bf16_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"gemm/bf16", "matrix", check_bf16},
    };
    return kChecks;
}

}  // namespace abikit::suites

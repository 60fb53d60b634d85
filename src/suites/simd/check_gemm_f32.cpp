// Checks of the float32 products: sizes around the tiles and the passes, strides, transpositions,
// alpha and beta, packed B, bias and activation, batches, special values, equal bits for any number
// of threads. Read check.hpp for how a check reports.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <abi/simd/gemm.hpp>
#include <abi/simd/math.hpp>
#include <abi/simd/reference_products.hpp>

#include "matrix_case.hpp"
#include "registry.hpp"

namespace abikit::suites {
namespace {

using simd::Activation;
using simd::Gemm;
using simd::MatrixView;
using simd::Transpose;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Case {
    std::size_t m;
    std::size_t k;
    std::size_t n;
    Transpose transpose_a = Transpose::kNo;
    Transpose transpose_b = Transpose::kNo;
    float alpha = 1.0F;
    float beta = 0.0F;
    std::size_t gap = 0;  // elements between two rows of each matrix
    bool packed = false;
};

std::string name_of(const Case& c) {
    return std::to_string(c.m) + " x " + std::to_string(c.k) + " x " + std::to_string(c.n) +
           (c.transpose_a == Transpose::kYes ? ", A transposed" : "") +
           (c.transpose_b == Transpose::kYes ? ", B transposed" : "") +
           (c.packed ? ", packed" : "") + ", alpha " + std::to_string(c.alpha) + ", beta " +
           std::to_string(c.beta);
}

void fill(ExactBuffer<float>& buffer, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    for (float& value : buffer) {
        value = uniform(random);
    }
}

template <class T>
MatrixView<T> view(T* values, std::size_t rows, std::size_t columns, std::size_t gap) {
    return {.values = {values, values_of(rows, columns, gap)},
            .rows = rows,
            .columns = columns,
            .stride = columns + gap};
}

// The operands of a case in buffers that end where their values end.
struct Data {
    explicit Data(const Case& c)
        : plain_a(c.transpose_a == Transpose::kNo),
          plain_b(c.transpose_b == Transpose::kNo),
          a(plain_a ? values_of(c.m, c.k, c.gap) : values_of(c.k, c.m, c.gap), c.m % 3),
          b(plain_b ? values_of(c.k, c.n, c.gap) : values_of(c.n, c.k, c.gap), c.n % 3),
          result(values_of(c.m, c.n, c.gap), c.k % 2),
          packed(c.packed ? simd::packed_f32_bytes(c.k, c.n) / sizeof(float) : 0, c.n % 2) {
        fill(a, 1);
        fill(b, 2);
        for (std::size_t i = 0; i < result.size(); ++i) {
            // Never read when beta is 0.
            result[i] = c.beta == 0.0F ? kNan : static_cast<float>(i % 17) - 8.0F;
        }
    }

    MatrixView<const float> b_view(const Case& c) const {
        return plain_b ? view(b.data(), c.k, c.n, c.gap) : view(b.data(), c.n, c.k, c.gap);
    }
    std::span<std::byte> pack_bytes() {
        return std::as_writable_bytes(std::span(packed.data(), packed.size()));
    }
    Gemm product(const Case& c) {
        Gemm p;
        p.a = plain_a ? view<const float>(a.data(), c.m, c.k, c.gap)
                      : view<const float>(a.data(), c.k, c.m, c.gap);
        p.transpose_a = c.transpose_a;
        p.b = b_view(c);
        p.transpose_b = c.transpose_b;
        if (c.packed) {
            p.packed_b = {.bytes = pack_bytes(), .k = c.k, .n = c.n};
        }
        p.c = view(result.data(), c.m, c.n, c.gap);
        p.alpha = c.alpha;
        p.beta = c.beta;
        return p;
    }

    bool plain_a;
    bool plain_b;
    ExactBuffer<float> a;
    ExactBuffer<float> b;
    ExactBuffer<float> result;
    ExactBuffer<float> packed;
};

bool multiply(const Gemm& product, ThreadPool* pool) {
    const unsigned threads = pool == nullptr ? 1 : pool->threads();
    ExactBuffer<std::byte> workspace(simd::gemm_workspace_bytes(product, threads), 1);
    return simd::gemm(product, {workspace.data(), workspace.size()}, pool).has_value();
}

bool run(Checker& checker, Data& data, const Case& c, ThreadPool* pool) {
    bool ok = true;
    if (c.packed) {
        ok = simd::pack_f32(data.b_view(c), c.transpose_b, data.pack_bytes(), pool).has_value();
    }
    ok = ok && multiply(data.product(c), pool);
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

void check_element(Checker& checker, const Data& data, const Case& c, std::size_t index,
                   float before) {
    const std::size_t row = index / (c.n + c.gap);
    const std::size_t column = index % (c.n + c.gap);
    const auto describe = [&] {
        return name_of(c) + ", row " + std::to_string(row) + ", column " + std::to_string(column);
    };
    if (column >= c.n) {
        checker.expect_close(data.result[index], before, 0.0, describe);
        return;
    }
    const double eps = std::numeric_limits<float>::epsilon();
    const double k = static_cast<double>(c.k);
    const auto sum = expected(data, c, row, column);
    const double alpha = static_cast<double>(c.alpha);
    const double kept = c.beta == 0.0F ? 0.0 : static_cast<double>(c.beta * before);
    const double bound =
        (k + k / 64.0 + 8.0) * eps * (std::abs(alpha) * sum.magnitude + std::abs(kept));
    checker.expect_close(data.result[index], alpha * sum.value + kept, bound, describe);
}

void check_case(Checker& checker, const Case& c) {
    Data data(c);
    const std::vector<float> before(data.result.begin(), data.result.end());
    if (!run(checker, data, c, nullptr)) {
        return;
    }
    for (std::size_t i = 0; i < before.size(); ++i) {
        check_element(checker, data, c, i, before[i]);
    }
}

void check_sizes(Checker& checker) {
    for (std::size_t size = 0; size <= 31; ++size) {
        check_case(checker, {.m = size, .k = 9, .n = 33});
        check_case(checker, {.m = 18, .k = size, .n = 40, .packed = size % 2 == 0});
    }
    for (std::size_t n = 0; n <= 3 * 32 + 1; ++n) {
        check_case(checker, {.m = 17 + n % 13, .k = 5 + n % 31, .n = n, .gap = n % 3});
        check_case(checker, {.m = 1 + n % 19, .k = 3 + n % 7, .n = n, .packed = true});
    }
    for (const std::size_t m : {17, 143, 170}) {
        for (const std::size_t n : {63, 129, 300}) {
            const Transpose b = m % 2 == 0 ? Transpose::kYes : Transpose::kNo;
            check_case(checker, {.m = m, .k = 35, .n = n, .transpose_b = b});
        }
    }
}

void check_forms(Checker& checker) {
    constexpr float kScales[][2] = {{1.0F, 0.0F}, {0.5F, 1.0F}, {-2.0F, 0.25F}, {0.0F, 3.0F}};
    for (const Transpose a : {Transpose::kNo, Transpose::kYes}) {
        for (const Transpose b : {Transpose::kNo, Transpose::kYes}) {
            for (const auto& scale : kScales) {
                for (const std::size_t k : {0, 1, 70, 530}) {
                    Case c{.m = 19, .k = k, .n = 37, .transpose_a = a, .transpose_b = b};
                    c.alpha = scale[0];
                    c.beta = scale[1];
                    c.gap = 2;
                    c.packed = k == 70;
                    check_case(checker, c);
                    c.m = 5;
                    check_case(checker, c);
                }
            }
        }
    }
    // Strides that are multiples of a page, which take the paths that copy.
    check_case(checker, {.m = 30, .k = 700, .n = 324, .gap = 324});
}

// A size that is cut into tasks, alone and with threads.
void check_threads(Checker& checker) {
    for (const Transpose b : {Transpose::kNo, Transpose::kYes}) {
        for (const bool packed : {false, true}) {
            const Case c{.m = 190, .k = 300, .n = 210, .transpose_b = b, .packed = packed};
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
        }
    }
}

// A value that is not finite spoils the results of its row (in A) or column (in B), no others.
void check_special_values(Checker& checker) {
    const Case c{.m = 20, .k = 5, .n = 37};
    for (const float poison : {kNan, kInfinity}) {
        for (const std::size_t at : {0, 4}) {
            Data data(c);
            data.a[at * c.k + at] = poison;
            data.b[at * c.n + 9 * at] = poison;
            run(checker, data, c, nullptr);
            for (std::size_t i = 0; i < data.result.size(); ++i) {
                const bool spoilt = i / c.n == at || i % c.n == 9 * at;
                checker.expect(std::isfinite(data.result[i]) != spoilt, [&] {
                    return name_of(c) + ": element " + std::to_string(i) + " is " +
                           std::to_string(data.result[i]);
                });
            }
        }
    }
    Data data(c);
    std::fill(data.a.begin(), data.a.end(), std::numeric_limits<float>::denorm_min());
    std::fill(data.b.begin(), data.b.end(), 1.0F);
    run(checker, data, c, nullptr);
    for (const float value : data.result) {
        checker.expect(value == 5.0F * std::numeric_limits<float>::denorm_min(),
                       [&] { return name_of(c) + ": denormal values are lost"; });
    }
}

// The epilogue is what the functions of math.hpp make of the plain product and the bias.
void check_activation(Checker& checker, const Case& c, Activation activation,
                      void (*function)(const float*, std::size_t, float*)) {
    Data plain(c);
    Data finished(c);
    ExactBuffer<float> bias(c.n, 1);
    fill(bias, 3);
    Gemm product = finished.product(c);
    product.bias = {bias.data(), bias.size()};
    product.activation = activation;
    if (!run(checker, plain, c, nullptr) || !multiply(product, checker.pool())) {
        return;
    }
    std::vector<float> wanted(c.n);
    for (std::size_t row = 0; row < c.m; ++row) {
        for (std::size_t i = 0; i < c.n; ++i) {
            wanted[i] = plain.result[row * c.n + i] + bias[i];
        }
        if (function != nullptr) {
            function(wanted.data(), c.n, wanted.data());
        }
        for (std::size_t i = 0; i < c.n; ++i) {
            const double size = std::abs(static_cast<double>(wanted[i]));
            checker.expect_close(finished.result[row * c.n + i], wanted[i], 1e-6 * (size + 1e-6),
                                 [&] {
                                     return name_of(c) + ", activation " +
                                            std::to_string(static_cast<int>(activation)) +
                                            ", row " + std::to_string(row);
                                 });
        }
    }
}

void check_epilogues(Checker& checker) {
    const auto relu = [](const float* in, std::size_t count, float* out) {
        std::transform(in, in + count, out, [](float x) { return x > 0.0F ? x : 0.0F; });
    };
    for (const Case& c : {Case{.m = 21, .k = 12, .n = 45}, Case{.m = 3, .k = 40, .n = 19},
                          Case{.m = 18, .k = 600, .n = 34}}) {
        check_activation(checker, c, Activation::kNone, nullptr);
        check_activation(checker, c, Activation::kRelu, relu);
        check_activation(checker, c, Activation::kGelu, simd::gelu);
        check_activation(checker, c, Activation::kGeluTanh, simd::gelu_tanh);
        check_activation(checker, c, Activation::kSilu, simd::silu);
        check_activation(checker, c, Activation::kSigmoid, simd::sigmoid);
        check_activation(checker, c, Activation::kTanh, simd::tanh);
    }
}

// Batches give the results of lone products.
void check_batches(Checker& checker) {
    constexpr std::size_t kCount = 5;
    const Case c{.m = 18, .k = 13, .n = 20};
    const Case all{.m = c.m * kCount, .k = c.k, .n = c.n};
    Data together(all);
    Data alone(all);
    ExactBuffer<float> b(c.k * c.n * kCount);
    fill(b, 4);
    const auto product_at = [&](Data& data, std::size_t i) {
        Gemm p;
        p.a = view<const float>(data.a.data() + i * c.m * c.k, c.m, c.k, 0);
        p.b = view<const float>(b.data() + i * c.k * c.n, c.k, c.n, 0);
        p.c = view(data.result.data() + i * c.m * c.n, c.m, c.n, 0);
        return p;
    };
    std::vector<Gemm> products;
    for (std::size_t i = 0; i < kCount; ++i) {
        products.push_back(product_at(together, i));
        checker.expect(multiply(product_at(alone, i), nullptr), [] { return "batch: refused"; });
    }
    const auto same = [&](const char* what) {
        const bool equal =
            std::equal(alone.result.begin(), alone.result.end(), together.result.begin());
        checker.expect(equal, [&] { return std::string(what) + " differs from lone products"; });
        std::fill(together.result.begin(), together.result.end(), 0.0F);
    };
    std::vector<std::byte> workspace(
        simd::gemm_batch_workspace_bytes(products, 2) +
        simd::gemm_strided_batch_workspace_bytes(products[0], kCount, 8));
    checker.expect(simd::gemm_batch(products, workspace, checker.pool()).has_value(),
                   [] { return "gemm_batch: refused"; });
    same("gemm_batch");
    Gemm first = product_at(together, 0);
    first.a.values = {together.a.data(), together.a.size()};
    first.b.values = {b.data(), b.size()};
    first.c.values = {together.result.data(), together.result.size()};
    const simd::GemmStrides strides{.a = c.m * c.k, .b = c.k * c.n, .c = c.m * c.n};
    checker.expect(
        simd::gemm_strided_batch(first, strides, kCount, workspace, checker.pool()).has_value(),
        [] { return "gemm_strided_batch: refused"; });
    same("gemm_strided_batch");
    checker.expect(!simd::gemm_strided_batch(first, strides, kCount + 1, workspace).has_value(),
                   [] { return "gemm_strided_batch takes more matrices than there are"; });
    checker.expect(!simd::gemm_strided_batch(first, {.a = 1, .b = 1, .c = 1}, 2, workspace),
                   [] { return "gemm_strided_batch takes results that overlap"; });
}

void check_refusals(Checker& checker) {
    const Case c{.m = 20, .k = 5, .n = 37, .packed = true};
    Data data(c);
    std::vector<std::byte> workspace(1 << 20);
    const auto refused = [&](auto change, const char* what) {
        Gemm p = data.product(c);
        change(p);
        const auto status = simd::gemm(p, workspace);
        checker.expect(!status && status.error().code() == Code::kInvalidArgument,
                       [&] { return std::string("accepted ") + what; });
    };
    const std::vector<float> bias(36);
    refused([](Gemm& p) { p.a.stride = 4; }, "a stride below the columns");
    refused([](Gemm& p) { p.a.values = p.a.values.first(99); }, "a short matrix");
    refused([](Gemm& p) { p.c.values = p.c.values.first(739); }, "a short result");
    refused([](Gemm& p) { p.packed_b.bytes = p.packed_b.bytes.first(4); }, "a short pack");
    refused([](Gemm& p) { p.packed_b.k = 6; }, "depths that differ");
    refused([](Gemm& p) { p.c.rows = 19; }, "a result of another shape");
    refused([](Gemm& p) { p.transpose_a = Transpose::kYes; }, "A the wrong way round");
    refused([&](Gemm& p) { p.bias = bias; }, "a short bias");
    const auto status = simd::gemm(data.product({.m = 20, .k = 5, .n = 37}), {});
    checker.expect(!status.has_value(), [] { return "worked without a workspace"; });
}

void check_f32(Checker& checker) {
    check_sizes(checker);
    check_forms(checker);
    check_threads(checker);
    check_special_values(checker);
    check_epilogues(checker);
    check_batches(checker);
    check_refusals(checker);
}

}  // namespace

std::span<const KernelCheck> gemm_f32_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"gemm/f32", "matrix", check_f32},
    };
    return kChecks;
}

}  // namespace abikit::suites

// Arguments that kernels with a Status refuse: nothing is written then.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <abi/simd/histogram.hpp>
#include <abi/simd/quantise.hpp>

namespace abikit::simd {
namespace {

constexpr std::size_t kDim = 7;
constexpr std::size_t kRows = 2;
constexpr std::size_t kHeaderBytes = sizeof(CodeHeader);
constexpr float kUntouched = -77.0F;

struct Layout {
    std::size_t stride;
    std::size_t header_stride;
};

TEST_CASE("quantise_rows refuses layouts without room for a row") {
    const std::vector<float> rows(kDim * kRows, 1.5F);
    for (const Layout layout :
         {Layout{kDim - 1, kHeaderBytes}, Layout{0, kHeaderBytes}, Layout{kDim, kHeaderBytes - 4},
          Layout{kDim, kHeaderBytes + 2}, Layout{kDim, 0}}) {
        CAPTURE(layout.stride);
        CAPTURE(layout.header_stride);
        std::vector<std::int8_t> codes(64, 77);
        std::vector<CodeHeader> headers(4, CodeHeader{.scale = kUntouched});
        const Int8CodesOut out{codes.data(), layout.stride, headers.data(), layout.header_stride};
        for (const Int8Range range : {Int8Range::kSymmetric, Int8Range::kAffine}) {
            const Status status = quantise_rows(rows.data(), kDim, kRows, range, out);
            REQUIRE_FALSE(status);
            CHECK(status.error().code() == Code::kInvalidArgument);
        }
        CHECK(std::ranges::all_of(codes, [](std::int8_t code) { return code == 77; }));
        CHECK(std::ranges::all_of(headers,
                                  [](const CodeHeader& h) { return h.scale == kUntouched; }));
    }
}

TEST_CASE("quantise_rows to four bits needs half a byte for each value, rounded up") {
    const std::vector<float> rows(kDim * kRows, 1.5F);
    std::vector<Int4Pair> codes(64);
    std::vector<CodeHeader> headers(4);
    Int4CodesOut out{codes.data(), int4_bytes(kDim), headers.data(), kHeaderBytes};
    CHECK(quantise_rows(rows.data(), kDim, kRows, out));
    out.stride = int4_bytes(kDim) - 1;
    const Status narrow = quantise_rows(rows.data(), kDim, kRows, out);
    REQUIRE_FALSE(narrow);
    CHECK(narrow.error().code() == Code::kInvalidArgument);
    out.stride = int4_bytes(kDim);
    out.header_stride = kHeaderBytes + 1;
    CHECK_FALSE(quantise_rows(rows.data(), kDim, kRows, out));
}

TEST_CASE("histogram refuses ranges and numbers of bins that it cannot divide") {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    constexpr float kLargest = std::numeric_limits<float>::max();
    const std::array<float, 3> values{0.25F, 0.5F, 2.0F};
    std::array<std::uint64_t, 4> counts{77, 77, 77, 77};
    struct Range {
        float low;
        float high;
    };
    for (const Range range : {Range{1.0F, 1.0F}, Range{1.0F, 0.0F}, Range{kNan, 1.0F},
                              Range{0.0F, kNan}, Range{0.0F, kInfinity}, Range{-kInfinity, 0.0F},
                              Range{-kLargest, kLargest}, Range{0.0F, 1e-45F}}) {
        CAPTURE(range.low);
        CAPTURE(range.high);
        const auto result = histogram(values.data(), values.size(), range.low, range.high, counts);
        REQUIRE_FALSE(result);
        CHECK(result.error().code() == Code::kInvalidArgument);
        CHECK(counts == std::array<std::uint64_t, 4>{77, 77, 77, 77});
    }
    CHECK_FALSE(histogram(values.data(), values.size(), 0.0F, 1.0F, {}));
    std::vector<std::uint64_t> many((std::size_t{1} << 23) + 1);
    CHECK_FALSE(histogram(values.data(), values.size(), 0.0F, 1.0F, many));

    const auto result = histogram(values.data(), values.size(), 0.0F, 1.0F, counts);
    REQUIRE(result);
    CHECK(result->above == 1);
    CHECK(counts == std::array<std::uint64_t, 4>{0, 1, 1, 0});
}

}  // namespace
}  // namespace abikit::simd

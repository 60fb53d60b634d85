// float32 rows to codes of 8, 4 and 1 bit, and back, once per instruction set. Read
// abi/simd/quantise.hpp for the contract, code_types-inl.h for decoding.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <abi/simd/quantise.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quantise.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
#include "kernels/code_types-inl.h"

// Smallest and largest value of a row that is not empty.
void range_of(const float* row, std::size_t dim, float& smallest, float& largest) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    Vec low = hn::Set(d, row[0]);
    Vec high = low;
    std::size_t j = 0;
    for (; j + lanes <= dim; j += lanes) {
        const Vec v = hn::LoadU(d, row + j);
        low = hn::Min(low, v);
        high = hn::Max(high, v);
    }
    smallest = hn::GetLane(hn::MinOfLanes(d, low));
    largest = hn::GetLane(hn::MaxOfLanes(d, high));
    for (; j < dim; ++j) {
        smallest = std::min(smallest, row[j]);
        largest = std::max(largest, row[j]);
    }
}

// round((value - origin) * steps) + shift, clamped to [low, high] before the shift.
struct Grid {
    float origin = 0.0F;
    float steps = 0.0F;  // codes for each unit
    float low = 0.0F;
    float high = 0.0F;
    std::int32_t shift = 0;
};

template <class Code>
HWY_INLINE void to_codes(const Grid& grid, const float* HWY_RESTRICT row, std::size_t count,
                         Code* HWY_RESTRICT codes) {
    const Floats d;
    const hn::Rebind<std::int32_t, Floats> d32;
    const hn::Rebind<Code, Floats> d8;
    const std::size_t lanes = hn::Lanes(d);
    const auto convert = [&](Vec v) HWY_ATTR {
        const Vec scaled = hn::Mul(hn::Sub(v, hn::Set(d, grid.origin)), hn::Set(d, grid.steps));
        const Vec inside = hn::Min(hn::Max(scaled, hn::Set(d, grid.low)), hn::Set(d, grid.high));
        const auto rounded = hn::Add(hn::NearestInt(inside), hn::Set(d32, grid.shift));
        return hn::DemoteTo(d8, rounded);
    };
    std::size_t j = 0;
    for (; j + lanes <= count; j += lanes) {
        hn::StoreU(convert(hn::LoadU(d, row + j)), d8, codes + j);
    }
    if (j < count) {
        HWY_ALIGN float padded[hn::MaxLanes(d)] = {};
        HWY_ALIGN Code converted[hn::MaxLanes(d)];
        std::copy_n(row + j, count - j, padded);
        hn::StoreU(convert(hn::Load(d, padded)), d8, converted);
        std::copy_n(converted, count - j, codes + j);
    }
}

// A row of `levels` + 1 codes between its smallest and its largest value.
Grid affine_grid(const float* row, std::size_t dim, float levels, float shift, CodeHeader& header) {
    Grid grid{.low = 0.0F, .high = levels, .shift = -static_cast<std::int32_t>(shift)};
    if (dim == 0) {
        return grid;
    }
    float smallest = 0.0F;
    float largest = 0.0F;
    range_of(row, dim, smallest, largest);
    const float width = largest - smallest;
    header.scale = width / levels;
    header.offset = smallest + shift * header.scale;
    grid.origin = smallest;
    // Rows so narrow that the inverse is infinite are as good as constant.
    grid.steps = header.scale < 1e-37F ? 0.0F : levels / width;
    return grid;
}

Grid symmetric_grid(const float* row, std::size_t dim, CodeHeader& header) {
    constexpr float kLargest = 127.0F;
    Grid grid{.low = -kLargest, .high = kLargest};
    if (dim == 0) {
        return grid;
    }
    float smallest = 0.0F;
    float largest = 0.0F;
    range_of(row, dim, smallest, largest);
    const float magnitude = std::max(std::abs(smallest), std::abs(largest));
    header.scale = magnitude / kLargest;
    grid.steps = header.scale < 1e-37F ? 0.0F : kLargest / magnitude;
    return grid;
}

// Sums of codes are exact, and so is the norm but for a few roundings in double precision.
void add_to(const CodeHeader& header, std::int64_t sum, std::int64_t squares, std::size_t dim,
            CodeHeader& out) {
    const double scale = header.scale;
    const double offset = header.offset;
    const double linear = 2.0 * offset * scale * static_cast<double>(sum);
    const double norm = static_cast<double>(dim) * offset * offset + linear +
                        scale * scale * static_cast<double>(squares);
    out = header;
    out.sum = static_cast<std::int32_t>(sum);
    out.squared_norm = static_cast<float>(std::max(norm, 0.0));
}

void quantise_8(const float* row, std::size_t dim, Int8Range range, std::int8_t* codes,
                CodeHeader& out) {
    constexpr float kLevels = 255.0F;
    constexpr float kShift = 128.0F;
    CodeHeader header;
    const Grid grid = range == Int8Range::kSymmetric
                          ? symmetric_grid(row, dim, header)
                          : affine_grid(row, dim, kLevels, kShift, header);
    to_codes(grid, row, dim, codes);
    std::int64_t sum = 0;
    std::int64_t squares = 0;
    for (std::size_t j = 0; j < dim; ++j) {
        sum += codes[j];
        squares += codes[j] * codes[j];
    }
    add_to(header, sum, squares, dim, out);
}

void quantise_4(const float* row, std::size_t dim, Int4Pair* pairs, CodeHeader& out) {
    constexpr float kLevels = 15.0F;
    constexpr std::size_t kChunk = 512;  // even
    CodeHeader header;
    const Grid grid = affine_grid(row, dim, kLevels, 0.0F, header);
    std::int64_t sum = 0;
    std::int64_t squares = 0;
    std::uint8_t codes[kChunk];
    for (std::size_t first = 0; first < dim; first += kChunk) {
        const std::size_t n = std::min(kChunk, dim - first);
        to_codes(grid, row + first, n, codes);
        if (n % 2 != 0) {
            codes[n] = 0;
        }
        for (std::size_t k = 0; k < (n + 1) / 2; ++k) {
            const unsigned pair = codes[2 * k] | unsigned{codes[2 * k + 1]} << 4;
            pairs[first / 2 + k].bits = static_cast<std::uint8_t>(pair);
        }
        for (std::size_t k = 0; k < n; ++k) {
            sum += codes[k];
            squares += codes[k] * codes[k];
        }
    }
    add_to(header, sum, squares, dim, out);
}

template <class Code>
void dequantise(const Code* codes, const CodeHeader& header, std::size_t dim,
                float* HWY_RESTRICT out) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const Vec scale = hn::Set(d, header.scale);
    const Vec offset = hn::Set(d, header.offset);
    std::size_t j = 0;
    for (; j + lanes <= dim; j += lanes) {
        hn::StoreU(hn::Add(hn::Mul(load_codes(codes, j), scale), offset), d, out + j);
    }
    if (j < dim) {
        HWY_ALIGN float padded[hn::MaxLanes(d)];
        const Vec v = load_last_codes(codes, j, dim - j);
        hn::Store(hn::Add(hn::Mul(v, scale), offset), d, padded);
        std::copy_n(padded, dim - j, out + j);
    }
}

void dequantise_8(const std::int8_t* codes, const CodeHeader& header, std::size_t dim, float* out) {
    dequantise(codes, header, dim, out);
}
void dequantise_4(const Int4Pair* codes, const CodeHeader& header, std::size_t dim, float* out) {
    dequantise(codes, header, dim, out);
}

void signs(const float* HWY_RESTRICT row, std::size_t dim, std::uint8_t* HWY_RESTRICT out) {
    std::size_t j = 0;
#if HWY_TARGET != HWY_SCALAR
    // Eight values or more at a time, so that whole bytes come out.
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const Vec zero = hn::Zero(d);
    const std::size_t step = std::max<std::size_t>(8, lanes);
    std::uint8_t bits[8 + hn::MaxLanes(d) / 8];  // eight bytes may be written
    for (; j + step <= dim; j += step) {
        hn::StoreMaskBits(d, hn::Gt(hn::LoadU(d, row + j), zero), bits);
        if (lanes >= 8) {
            std::copy_n(bits, lanes / 8, out + j / 8);
            continue;
        }
        unsigned byte = bits[0];
        for (std::size_t k = lanes; k < 8; k += lanes) {
            hn::StoreMaskBits(d, hn::Gt(hn::LoadU(d, row + j + k), zero), bits);
            byte |= unsigned{bits[0]} << k;
        }
        out[j / 8] = static_cast<std::uint8_t>(byte);
    }
#endif
    for (; j < dim; j += 8) {
        unsigned byte = 0;
        for (std::size_t k = 0; k < std::min<std::size_t>(8, dim - j); ++k) {
            byte |= (row[j + k] > 0.0F ? 1U : 0U) << k;
        }
        out[j / 8] = static_cast<std::uint8_t>(byte);
    }
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(quantise_8);
HWY_EXPORT(quantise_4);
HWY_EXPORT(dequantise_8);
HWY_EXPORT(dequantise_4);
HWY_EXPORT(signs);

// The values of a strided view; strides are in bytes.
template <class T>
T* row_of(T* first, std::size_t stride, std::size_t i) {
    using Byte = std::conditional_t<std::is_const_v<T>, const std::byte, std::byte>;
    return reinterpret_cast<T*>(reinterpret_cast<Byte*>(first) + i * stride);
}

template <class Rows>
Status check_layout(const Rows& rows, std::size_t row_bytes, std::size_t count) {
    if (count > 1 && rows.stride < row_bytes) {
        return fail(Error(Code::kInvalidArgument,
                          "cannot keep rows of " + std::to_string(row_bytes) +
                              " bytes at a stride of " + std::to_string(rows.stride)));
    }
    if (rows.header_stride % alignof(CodeHeader) != 0 ||
        (count > 1 && rows.header_stride < sizeof(CodeHeader))) {
        return fail(Error(Code::kInvalidArgument, "cannot keep headers at a stride of " +
                                                      std::to_string(rows.header_stride)));
    }
    return {};
}
}  // namespace

Status quantise_rows(const float* rows, std::size_t dim, std::size_t count, Int8Range range,
                     const Int8CodesOut& out) {
    if (Status status = check_layout(out, dim, count); !status) {
        return status;
    }
    for (std::size_t i = 0; i < count; ++i) {
        HWY_DYNAMIC_DISPATCH(quantise_8)
        (rows + i * dim, dim, range, row_of(out.codes, out.stride, i),
         *row_of(out.headers, out.header_stride, i));
    }
    return {};
}

Status quantise_rows(const float* rows, std::size_t dim, std::size_t count,
                     const Int4CodesOut& out) {
    if (Status status = check_layout(out, int4_bytes(dim), count); !status) {
        return status;
    }
    for (std::size_t i = 0; i < count; ++i) {
        HWY_DYNAMIC_DISPATCH(quantise_4)
        (rows + i * dim, dim, row_of(out.codes, out.stride, i),
         *row_of(out.headers, out.header_stride, i));
    }
    return {};
}

void dequantise_rows(const Int8Codes& rows, std::size_t dim, std::size_t count,
                     float* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        HWY_DYNAMIC_DISPATCH(dequantise_8)
        (row_of(rows.codes, rows.stride, i), *row_of(rows.headers, rows.header_stride, i), dim,
         out + i * dim);
    }
}

void dequantise_rows(const Int4Codes& rows, std::size_t dim, std::size_t count,
                     float* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        HWY_DYNAMIC_DISPATCH(dequantise_4)
        (row_of(rows.codes, rows.stride, i), *row_of(rows.headers, rows.header_stride, i), dim,
         out + i * dim);
    }
}

void sign_bits(const float* rows, std::size_t dim, std::size_t count, std::uint8_t* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        HWY_DYNAMIC_DISPATCH(signs)(rows + i * dim, dim, out + i * ((dim + 7) / 8));
    }
}

}  // namespace abikit::simd
#endif  // HWY_ONCE

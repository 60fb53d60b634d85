// Type strings and converters. One template makes a converter per element type and byte order.
#include "npy_dtype.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>

#include "reader_base.hpp"

namespace abikit::data {
namespace {

// IEEE 754 binary16, which GCC 12 has no portable type for.
struct Half {
    std::uint16_t bits = 0;
};

float to_float(Half half) {
    const std::uint32_t sign = std::uint32_t{half.bits} >> 15 << 31;
    const std::uint32_t exponent = (half.bits >> 10) & 0x1FU;
    const std::uint32_t mantissa = half.bits & 0x3FFU;
    if (exponent == 0) {  // zero or denormal: mantissa * 2^-24, exact in float32
        const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
        return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t wide_exponent = exponent == 31 ? 255 : exponent + (127 - 15);
    return std::bit_cast<float>(sign | (wide_exponent << 23) | (mantissa << 13));
}

template <class Number>
float to_float(Number value) {
    return static_cast<float>(value);
}

template <class Element, bool kSwap>
void convert(const std::byte* from, std::size_t count, float* to, std::size_t stride) {
    std::array<std::byte, sizeof(Element)> bytes;
    for (std::size_t i = 0; i < count; ++i) {
        std::memcpy(bytes.data(), from + i * sizeof(Element), sizeof(Element));
        if constexpr (kSwap) {
            std::reverse(bytes.begin(), bytes.end());
        }
        to[i * stride] = to_float(std::bit_cast<Element>(bytes));
    }
}

struct DtypeRow {
    std::string_view name;
    std::size_t size_bytes;
    ConvertFunction native;
    ConvertFunction swapped;
};

template <class Element>
constexpr DtypeRow row(std::string_view name) {
    return {name, sizeof(Element), convert<Element, false>, convert<Element, true>};
}

constexpr std::array kDtypes = {
    row<float>("f4"),         row<Half>("f2"),          row<double>("f8"),
    row<std::int8_t>("i1"),   row<std::uint8_t>("u1"),  row<std::int16_t>("i2"),
    row<std::uint16_t>("u2"), row<std::int32_t>("i4"),  row<std::uint32_t>("u4"),
    row<std::int64_t>("i8"),  row<std::uint64_t>("u8"),
};

// What a known kind that is no plain number is called.
std::string_view unsupported_kind(char kind) {
    switch (kind) {
        case 'O':
            return "Python objects";
        case 'c':
            return "complex numbers";
        case 'b':
            return "booleans";
        case 'S':
        case 'a':
        case 'U':
            return "text";
        case 'V':
            return "records";
        case 'M':
        case 'm':
            return "dates or times";
        case 'f':
            return "floats of a size that is not supported";
        default:
            return {};
    }
}

}  // namespace

Result<NpyDtype> parse_npy_dtype(std::string_view descr) {
    constexpr std::string_view kOrders = "<>=|";
    const bool has_order = !descr.empty() && kOrders.find(descr[0]) != std::string_view::npos;
    const std::string_view name = descr.substr(has_order ? 1 : 0);
    for (const DtypeRow& known : kDtypes) {
        if (known.name != name) {
            continue;
        }
        if (known.size_bytes > 1 && (!has_order || descr[0] == '|')) {
            return fail(Code::kCorrupt, fmt::format("dtype {} lacks its byte order", quote(descr)));
        }
        const bool little = descr[0] == '<';
        const bool swap =
            (little || descr[0] == '>') && little != (std::endian::native == std::endian::little);
        return NpyDtype{known.size_bytes, swap ? known.swapped : known.native,
                        name == "f4" && !swap};
    }
    const std::string_view kind = name.empty() ? name : unsupported_kind(name[0]);
    if (!kind.empty()) {
        return fail(Code::kIncompatible, fmt::format("dtype {} holds {}", quote(descr), kind),
                    "convert it first: numpy.save(path, a.astype('float32'))");
    }
    return fail(Code::kCorrupt, fmt::format("unknown dtype {}", quote(descr)),
                "known are f2, f4, f8, i1, i2, i4, i8, u1, u2, u4 and u8, such as '<f4'");
}

}  // namespace abikit::data

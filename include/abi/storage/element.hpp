// How a collection stores the numbers of its vectors. Numbers are on disk: append only
// (docs/formats/wdbx.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <abi/core/export.h>
#include <abi/core/error.hpp>
#include <abi/storage/metric.hpp>

namespace abikit::storage {

// Vectors come in and go out as float32; this is what is kept of them.
//   kFloat32   every bit
//   kFloat16   rounded to nearest, ties to even; beyond 65,504 a row is refused
//   kBFloat16  rounded to nearest, ties to even
//   kInt8      whole numbers from -128 to 127; anything else is refused
//   kBits      0 or 1, eight to a byte, lowest bit first; anything else is refused
enum class ElementType : std::uint8_t {
    kFloat32 = 0,
    kFloat16 = 1,
    kBFloat16 = 2,
    kInt8 = 3,
    kBits = 4,
};
inline constexpr std::uint32_t kElementTypes = 5;

// "f32", "f16", "bf16", "int8", "bits".
ABI_API std::string_view element_name(ElementType element) noexcept;
// The inverse; kInvalidArgument names the valid words.
ABI_API Result<ElementType> parse_element(std::string_view name);
// Bytes that one vector takes.
ABI_API std::size_t vector_bytes(ElementType element, std::uint32_t dimension) noexcept;
// Bits are compared by hamming and jaccard, numbers by the others.
ABI_API bool metric_fits(Metric metric, ElementType element) noexcept;

}  // namespace abikit::storage

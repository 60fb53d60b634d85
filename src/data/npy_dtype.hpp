// Element types of .npy files and their conversion to float32.
#pragma once

#include <cstddef>
#include <string_view>

#include <abi/core/error.hpp>

namespace abikit::data {

// Converts `count` elements that lie one after the other at `from` (any alignment) and stores them
// at to[0], to[stride], to[2 * stride], ... Values outside float32 become infinite.
using ConvertFunction = void (*)(const std::byte* from, std::size_t count, float* to,
                                 std::size_t stride);

struct NpyDtype {
    std::size_t size_bytes = 0;
    ConvertFunction convert = nullptr;
    bool is_native_float = false;  // float32 in this machine's byte order: needs no conversion
};

// By the array protocol's type string: '<f4', '>i8', '|u1' and so on. kIncompatible with a hint
// for types that hold no plain numbers, kCorrupt for what is no type string at all.
// https://numpy.org/doc/stable/reference/arrays.interface.html
Result<NpyDtype> parse_npy_dtype(std::string_view descr);

}  // namespace abikit::data

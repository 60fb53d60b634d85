// The header of a .npy file, versions 1.0, 2.0 and 3.0.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/error.hpp>

#include "input_buffer.hpp"

namespace abikit::data {

struct NpyHeader {
    std::string descr;  // dtype, "<f4"
    bool fortran_order = false;
    std::vector<std::uint64_t> shape;
    std::uint64_t size_bytes = 0;  // of everything before the elements
};

// Reads the header and steps over it. kCorrupt for what is no .npy file or a broken header,
// kIncompatible for versions and dtypes that are not known. Headers are at most a mebibyte.
Result<NpyHeader> read_npy_header(InputBuffer& input);

// The dictionary alone: a Python literal with exactly the keys descr, fortran_order and shape.
Result<NpyHeader> parse_npy_dictionary(std::string_view text);

// A version 1.0 header of an array in C order, padded so that the elements begin at a multiple of
// 64. Precondition: `descr` is short, `shape` not empty.
std::string make_npy_header(std::string_view descr, const std::vector<std::uint64_t>& shape);

}  // namespace abikit::data

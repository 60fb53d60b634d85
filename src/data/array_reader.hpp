// Rows of one two-dimensional array of numbers behind a header: what .npy, .fbin and the members of
// .npz have in common. The headers are read by npy_reader.cpp, fbin_reader.cpp and npz_reader.cpp.
#pragma once

#include <cstdint>
#include <memory>

#include <abi/core/io.hpp>
#include <abi/data/reader.hpp>

#include "input_buffer.hpp"
#include "npy_dtype.hpp"
#include "npy_header.hpp"

namespace abikit::data {

struct ArrayLayout {
    std::uint64_t header_bytes = 0;  // before the first element
    std::uint64_t rows = 0;
    std::uint64_t dimension = 0;
    NpyDtype dtype;
    bool by_column = false;
    std::uint64_t row_bytes = 0;      // made by finish_layout
    std::uint64_t payload_bytes = 0;  // likewise
};

// Computes the sizes. kCorrupt for an array that no file can hold, kIncompatible for a dimension
// that is impossible or another than expected.
Status finish_layout(const ReaderOptions& options, ArrayLayout& layout);

// `input` stands at the first element and reads from `source`, whose size, where known, is checked
// at once; it holds this array alone.
Result<std::unique_ptr<RecordReader>> make_array_reader(InputBuffer input, const ByteSource& source,
                                                        ReaderOptions options,
                                                        const ArrayLayout& layout);

// The layout that a .npy header describes; one axis is a single vector, unless vectors of one value
// are expected.
Result<ArrayLayout> npy_layout(const ReaderOptions& options, const NpyHeader& header);

}  // namespace abikit::data

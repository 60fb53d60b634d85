// .npy: the header and what its shape means. The rows are array_reader.cpp's.
#include <fmt/format.h>

#include "array_reader.hpp"
#include "reader_base.hpp"

namespace abikit::data {
namespace {

Error not_a_matrix(const ReaderOptions& options, const NpyHeader& header) {
    return Error(Code::kIncompatible, fmt::format("{} has {} axes, expected 2", input_name(options),
                                                  header.shape.size()))
        .with_hint("reshape it to rows of vectors: numpy.save(path, a.reshape(len(a), -1))");
}

Status take_shape(const ReaderOptions& options, const NpyHeader& header, ArrayLayout& layout) {
    if (header.shape.empty() || header.shape.size() > 2) {
        return fail(not_a_matrix(options, header));
    }
    if (header.shape.size() == 2) {
        layout.rows = header.shape[0];
        layout.dimension = header.shape[1];
        layout.by_column = header.fortran_order && layout.rows > 1 && layout.dimension > 1;
        return {};
    }
    const bool is_column = options.dimension == 1;
    layout.rows = is_column ? header.shape[0] : std::uint64_t{header.shape[0] > 0};
    layout.dimension = is_column ? 1 : header.shape[0];
    return {};
}

}  // namespace

Result<ArrayLayout> npy_layout(const ReaderOptions& options, const NpyHeader& header) {
    ArrayLayout layout;
    layout.header_bytes = header.size_bytes;
    auto dtype = parse_npy_dtype(header.descr);
    if (!dtype) {
        return fail(std::move(dtype).error().with_context(input_name(options)));
    }
    layout.dtype = *dtype;
    ABI_CHECK(take_shape(options, header, layout));
    ABI_CHECK(finish_layout(options, layout));
    return layout;
}

Result<std::unique_ptr<RecordReader>> make_npy_reader(ByteSource& source, ReaderOptions options) {
    InputBuffer input(source);
    auto header = read_npy_header(input);
    if (!header) {
        return fail(std::move(header).error().with_context(input_name(options)));
    }
    ABI_TRY(const ArrayLayout layout, npy_layout(options, *header));
    return make_array_reader(std::move(input), source, std::move(options), layout);
}

}  // namespace abikit::data

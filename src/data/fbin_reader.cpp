// fbin, u8bin and i8bin: u32 rows, u32 dimension, both little-endian, then rows x dimension
// float32, unsigned or signed bytes (https://big-ann-benchmarks.com). The rows are
// array_reader.cpp's.
#include <fmt/format.h>

#include "array_reader.hpp"
#include "reader_base.hpp"

namespace abikit::data {
namespace {

constexpr std::size_t kHeaderBytes = 8;

std::string_view dtype_of(Format format) {
    switch (format) {
        case Format::kU8bin:
            return "|u1";
        case Format::kI8bin:
            return "|i1";
        default:
            return "<f4";
    }
}

std::uint32_t load_u32(std::span<const std::byte> bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i > 0; --i) {
        value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i - 1]);
    }
    return value;
}

}  // namespace

Result<std::unique_ptr<RecordReader>> make_fbin_reader(Format format, ByteSource& source,
                                                       ReaderOptions options) {
    InputBuffer input(source);
    ABI_TRY(const auto bytes, input.peek(kHeaderBytes));
    if (bytes.size() < kHeaderBytes) {
        return fail(
            Code::kCorrupt,
            fmt::format("{} is truncated: the header of {} takes {} bytes, found {}",
                        input_name(options), format_name(format), kHeaderBytes, bytes.size()));
    }
    ArrayLayout layout;
    layout.header_bytes = kHeaderBytes;
    layout.rows = load_u32(bytes, 0);
    layout.dimension = load_u32(bytes, 4);
    ABI_TRY(layout.dtype, parse_npy_dtype(dtype_of(format)));
    ABI_CHECK(finish_layout(options, layout));
    input.consume(kHeaderBytes);
    return make_array_reader(std::move(input), source, std::move(options), layout);
}

}  // namespace abikit::data

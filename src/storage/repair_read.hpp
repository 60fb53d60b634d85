// Reading files of a device that may refuse parts of them. Read repair_segment.hpp next.
#pragma once

#include <cstdint>
#include <vector>

#include <abi/core/context.hpp>

namespace abikit::storage {

struct ByteRange {
    std::uint64_t begin = 0, end = 0;
};

// Reads the whole file, in pages of 4 KiB where larger pieces fail, and returns what cannot be
// read: ascending, not touching. A mapping of these bytes would end the process with SIGBUS.
// `content` takes what was read, zeros elsewhere; null where a look is all that is wanted.
Result<std::vector<ByteRange>> read_what_can_be(const Context& context, const File& file,
                                                std::uint64_t size, std::byte* content);

// Whether [begin, end) holds a byte of one of them.
bool touches(const std::vector<ByteRange>& ranges, std::uint64_t begin, std::uint64_t end) noexcept;

}  // namespace abikit::storage

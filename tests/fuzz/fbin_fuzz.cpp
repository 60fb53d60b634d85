// The fbin, u8bin and i8bin readers: batches keep their contract, every row has the same dimension,
// and a pipe gives what a mapped file gives.
#include <cstdint>
#include <string_view>

#include "../unit/data/record_dump.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

void check(Format format, std::string_view file, std::size_t value_bytes) {
    const Dump mapped = read_text(format, file);
    TrickleSource trickle(file);
    const Dump piped = read_all(format, trickle, {}, 2);
    require(mapped.broken.empty() && piped.broken.empty());
    require(mapped.code == piped.code && mapped.error == piped.error);
    if (mapped.code) {
        return;
    }
    require(mapped.rows == piped.rows && mapped.rows.size() == mapped.rows_total);
    std::size_t bytes = 8;
    for (const DumpRow& row : mapped.rows) {
        require(row.vector.size() == mapped.rows.front().vector.size());
        bytes += row.vector.size() * value_bytes;
    }
    require(bytes == file.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view file(reinterpret_cast<const char*>(data), size);
    check(Format::kFbin, file, 4);
    check(Format::kU8bin, file, 1);
    check(Format::kI8bin, file, 1);
    return 0;
}

// The .npy reader: batches keep their contract, and a pipe gives what a mapped file gives.
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

void check(std::string_view file, std::uint32_t dimension, std::size_t max_rows) {
    ReaderOptions options;
    options.dimension = dimension;
    const Dump mapped = read_text(Format::kNpy, file, options, max_rows);
    TrickleSource trickle(file);
    const Dump piped = read_all(Format::kNpy, trickle, options, max_rows);
    require(mapped.broken.empty() && piped.broken.empty());
    require(mapped.code == piped.code && mapped.error == piped.error);
    require(mapped.code.has_value() || mapped.rows == piped.rows);
    require(mapped.code.has_value() || mapped.rows.size() == mapped.rows_total);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // Columns first and one axis of many rows are the only ways to make work out of few bytes.
    const std::string_view file(reinterpret_cast<const char*>(data), size);
    check(file, 0, 1000);
    check(file, 1, 3);
    return 0;
}

// The CSV reader: batches keep their contract, the pieces of the source and the batch size do not
// show, lines ascend, and metadata is compact JSON.
#include <cstdint>
#include <string_view>

#include <abi/data/value.hpp>

#include "../unit/data/record_dump.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

void check_row(const DumpRow& row) {
    require(row.text || !row.vector.empty());
    require(!row.id || !row.id->empty());
    if (row.metadata) {
        const auto value = parse_json(*row.metadata);
        require(value.has_value() && value->is_object());
    }
}

void check(std::string_view text, char separator) {
    ReaderOptions options;
    options.separator = separator;
    const Dump whole = read_text(Format::kCsv, text, options);
    TrickleSource trickle(text);
    const Dump pieces = read_all(Format::kCsv, trickle, options, 1);
    require(whole.broken.empty() && pieces.broken.empty());
    require(same_outcome(whole, pieces));
    std::uint64_t line = 0;
    for (const DumpRow& row : whole.rows) {
        require(row.line > line);
        line = row.line;
        check_row(row);
    }
    for (const auto& [bad_line, reason] : whole.rejected) {
        require(bad_line > 0 && !reason.empty());
    }
    require(whole.code.has_value() || whole.bytes_read == text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check(text, ',');
    check(text, '\t');
    return 0;
}

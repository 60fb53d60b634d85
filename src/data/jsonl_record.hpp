// One block of JSON lines to columns. The reader that runs this in parallel is in
// jsonl_reader.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <abi/data/record.hpp>

#include "jsonl_lines.hpp"

namespace abikit::data {

// What a block holds. Lines count from 0 within the block; string columns have every row.
struct ParsedLines {
    struct Row {
        std::uint64_t line = 0;
        std::size_t vector_end = 0;  // in `values`; the row before tells the begin
    };
    struct Bad {
        std::uint64_t line = 0;
        std::size_t before_row = 0;  // good rows that stand before it
        std::string reason;
    };
    std::vector<Row> rows;
    std::vector<Bad> bad;
    std::vector<float> values;
    StringColumn ids;
    StringColumn texts;
    StringColumn metadata;
    std::uint64_t lines = 0;  // in the block, blank and bad ones included

    void clear();
};

// Parses blocks one after the other and keeps its buffers between them. Single thread.
class JsonlParser {
public:
    JsonlParser();
    ~JsonlParser();
    JsonlParser(const JsonlParser&) = delete;
    JsonlParser& operator=(const JsonlParser&) = delete;

    // Clears `out` and fills it.
    void parse(const TextBlock& block, ParsedLines& out);

    class Impl;

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace abikit::data

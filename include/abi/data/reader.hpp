// Streaming readers of records: npy, fvecs, bvecs, CSV, JSON lines. Each holds at most one batch
// and one buffer in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/error.hpp>
#include <abi/core/io.hpp>
#include <abi/core/thread_pool.hpp>
#include <abi/data/record.hpp>

namespace abikit::data {

enum class Format { kNpy, kFvecs, kBvecs, kCsv, kJsonl };

// "npy", "fvecs", "bvecs", "csv", "jsonl"; nullopt-like failure is kInvalidArgument listing the
// valid names.
Result<Format> parse_format(std::string_view name);
std::string_view format_name(Format format) noexcept;
// By the extension (.npy .fvecs .bvecs .csv .tsv .jsonl .ndjson); false when it does not tell.
bool format_from_path(std::string_view path, Format& out) noexcept;
// The CSV separator that goes with a path: a tab for .tsv, else a comma.
char separator_from_path(std::string_view path) noexcept;

// A record that could not be read. Offsets and lines let a person find it.
struct Rejection {
    std::uint64_t line = 0;  // 1-based line for text formats, row from 0 for binary ones
    std::string reason;      // lower case, no final full stop
};
// Called for each bad record. Returning an error stops the reader with it; returning success skips
// the record.
using RejectFunction = std::function<Status(const Rejection&)>;

struct ReaderOptions {
    std::uint32_t dimension = 0;  // expected; 0 takes that of the first record
    std::string name = {};        // of the input, for error messages
    // CSV only. Empty id/text column: a header named "id" / "text" is used when there is one.
    // Vector columns: names, or ranges "v0..v127" ; empty: every column named vector*, v<digits>,
    // or one column "vector" that holds a JSON array. Other columns become metadata (numbers,
    // true/false and null are typed, empty fields absent).
    std::string id_column = {};
    std::string text_column = {};
    std::vector<std::string> vector_columns = {};
    char separator = ',';
    ThreadPool* pool = nullptr;     // JSON lines are parsed in parallel when there is one
    RejectFunction on_reject = {};  // unset: the first bad record fails
};

// Single thread. Made by make_reader.
class RecordReader {
public:
    virtual ~RecordReader() = default;
    // Clears `out` and fills it with up to max_rows records, in input order. False (and out.rows ==
    // 0) at the end. A header or structure that is broken (truncated file, wrong magic, unknown
    // dtype) is kCorrupt; a dimension other than expected for the whole file is kIncompatible.
    // Vectors may hold NaN or infinity where the format can: the caller checks.
    virtual Result<bool> next(RecordBatch& out, std::size_t max_rows) = 0;
    // Bytes consumed so far, for progress.
    virtual std::uint64_t bytes_read() const noexcept = 0;
    // Rows in the whole input where the header tells (npy; fvecs of a known size), else 0.
    virtual std::uint64_t rows_total() const noexcept = 0;
};

// The source must outlive the reader. Reads the header at once where there is one.
Result<std::unique_ptr<RecordReader>> make_reader(Format format, ByteSource& source,
                                                  ReaderOptions options);

}  // namespace abikit::data

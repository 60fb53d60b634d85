// Streaming readers of records: npy, npz, fvecs, bvecs, fbin, u8bin, i8bin, CSV, JSON lines. What
// each format may hold is told in docs/formats/records.md. A reader holds one batch and one buffer
// in memory, of .npz one a member; JSON lines hold two blocks of about a mebibyte per thread. An
// .npy file whose columns come first and any .npz file are held whole (up to 1 GiB) when they are
// not mapped. Read `writer.hpp` next.
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

enum class Format { kNpy, kNpz, kFvecs, kBvecs, kFbin, kU8bin, kI8bin, kCsv, kJsonl };

// "npy", "npz", "fvecs", "bvecs", "fbin", "u8bin", "i8bin", "csv", "jsonl"; any other name is
// kInvalidArgument with a hint that lists these.
Result<Format> parse_format(std::string_view name);
std::string_view format_name(Format format) noexcept;
// By the extension (the names, .tsv and .ndjson); false when it does not tell.
bool format_from_path(std::string_view path, Format& out) noexcept;
// The CSV separator that goes with a path: a tab for .tsv, else a comma.
char separator_from_path(std::string_view path) noexcept;

// A record that could not be read. Offsets and lines let a person find it.
struct Rejection {
    std::uint64_t line = 0;  // 1-based line for text formats, row from 0 for binary ones
    std::string reason;      // lower case, no final full stop
};
// Called for each bad record, in input order and on the thread that called next(). Returning an
// error stops the reader with it; returning success skips the record.
using RejectFunction = std::function<Status(const Rejection&)>;

struct ReaderOptions {
    std::uint32_t dimension = 0;  // expected; 0 takes that of the first record
    std::string name = {};        // of the input, for error messages
    // CSV only. Empty id/text column: a header named "id" / "text" is used when there is one.
    // Vector columns: names, or ranges "v0..v127"; empty: one column "vector" that holds a JSON
    // array, else every column named v<digits> or vector<digits> ("vector_7" and "vector[7]" too),
    // by number. Other columns become metadata (numbers, true/false and null are typed, empty
    // fields absent); a column "metadata" may hold a JSON object.
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
    // 0) at the end. Fewer rows than asked are no sign of the end: a batch has either vectors in
    // all its rows or in none and ends where that changes, and binary readers stop at 64 MiB.
    // A header or structure that is broken (truncated file, wrong magic, unknown dtype) is
    // kCorrupt; a dimension other than expected for the whole file is kIncompatible. Rows that
    // stand before an error, also one of on_reject, are given first; the call after them fails, and
    // so does every later one. Vectors may hold NaN or infinity where the format can (not JSON):
    // the caller checks. The outcome does not depend on threads, on max_rows or on how the source
    // cuts bytes.
    virtual Result<bool> next(RecordBatch& out, std::size_t max_rows) = 0;
    // Bytes consumed so far, for progress.
    virtual std::uint64_t bytes_read() const noexcept = 0;
    // Rows in the whole input where the header tells (npy, npz, fbin; fvecs of a known size), else
    // 0.
    virtual std::uint64_t rows_total() const noexcept = 0;
};

// The source, and a pool in the options, must outlive the reader; batches of a mapped source may
// point into it. Reads the header at once where there is one, so its errors come from here:
// kCorrupt, kIncompatible, and kInvalidArgument for CSV columns that are not there (the hint lists
// those that are).
Result<std::unique_ptr<RecordReader>> make_reader(Format format, ByteSource& source,
                                                  ReaderOptions options);

}  // namespace abikit::data

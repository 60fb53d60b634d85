// Streaming writers of records: npy, npz, fvecs, bvecs, fbin, CSV, JSON lines. What they write, the
// readers read back bit-exactly for float32.
#pragma once

#include <cstdint>
#include <memory>

#include <abi/core/error.hpp>
#include <abi/core/io.hpp>
#include <abi/core/thread_pool.hpp>
#include <abi/data/reader.hpp>
#include <abi/data/record.hpp>

namespace abikit::data {

struct WriterOptions {
    std::uint32_t dimension = 0;
    std::uint64_t rows_total = 0;  // exact; npy, npz and fbin announce it
    ThreadPool* pool = nullptr;    // CSV and JSON lines are printed in parallel when there is one
};

// Columns of rows.
struct Columns {
    bool ids = true, texts = true, metadata = true, vectors = true;
};

// Single thread.
class RecordWriter {
public:
    virtual ~RecordWriter() = default;
    // What write() looks at in this pass; a caller may leave the other columns empty.
    virtual Columns columns() const noexcept { return {}; }
    // kInvalidArgument for vectors of another dimension than announced, and for rows without
    // vectors where the format holds nothing else; kInvalidData for NaN or infinity in jsonl and
    // for what is no byte in bvecs. A sink's errors come through.
    virtual Status write(const RecordBatch& batch) = 0;
    // To be called when all rows were given. True: give them all once more, in the same order (npz
    // stores column after column); false: call finish().
    virtual Result<bool> next_pass() { return false; }
    // Ends the output (flushes the sink). kInvalidArgument when a format that announces its rows
    // got another number of them, or a pass is missing.
    virtual Status finish() = 0;
};

// npy: '<f4', C order, version 1.0. fvecs, bvecs, fbin: as told in docs/formats/records.md. These
// hold vectors only. npz: all columns, as arrays that numpy loads without pickle. csv: header
// id,text,metadata,v0..v<n-1>; metadata as JSON text, an absent field empty, a text that is empty
// "". jsonl: {"id":..,"vector":[..],"text":..,"metadata":{..}}, absent members left out. Floats are
// shortest round-trip. u8bin and i8bin are kInvalidArgument, fbin of 2^32 rows is kLimit. The sink
// must outlive the writer; headers are written even when no rows follow.
Result<std::unique_ptr<RecordWriter>> make_writer(Format format, ByteSink& sink,
                                                  WriterOptions options);

}  // namespace abikit::data

// Streaming writers of records: npy, CSV, JSON lines. What they write, the readers read back
// bit-exactly for float32.
#pragma once

#include <cstdint>
#include <memory>

#include <abi/core/error.hpp>
#include <abi/core/io.hpp>
#include <abi/data/reader.hpp>
#include <abi/data/record.hpp>

namespace abikit::data {

struct WriterOptions {
    std::uint32_t dimension = 0;
    std::uint64_t rows_total = 0;  // exact; npy puts it into its header
};

// Single thread.
class RecordWriter {
public:
    virtual ~RecordWriter() = default;
    // kInvalidArgument for vectors of another dimension than announced, and for rows without
    // vectors in npy; kInvalidData for NaN or infinity in jsonl. A sink's errors come through.
    virtual Status write(const RecordBatch& batch) = 0;
    // Ends the output (flushes the sink). kInvalidArgument when npy got another row count than
    // announced.
    virtual Status finish() = 0;
};

// npy: vectors only, '<f4', C order, version 1.0. csv: header id,text,metadata,v0..v<n-1>; metadata
// as JSON text, an absent field empty, a text that is empty "". jsonl:
// {"id":..,"vector":[..],"text":..,"metadata":{..}}, absent members left out. Floats are shortest
// round-trip. fvecs and bvecs are kInvalidArgument. The sink must outlive the writer; csv and npy
// write their header even when no rows follow.
Result<std::unique_ptr<RecordWriter>> make_writer(Format format, ByteSink& sink,
                                                  WriterOptions options);

}  // namespace abikit::data

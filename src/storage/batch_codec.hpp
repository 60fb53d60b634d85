// A commit as log payload: deletes, then rows in columns with the vectors last, so that they are
// written from where they lie.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <abi/core/error.hpp>
#include <abi/data/record.hpp>

namespace abikit::storage {

// A commit ready to be logged and applied: every id is assigned, every row checked.
struct BatchView {
    std::size_t rows = 0;
    std::uint32_t dimension = 0;
    std::uint64_t next_ordinal = 0;           // after this commit
    const data::StringColumn* ids = nullptr;  // the rest may be null: no row has it
    const data::StringColumn* texts = nullptr;
    const data::StringColumn* metadata = nullptr;
    const data::StringColumn* deletes = nullptr;
    std::span<const float> vectors;  // rows x dimension
};

// A batch read back; owns its columns, borrows the vectors from the payload.
struct DecodedBatch {
    data::StringColumn ids, texts, metadata, deletes;
    BatchView view() const;
    std::size_t rows = 0;
    std::uint32_t dimension = 0;
    std::uint64_t next_ordinal = 0;
    std::span<const float> vectors;
};

// Everything but the vectors, padded to 8 bytes; the payload is these bytes followed by the
// vectors' own.
std::string encode_batch(const BatchView& batch);
// False when the payload is none that encode_batch can have made. The payload must be aligned to 8
// bytes and outlive `out`'s use of the vectors.
bool decode_batch(std::string_view payload, DecodedBatch& out);

}  // namespace abikit::storage

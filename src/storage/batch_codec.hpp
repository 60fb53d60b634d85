// A commit as log payload: deletes, then rows in columns with the vectors last, so that they are
// written from where they lie.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <abi/core/error.hpp>
#include <abi/data/record.hpp>

#include "vector_codec.hpp"

namespace abikit::storage {

// A commit ready to be logged and applied: every id is assigned, every row checked.
struct BatchView {
    std::size_t rows = 0;
    VectorShape shape;
    std::uint64_t next_ordinal = 0;           // after this commit
    const data::StringColumn* ids = nullptr;  // the rest may be null: no row has it
    const data::StringColumn* texts = nullptr;
    const data::StringColumn* metadata = nullptr;
    const data::StringColumn* deletes = nullptr;
    std::span<const std::byte> vectors;  // rows x shape.row_bytes()
};

// One part of a commit: what it does to one collection.
struct CommitPart {
    std::uint32_t collection = 0;
    BatchView batch;
};

// A batch read back; owns its columns, borrows the vectors from the payload.
struct DecodedBatch {
    data::StringColumn ids, texts, metadata, deletes;
    BatchView view() const;
    std::size_t rows = 0;
    VectorShape shape;
    std::uint64_t next_ordinal = 0;
    std::span<const std::byte> vectors;
};

// Everything but the vectors, padded to 8 bytes; the payload is these bytes followed by the
// vectors' own.
std::string encode_batch(const BatchView& batch);
// The payload of a record of parts, in pieces that borrow the vectors of the parts; what owns the
// rest is put into `heads`.
std::vector<std::span<const std::byte>> encode_parts(std::span<const CommitPart> parts,
                                                     std::vector<std::string>& heads);
// Calls visit(collection, batch bytes) for each part; false when the payload is none that
// encode_parts can have made, or a visit returned false.
bool decode_parts(std::string_view payload,
                  const std::function<bool(std::uint32_t, std::string_view)>& visit);
// False when the payload is none that encode_batch can have made. The payload must be aligned to 8
// bytes and outlive `out`'s use of the vectors.
bool decode_batch(std::string_view payload, DecodedBatch& out);

}  // namespace abikit::storage

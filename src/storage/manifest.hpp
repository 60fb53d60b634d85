// The manifest: which files make up the database at one generation. Replaced atomically; everything
// starts here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <abi/core/error.hpp>
#include <abi/core/fs.hpp>
#include <abi/storage/metric.hpp>

#include "format.hpp"

namespace abikit::storage {

struct SegmentEntry {
    std::uint64_t number = 0;  // of its file
    std::uint64_t rows = 0;    // deleted ones included
    std::uint64_t size_bytes = 0;
    std::uint32_t header_crc = 0;      // binds the entry to that very file
    std::uint64_t deletes_number = 0;  // of its deletes file; 0: none
    std::uint64_t deleted_rows = 0;
};

struct Manifest {
    std::uint64_t generation = 0;
    Uuid uuid{};
    std::int64_t created_ns = 0;
    std::int64_t checkpoint_ns = 0;  // when this generation was written
    std::uint32_t dimension = 0;
    Metric metric = Metric::kCosine;
    std::uint64_t next_file = 1;     // number of the next file to be made
    std::uint64_t next_ordinal = 0;  // id of the next row that brings none
    std::uint64_t lsn = 0;           // everything up to here is in segments
    std::uint64_t log_number = 0;
    std::uint64_t log_salt = 0;
    std::string embedder_kind;          // "" : rows bring their vectors
    std::uint64_t embedder_number = 0;  // file of its state; 0: fresh
    std::uint32_t embedder_crc = 0;
    std::vector<SegmentEntry> segments;  // in order of insertion
};

std::string encode_manifest(const Manifest& manifest);
// `path` is for messages. kCorrupt, or kIncompatible for a newer format.
Result<Manifest> decode_manifest(std::string_view bytes, std::string_view path);
Result<Manifest> read_manifest(FileSystem& fs, const std::string& directory);
Status write_manifest(FileSystem& fs, const std::string& directory, const Manifest& manifest);

}  // namespace abikit::storage

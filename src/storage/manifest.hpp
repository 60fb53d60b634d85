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
#include "vector_codec.hpp"

namespace abikit::storage {

struct SegmentEntry {
    std::uint64_t number = 0;  // of its file
    std::uint64_t rows = 0;    // deleted ones included
    std::uint64_t size_bytes = 0;
    std::uint32_t header_crc = 0;      // binds the entry to that very file
    std::uint64_t deletes_number = 0;  // of its deletes file; 0: none
    std::uint64_t deleted_rows = 0;
    bool operator==(const SegmentEntry&) const = default;
};

// One collection at one moment.
struct CollectionEntry {
    std::uint32_t id = 1;  // what log records call it; given out once
    std::string name = "default";
    VectorShape shape;
    Metric metric = Metric::kCosine;
    std::uint64_t next_ordinal = 0;     // id of the next row that brings none
    std::string embedder_kind;          // "" : rows bring their vectors
    std::uint64_t embedder_number = 0;  // file of its state; 0: fresh
    std::uint32_t embedder_crc = 0;
    std::vector<SegmentEntry> segments;  // in order of insertion
    bool operator==(const CollectionEntry&) const = default;
};

// A moment that was given a name: its files stay until the name goes.
struct SnapshotEntry {
    std::string name;
    std::int64_t time_ns = 0;
    std::uint64_t lsn = 0;
    std::vector<CollectionEntry> collections;
    bool operator==(const SnapshotEntry&) const = default;
};

struct Manifest {
    std::uint32_t version = kFormatVersion;  // of the file it was read from
    std::uint64_t generation = 0;
    Uuid uuid{};
    std::int64_t created_ns = 0;
    std::int64_t checkpoint_ns = 0;     // when this generation was written
    std::uint64_t next_file = 1;        // number of the next file to be made
    std::uint32_t next_collection = 1;  // id of the next collection to be made
    std::uint64_t lsn = 0;              // everything up to here is in segments
    std::uint64_t log_number = 0;
    std::uint64_t log_salt = 0;
    std::vector<CollectionEntry> collections;  // in order of creation
    std::vector<SnapshotEntry> snapshots;      // in order of creation

    // Null when there is none of that name.
    const CollectionEntry* find_collection(std::string_view name) const noexcept;
    const SnapshotEntry* find_snapshot(std::string_view name) const noexcept;
    bool operator==(const Manifest&) const = default;
};

// Names of all files that the manifest refers to, each once, in byte order; the log and the
// manifest itself apart.
std::vector<std::string> files_of(const Manifest& manifest);

// Always in the newest version of the format.
std::string encode_manifest(const Manifest& manifest);
// `path` is for messages. kCorrupt, or kIncompatible for a newer format. Version 1 becomes a
// manifest of one collection named "default".
Result<Manifest> decode_manifest(std::string_view bytes, std::string_view path);
Result<Manifest> read_manifest(FileSystem& fs, const std::string& directory);
Status write_manifest(FileSystem& fs, const std::string& directory, const Manifest& manifest);

}  // namespace abikit::storage

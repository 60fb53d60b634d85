// Short forms for the storage tests: rows as values, databases in memory, and damage done by hand.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <abi/core/fs_memory.hpp>
#include <abi/core/random.hpp>
#include <abi/storage/database.hpp>
#include <abi/storage/import.hpp>

#include "rows.hpp"

namespace abikit::storage::test {

// The value of a result that must be one.
template <class T>
T must(Result<T> result) {
    if (!result) {
        FAIL(result.error().describe());
    }
    return *std::move(result);
}
inline void must(const Status& status) {
    if (!status) {
        FAIL(status.error().describe());
    }
}
// The error of a result that must be none.
template <class T>
Error error_of(Result<T> result) {
    if (result) {
        FAIL("it succeeded, but should have failed");
    }
    return std::move(result).error();
}
template <class T>
Code code_of(Result<T> result) {
    return error_of(std::move(result)).code();
}

inline Row read_row(const Snapshot& snapshot, RowNumber number) {
    return must(load_row(snapshot, number));
}

// All live rows in order of insertion.
inline std::vector<Row> rows_of(const Snapshot& snapshot) {
    return must(load_rows(snapshot));
}

inline std::vector<std::string> ids_of(const Snapshot& snapshot) {
    std::vector<std::string> ids;
    for (const Row& row : rows_of(snapshot)) {
        ids.push_back(*row.id);
    }
    return ids;
}

inline std::optional<Row> get(const Snapshot& snapshot, std::string_view id) {
    const auto number = must(snapshot.find(id));
    return number ? std::optional(read_row(snapshot, *number)) : std::nullopt;
}

// A database in memory with all that it needs.
struct MemoryStore {
    MemoryFileSystem fs;
    Context context = context_on(fs);
    std::string path = "/db";

    Database create(CreateOptions options) {
        return must(Database::create(context, path, options));
    }
    Database create(std::uint32_t dimension = 2, Metric metric = Metric::kL2) {
        return create(CreateOptions{.dimension = dimension, .metric = metric, .embedder = {}});
    }
    Database open(AccessMode mode = AccessMode::kReadWrite) {
        return must(Database::open(context, path, mode));
    }
    std::string file(std::string_view name) const { return join_path(path, name); }
    // Names of the database's files that begin with `prefix`.
    std::vector<std::string> files(std::string_view prefix) {
        std::vector<std::string> names;
        for (const DirectoryEntry& entry : must(fs.list(path))) {
            if (entry.name.starts_with(prefix)) {
                names.push_back(entry.name);
            }
        }
        return names;
    }
};

inline std::string whole(FileSystem& fs, const std::string& path) {
    return must(fs.read_file(path));
}

inline void put(FileSystem& fs, const std::string& path, std::string_view bytes) {
    const auto file = must(fs.open(path, OpenMode::kTruncate));
    must(file->write_at(0, std::as_bytes(std::span(bytes))));
    must(file->sync());
}

// Inverts bits of one byte of a file.
inline void flip(FileSystem& fs, const std::string& path, std::uint64_t offset,
                 unsigned char mask = 0x10) {
    std::string bytes = whole(fs, path);
    REQUIRE(offset < bytes.size());
    bytes[offset] = static_cast<char>(static_cast<unsigned char>(bytes[offset]) ^ mask);
    put(fs, path, bytes);
}

// How much of a long test is done. Under a sanitizer, where code is slow and not optimised, it is
// the second figure: the ordinary run asks every case, the sanitizers watch each kind of them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int much([[maybe_unused]] int ordinary, int sanitized) {
    return sanitized;
}
#else
constexpr int much(int ordinary, [[maybe_unused]] int sanitized) {
    return ordinary;
}
#endif

// The seed of a random test: ABI_TEST_SEED replays one.
inline std::uint64_t seed_or(std::uint64_t otherwise) {
    const char* const given = std::getenv("ABI_TEST_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

}  // namespace abikit::storage::test

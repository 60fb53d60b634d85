// How a reader says that it serves from the files of a generation, so that purge leaves them be:
// a shared lock on one byte of LOCK for each generation. Nobody waits for it. Read purge.cpp next.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <abi/core/fs.hpp>

namespace abikit::storage {

// What the writer locks of LOCK, and where the bytes of generations begin.
inline constexpr std::uint64_t kFirstPin = std::uint64_t{1} << 40;
inline constexpr LockRange kWriterRange{0, kFirstPin};

// Holds a generation's files as long as anybody has it. Of a writer's own generations it is a mere
// token.
using GenerationPin = std::shared_ptr<const void>;

// A reader's. To be taken after the manifest was read and before any file that it names is opened.
// Null where locks are not to be had: then a purge gets none either and overwrites nothing. kLocked
// when a purge is at work on the generation: the manifest is a newer one by now.
Result<GenerationPin> pin_generation(FileSystem& fs, const std::string& directory,
                                     std::uint64_t generation);

// For purge: a lock that keeps all generations before this one from being pinned. Null when a
// reader has one of them.
Result<std::unique_ptr<File>> hold_readers_off(FileSystem& fs, const std::string& directory,
                                               std::uint64_t generation);

}  // namespace abikit::storage

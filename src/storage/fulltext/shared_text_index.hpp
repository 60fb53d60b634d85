// The full-text indexes that searches of the same rows share. What they index never changes, so
// one that was made stays. Read text_units.hpp next.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <abi/core/context.hpp>

namespace abikit::storage {
class MemChunk;
class Segment;
}  // namespace abikit::storage

namespace abikit::storage::fulltext {

class TextIndex;

// Of a segment: its section, or one made of its texts in memory when that cannot be used.
// Thread-safe.
class SharedTextIndex {
public:
    struct Use {
        std::shared_ptr<const TextIndex> index;
        bool rebuilt = false;  // in memory
        std::string note;      // why, for a person
    };
    Result<Use> get(const Context& context, const Segment& segment);
    // The section was found damaged while it was used.
    Result<Use> rebuild(const Context& context, const Segment& segment, const Error& why);

private:
    Status make(const Context& context, const Segment& segment, std::string why);

    std::mutex mutex_;
    Use use_;
};

// Of rows in memory: of each run of kSpanRows rows that are there for good, once. Thread-safe.
class SharedSpanIndexes {
public:
    static constexpr std::uint32_t kSpanRows = 512;
    // The index of the span's first `rows` rows; kept when they are all it can have.
    Result<std::shared_ptr<const TextIndex>> get(const MemChunk& chunk, std::uint32_t span,
                                                 std::uint32_t rows);

private:
    std::mutex mutex_;
    std::vector<std::shared_ptr<const TextIndex>> spans_;
};

}  // namespace abikit::storage::fulltext

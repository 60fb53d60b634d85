// The counts behind DocumentFrequencies: an open-addressing table from a feature's 32-bit key to
// the number of documents that hold it. Private to the text room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <abi/text/hash_embedder.hpp>

namespace abikit::text {

// A feature's key: the upper half of its hash. The lower half chooses its places in the vector, so
// that the two are independent.
constexpr std::uint32_t feature_key(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash >> 32U);
}

struct DocumentFrequencies::Table {
    struct Slot {
        std::uint32_t key = 0;
        std::uint32_t count = 0;  // 0: the slot is free
        std::uint32_t stamp = 0;  // the last learn() that counted it
    };

    std::uint64_t documents = 0;
    std::size_t used = 0;
    std::uint32_t stamp = 0;
    std::vector<Slot> slots;  // empty, or a power of two with at least a quarter of it free

    // Starts a document for count_once().
    void begin_document();
    // Makes room for `features` of them.
    void reserve(std::size_t features);
    // The slot that holds the key or is free for it. There must be room.
    Slot& slot_for(std::uint32_t key) noexcept;
    // Adds to a key's count, which stops at 2^32 - 1.
    Slot& add(std::uint32_t key, std::uint32_t count);
    // Counts the feature unless the document that is being learned has been counted for it. Returns
    // whether it did.
    bool count_once(std::uint32_t key);
};

}  // namespace abikit::text

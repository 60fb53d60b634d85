// From ids to the rows of the log that have them: one writer inserts while any number of threads
// look up, none of which ever waits. mem_table.hpp holds the rows.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace abikit::storage {

using MemRow = std::uint32_t;

// Hash of an id -> newest row with it, older ones by a chain. Open addressing on 64-bit hashes,
// half full at most. Of a fixed size: who needs more makes a larger one and lets readers keep what
// they have.
class IdIndex {
public:
    // For rows below `rows`.
    explicit IdIndex(std::size_t rows);
    // The first `filled` rows of `old`, with room for at least twice as many as that had and for
    // `rows`.
    IdIndex(const IdIndex& old, MemRow filled, std::size_t rows);
    IdIndex(const IdIndex&) = delete;
    IdIndex& operator=(const IdIndex&) = delete;

    std::size_t capacity() const noexcept { return (mask_ + 1) / 2; }
    // One thread at a time. Rows come in ascending order, all below capacity().
    void insert(std::uint64_t hash, MemRow row) noexcept;

    // Calls visit(row) for rows of this hash, newest first, until it returns true. Rows that are
    // inserted meanwhile may or may not be visited.
    template <class Visit>
    void for_each(std::uint64_t hash, Visit visit) const {
        for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
            const Slot& slot = slots_[at];
            MemRow row = slot.row.load(std::memory_order_acquire);
            if (row == kNone) {
                return;
            }
            if (slot.hash != hash) {
                continue;
            }
            for (; row != kNone; row = previous_[row]) {
                if (visit(row)) {
                    return;
                }
            }
            return;
        }
    }

private:
    static constexpr MemRow kNone = 0xffffffffu;
    // `row` is written last, and `hash` never again: who sees a row sees its hash and its chain.
    struct Slot {
        std::uint64_t hash = 0;
        std::atomic<MemRow> row = kNone;
    };

    std::size_t mask_;
    std::unique_ptr<Slot[]> slots_;
    std::unique_ptr<MemRow[]> previous_;  // per row: the next older one of the same hash
};

}  // namespace abikit::storage

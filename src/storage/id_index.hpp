// From ids to the rows of the log that have them: one writer inserts while any number of threads
// look up, none of which ever waits. mem_table.hpp holds the rows.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace abikit::storage {

using MemRow = std::uint32_t;

// Hash of an id -> newest row with it, older ones by a chain. Open addressing on 64-bit hashes. A
// table that became too small is replaced by one of twice the size; it is kept as long as the
// index, since somebody may still be reading it: half as much again as the last one in all.
class IdIndex {
public:
    IdIndex() = default;
    IdIndex(const IdIndex&) = delete;
    IdIndex& operator=(const IdIndex&) = delete;

    // Writer only. Room for rows below `rows`; insert() of such rows then needs no memory.
    void reserve(std::size_t rows);
    // Writer only; rows come in ascending order. Needs memory only when the row was not reserved.
    void insert(std::uint64_t hash, MemRow row);

    // Calls visit(row) for rows of this hash, newest first, until it returns true. Any thread. Rows
    // that are inserted meanwhile may or may not be visited.
    template <class Visit>
    void for_each(std::uint64_t hash, Visit visit) const {
        const Table* const table = current_.load(std::memory_order_acquire);
        if (table == nullptr) {
            return;
        }
        for (std::size_t at = hash & table->mask;; at = (at + 1) & table->mask) {
            const Slot& slot = table->slots[at];
            MemRow row = slot.row.load(std::memory_order_acquire);
            if (row == kNone) {
                return;
            }
            if (slot.hash != hash) {
                continue;
            }
            for (; row != kNone; row = table->previous[row]) {
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
    struct Table {
        explicit Table(std::size_t size);
        void insert(std::uint64_t hash, MemRow row);
        std::size_t mask;
        std::unique_ptr<Slot[]> slots;
        std::unique_ptr<MemRow[]> previous;  // per row: the next older one of the same hash
        std::size_t rows;                    // that fit: half of the slots
    };

    std::atomic<const Table*> current_ = nullptr;
    std::vector<std::unique_ptr<Table>> tables_;  // the last one is current; writer only
    MemRow rows_ = 0;                             // inserted so far; writer only
};

}  // namespace abikit::storage

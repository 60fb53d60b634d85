// The writer's side of the index: filling slots in an order that readers can follow.
#include "id_index.hpp"

#include <algorithm>

namespace abikit::storage {

namespace {
constexpr std::size_t kFirstSlots = 1024;
}  // namespace

IdIndex::Table::Table(std::size_t size)
    : mask(size - 1),
      slots(std::make_unique<Slot[]>(size)),
      previous(std::make_unique_for_overwrite<MemRow[]>(size / 2)),
      rows(size / 2) {}

void IdIndex::Table::insert(std::uint64_t hash, MemRow row) {
    std::size_t at = hash & mask;
    MemRow newest = slots[at].row.load(std::memory_order_relaxed);
    while (newest != kNone && slots[at].hash != hash) {
        at = (at + 1) & mask;
        newest = slots[at].row.load(std::memory_order_relaxed);
    }
    previous[row] = newest;
    if (newest == kNone) {
        slots[at].hash = hash;
    }
    slots[at].row.store(row, std::memory_order_release);
}

void IdIndex::reserve(std::size_t rows) {
    if (!tables_.empty() && tables_.back()->rows >= rows) {
        return;
    }
    std::size_t size = tables_.empty() ? kFirstSlots : (tables_.back()->mask + 1) * 2;
    while (size / 2 < rows) {
        size *= 2;
    }
    auto table = std::make_unique<Table>(size);
    if (!tables_.empty()) {
        const Table& old = *tables_.back();
        std::copy_n(old.previous.get(), rows_, table->previous.get());
        for (std::size_t at = 0; at <= old.mask; ++at) {
            const Slot& slot = old.slots[at];
            const MemRow row = slot.row.load(std::memory_order_relaxed);
            if (row == kNone) {
                continue;
            }
            std::size_t to = slot.hash & table->mask;
            while (table->slots[to].row.load(std::memory_order_relaxed) != kNone) {
                to = (to + 1) & table->mask;
            }
            table->slots[to].hash = slot.hash;
            table->slots[to].row.store(row, std::memory_order_relaxed);
        }
    }
    tables_.push_back(std::move(table));
    current_.store(tables_.back().get(), std::memory_order_release);
}

void IdIndex::insert(std::uint64_t hash, MemRow row) {
    reserve(std::size_t{row} + 1);
    tables_.back()->insert(hash, row);
    rows_ = row + 1;
}

}  // namespace abikit::storage

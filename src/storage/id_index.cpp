// Filling the index in an order that readers can follow.
#include "id_index.hpp"

#include <algorithm>
#include <bit>

namespace abikit::storage {

namespace {
constexpr std::size_t kFewestRows = 512;
}  // namespace

IdIndex::IdIndex(std::size_t rows)
    : mask_(std::bit_ceil(std::max(rows, kFewestRows)) * 2 - 1),
      slots_(std::make_unique<Slot[]>(mask_ + 1)),
      previous_(std::make_unique_for_overwrite<MemRow[]>(capacity())) {}

IdIndex::IdIndex(const IdIndex& old, MemRow filled, std::size_t rows)
    : IdIndex(std::max(rows, old.capacity() * 2)) {
    std::copy_n(old.previous_.get(), filled, previous_.get());
    for (std::size_t from = 0; from <= old.mask_; ++from) {
        const Slot& slot = old.slots_[from];
        const MemRow row = slot.row.load(std::memory_order_relaxed);
        if (row == kNone) {
            continue;
        }
        std::size_t to = slot.hash & mask_;
        while (slots_[to].row.load(std::memory_order_relaxed) != kNone) {
            to = (to + 1) & mask_;
        }
        slots_[to].hash = slot.hash;
        slots_[to].row.store(row, std::memory_order_relaxed);
    }
}

void IdIndex::insert(std::uint64_t hash, MemRow row) noexcept {
    std::size_t at = hash & mask_;
    MemRow newest = slots_[at].row.load(std::memory_order_relaxed);
    while (newest != kNone && slots_[at].hash != hash) {
        at = (at + 1) & mask_;
        newest = slots_[at].row.load(std::memory_order_relaxed);
    }
    previous_[row] = newest;
    if (newest == kNone) {
        slots_[at].hash = hash;
    }
    slots_[at].row.store(row, std::memory_order_release);
}

}  // namespace abikit::storage

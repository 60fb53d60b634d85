// A value that one thread replaces and many read, without a lock and without a reader ever waiting:
// how a database hands out its current state.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

namespace abikit::storage {

// A shared pointer that may be loaded while it is replaced. load() is wait-free: two atomic
// additions and a copy of the pointer, wherever 64-bit atomics are. store() comes from one thread
// at a time; what it replaces is let go by whoever is the last to be done with it.
//
// The count of readers is split in two (as in Williams, C++ Concurrency in Action, 7.2.4): one word
// holds the current slot and how many readers have come to it, each slot holds how many have left.
// A reader that came keeps the slot until it leaves, and by then owns the value by itself.
template <class T>
class Published {
public:
    Published() {
        slots_[0].free.store(false, std::memory_order_relaxed);
        slots_[0].present.store(kCurrent, std::memory_order_relaxed);
    }
    Published(const Published&) = delete;
    Published& operator=(const Published&) = delete;

    // The current value; null before the first store().
    std::shared_ptr<const T> load() const noexcept {
        const std::uint64_t word = current_.fetch_add(kOneReader, std::memory_order_acquire);
        Slot& slot = slots_[word & kSlotMask];
        std::shared_ptr<const T> value = slot.value;
        slot.leave(1);
        return value;
    }

    void store(std::shared_ptr<const T> value) noexcept {
        const std::size_t next = take_free_slot();
        slots_[next].value = std::move(value);
        slots_[next].present.store(kCurrent, std::memory_order_relaxed);
        const std::uint64_t old = current_.exchange(next, std::memory_order_acq_rel);
        // Each reader that left took one from the large number; without those that came, what is
        // left of it is how many are still there.
        const auto came = static_cast<std::int64_t>(old / kOneReader);
        slots_[old & kSlotMask].leave(kCurrent - came);
    }

private:
    static constexpr std::size_t kSlots = 64;
    static constexpr std::uint64_t kSlotMask = kSlots - 1;
    static constexpr std::uint64_t kOneReader = kSlots;  // readers are counted above the slot
    static constexpr std::int64_t kCurrent = std::int64_t{1} << 60;

    struct Slot {
        std::shared_ptr<const T> value;
        std::atomic<std::int64_t> present = 0;
        std::atomic<bool> free = true;

        void leave(std::int64_t count) noexcept {
            if (present.fetch_sub(count, std::memory_order_acq_rel) == count) {
                // Nobody is there and nobody will come: the slot is no longer the current one.
                const std::shared_ptr<const T> last = std::exchange(value, nullptr);
                free.store(true, std::memory_order_release);
            }
        }
    };

    // A slot is busy only while a reader is between two instructions of a load() of its value: the
    // writer waits when that happens in all of them at once, the readers never.
    std::size_t take_free_slot() noexcept {
        while (true) {
            for (std::size_t slot = 0; slot < kSlots; ++slot) {
                if (slots_[slot].free.load(std::memory_order_acquire)) {
                    slots_[slot].free.store(false, std::memory_order_relaxed);
                    return slot;
                }
            }
            std::this_thread::yield();
        }
    }

    mutable std::atomic<std::uint64_t> current_ = 0;
    mutable std::array<Slot, kSlots> slots_;
};

}  // namespace abikit::storage

// The border of the library: exceptions of the standard library (in practice: no memory) become
// errors here.
#pragma once

#include <abi/core/error.hpp>
#include <abi/core/memory.hpp>

namespace abikit::storage {

// Runs `body`, which returns a Result, with its allocations counted to this room.
template <class Body>
auto guarded(Body body) noexcept -> decltype(body()) {
    const RoomScope room(Room::kStorage);
    try {
        return body();
    } catch (...) {
        return fail(error_from_current_exception());
    }
}

}  // namespace abikit::storage

// Work that can fail, in pieces on all threads.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>

#include <abi/core/context.hpp>
#include <abi/core/error.hpp>

namespace abikit::storage::ann {

// Runs `body` over pieces of [0, count); the first failure is the result.
inline Status for_pieces(const Context& context, std::size_t count, std::size_t grain,
                         const std::function<Status(std::size_t, std::size_t)>& body) {
    std::optional<Error> failure;
    std::mutex mutex;
    const auto piece = [&](std::size_t first, std::size_t last) {
        Status status = context.cancel.check();
        if (status) {
            status = body(first, last);
        }
        if (!status) {
            const std::scoped_lock lock(mutex);
            failure = std::move(status).error();
        }
    };
    if (context.pool == nullptr) {
        piece(0, count);
    } else {
        context.pool->parallel_for(0, count, grain, piece);
    }
    if (failure) {
        return fail(std::move(*failure));
    }
    return {};
}

}  // namespace abikit::storage::ann

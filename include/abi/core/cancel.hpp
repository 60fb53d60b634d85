// Cooperative cancellation: one source, any number of tokens, polled by long work once per batch.
#pragma once

#include <atomic>
#include <memory>

#include <abi/core/error.hpp>

namespace abikit {

// Sees whether work should stop. A default-constructed token is never cancelled. Cheap to copy.
// Thread-safe.
class CancelToken {
public:
    CancelToken() = default;
    bool cancelled() const noexcept { return flag_ && flag_->load(std::memory_order_relaxed) != 0; }
    // The signal number (or other non-zero reason) given to cancel(); 0 while not cancelled.
    int reason() const noexcept { return flag_ ? flag_->load(std::memory_order_relaxed) : 0; }
    // kCancelled when cancelled: `ABI_CHECK(token.check());`
    Status check() const {
        if (cancelled()) {
            return fail(Code::kCancelled, "interrupted");
        }
        return {};
    }

private:
    friend class CancelSource;
    explicit CancelToken(std::shared_ptr<std::atomic<int>> flag) : flag_(std::move(flag)) {}
    std::shared_ptr<std::atomic<int>> flag_;
};

// Owns the flag. cancel() is async-signal-safe: one lock-free atomic store. Thread-safe.
class CancelSource {
public:
    CancelSource() : flag_(std::make_shared<std::atomic<int>>(0)) {}
    CancelToken token() const { return CancelToken(flag_); }
    void cancel(int reason = 1) noexcept { flag_->store(reason, std::memory_order_relaxed); }
    // The raw flag, for a signal handler that must not touch reference counts.
    std::atomic<int>* flag() const noexcept { return flag_.get(); }

private:
    std::shared_ptr<std::atomic<int>> flag_;
};

}  // namespace abikit

// Correctness checks of kernels, written once: the unit tests run them on every target under the
// sanitizers, `abi bench simd --check` in the field. A check compares one kernel, on the target
// that is chosen when it is called, with the reference. Read registry.hpp for the list of them.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/thread_pool.hpp>

namespace abikit::suites {

// Counts comparisons and keeps the first few that failed. Single thread.
class Checker {
public:
    explicit Checker(ThreadPool* pool = nullptr) : pool_(pool) {}

    // `describe` is called for a failure only: "dim 17, row 3: 1.5 instead of 2".
    template <std::invocable Describe>
    void expect(bool holds, Describe&& describe) {
        ++comparisons_;
        if (!holds) {
            note_failure(std::string(describe()));
        }
    }
    // |value - expected| <= bound; equal infinities and a pair of NaN are close.
    template <std::invocable Describe>
    void expect_close(double value, double expected, double bound, Describe&& describe) {
        ++comparisons_;
        if (!is_close(value, expected, bound)) {
            note_failure(std::string(describe()) + ": " + difference(value, expected, bound));
        }
    }

    std::size_t comparisons() const noexcept { return comparisons_; }
    std::size_t failures() const noexcept { return failures_; }
    // The first kMaxMessages failures in words.
    const std::vector<std::string>& messages() const noexcept { return messages_; }
    // Threads for kernels that take a pool; may be null.
    ThreadPool* pool() const noexcept { return pool_; }

    static constexpr std::size_t kMaxMessages = 5;

private:
    static bool is_close(double value, double expected, double bound) noexcept;
    static std::string difference(double value, double expected, double bound);
    void note_failure(std::string message);

    ThreadPool* pool_;
    std::size_t comparisons_ = 0;
    std::size_t failures_ = 0;
    std::vector<std::string> messages_;
};

// Samples of all values, or repetitions, that a program with a sanitizer makes one in so many of:
// there wrong addresses are looked for, and the ordinary build sees the values.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kThinning = 16;
#else
constexpr std::size_t kThinning = 1;
#endif

// A kernel and what checks it. The name is that of its benchmark: "dot_rows/f32".
struct KernelCheck {
    std::string_view kernel;
    std::string_view group;  // "vector", "matrix", "math", "bytes"
    void (*run)(Checker&) = nullptr;
};

// `count` values that start `offset` values into an allocation and end with it, so that
// AddressSanitizer sees each access beyond them, and vector loads are misaligned.
template <class T>
class ExactBuffer {
public:
    explicit ExactBuffer(std::size_t count, std::size_t offset = 0)
        : memory_(new T[count + offset]()), offset_(offset), count_(count) {}

    T* data() noexcept { return memory_.get() + offset_; }
    const T* data() const noexcept { return memory_.get() + offset_; }
    T& operator[](std::size_t i) noexcept { return data()[i]; }
    const T& operator[](std::size_t i) const noexcept { return data()[i]; }
    std::size_t size() const noexcept { return count_; }
    T* begin() noexcept { return data(); }
    T* end() noexcept { return data() + count_; }

private:
    std::unique_ptr<T[]> memory_;
    std::size_t offset_;
    std::size_t count_;
};

}  // namespace abikit::suites

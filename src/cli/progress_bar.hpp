// Progress on standard error: a bar with rate and time left, or plain lines where nothing can be
// redrawn.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include <abi/core/progress.hpp>

#include "error_stream.hpp"
#include "terminal.hpp"

namespace abikit::cli {

struct ProgressOptions {
    ProgressStyle style = ProgressStyle::kBar;
    std::size_t width = 0;                 // columns of the terminal; 0 = 80
    std::function<std::uint64_t()> now{};  // monotonic nanoseconds; empty = the real clock
};

// The first sign is drawn by begin() itself; then at most ten times a second (lines: once a
// second). A phase that ends takes its bar away; the report tells what was done. Thread-safe.
class ProgressBar final : public ProgressSink {
public:
    ProgressBar(ErrorStream& stream, ProgressOptions options);
    ~ProgressBar() override;

    void begin(std::string_view phase, std::string_view unit,
               std::uint64_t total) noexcept override;
    void update(std::uint64_t done) noexcept override;
    void end() noexcept override;

private:
    void draw(std::uint64_t now);
    std::string text(std::uint64_t now) const;
    std::string amount(std::uint64_t value) const;

    std::mutex mutex_;
    ErrorStream& stream_;
    ProgressOptions options_;
    std::string phase_;
    std::string unit_;
    std::uint64_t total_ = 0;
    std::uint64_t done_ = 0;
    std::uint64_t started_ns_ = 0;
    std::uint64_t drawn_ns_ = 0;
    bool active_ = false;
};

}  // namespace abikit::cli

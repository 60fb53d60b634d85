// Standard error, shared by messages, log lines and the progress line, so that they never run into
// each other.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include <abi/core/io.hpp>

namespace abikit::cli {

// Writes whole lines; a status line, when there is one, stands below them and is redrawn. Failures
// to write are ignored: there is nowhere left to tell of them. Thread-safe.
class ErrorStream {
public:
    explicit ErrorStream(ByteSink& sink) : sink_(&sink) {}

    // `text` ends up on lines of its own; a missing line feed is added.
    void line(std::string_view text) noexcept;
    // Draws one line without line feed over the last one (terminals only); "" takes it away.
    void status(std::string_view text) noexcept;

private:
    void put(std::string_view text) noexcept;

    std::mutex mutex_;
    ByteSink* sink_;
    std::string status_;
};

}  // namespace abikit::cli

// Progress of long work, reported by libraries and drawn (or not) by whoever called them.
#pragma once

#include <cstdint>
#include <string_view>

namespace abikit {

// Receives progress. update() is called often: implementations rate-limit drawing. Thread-safe.
class ProgressSink {
public:
    virtual ~ProgressSink() = default;
    // A phase starts: what ("import"), the unit ("rows", "B"), the total in that unit (0 =
    // unknown).
    virtual void begin(std::string_view phase, std::string_view unit,
                       std::uint64_t total) noexcept = 0;
    // `done` units of the current phase are finished (absolute, not a difference).
    virtual void update(std::uint64_t done) noexcept = 0;
    virtual void end() noexcept = 0;
};

}  // namespace abikit

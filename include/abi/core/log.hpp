// The log sink that libraries write to. The executable binds it to spdlog; libraries never print.
#pragma once

#include <string_view>

namespace abikit {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };

// Receives log lines. Implementations are thread-safe. `room` is the library's name ("storage").
class LogSink {
public:
    virtual ~LogSink() = default;
    // Whether a line of this level would be kept, so that callers need not format in vain.
    virtual bool enabled(LogLevel level) const noexcept = 0;
    virtual void write(LogLevel level, std::string_view room,
                       std::string_view message) noexcept = 0;
};

}  // namespace abikit

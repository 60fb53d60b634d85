// The log: lines of the libraries to standard error or a file, as text or JSON.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include <abi/core/fs.hpp>
#include <abi/core/log.hpp>

#include "redact.hpp"

namespace abikit::cli {

enum class LogFormat {
    kPlain,       // "abi: warning: message", for standard error
    kPlainRooms,  // "abi: warning: storage: message", with -v
    kText,        // "2026-11-23T17:04:05.123Z warning storage: message", for files
    kJson,        // {"time":"...","level":"warning","room":"storage","message":"..."}
};

struct LogOptions {
    LogLevel level = LogLevel::kWarn;
    LogFormat format = LogFormat::kPlain;
    Redactor redactor{};
    std::function<void(std::string_view line)> write{};  // gets one line with its line feed
};

// A thread-safe sink; a line that cannot be written is dropped.
std::unique_ptr<LogSink> make_log(LogOptions options);

// A `write` for make_log that appends to the file, creating it where it is missing.
Result<std::function<void(std::string_view)>> append_to_file(FileSystem& fs,
                                                             const std::string& path);

// "trace", "debug", "info", "warn", "error", "off"; kOff for another word.
LogLevel log_level(std::string_view name) noexcept;

}  // namespace abikit::cli

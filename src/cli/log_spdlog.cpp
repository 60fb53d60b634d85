// The only file that sees spdlog: levels, clock, patterns and locking come from it.
#include "log_spdlog.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <array>
#include <exception>
#include <mutex>

#include <abi/data/value.hpp>

namespace abikit::cli {
namespace {

constexpr std::array<std::pair<std::string_view, LogLevel>, 6> kLevels{{
    {"trace", LogLevel::kTrace},
    {"debug", LogLevel::kDebug},
    {"info", LogLevel::kInfo},
    {"warn", LogLevel::kWarn},
    {"error", LogLevel::kError},
    {"off", LogLevel::kOff},
}};

spdlog::level::level_enum to_spdlog(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::kTrace:
            return spdlog::level::trace;
        case LogLevel::kDebug:
            return spdlog::level::debug;
        case LogLevel::kInfo:
            return spdlog::level::info;
        case LogLevel::kWarn:
            return spdlog::level::warn;
        case LogLevel::kError:
            return spdlog::level::err;
        case LogLevel::kOff:
            return spdlog::level::off;
    }
    return spdlog::level::off;
}

std::string_view view(spdlog::string_view_t text) noexcept {
    return {text.data(), text.size()};
}

// One JSON object a line. The time comes from a pattern formatter, the rest is quoted by us.
class JsonFormatter final : public spdlog::formatter {
public:
    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& dest) override {
        spdlog::memory_buf_t time;
        time_.format(message, time);
        std::string out =
            "{\"time\":\"" + std::string(time.data(), time.size()) + "\",\"level\":\"";
        out += view(spdlog::level::to_string_view(message.level));
        out += "\",\"room\":";
        data::append_json_string(out, view(message.logger_name));
        out += ",\"message\":";
        data::append_json_string(out, view(message.payload));
        out += "}\n";
        dest.append(out.data(), out.data() + out.size());
    }
    std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<JsonFormatter>();
    }

private:
    spdlog::pattern_formatter time_{"%Y-%m-%dT%H:%M:%S.%eZ", spdlog::pattern_time_type::utc, ""};
};

std::unique_ptr<spdlog::formatter> make_formatter(LogFormat format) {
    const auto pattern = [](const char* text) {
        return std::make_unique<spdlog::pattern_formatter>(text, spdlog::pattern_time_type::utc,
                                                           "\n");
    };
    switch (format) {
        case LogFormat::kPlain:
            return pattern("abi: %l: %v");
        case LogFormat::kPlainRooms:
            return pattern("abi: %l: %n: %v");
        case LogFormat::kText:
            return pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %n: %v");
        case LogFormat::kJson:
            return std::make_unique<JsonFormatter>();
    }
    return pattern("%v");
}

class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit LineSink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        write_({line.data(), line.size()});
    }
    void flush_() override {}

private:
    std::function<void(std::string_view)> write_;
};

// Control characters would let logged data forge lines or steer a terminal.
std::string one_line(std::string text) {
    for (char& c : text) {
        const auto byte = static_cast<unsigned char>(c);
        c = byte < 0x20 || byte == 0x7F ? ' ' : c;
    }
    return text;
}

class SpdlogSink final : public LogSink {
public:
    explicit SpdlogSink(LogOptions options)
        : options_(std::move(options)), sink_(std::move(options_.write)) {
        sink_.set_formatter(make_formatter(options_.format));
    }

    bool enabled(LogLevel level) const noexcept override {
        return level >= options_.level && level != LogLevel::kOff;
    }

    void write(LogLevel level, std::string_view room, std::string_view message) noexcept override {
        if (!enabled(level)) {
            return;
        }
        try {
            std::string text = options_.redactor.redact(message);
            if (options_.format != LogFormat::kJson) {
                text = one_line(std::move(text));
            }
            sink_.log(spdlog::details::log_msg(
                spdlog::source_loc{}, spdlog::string_view_t(room.data(), room.size()),
                to_spdlog(level), spdlog::string_view_t(text.data(), text.size())));
        } catch (const std::exception&) {
            return;  // a log line is never worth failing for
        }
    }

private:
    LogOptions options_;
    LineSink sink_;
};

}  // namespace

std::unique_ptr<LogSink> make_log(LogOptions options) {
    return std::make_unique<SpdlogSink>(std::move(options));
}

Result<std::function<void(std::string_view)>> append_to_file(FileSystem& fs,
                                                             const std::string& path) {
    auto opened = fs.open(path, OpenMode::kCreate);
    if (!opened) {
        return fail(std::move(opened).error().with_context("cannot write the log"));
    }
    ABI_TRY(const std::uint64_t size, (*opened)->size());
    const std::shared_ptr<File> file = *std::move(opened);
    return [file, offset = size](std::string_view line) mutable {
        if (file->write_at(offset, std::as_bytes(std::span(line)))) {
            offset += line.size();
        }
    };
}

LogLevel log_level(std::string_view name) noexcept {
    for (const auto& [word, level] : kLevels) {
        if (word == name) {
            return level;
        }
    }
    return LogLevel::kOff;
}

}  // namespace abikit::cli

// The trace behind --profile: spans of all threads, written in the Chrome trace event format that
// chrome://tracing and Perfetto read.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <abi/core/trace.hpp>

namespace abikit::cli {

// Collects spans in memory. Thread-safe. Beyond kMostSpans further ones are counted, not kept, so
// that a long run cannot fill the memory.
class Profile final : public TraceSink {
public:
    static constexpr std::size_t kMostSpans = 1'000'000;

    // Times in the file start at the moment of construction, which is also thread 1's.
    Profile(std::string process_name, int process_id);

    void span(std::string_view category, std::string_view name, std::uint64_t start_ns,
              std::uint64_t end_ns) noexcept override;

    // The whole trace as one JSON document: complete events ("ph":"X", microseconds with three
    // decimals) in order of their start, and the names of process and threads.
    std::string to_json() const;

private:
    struct Span {
        std::string_view category;
        std::string_view name;
        std::uint64_t start_ns;
        std::uint64_t end_ns;
        std::uint32_t thread;
    };
    std::uint32_t thread_number();

    mutable std::mutex mutex_;
    std::string process_name_;
    int process_id_;
    std::uint64_t origin_ns_;
    std::vector<std::thread::id> threads_;
    std::vector<Span> spans_;
    std::uint64_t dropped_ = 0;
};

}  // namespace abikit::cli

// Spans of time for `--profile`: who did what, when, on which thread. Costs one branch when off.
#pragma once

#include <cstdint>
#include <string_view>

#include <abi/core/export.h>

namespace abikit {

// Receives finished spans; times are monotonic nanoseconds (`abikit::monotonic_ns`). Thread-safe.
// `category` is the room, `name` the operation; both must be string literals or outlive the sink.
class TraceSink {
public:
    virtual ~TraceSink() = default;
    virtual void span(std::string_view category, std::string_view name, std::uint64_t start_ns,
                      std::uint64_t end_ns) noexcept = 0;
};

// Times the enclosing scope and hands it to the sink. A null sink does nothing.
class ABI_API TraceSpan {
public:
    TraceSpan(TraceSink* sink, std::string_view category, std::string_view name) noexcept;
    ~TraceSpan();
    TraceSpan(const TraceSpan&) = delete;
    TraceSpan& operator=(const TraceSpan&) = delete;

private:
    TraceSink* sink_;
    std::string_view category_;
    std::string_view name_;
    std::uint64_t start_ns_ = 0;
};

}  // namespace abikit

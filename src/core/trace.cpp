// TraceSpan: reads the clock only when somebody listens.
#include <abi/core/time.hpp>
#include <abi/core/trace.hpp>

namespace abikit {

TraceSpan::TraceSpan(TraceSink* sink, std::string_view category, std::string_view name) noexcept
    : sink_(sink), category_(category), name_(name) {
    if (sink_ != nullptr) {
        start_ns_ = monotonic_ns();
    }
}

TraceSpan::~TraceSpan() {
    if (sink_ != nullptr) {
        sink_->span(category_, name_, start_ns_, monotonic_ns());
    }
}

}  // namespace abikit

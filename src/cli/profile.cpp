// Writing the Chrome trace event format ("Trace Event Format", the Catapult project).
#include "profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <new>

#include <abi/core/memory.hpp>
#include <abi/core/time.hpp>
#include <abi/data/value.hpp>

namespace abikit::cli {
namespace {

std::string quoted(std::string_view text) {
    std::string out;
    data::append_json_string(out, text);
    return out;
}

// Integer arithmetic: a double would round times far from the origin.
std::string microseconds(std::uint64_t nanoseconds) {
    return fmt::format("{}.{:03}", nanoseconds / 1000, nanoseconds % 1000);
}

}  // namespace

Profile::Profile(std::string process_name, int process_id)
    : process_name_(std::move(process_name)), process_id_(process_id), origin_ns_(monotonic_ns()) {
    threads_.push_back(std::this_thread::get_id());
}

std::uint32_t Profile::thread_number() {
    const auto id = std::this_thread::get_id();
    const auto found = std::ranges::find(threads_, id);
    if (found == threads_.end()) {
        threads_.push_back(id);
        return static_cast<std::uint32_t>(threads_.size());
    }
    return static_cast<std::uint32_t>(found - threads_.begin() + 1);
}

void Profile::span(std::string_view category, std::string_view name, std::uint64_t start_ns,
                   std::uint64_t end_ns) noexcept {
    const RoomScope room(Room::kReport);  // a report in the making, no leak of the caller's room
    const std::lock_guard lock(mutex_);
    try {
        if (spans_.size() >= kMostSpans) {
            ++dropped_;
            return;
        }
        spans_.push_back({category, name, std::max(start_ns, origin_ns_),
                          std::max(end_ns, std::max(start_ns, origin_ns_)), thread_number()});
    } catch (const std::bad_alloc&) {
        ++dropped_;
    }
}

std::string Profile::to_json() const {
    const std::lock_guard lock(mutex_);
    std::vector<Span> spans = spans_;
    // Parents before children: earlier first, at the same moment the longer first.
    std::ranges::sort(spans, [](const Span& a, const Span& b) {
        return a.start_ns != b.start_ns ? a.start_ns < b.start_ns : a.end_ns > b.end_ns;
    });
    std::string out = "{\"traceEvents\":[\n";
    auto append = std::back_inserter(out);
    fmt::format_to(append,
                   "{{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":{},\"tid\":1,"
                   "\"args\":{{\"name\":{}}}}}",
                   process_id_, quoted(process_name_));
    for (std::size_t i = 0; i < threads_.size(); ++i) {
        fmt::format_to(append,
                       ",\n{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":{},\"tid\":{},"
                       "\"args\":{{\"name\":\"{}\"}}}}",
                       process_id_, i + 1, i == 0 ? "main" : fmt::format("worker {}", i));
    }
    for (const Span& span : spans) {
        fmt::format_to(append,
                       ",\n{{\"name\":{},\"cat\":{},\"ph\":\"X\",\"ts\":{},\"dur\":{},\"pid\":{},"
                       "\"tid\":{}}}",
                       quoted(span.name), quoted(span.category),
                       microseconds(span.start_ns - origin_ns_),
                       microseconds(span.end_ns - span.start_ns), process_id_, span.thread);
    }
    fmt::format_to(append,
                   "\n],\"displayTimeUnit\":\"ms\",\"otherData\":{{\"dropped_spans\":{}}}}}\n",
                   dropped_);
    return out;
}

}  // namespace abikit::cli

// Clocks over std::chrono, which is clock_gettime on every platform we build for.
#include <chrono>

#include <fmt/format.h>

#include <abi/core/time.hpp>

namespace abikit {

std::uint64_t monotonic_ns() noexcept {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

std::int64_t wall_clock_ns() noexcept {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

std::string format_iso8601_utc(std::int64_t wall_clock_ns) {
    using namespace std::chrono;
    const sys_time<nanoseconds> moment{nanoseconds(wall_clock_ns)};
    // floor, not a cast: a cast would round moments before 1970 towards the future.
    const sys_seconds second = floor<seconds>(moment);
    const sys_days day = floor<days>(second);
    const year_month_day date{day};
    const hh_mm_ss clock{second - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace abikit

// Clocks and the one way a moment is written. Durations and spans use the monotonic clock, what is
// stored or shown to people uses the wall clock.
#pragma once

#include <cstdint>
#include <string>

#include <abi/core/export.h>

namespace abikit {

// Nanoseconds of a clock that never goes back; its zero is arbitrary (on Linux the last boot), so
// only differences mean something. Thread-safe, about 20 ns a call.
ABI_API std::uint64_t monotonic_ns() noexcept;

// Nanoseconds of processor time, user and system, that the calling thread has used; only
// differences mean something. Thread-safe, about 200 ns a call. 0 where the system cannot tell.
ABI_API std::uint64_t thread_cpu_ns() noexcept;

// Nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time). May jump when
// somebody sets the clock. Thread-safe.
ABI_API std::int64_t wall_clock_ns() noexcept;

// "2026-11-23T17:04:05Z": RFC 3339 / ISO 8601 in UTC, cut (not rounded) to the second. Times before
// 1970 are negative nanoseconds; every std::int64_t has a four-digit year (1677 to 2262).
ABI_API std::string format_iso8601_utc(std::int64_t wall_clock_ns);

}  // namespace abikit

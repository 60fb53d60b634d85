// Numbers and values as a person reads them. Machine formats never come here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "report.hpp"

namespace abikit::report {

// A value for a person: counts with thousands separators, bytes in KiB/MiB/GiB, times with a
// fitting unit, booleans as yes and no, null as "-", lists joined with ", ", objects as compact
// JSON. kPercent takes 0 to 100. Independent of the locale.
std::string humanise(const data::Value& value, Unit unit);

// "1,234,567"
std::string human_count(std::uint64_t count);
// "512 B", "1.5 KiB", "3.2 GiB"
std::string human_bytes(double bytes);
// "850 ns", "1.24 ms", "3.50 s", "2 min 05 s", "1 h 02 min"
std::string human_seconds(double seconds);

// The exact text of a scalar for CSV: shortest round-trip numbers, true and false, "" for null and
// non-finite; arrays and objects as compact JSON.
std::string raw_text(const data::Value& value);

}  // namespace abikit::report

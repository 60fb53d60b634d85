// Humanising numbers: fixed English forms, so that output never depends on the locale.
#include "humanise.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <type_traits>
#include <variant>

namespace abikit::report {
namespace {

// Three significant digits without trailing noise: "1.24", "12.4", "124".
std::string three_digits(double value) {
    const double size = std::fabs(value);
    if (size >= 99.95) {
        return fmt::format("{:.0f}", value);
    }
    return size >= 9.995 ? fmt::format("{:.1f}", value) : fmt::format("{:.2f}", value);
}

std::string shortest(double value) {
    std::array<char, 32> buffer{};
    const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return error == std::errc{} ? std::string(buffer.data(), end) : std::string();
}

std::string plain_number(double value) {
    return std::fabs(value) < 1e15 && value == std::trunc(value) ? fmt::format("{:.0f}", value)
                                                                 : fmt::format("{:.6g}", value);
}

std::string human_double(double value, Unit unit) {
    if (!std::isfinite(value)) {
        return "-";
    }
    switch (unit) {
        case Unit::kNone:
            return plain_number(value);
        case Unit::kCount:
            return value >= 0 && value < 1e18
                       ? human_count(static_cast<std::uint64_t>(std::llround(value)))
                       : plain_number(value);
        case Unit::kBytes:
            return human_bytes(value);
        case Unit::kSeconds:
            return human_seconds(value);
        case Unit::kMicroseconds:
            return human_seconds(value * 1e-6);
        case Unit::kNanoseconds:
            return human_seconds(value * 1e-9);
        case Unit::kPerSecond:
            return value >= 0 && value < 1e18
                       ? (value < 100
                              ? three_digits(value) + "/s"
                              : human_count(static_cast<std::uint64_t>(std::llround(value))) + "/s")
                       : plain_number(value) + "/s";
        case Unit::kBytesPerSecond:
            return human_bytes(value) + "/s";
        case Unit::kPercent:
            return fmt::format("{:.1f} %", value);
        case Unit::kDistance:
            return fmt::format("{:.6g}", value);
    }
    return plain_number(value);
}

template <class Integer>
std::string human_integer(Integer value, Unit unit) {
    if (unit == Unit::kNone || unit == Unit::kDistance) {
        return fmt::format("{}", value);
    }
    if (unit == Unit::kCount) {
        const bool negative = value < Integer{0};
        const auto size = static_cast<std::uint64_t>(value);
        return negative ? "-" + human_count(std::uint64_t{0} - size) : human_count(size);
    }
    return human_double(static_cast<double>(value), unit);
}

std::string join(const data::Array& values, Unit unit) {
    std::string out;
    for (const data::Value& value : values) {
        if (!out.empty()) {
            out += ", ";
        }
        out += humanise(value, unit);
    }
    return out.empty() ? "-" : out;
}

}  // namespace

std::string human_count(std::uint64_t count) {
    std::string digits = fmt::format("{}", count);
    for (std::size_t end = digits.size(); end > 3;) {
        end -= 3;
        digits.insert(end, 1, ',');
    }
    return digits;
}

std::string human_bytes(double bytes) {
    static constexpr std::array<std::string_view, 7> kUnits{"B",   "KiB", "MiB", "GiB",
                                                            "TiB", "PiB", "EiB"};
    std::size_t step = 0;
    // 1023.95 would print as "1024.0" of the smaller unit.
    while (std::fabs(bytes) >= (step == 0 ? 1024.0 : 1023.95) && step + 1 < kUnits.size()) {
        bytes /= 1024.0;
        ++step;
    }
    return step == 0 ? fmt::format("{:.0f} B", bytes)
                     : fmt::format("{:.1f} {}", bytes, kUnits[step]);
}

std::string human_seconds(double seconds) {
    const double size = std::fabs(seconds);
    if (size == 0) {
        return "0 s";
    }
    if (size < 999.5e-9) {
        return fmt::format("{:.0f} ns", seconds * 1e9);
    }
    if (size < 999.5e-6) {
        return three_digits(seconds * 1e6) + " µs";
    }
    if (size < 999.5e-3) {
        return three_digits(seconds * 1e3) + " ms";
    }
    if (size < 59.95) {
        return three_digits(seconds) + " s";
    }
    const auto total = static_cast<std::uint64_t>(std::llround(std::fmin(size, 1e15)));
    const std::string_view sign = seconds < 0 ? "-" : "";
    if (total < 3600) {
        return fmt::format("{}{} min {:02} s", sign, total / 60, total % 60);
    }
    return fmt::format("{}{} h {:02} min", sign, human_count(total / 3600), total % 3600 / 60);
}

std::string humanise(const data::Value& value, Unit unit) {
    return std::visit(
        [&](const auto& held) -> std::string {
            using Held = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<Held, std::nullptr_t>) {
                return "-";
            } else if constexpr (std::is_same_v<Held, bool>) {
                return held ? "yes" : "no";
            } else if constexpr (std::is_same_v<Held, std::int64_t> ||
                                 std::is_same_v<Held, std::uint64_t>) {
                return human_integer(held, unit);
            } else if constexpr (std::is_same_v<Held, double>) {
                return human_double(held, unit);
            } else if constexpr (std::is_same_v<Held, std::string>) {
                return held;
            } else if constexpr (std::is_same_v<Held, data::Array>) {
                return join(held, unit);
            } else {
                return data::to_json(value);
            }
        },
        value.storage());
}

std::string raw_text(const data::Value& value) {
    return std::visit(
        [&](const auto& held) -> std::string {
            using Held = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<Held, std::nullptr_t>) {
                return {};
            } else if constexpr (std::is_same_v<Held, bool>) {
                return held ? "true" : "false";
            } else if constexpr (std::is_same_v<Held, std::int64_t> ||
                                 std::is_same_v<Held, std::uint64_t>) {
                return fmt::format("{}", held);
            } else if constexpr (std::is_same_v<Held, double>) {
                return std::isfinite(held) ? shortest(held) : std::string();
            } else if constexpr (std::is_same_v<Held, std::string>) {
                return held;
            } else {
                return data::to_json(value);
            }
        },
        value.storage());
}

}  // namespace abikit::report

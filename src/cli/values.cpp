// Conversions and the messages for values that do not fit.
#include "values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "suggest.hpp"

namespace abikit::cli {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

template <class Number>
std::optional<Number> parse_whole(std::string_view text) noexcept {
    Number number{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end) {
        return std::nullopt;
    }
    return number;
}

std::optional<double> unit_factor(std::string_view unit) {
    static constexpr std::array<std::pair<std::string_view, double>, 14> kUnits{{
        {"", 1.0},
        {"b", 1.0},
        {"k", 0x1p10},
        {"kib", 0x1p10},
        {"kb", 1e3},
        {"m", 0x1p20},
        {"mib", 0x1p20},
        {"mb", 1e6},
        {"g", 0x1p30},
        {"gib", 0x1p30},
        {"gb", 1e9},
        {"t", 0x1p40},
        {"tib", 0x1p40},
        {"tb", 1e12},
    }};
    for (const auto& [name, factor] : kUnits) {
        if (name == unit) {
            return factor;
        }
    }
    return std::nullopt;
}

std::string plain(double value) {
    return fmt::format("{:.15g}", value);
}

std::string describe_range(const OptionSpec& option) {
    if (option.minimum && option.maximum) {
        return fmt::format(" from {} to {}", plain(*option.minimum), plain(*option.maximum));
    }
    if (option.minimum) {
        return fmt::format(", {} or more", plain(*option.minimum));
    }
    return option.maximum ? fmt::format(", at most {}", plain(*option.maximum)) : std::string();
}

bool in_range(const OptionSpec& option, double value) noexcept {
    return (!option.minimum || value >= *option.minimum) &&
           (!option.maximum || value <= *option.maximum);
}

bool fits(const OptionSpec& option, std::string_view text) {
    switch (option.type) {
        case ValueType::kFlag:
            return parse_bool(text).has_value();
        case ValueType::kInteger: {
            const auto value = parse_integer(text);
            return value && in_range(option, static_cast<double>(*value));
        }
        case ValueType::kNumber: {
            const auto value = parse_number(text);
            return value && in_range(option, *value);
        }
        case ValueType::kSize: {
            const auto value = parse_size(text);
            return value && in_range(option, static_cast<double>(*value));
        }
        case ValueType::kChoice:
            return std::ranges::find(option.choices, text) != option.choices.end();
        case ValueType::kPath:
        case ValueType::kDirectory:
            return !text.empty() && text.find('\0') == std::string_view::npos;
        case ValueType::kString:
            return true;
    }
    return false;
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) noexcept {
    if (text.size() > 1 && text.front() == '+' && text[1] != '-') {
        text.remove_prefix(1);
    }
    return parse_whole<std::int64_t>(text);
}

std::optional<double> parse_number(std::string_view text) noexcept {
    if (text.size() > 1 && text.front() == '+' && text[1] != '-') {
        text.remove_prefix(1);
    }
    const auto number = parse_whole<double>(text);
    return number && std::isfinite(*number) ? number : std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    std::string_view unit = text.substr(digits);
    while (!unit.empty() && unit.front() == ' ') {
        unit.remove_prefix(1);
    }
    const auto factor = unit_factor(lower(unit));
    if (digits == 0 || !factor) {
        return std::nullopt;
    }
    const std::string_view number = text.substr(0, digits);
    if (const auto whole = parse_whole<std::uint64_t>(number)) {
        const auto scale = static_cast<std::uint64_t>(*factor);
        std::uint64_t bytes = 0;
        return __builtin_mul_overflow(*whole, scale, &bytes) ? std::nullopt : std::optional(bytes);
    }
    const auto value = parse_whole<double>(number);
    const double bytes = value ? *value * *factor : -1.0;
    if (!(bytes >= 0 && bytes < 0x1p63)) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(std::llround(bytes));
}

std::optional<bool> parse_bool(std::string_view text) noexcept {
    const std::string word = lower(text);
    if (word == "true" || word == "yes" || word == "on" || word == "1") {
        return true;
    }
    if (word == "false" || word == "no" || word == "off" || word == "0") {
        return false;
    }
    return std::nullopt;
}

std::string describe_expected(const OptionSpec& option) {
    switch (option.type) {
        case ValueType::kFlag:
            return "true or false";
        case ValueType::kInteger:
            return "an integer" + describe_range(option);
        case ValueType::kNumber:
            return "a number" + describe_range(option);
        case ValueType::kSize:
            return "a size such as 64MiB or 2g" + describe_range(option);
        case ValueType::kChoice:
            return fmt::format("one of {}", fmt::join(option.choices, ", "));
        case ValueType::kPath:
            return "a path";
        case ValueType::kDirectory:
            return "a directory";
        case ValueType::kString:
            return "a text";
    }
    return "a value";
}

Status check_value(const OptionSpec& option, std::string_view text, std::string_view source) {
    if (fits(option, text)) {
        return {};
    }
    if (text.empty()) {
        return fail(Code::kInvalidArgument, fmt::format("{} is empty", source),
                    fmt::format("give {}", describe_expected(option)));
    }
    Error error(Code::kInvalidArgument, fmt::format("bad value '{}' for {}: expected {}", text,
                                                    source, describe_expected(option)));
    if (const std::string near = nearest(text, option.choices); !near.empty()) {
        return fail(std::move(error).with_hint(fmt::format("did you mean '{}'?", near)));
    }
    return fail(std::move(error));
}

}  // namespace abikit::cli

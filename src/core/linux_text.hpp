// Readers of the texts in which Linux describes itself. Pure functions, so that tests can show them
// files of machines that are not at hand. Read os_platform.cpp and os_cpu.cpp next.
#pragma once

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace abikit::os {

inline std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The value of the first line "key<separator>value", blanks around both removed; empty when there
// is no such line.
inline std::string_view value_of(std::string_view text, std::string_view key, char separator) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::size_t at = line.find(separator);
        if (at != std::string_view::npos && trim(line.substr(0, at)) == key) {
            return trim(line.substr(at + 1));
        }
    }
    return {};
}

inline std::optional<std::uint64_t> parse_number(std::string_view text) {
    text = trim(text);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

// "48K" and "32M" of /sys/devices/system/cpu/cpu0/cache/index0/size; 0 when malformed.
inline std::uint64_t parse_cache_size(std::string_view text) {
    text = trim(text);
    unsigned shift = 0;
    if (!text.empty()) {
        shift = text.back() == 'K' ? 10 : text.back() == 'M' ? 20 : text.back() == 'G' ? 30 : 0;
        text.remove_suffix(shift != 0 ? 1 : 0);
    }
    return parse_number(text).value_or(0) << shift;
}

// `cpu.max` of a control group, "150000 100000" (quota and period in microseconds), as a number of
// processors, rounded up; nullopt for "max 100000" (no quota) and for anything malformed.
inline std::optional<unsigned> parse_cpu_quota(std::string_view text) {
    text = trim(text);
    const std::size_t blank = std::min(text.find(' '), text.size());
    const std::uint64_t quota = parse_number(text.substr(0, blank)).value_or(0);
    const std::uint64_t period = parse_number(text.substr(blank)).value_or(0);
    if (quota == 0 || period == 0) {
        return std::nullopt;
    }
    const std::uint64_t cpus = quota / period + (quota % period != 0 ? 1 : 0);
    return static_cast<unsigned>(std::min<std::uint64_t>(cpus, UINT_MAX));
}

// The path in the unified hierarchy of /proc/self/cgroup, the line "0::/path"; "/" without one.
inline std::string parse_control_group(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.starts_with("0::/")) {
            return std::string(line.substr(3));
        }
    }
    return "/";
}

// A value of /etc/os-release: double or single quotes around it removed, backslash escapes kept as
// the character they stand for.
inline std::string unquote(std::string_view value) {
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
        value.back() == value.front()) {
        value = value.substr(1, value.size() - 2);
    }
    std::string plain;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] == '\\' && i + 1 < value.size()) {
            ++i;
        }
        plain += value[i];
    }
    return plain;
}

// The processor's name in /proc/cpuinfo: "model name" on x86, implementer and part on ARM.
inline std::string parse_cpu_model(std::string_view cpuinfo) {
    if (const std::string_view name = value_of(cpuinfo, "model name", ':'); !name.empty()) {
        return std::string(name);
    }
    const std::string_view implementer = value_of(cpuinfo, "CPU implementer", ':');
    const std::string_view part = value_of(cpuinfo, "CPU part", ':');
    if (implementer.empty() || part.empty()) {
        return {};
    }
    return "ARM implementer " + std::string(implementer) + " part " + std::string(part);
}

}  // namespace abikit::os

// The table of output formats: one row each.
#include <array>

#include <abi/core/memory.hpp>

#include "renderer.hpp"

namespace abikit::report {

std::span<const Format> formats() noexcept {
    static constexpr std::array<Format, 5> kFormats{{
        {"console", "text for a person", false, render_console},
        {"json", "one JSON document", true, render_json},
        {"jsonl", "JSON lines, one object a row", true, render_jsonl},
        {"csv", "comma-separated values with a header (RFC 4180)", false, render_csv},
        {"markdown", "GitHub tables", false, render_markdown},
    }};
    return kFormats;
}

const Format* find_format(std::string_view name) noexcept {
    for (const Format& format : formats()) {
        if (format.name == name) {
            return &format;
        }
    }
    return nullptr;
}

std::string render(const Format& format, const Report& report, const RenderOptions& options) {
    const RoomScope room(Room::kReport);
    std::string out;
    format.render(report, options, out);
    return out;
}

}  // namespace abikit::report

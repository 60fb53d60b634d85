// The output formats: a table of renderers, each a pure function from a Report to text. Adding a
// format is one file and one row in registry.cpp; no command changes. Read report.hpp first.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "report.hpp"

namespace abikit::report {

// What the place of the output allows. Only the console format looks at it: machine formats do not
// depend on colour, width or locale.
struct RenderOptions {
    bool colour = false;    // ANSI colours may be written
    std::size_t width = 0;  // columns of the terminal; 0 = as wide as needed
};

// Appends the report to `out`, ending with a line feed unless nothing was written. Thread-safe.
using RenderFunction = void (*)(const Report& report, const RenderOptions& options,
                                std::string& out);

// One output format.
struct Format {
    std::string_view name;     // as `--format` takes it
    std::string_view summary;  // one line for help
    bool json;                 // made of JSON texts: errors are told as JSON objects too
    RenderFunction render;
};

// All formats in the order of the help text; the first is the default.
std::span<const Format> formats() noexcept;
// The format of that exact name, or null.
const Format* find_format(std::string_view name) noexcept;

// The whole report in one format.
std::string render(const Format& format, const Report& report, const RenderOptions& options = {});

// The full JSON document: "schema" and "abi" in front of the members of the body.
data::Value document(const Report& report);

// The renderers behind the table, for their own tests.
void render_console(const Report& report, const RenderOptions& options, std::string& out);
void render_json(const Report& report, const RenderOptions& options, std::string& out);
void render_jsonl(const Report& report, const RenderOptions& options, std::string& out);
void render_csv(const Report& report, const RenderOptions& options, std::string& out);
void render_markdown(const Report& report, const RenderOptions& options, std::string& out);

}  // namespace abikit::report

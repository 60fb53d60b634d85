// auto, always, never.
#include "terminal.hpp"

namespace abikit::cli {
namespace {

bool dumb(const Environment& env) {
    return env.get("TERM").value_or("") == "dumb";
}

}  // namespace

bool use_colour(std::string_view when, const TerminalFacts& terminal, const Environment& env) {
    if (when != "auto") {
        return when == "always";
    }
    return terminal.is_terminal && env.get("NO_COLOR").value_or("").empty() && !dumb(env);
}

ProgressStyle progress_style(std::string_view when, const TerminalFacts& terminal,
                             const Environment& env) {
    const bool capable = terminal.is_terminal && !dumb(env);
    if (when == "never" || (when == "auto" && !capable)) {
        return ProgressStyle::kOff;
    }
    return capable ? ProgressStyle::kBar : ProgressStyle::kLines;
}

}  // namespace abikit::cli

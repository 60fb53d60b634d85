// Decisions about colour and progress from what the streams are and what the user asked for.
#pragma once

#include <string_view>

#include "environment.hpp"
#include "process.hpp"

namespace abikit::cli {

// `when` is auto, always or never. Auto means a terminal, no NO_COLOR (no-color.org: set and not
// empty) and no TERM=dumb.
bool use_colour(std::string_view when, const TerminalFacts& terminal, const Environment& env);

enum class ProgressStyle { kOff, kBar, kLines };

// A bar that redraws itself needs a terminal that can; `always` elsewhere writes plain lines.
ProgressStyle progress_style(std::string_view when, const TerminalFacts& terminal,
                             const Environment& env);

}  // namespace abikit::cli

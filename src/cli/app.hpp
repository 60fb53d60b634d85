// One run of `abi`, from the words of the command line to the exit status. main.cpp calls it with
// the real process, the unit tests with a made-up one.
#pragma once

#include "process.hpp"

namespace abikit::cli {

// Parses, resolves, runs the command, renders its report, tells errors. Catches everything; writes
// only through `process`. The vector target, memory accounting and nothing else are process-wide.
ExitStatus run(const Process& process);

}  // namespace abikit::cli

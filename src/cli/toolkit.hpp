// What the commands that speak about `abi` itself (help, completion, config) may look at.
#pragma once

#include <span>

#include "process.hpp"
#include "spec.hpp"
#include "startup.hpp"

namespace abikit::cli {

// All borrowed from the run.
struct Toolkit {
    std::span<const CommandSpec> commands{};
    std::span<const OptionSpec> globals{};
    const Process* process = nullptr;
    const Startup* startup = nullptr;
    const CommandLine* line = nullptr;
};

}  // namespace abikit::cli

// The options that every command takes, before or after its name.
#pragma once

#include <span>

#include "spec.hpp"

namespace abikit::cli {

// In the order of the help text. Built once, on first use.
std::span<const OptionSpec> global_options();

}  // namespace abikit::cli

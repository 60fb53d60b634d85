// The vector instruction sets this build knows, what the machine has, and which one runs. Every
// kernel of the library follows the one that is chosen. Read distance.hpp next for the kernels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit::simd {

struct TargetInfo {
    std::string name;        // "AVX3_ZEN4", "AVX3", "AVX2", "NEON", "SCALAR"
    bool supported = false;  // by this machine, whatever is forced
    bool chosen = false;     // runs now
};

// All compiled targets, best first. The last one is plain code: SCALAR, or EMU128 where the
// compiler gets that right. Thread-safe.
ABI_API std::vector<TargetInfo> targets();
// The name of the one that runs now. Thread-safe.
ABI_API std::string chosen_target();
// Forces one target by name (case-insensitive) for the whole process; "auto" undoes it; "none" and
// "SCALAR" mean plain code, the last of targets(). Call before threads start: a kernel that runs
// meanwhile finishes on the old target. kInvalidArgument for one that this machine or build
// lacks; the hint lists the valid names.
ABI_API Status force_target(std::string_view name);

}  // namespace abikit::simd

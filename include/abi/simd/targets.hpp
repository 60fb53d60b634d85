// The vector instruction sets this build knows, what the machine has, and which one runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit::simd {

struct TargetInfo {
    std::string name;        // "AVX3", "AVX2", "SSE4", "NEON", "SCALAR"
    bool supported = false;  // by this machine
    bool chosen = false;     // runs now
};

// All compiled targets, best first. Thread-safe.
ABI_API std::vector<TargetInfo> targets();
ABI_API std::string chosen_target();
// Forces one target by name (case-insensitive) for the whole process; "auto" undoes it; "none"
// means SCALAR. Call before threads start. kUnavailable for one that this machine or build lacks,
// listing the valid names.
ABI_API Status force_target(std::string_view name);

}  // namespace abikit::simd

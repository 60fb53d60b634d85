// Which instruction sets the kernels were compiled for, which the machine has, and the one in use.
// The choice itself lives inside the Highway library, one for the process. Read
// kernels/distance_f32.cpp next for a kernel that follows it.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <abi/simd/targets.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "targets.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
// Tells the truth about dispatch, because it is dispatched like every other kernel.
std::int64_t this_target() {
    return HWY_TARGET;
}
}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(this_target);

// What the machine has, whatever is forced: asked once, before the first restriction can be set.
std::int64_t machine_targets() {
    static const std::int64_t kTargets = hwy::SupportedTargets();
    return kTargets;
}

// The compiled targets as single bits, best first; a lower bit is a better target.
std::vector<std::int64_t> compiled_targets() {
    std::vector<std::int64_t> bits;
    for (std::int64_t rest = HWY_TARGETS; rest != 0; rest &= rest - 1) {
        bits.push_back(rest & -rest);
    }
    return bits;
}

// Scalar code runs everywhere, though the processor query does not always list it.
bool runs_here(std::int64_t target) {
    return (target & (machine_targets() | HWY_SCALAR | HWY_EMU128 | HWY_STATIC_TARGET)) != 0;
}

// Highway's own two steps: restrict what counts as supported, then choose anew. Zero lifts it.
void restrict_to(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

std::string upper_case(std::string_view text) {
    std::string upper(text);
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return upper;
}

Error unknown_target(std::string_view name, bool compiled) {
    std::string message = "cannot use the vector target '" + std::string(name) + "': ";
    message += compiled ? "this machine does not have it" : "this build does not have it";
    std::string hint = "use one of auto, none";
    for (const std::int64_t target : compiled_targets()) {
        if (runs_here(target)) {
            hint += std::string(", ") + hwy::TargetName(target);
        }
    }
    return Error(Code::kUnavailable, std::move(message)).with_hint(std::move(hint));
}

}  // namespace

std::vector<TargetInfo> targets() {
    const std::int64_t chosen = HWY_DYNAMIC_DISPATCH(this_target)();
    std::vector<TargetInfo> infos;
    for (const std::int64_t target : compiled_targets()) {
        infos.push_back({.name = hwy::TargetName(target),
                         .supported = runs_here(target),
                         .chosen = target == chosen});
    }
    return infos;
}

std::string chosen_target() {
    return hwy::TargetName(HWY_DYNAMIC_DISPATCH(this_target)());
}

Status force_target(std::string_view name) {
    static_cast<void>(machine_targets());  // before the first restriction
    const std::string wanted = upper_case(name);
    if (wanted == "AUTO") {
        restrict_to(0);
        return {};
    }
    const std::vector<std::int64_t> compiled = compiled_targets();
    if (wanted == "NONE" || wanted == "SCALAR") {
        restrict_to(compiled.back());
        return {};
    }
    const auto found = std::find_if(compiled.begin(), compiled.end(), [&](std::int64_t target) {
        return wanted == hwy::TargetName(target);
    });
    if (found == compiled.end() || !runs_here(*found)) {
        return fail(unknown_target(name, found != compiled.end()));
    }
    restrict_to(*found);
    return {};
}

}  // namespace abikit::simd
#endif  // HWY_ONCE

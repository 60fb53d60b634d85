// Which instruction sets the kernels were compiled for, which the machine has, and the one in use.
// The choice itself lives inside the Highway library, one for the process. Read
// kernels/distance_f32.cpp next for a kernel that follows it.
#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <abi/simd/targets.hpp>

#include "extensions.hpp"

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

// One row of the list: a target of Highway, and for AVX3 what it has on top.
struct Choice {
    std::int64_t bit = 0;
    Avx512Level level = Avx512Level::kBase;
};

std::string name_of(const Choice& choice) {
    switch (choice.level) {
        case Avx512Level::kZen4:
            return "AVX3_ZEN4";
        case Avx512Level::kDl:
            return "AVX3_DL";
        case Avx512Level::kBase:
            break;
    }
    return hwy::TargetName(choice.bit);
}

#if HWY_ARCH_X86 && HWY_MAJOR == 1 && HWY_MINOR == 0 && HWY_PATCH <= 3
constexpr std::int64_t kExtended = HWY_AVX3;

Avx512Level machine_level() {
    if ((machine_targets() & HWY_AVX3) == 0 || __builtin_cpu_supports("avx512vnni") == 0 ||
        __builtin_cpu_supports("avx512vbmi") == 0 || __builtin_cpu_supports("avx512vbmi2") == 0 ||
        __builtin_cpu_supports("avx512bitalg") == 0 ||
        __builtin_cpu_supports("avx512vpopcntdq") == 0) {
        return Avx512Level::kBase;
    }
    return __builtin_cpu_supports("avx512bf16") != 0 ? Avx512Level::kZen4 : Avx512Level::kDl;
}
#else
constexpr std::int64_t kExtended = 0;

Avx512Level machine_level() {
    return Avx512Level::kBase;
}
#endif

// The compiled targets, best first; a lower bit is a better target.
std::vector<Choice> compiled_targets() {
    std::vector<Choice> choices;
    for (std::int64_t rest = HWY_TARGETS; rest != 0; rest &= rest - 1) {
        const std::int64_t bit = rest & -rest;
        if (bit == kExtended) {
            choices.push_back({bit, Avx512Level::kZen4});
            choices.push_back({bit, Avx512Level::kDl});
        }
        choices.push_back({bit, Avx512Level::kBase});
    }
    return choices;
}

// Scalar code runs everywhere, though the processor query does not always list it.
bool runs_here(const Choice& choice) {
    constexpr std::int64_t kEverywhere = HWY_SCALAR | HWY_EMU128 | HWY_STATIC_TARGET;
    return (choice.bit & (machine_targets() | kEverywhere)) != 0 && choice.level <= machine_level();
}

// The level that runs now, as an integer; negative until it is asked for or forced.
std::atomic<int>& level_in_use() {
    static std::atomic<int> level{-1};
    return level;
}

// Highway's own two steps: restrict what counts as supported, then choose anew. Zero lifts it.
void restrict_to(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

void choose(const Choice& choice) {
    restrict_to(choice.bit);
    level_in_use().store(static_cast<int>(choice.level), std::memory_order_relaxed);
}

void choose_best() {
    restrict_to(0);
    level_in_use().store(-1, std::memory_order_relaxed);
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
    for (const Choice& choice : compiled_targets()) {
        if (runs_here(choice)) {
            hint += ", " + name_of(choice);
        }
    }
    return Error(Code::kInvalidArgument, std::move(message)).with_hint(std::move(hint));
}

Choice choice_in_use() {
    return {HWY_DYNAMIC_DISPATCH(this_target)(), avx512_level()};
}

}  // namespace

Avx512Level avx512_level() noexcept {
    const int level = level_in_use().load(std::memory_order_relaxed);
    if (HWY_LIKELY(level >= 0)) {
        return static_cast<Avx512Level>(level);
    }
    const bool extended = HWY_DYNAMIC_DISPATCH(this_target)() == kExtended;
    const Avx512Level best = extended ? machine_level() : Avx512Level::kBase;
    level_in_use().store(static_cast<int>(best), std::memory_order_relaxed);
    return best;
}

std::vector<TargetInfo> targets() {
    const Choice chosen = choice_in_use();
    std::vector<TargetInfo> infos;
    for (const Choice& choice : compiled_targets()) {
        infos.push_back({.name = name_of(choice),
                         .supported = runs_here(choice),
                         .chosen = choice.bit == chosen.bit && choice.level == chosen.level});
    }
    return infos;
}

std::string chosen_target() {
    return name_of(choice_in_use());
}

Status force_target(std::string_view name) {
    static_cast<void>(machine_targets());  // before the first restriction
    const std::string wanted = upper_case(name);
    if (wanted == "AUTO") {
        choose_best();
        return {};
    }
    const std::vector<Choice> compiled = compiled_targets();
    if (wanted == "NONE" || wanted == "SCALAR") {
        choose(compiled.back());
        return {};
    }
    const auto found = std::find_if(compiled.begin(), compiled.end(), [&](const Choice& choice) {
        return wanted == name_of(choice);
    });
    if (found == compiled.end() || !runs_here(*found)) {
        return fail(unknown_target(name, found != compiled.end()));
    }
    choose(*found);
    return {};
}

}  // namespace abikit::simd
#endif  // HWY_ONCE

// `abi bench`: measures the benchmarks of a suite, or verifies what they measure.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include <abi/simd/targets.hpp>

#include "../../suites/pattern.hpp"
#include "../suggest.hpp"
#include "../toolkit.hpp"
#include "all.hpp"
#include "bench_common.hpp"
#include "build_info.h"

namespace abikit::cli {
namespace {

// Names that a user may have meant: suites, groups and kernels.
std::vector<std::string> known_names() {
    std::vector<std::string> names = {"simd"};
    const auto add = [&](const std::string& name) {
        const std::string group = name.substr(0, name.find('/', name.find('/') + 1));
        for (const std::string& some : {group, name}) {
            if (std::ranges::find(names, some) == names.end()) {
                names.push_back(some);
            }
        }
    };
    for (const suites::KernelBenchmark& row : suites::simd_benchmarks()) {
        add(suites::kernel_name(row));
    }
    for (const suites::KernelCheck& check : suites::simd_checks()) {
        add(suites::kernel_name(check));
    }
    return names;
}

Error unknown_pattern(const std::string& pattern) {
    Error error(Code::kInvalidArgument, fmt::format("no benchmark is named '{}'", pattern));
    const std::string near = nearest(pattern, known_names());
    return std::move(error).with_hint(near.empty() ? "'abi bench list' shows their names"
                                                   : fmt::format("did you mean '{}'?", near));
}

// Appends what matches, once and in the order of `all`.
template <class Item, class Name>
std::vector<Item> matching(std::vector<Item> all, std::span<const std::string> patterns,
                           Name name) {
    std::erase_if(all, [&](const Item& item) {
        return !patterns.empty() && std::ranges::none_of(patterns, [&](const std::string& pattern) {
            return suites::matches_pattern(pattern, name(item));
        });
    });
    return all;
}

std::string name_of_check(const suites::KernelCheck& check) {
    return suites::kernel_name(check);
}

suites::SimdRunOptions run_options(const Invocation& invocation) {
    suites::SimdRunOptions options;
    options.kernel = {.min_sample_seconds = invocation.number("min-time"),
                      .samples = static_cast<unsigned>(invocation.integer("samples")),
                      .max_seconds = invocation.number("max-time")};
    if (invocation.flag("quick")) {
        const bench::RunOptions quick{.min_sample_seconds = 0.0005,
                                      .warmup_seconds = 0.001,
                                      .samples = 5,
                                      .max_seconds = 0.02};
        options.kernel.warmup_seconds = quick.warmup_seconds;
        options.kernel.min_sample_seconds = invocation.has("min-time")
                                                ? options.kernel.min_sample_seconds
                                                : quick.min_sample_seconds;
        options.kernel.samples = invocation.has("samples") ? options.kernel.samples : quick.samples;
        options.kernel.max_seconds =
            invocation.has("max-time") ? options.kernel.max_seconds : quick.max_seconds;
        options.scalar = {.min_sample_seconds = 0.0,
                          .warmup_seconds = 0.0,
                          .samples = 1,
                          .max_seconds = quick.max_seconds};
        options.max_scalar_seconds = 0.1;
    }
    return options;
}

Result<Outcome> run_benchmarks(Invocation& invocation, BenchSelection selection) {
    if (selection.rows.empty()) {
        return fail(Code::kInconclusive, "nothing was measured: no benchmark was chosen",
                    "what was named has checks only; try --check");
    }
    if (invocation.flag("quick")) {
        selection.rows = suites::smallest_rows(selection.rows);
    }
    ABI_TRY(bench::Run run, suites::run_simd_benchmarks(selection.rows, run_options(invocation),
                                                        invocation.context()));
    run.environment.build_type = ABI_BUILD_TYPE;
    Outcome outcome;
    outcome.report = run_report(run);
    return outcome;
}

// All targets of this machine; of a forced one, that alone.
std::vector<std::string> targets_to_check(const Invocation& invocation) {
    if (!invocation.flag("simd-enabled") || invocation.text("simd") != "auto") {
        return {simd::chosen_target()};
    }
    std::vector<std::string> names;
    for (const simd::TargetInfo& target : simd::targets()) {
        if (target.supported) {
            names.push_back(target.name);
        }
    }
    return names;
}

Result<Outcome> run_checks(Invocation& invocation, const BenchSelection& selection) {
    for (const std::string_view option : {"quick", "samples", "min-time", "max-time"}) {
        if (invocation.toolkit() != nullptr &&
            invocation.toolkit()->line->find(option) != nullptr) {
            return fail(Code::kInvalidArgument,
                        fmt::format("option '--{}' does not go with '--check'", option),
                        "'--check' verifies and measures nothing");
        }
    }
    if (selection.checks.empty()) {
        return fail(Code::kInconclusive, "nothing was checked: no check was chosen",
                    "'abi bench list' shows what can be measured");
    }
    ABI_TRY(const auto results,
            suites::run_simd_checks(selection.checks, targets_to_check(invocation),
                                    invocation.context()));
    Outcome outcome;
    outcome.report = check_report(results);
    const bool failed = std::ranges::any_of(
        results, [](const suites::CheckResult& result) { return result.failures > 0; });
    outcome.exit_code = failed ? 1 : 0;
    return outcome;
}

Result<Outcome> run(Invocation& invocation) {
    ABI_TRY(BenchSelection selection, select_benchmarks(invocation.operands("SUITE")));
    return invocation.flag("check") ? run_checks(invocation, selection)
                                    : run_benchmarks(invocation, std::move(selection));
}

std::vector<OptionSpec> options() {
    return {{.name = "check",
             .type = ValueType::kFlag,
             .help = "verify the kernels on every vector target instead of measuring"},
            {.name = "quick",
             .type = ValueType::kFlag,
             .help = "the smallest size of each kernel, few and short samples"},
            {.name = "samples",
             .type = ValueType::kInteger,
             .metavar = "N",
             .help = "samples of each benchmark",
             .default_value = "11",
             .config_key = "bench.samples",
             .minimum = 1,
             .maximum = 1'000'000},
            {.name = "min-time",
             .type = ValueType::kNumber,
             .metavar = "SECONDS",
             .help = "shortest sample; calls are repeated to fill it",
             .default_value = "0.01",
             .config_key = "bench.min_time",
             .minimum = 0.0,
             .maximum = 3600.0},
            {.name = "max-time",
             .type = ValueType::kNumber,
             .metavar = "SECONDS",
             .help = "budget of each benchmark; at least one sample is taken",
             .default_value = "0.4",
             .config_key = "bench.max_time",
             .minimum = 0.0,
             .maximum = 86'400.0}};
}

}  // namespace

Result<BenchSelection> select_benchmarks(std::span<const std::string> patterns) {
    const auto rows = suites::simd_benchmarks();
    const auto checks = suites::simd_checks();
    for (const std::string& pattern : patterns) {
        const std::span<const std::string> one(&pattern, 1);
        if (matching(rows, one, suites::row_name).empty() &&
            matching(checks, one, name_of_check).empty()) {
            return fail(unknown_pattern(pattern));
        }
    }
    return BenchSelection{.rows = matching(rows, patterns, suites::row_name),
                          .checks = matching(checks, patterns, name_of_check)};
}

OperandSpec suite_operand() {
    return {.name = "SUITE",
            .help = "a suite, group, kernel or row such as simd/vector; * and ? are wildcards",
            .required = false,
            .repeatable = true};
}

CommandSpec bench_spec() {
    return {
        .path = {"bench"},
        .summary = "measure how fast this machine runs the kernels, or verify them",
        .description =
            "Runs the benchmarks of a suite, a group or a kernel (simd, simd/vector, "
            "simd/vector/dot_rows*); without one, all. Each row shows the median time of one call "
            "with its spread, bytes and operations a second, the share of the machine's own limit "
            "and the speed-up over the scalar reference. The limits - multiply-adds, reading and "
            "copying in the cache level that holds the data - are measured in the same run, on the "
            "same vector target and number of threads; a share above 100 % means that the machine "
            "was disturbed while its limit was measured.\n\n"
            "A benchmark is called until a sample lasts --min-time, --samples times, for at most "
            "--max-time. Kernels that take threads use those of --threads. --simd measures "
            "another vector target.\n\n"
            "--check compares every kernel with its reference on every vector target that this "
            "machine has (with --simd on that one) and ends with 1 when one disagrees.",
        .operands = {suite_operand()},
        .options = options(),
        .examples = {{"abi bench simd", "the whole suite, one to two minutes"},
                     {"abi bench 'simd/vector/dot_rows*' --threads 1 --format csv",
                      "one kernel on one thread, for a spreadsheet"},
                     {"abi bench simd --check", "is this machine computing correctly?"},
                     {"abi bench simd/math --simd AVX2 --quick", "a rough look at another target"}},
        .exit_notes = {"1  --check: a kernel disagrees with its reference",
                       "8  nothing was measured or checked"},
        .handler = run,
    };
}

}  // namespace abikit::cli

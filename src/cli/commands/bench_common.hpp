// What the commands of `abi bench` share: the choice of benchmarks by pattern, and the reports made
// of results.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "../../suites/simd/suite.hpp"
#include "../invocation.hpp"
#include "../spec.hpp"

namespace abikit::cli {

// What the words SUITE[/FILTER]... name, in the order of the suites.
struct BenchSelection {
    std::vector<suites::KernelBenchmark> rows;
    std::vector<suites::KernelCheck> checks;
};

// Everything for no patterns. kInvalidArgument, with the nearest name, for a pattern that names
// nothing.
Result<BenchSelection> select_benchmarks(std::span<const std::string> patterns);

// The operand of the commands.
OperandSpec suite_operand();

// "dim 96, rows 682"
std::string parameters_text(const suites::KernelBenchmark& row);

report::Report run_report(const bench::Run& run);
report::Report check_report(std::span<const suites::CheckResult> results);
report::Report list_report(std::span<const suites::KernelBenchmark> rows);

}  // namespace abikit::cli

// What --check-simd reports; `abi version` shows a part of it.
#pragma once

#include <abi/data/value.hpp>

#include "../../report/report.hpp"

namespace abikit::cli {

// {"chosen":"AVX2","targets":[{"name","supported","chosen"},...]}, best target first.
data::Value simd_value();

// The same as a report of its own: abi.check-simd/1.
report::Report simd_report();

}  // namespace abikit::cli

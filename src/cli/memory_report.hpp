// What --memory-tracking reports: a table for people, an object for programs.
#pragma once

#include <string>

#include <abi/core/memory.hpp>
#include <abi/data/value.hpp>

#include "../report/report.hpp"

namespace abikit::cli {

// The "memory" member of a JSON report. Sums exclude what the report itself holds (room `report`),
// because that is still needed when the numbers are taken; "live_at_exit" is what all other rooms
// still held after everything that served the command was taken down: leaks, and tables that are
// built once and kept.
data::Value memory_value(const MemoryUsage& usage);

// The same as a report for the console.
report::Report memory_table(const MemoryUsage& usage);

}  // namespace abikit::cli

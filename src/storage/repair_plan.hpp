// What a damaged database consisted of: its manifest, or one made of what the directory holds.
// Read repair_segment.hpp next.
#pragma once

#include <string>
#include <vector>

#include <abi/core/context.hpp>

#include "manifest.hpp"
#include "repair_findings.hpp"

namespace abikit::storage {

// A log to be read, oldest first.
struct PlannedLog {
    std::uint64_t number = 0;
    std::uint64_t salt = 0;
};

struct RepairPlan {
    Manifest manifest;  // rebuilt ones have no snapshots; lsn is where the logs go on
    std::vector<PlannedLog> logs;
    bool rebuilt = false;
};

// kCorrupt when nothing of the directory can be read.
Result<RepairPlan> plan_repair(const Context& context, const std::string& path, Findings& findings);

}  // namespace abikit::storage

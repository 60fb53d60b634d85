// The list that repair makes of what it finds. Read repair_plan.hpp next.
#pragma once

#include <utility>

#include <abi/storage/repair.hpp>

namespace abikit::storage {

// Single thread.
class Findings {
public:
    explicit Findings(RepairInfo& info) : info_(info) {}
    void add(Finding finding) {
        ++info_.findings_total;
        info_.lost_total += finding.kind == FindingKind::kLost ? 1u : 0u;
        info_.doubt_total += finding.kind == FindingKind::kDoubt ? 1u : 0u;
        if (info_.findings.size() < kMaxFindings) {
            info_.findings.push_back(std::move(finding));
        }
    }
    void add(FindingKind kind, std::string file, std::uint64_t offset, std::string what) {
        add({kind, std::move(file), offset, {}, std::nullopt, {}, std::move(what)});
    }
    RepairInfo& info() { return info_; }

private:
    RepairInfo& info_;
};

}  // namespace abikit::storage

// Everything of a damaged database that can be read, brought together: what repair writes anew.
// Read repair.cpp next.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "repair_collection.hpp"
#include "repair_plan.hpp"

namespace abikit::storage {

// One collection at one moment with what lives in it.
struct SalvagedView {
    CollectionEntry entry;  // as the manifest had it
    std::unique_ptr<SalvagedMoment> moment;
};

// Single thread.
class Salvage {
public:
    Salvage(const Context& context, const std::string& path, RepairPlan plan, Findings& findings)
        : context_(context),
          fs_(*context.fs),
          path_(path),
          plan_(std::move(plan)),
          findings_(findings) {}

    // Reads everything. Fails only where going on makes no sense: cancelled, no memory.
    Status run();

    const RepairPlan& plan() const noexcept { return plan_; }
    std::uint64_t lsn() const noexcept { return lsn_; }
    // Of the present, in the order of the manifest; then of its snapshots.
    const std::vector<SalvagedView>& present() const noexcept { return present_; }
    const std::vector<std::vector<SalvagedView>>& snapshots() const noexcept { return snapshots_; }
    SalvagedSegment& segment(std::uint64_t number) { return segments_.at(number); }
    // The state of an embedder, if it can be read.
    const std::string* embedder_state(std::uint64_t number) const;

private:
    Status read_logs();
    Status read_log(const PlannedLog& log);
    void tell_gap(const std::string& name, const LogGap& gap);
    void take_record(const std::string& name, const LogRecord& record);
    bool take_part(std::uint32_t collection, std::uint64_t offset, std::string_view bytes);
    CollectionEntry* collection_for(std::uint32_t id, VectorShape shape);
    bool rows_are_allowed(const DecodedBatch& batch);

    std::vector<CollectionEntry*> all_entries();
    Status open_segment(const CollectionEntry& collection, const SegmentEntry& entry);
    void read_deletes_of(const CollectionEntry& collection, const SegmentEntry& entry);
    void read_embedder_of(const CollectionEntry& collection);
    Status read_rows(const CollectionEntry& collection, const SegmentEntry& entry);
    Result<SalvagedView> make_view(const CollectionEntry& entry, bool with_log);
    void tell_doubts(const SalvagedView& view);

    const Context& context_;
    FileSystem& fs_;
    const std::string& path_;
    RepairPlan plan_;
    Findings& findings_;
    std::uint64_t lsn_ = 0;

    std::vector<ScannedLog> logs_;  // what the parts point into
    std::map<std::uint32_t, std::vector<std::unique_ptr<LogPart>>> parts_;  // by collection
    std::map<std::uint32_t, std::set<std::string>> log_ids_;                // spoken about there
    std::map<std::uint64_t, SalvagedSegment> segments_;
    std::map<std::uint64_t, BitmapPtr> deletes_;  // null: unreadable
    std::map<std::uint64_t, std::string> embedders_;
    std::set<std::uint64_t> lost_embedders_;
    std::vector<SalvagedView> present_;
    std::vector<std::vector<SalvagedView>> snapshots_;
};

}  // namespace abikit::storage

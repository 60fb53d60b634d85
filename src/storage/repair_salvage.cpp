// Logs first, since they say which rows of the segments are replaced; then deletes, segments and
// embedders; then which rows live.
#include "repair_salvage.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>

#include "database_impl.hpp"

namespace abikit::storage {

namespace {
constexpr std::uint64_t kCancelEvery = 1024;  // rows

std::string count_of(std::uint64_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}
}  // namespace

Status Salvage::run() {
    ABI_CHECK(read_logs());
    for (const CollectionEntry* const collection : all_entries()) {
        for (const SegmentEntry& entry : collection->segments) {
            ABI_CHECK(open_segment(*collection, entry));
            read_deletes_of(*collection, entry);
        }
        read_embedder_of(*collection);
    }
    std::set<std::uint64_t> done;
    for (const CollectionEntry* const collection : all_entries()) {
        for (const SegmentEntry& entry : collection->segments) {
            if (done.insert(entry.number).second) {
                ABI_CHECK(read_rows(*collection, entry));
            }
        }
    }
    for (const CollectionEntry& entry : plan_.manifest.collections) {
        ABI_TRY(SalvagedView view, make_view(entry, true));
        present_.push_back(std::move(view));
    }
    for (const SnapshotEntry& snapshot : plan_.manifest.snapshots) {
        auto& views = snapshots_.emplace_back();
        for (const CollectionEntry& entry : snapshot.collections) {
            ABI_TRY(SalvagedView view, make_view(entry, false));
            views.push_back(std::move(view));
        }
    }
    for (const SalvagedView& view : present_) {
        tell_doubts(view);
    }
    return {};
}

const std::string* Salvage::embedder_state(std::uint64_t number) const {
    const auto found = embedders_.find(number);
    return found == embedders_.end() ? nullptr : &found->second;
}

std::vector<CollectionEntry*> Salvage::all_entries() {
    std::vector<CollectionEntry*> entries;
    for (CollectionEntry& entry : plan_.manifest.collections) {
        entries.push_back(&entry);
    }
    for (SnapshotEntry& snapshot : plan_.manifest.snapshots) {
        for (CollectionEntry& entry : snapshot.collections) {
            entries.push_back(&entry);
        }
    }
    return entries;
}

Status Salvage::read_logs() {
    lsn_ = plan_.manifest.lsn;
    for (const PlannedLog& log : plan_.logs) {
        ABI_CHECK(read_log(log));
    }
    return {};
}

Status Salvage::read_log(const PlannedLog& log) {
    const std::string name = log_name(log.number);
    auto scanned = scan_log(context_, join_path(path_, name),
                            {plan_.manifest.uuid, log.number, log.salt}, lsn_);
    if (!scanned) {
        if (scanned.error().code() == Code::kCancelled || scanned.error().code() == Code::kLimit) {
            return fail(std::move(scanned).error());
        }
        findings_.add(FindingKind::kLost, name, 0,
                      fmt::format("commits after number {} cannot be read: {}", lsn_,
                                  scanned.error().describe()));
        return {};
    }
    if (!scanned->header_intact) {
        findings_.add(FindingKind::kMade, name, 0, "its header is damaged");
    }
    for (const LogGap& gap : scanned->gaps) {
        tell_gap(name, gap);
    }
    for (const LogRecord& record : scanned->records) {
        ABI_CHECK(context_.cancel.check());
        take_record(name, record);
        lsn_ = record.lsn;
    }
    logs_.push_back(std::move(*scanned));
    return {};
}

void Salvage::tell_gap(const std::string& name, const LogGap& gap) {
    if (gap.lsn_after == 0 && gap.was_durable) {
        findings_.add(
            FindingKind::kLost, name, gap.begin,
            fmt::format("commits after number {} are damaged or cut off; rows are as they "
                        "were before",
                        gap.lsn_before));
        return;
    }
    if (gap.lsn_after == 0) {
        findings_.add(FindingKind::kDoubt, name, gap.begin,
                      fmt::format("{} at the end hold no whole commit: one that was cut off before "
                                  "it was acknowledged, or a damaged one",
                                  count_of(gap.end - gap.begin, "byte")));
        return;
    }
    const std::uint64_t missing = gap.lsn_after - gap.lsn_before - 1;
    if (missing == 0) {
        findings_.add(FindingKind::kMade, name, gap.begin, "damage between two commits");
        return;
    }
    const std::string which =
        missing == 1 ? fmt::format("commit {}", gap.lsn_before + 1)
                     : fmt::format("commits {} to {}", gap.lsn_before + 1, gap.lsn_after - 1);
    findings_.info().commits_lost += missing;
    findings_.add(gap.was_durable ? FindingKind::kLost : FindingKind::kDoubt, name, gap.begin,
                  gap.was_durable
                      ? fmt::format("{} cannot be read; rows are as they were before", which)
                      : fmt::format("{} cannot be read, and perhaps never was acknowledged; those "
                                    "behind are kept",
                                    which));
}

void Salvage::take_record(const std::string& name, const LogRecord& record) {
    const auto visit = [&](std::uint32_t collection, std::string_view bytes) {
        return take_part(collection, record.offset, bytes);
    };
    const auto type = static_cast<RecordType>(record.type);
    const bool sound = type == RecordType::kParts   ? decode_parts(record.payload, visit)
                       : type == RecordType::kBatch ? visit(1, record.payload)
                                                    : false;
    if (!sound) {
        ++findings_.info().commits_lost;
        findings_.add(FindingKind::kLost, name, record.offset,
                      fmt::format("commit {} has an impossible content", record.lsn));
    }
}

bool Salvage::take_part(std::uint32_t id, std::uint64_t offset, std::string_view bytes) {
    auto part = std::make_unique<LogPart>();
    part->offset = offset;
    DecodedBatch& batch = part->batch;
    if (!decode_batch(bytes, batch) || !rows_are_allowed(batch)) {
        return false;
    }
    CollectionEntry* const collection = collection_for(id, batch.shape);
    if (collection == nullptr || (batch.rows != 0 && batch.shape != collection->shape)) {
        return false;
    }
    std::set<std::string>& ids = log_ids_[collection->id];
    for (std::size_t i = 0; i < batch.deletes.size(); ++i) {
        ids.emplace(batch.deletes[i]);
    }
    for (std::size_t i = 0; i < batch.rows; ++i) {
        ids.emplace(batch.ids[i]);
    }
    parts_[collection->id].push_back(std::move(part));
    return true;
}

bool Salvage::rows_are_allowed(const DecodedBatch& batch) {
    std::vector<float> scratch;
    const std::size_t stride = batch.shape.row_bytes();
    for (std::size_t row = 0; row < batch.rows; ++row) {
        if (!row_is_allowed(
                batch.shape,
                {std::string(batch.ids[row]), batch.vectors.subspan(row * stride, stride),
                 batch.texts[row], batch.metadata[row]},
                scratch)) {
            return false;
        }
    }
    return true;
}

// By its number; in a rebuilt manifest numbers may be unknown, and shapes decide.
CollectionEntry* Salvage::collection_for(std::uint32_t id, VectorShape shape) {
    auto& collections = plan_.manifest.collections;
    const auto found = std::find_if(collections.begin(), collections.end(),
                                    [id](const auto& entry) { return entry.id == id; });
    if (!plan_.rebuilt) {
        return found == collections.end() ? nullptr : &*found;
    }
    if (found != collections.end() && (shape.dimension == 0 || found->shape == shape)) {
        return &*found;
    }
    if (shape.dimension == 0) {
        return nullptr;
    }
    CollectionEntry entry;
    entry.id = id;
    if (found != collections.end()) {
        entry.id = 1;
        for (const CollectionEntry& other : collections) {
            entry.id = std::max(entry.id, other.id + 1);
        }
    }
    entry.name =
        entry.id == 1 ? std::string(kDefaultCollection) : fmt::format("collection-{}", entry.id);
    entry.shape = shape;
    entry.metric = shape.element == ElementType::kBits ? Metric::kHamming : Metric::kCosine;
    findings_.add({FindingKind::kDoubt,
                   std::string(kManifestName),
                   0,
                   entry.name,
                   std::nullopt,
                   {},
                   fmt::format("no segment of this collection can be read: metric {} is a guess",
                               metric_name(entry.metric))});
    collections.push_back(std::move(entry));
    return &collections.back();
}

Status Salvage::open_segment(const CollectionEntry& collection, const SegmentEntry& entry) {
    if (segments_.contains(entry.number)) {
        return {};
    }
    SalvagedSegment& salvaged = segments_[entry.number];
    auto opened =
        DamagedSegment::open(context_, path_, owner_of(plan_.manifest, collection), entry);
    if (!opened) {
        if (opened.error().code() == Code::kCancelled || opened.error().code() == Code::kLimit) {
            return fail(std::move(opened).error());
        }
        const std::uint64_t rows = entry.rows - std::min(entry.rows, entry.deleted_rows);
        findings_.info().rows_lost += rows;
        findings_.add({FindingKind::kLost,
                       segment_name(entry.number),
                       corruption_offset(opened.error()),
                       collection.name,
                       rows,
                       {},
                       opened.error().message()});
        return {};
    }
    salvaged.segment = *std::move(opened);
    if (salvaged.segment->header_damaged()) {
        findings_.add(FindingKind::kMade, segment_name(entry.number), 0,
                      "its header is damaged: the copy at its end took its place");
    }
    salvaged.wanted = Bitmap(salvaged.segment->rows());
    salvaged.readable = Bitmap(salvaged.segment->rows());
    return {};
}

void Salvage::read_deletes_of(const CollectionEntry& collection, const SegmentEntry& entry) {
    SalvagedSegment& salvaged = segments_.at(entry.number);
    BitmapPtr deleted;
    if (entry.deletes_number != 0) {
        const auto [place, fresh] = deletes_.emplace(entry.deletes_number, nullptr);
        if (fresh) {
            auto read = read_deletes(fs_, path_, plan_.manifest.uuid, entry);
            if (read) {
                place->second = std::make_shared<const Bitmap>(*std::move(read));
            } else if (salvaged.segment != nullptr) {
                findings_.add(
                    {FindingKind::kDoubt,
                     deletes_name(entry.deletes_number),
                     corruption_offset(read.error()),
                     collection.name,
                     std::nullopt,
                     {},
                     fmt::format("{}: which {} of '{}' were deleted is unknown, they may be back",
                                 read.error().message(), count_of(entry.deleted_rows, "row"),
                                 segment_name(entry.number))});
            }
        }
        deleted = place->second;
    }
    const std::uint64_t rows = salvaged.segment == nullptr ? 0 : salvaged.segment->rows();
    for (std::uint64_t row = 0; row < rows; ++row) {
        if (deleted == nullptr || !deleted->test(row)) {
            salvaged.wanted.set(row);
        }
    }
}

void Salvage::read_embedder_of(const CollectionEntry& collection) {
    const std::uint64_t number = collection.embedder_number;
    if (number == 0 || embedders_.contains(number) || lost_embedders_.contains(number)) {
        return;
    }
    const std::string name = embedder_name(number);
    auto state = fs_.read_file(join_path(path_, name));
    if (state && crc32c(as_bytes(*state)) == collection.embedder_crc &&
        make_embedder(collection.embedder_kind, collection.shape.dimension, *state)) {
        embedders_[number] = *std::move(state);
        return;
    }
    lost_embedders_.insert(number);
    findings_.add({FindingKind::kLost,
                   name,
                   0,
                   collection.name,
                   std::nullopt,
                   {},
                   fmt::format("what the embedder had learned{}; 'abi db optimize' teaches it "
                               "again and embeds every text anew",
                               state ? "" : ": " + state.error().describe())});
}

// Each wanted row by itself; what one bad block took is one finding.
Status Salvage::read_rows(const CollectionEntry& collection, const SegmentEntry& entry) {
    SalvagedSegment& salvaged = segments_.at(entry.number);
    if (salvaged.segment == nullptr) {
        return {};
    }
    DamagedSegment& segment = *salvaged.segment;
    const bool alone = plan_.manifest.snapshots.empty();  // nobody else wants replaced rows
    const auto& spoken = log_ids_[collection.id];
    std::map<std::uint64_t, Finding> lost;  // by the offset of the block
    for (std::uint64_t row = 0; row < segment.rows(); ++row) {
        if (row % kCancelEvery == 0) {
            ABI_CHECK(context_.cancel.check());
        }
        if (!salvaged.wanted.test(row)) {
            continue;
        }
        const auto found = segment.read(row);
        if (found) {
            salvaged.readable.set(row);
            continue;
        }
        auto id = segment.id(row);
        if (id && alone && spoken.contains(*id)) {
            continue;  // the log replaced or deleted it
        }
        Finding& finding = lost[found.error().offset];
        finding.what = found.error().what;
        finding.rows = finding.rows.value_or(0) + 1;
        if (id && finding.ids.size() < kMaxFindingIds) {
            finding.ids.push_back(*std::move(id));
        }
    }
    const std::string name = segment_name(entry.number);
    for (auto& [offset, finding] : lost) {
        finding.kind = FindingKind::kLost;
        finding.file = name;
        finding.offset = offset;
        finding.collection = collection.name;
        findings_.info().rows_lost += *finding.rows;
        findings_.add(std::move(finding));
    }
    if (const std::uint64_t bad = segment.bad_derived_blocks(); bad != 0) {
        findings_.add({FindingKind::kMade,
                       name,
                       0,
                       collection.name,
                       std::nullopt,
                       {},
                       fmt::format("{} of what is derived from the rows", count_of(bad, "block"))});
    }
    return {};
}

Result<SalvagedView> Salvage::make_view(const CollectionEntry& entry, bool with_log) {
    std::vector<SalvagedSegment*> segments;
    std::vector<BitmapPtr> deleted;
    for (const SegmentEntry& segment : entry.segments) {
        segments.push_back(&segments_.at(segment.number));
        deleted.push_back(segment.deletes_number == 0 ? nullptr
                                                      : deletes_.at(segment.deletes_number));
    }
    std::vector<const LogPart*> parts;
    if (with_log) {
        for (const auto& part : parts_[entry.id]) {
            parts.push_back(part.get());
        }
    }
    SalvagedView view{entry, nullptr};
    view.moment =
        std::make_unique<SalvagedMoment>(std::move(segments), std::move(deleted), std::move(parts));
    ABI_CHECK(view.moment->resolve(context_));
    return view;
}

// How many rows may be back that were deleted: those of unreadable deletes, but for the ones that a
// newer row of their id replaced.
void Salvage::tell_doubts(const SalvagedView& view) {
    for (std::size_t i = 0; i < view.entry.segments.size(); ++i) {
        const SegmentEntry& entry = view.entry.segments[i];
        if (entry.deletes_number == 0 || deletes_.at(entry.deletes_number) != nullptr) {
            continue;
        }
        const std::uint64_t live = view.moment->live_of_segments()[i].count();
        const std::uint64_t replaced = view.moment->replaced_in(i);
        findings_.info().rows_doubt +=
            std::min(live, entry.deleted_rows - std::min(entry.deleted_rows, replaced));
    }
}

}  // namespace abikit::storage

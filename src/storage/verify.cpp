// Verify: every checksum of every file, then every cross-reference of every row. Changes nothing,
// stops at nothing.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include <abi/core/memory.hpp>
#include <abi/simd/distance.hpp>
#include <abi/storage/database.hpp>
#include <abi/text/utf8.hpp>

#include "database_impl.hpp"
#include "filter/columns.hpp"
#include "fulltext/text_index.hpp"
#include "norms.hpp"

namespace abikit::storage {

namespace {
constexpr std::size_t kBlocksPerTask = 64;
constexpr std::uint64_t kRowsPerTask = 4096;
constexpr int kAttempts = 20;

class Verifier {
public:
    Verifier(const Context& context, const std::string& path) : context_(context), path_(path) {}

    Result<VerifyInfo> run() {
        auto manifest = read_manifest(*context_.fs, path_);
        if (!manifest) {
            if (manifest.error().code() != Code::kCorrupt || !has_manifest()) {
                return fail(std::move(manifest).error());
            }
            ABI_CHECK(note(std::string(kManifestName), std::move(manifest).error()));
            return std::move(info_);
        }
        manifest_ = *std::move(manifest);
        // Without one, a purge shows as faults of an older generation: then all is checked again.
        const auto pin = pin_generation(*context_.fs, path_, manifest_.generation);
        ++info_.files;
        ABI_CHECK(list_files());
        ABI_CHECK(check_collections(manifest_.collections));
        for (const SnapshotEntry& snapshot : manifest_.snapshots) {
            ABI_CHECK(check_collections(snapshot.collections));
        }
        ABI_CHECK(check_log());
        if (info_.faults_total == 0) {
            ABI_CHECK(check_rows({}));
        }
        for (std::size_t i = 0; info_.faults_total == 0 && i < manifest_.snapshots.size(); ++i) {
            ABI_CHECK(check_rows(manifest_.snapshots[i].name));
        }
        return std::move(info_);
    }
    std::uint64_t generation() const { return manifest_.generation; }

private:
    bool has_manifest() {
        const auto info = context_.fs->stat(join_path(path_, kManifestName));
        return info && info->has_value();
    }
    void add(const std::string& file, std::uint64_t offset, std::string what) {
        const std::scoped_lock lock(mutex_);
        ++info_.faults_total;
        if (info_.faults.size() < kMaxFaults) {
            info_.faults.push_back({file, offset, std::move(what)});
        }
    }
    // Damage is noted; what kept the check from looking, such as a read that failed or memory that
    // ran out, is no fault of the file and ends it.
    Status note(const std::string& file, Error error) {
        switch (error.code()) {
            case Code::kIo:
            case Code::kNoSpace:
            case Code::kLimit:
            case Code::kLocked:
            case Code::kCancelled:
            case Code::kInternal:
                return fail(std::move(error));
            default:
                add(file, corruption_offset(error), error.describe());
                return {};
        }
    }

    template <class Body>
    Status in_parallel(std::size_t count, std::size_t grain, Body body) {
        const auto step = [&](std::size_t first, std::size_t last) {
            if (!context_.cancel.cancelled()) {
                body(first, last);
            }
        };
        if (context_.pool != nullptr) {
            context_.pool->parallel_for(0, count, grain, step);
        } else {
            for (std::size_t at = 0; at < count; at += grain) {
                step(at, std::min(count, at + grain));
            }
        }
        return context_.cancel.check();
    }

    Status list_files() {
        ABI_TRY(const auto entries, context_.fs->list(path_));
        for (const DirectoryEntry& entry : entries) {
            if (parse_file_name(entry.name).role == FileRole::kForeign) {
                info_.foreign.push_back(entry.name);
            }
        }
        return {};
    }

    // What a named snapshot shares with the present is checked once.
    bool first_time(std::string file) { return seen_.insert(std::move(file)).second; }

    Status check_collections(const std::vector<CollectionEntry>& collections) {
        for (const CollectionEntry& collection : collections) {
            for (const SegmentEntry& entry : collection.segments) {
                ABI_CHECK(check_deletes(entry));
                ABI_CHECK(check_segment(collection, entry));
            }
            ABI_CHECK(check_embedder(collection));
        }
        return {};
    }

    // An index is derived, but a damaged one is worth knowing of: it makes every query slow.
    Status check_index(const Segment& segment) {
        SegmentIndex& index = segment.index();
        if (!index.exists()) {
            return {};
        }
        ++info_.files;
        auto audit = index.check();
        if (!audit) {
            return note(std::string(file_name(index.path())), std::move(audit).error());
        }
        info_.indexed_rows += audit->rows;
        info_.unreachable_rows += audit->unreachable;
        return {};
    }

    Status check_deletes(const SegmentEntry& entry) {
        const std::string name = deletes_name(entry.deletes_number);
        if (entry.deletes_number == 0 || !first_time(name)) {
            return {};
        }
        ++info_.files;
        auto deleted = read_deletes(*context_.fs, path_, manifest_.uuid, entry);
        return deleted ? Status() : note(name, std::move(deleted).error());
    }

    Status check_segment(const CollectionEntry& collection, const SegmentEntry& entry) {
        const std::string name = segment_name(entry.number);
        if (!first_time(name)) {
            return {};
        }
        ++info_.files;
        info_.bytes += entry.size_bytes;
        auto opened = Segment::open(*context_.fs, path_, owner_of(manifest_, collection), entry);
        if (!opened) {
            return note(name, std::move(opened).error());
        }
        if (Status headers = (*opened)->check_headers(); !headers) {
            ABI_CHECK(note(name, std::move(headers).error()));
        }
        const std::uint64_t before = info_.faults_total;
        for (const Section& section : (*opened)->header().sections) {
            ABI_CHECK(check_section(**opened, section, name));
        }
        if (info_.faults_total == before) {  // its blocks are whole: do they make sense?
            ABI_CHECK(check_columns(**opened, name));
            ABI_CHECK(check_text_index(**opened, name));
        }
        return check_index(**opened);
    }
    Status check_columns(const Segment& segment, const std::string& name) {
        auto columns = SegmentColumns::open(segment);
        Status status = columns ? Status() : fail(std::move(columns).error());
        if (status && *columns) {
            status = (*columns)->check();
        }
        return status ? Status() : note(name, std::move(status).error());
    }
    // One of another version is no fault.
    Status check_text_index(const Segment& segment, const std::string& name) {
        if (segment.section_bytes(SectionKind::kFullText) == 0) {
            return {};
        }
        const auto index = fulltext::TextIndex::open(fulltext::IndexBytes(segment), segment.rows());
        Status status = index ? (*index)->audit() : fail(index.error().clone());
        return status || status.error().code() == Code::kIncompatible
                   ? Status()
                   : note(name, std::move(status).error());
    }
    Status check_section(const Segment& segment, const Section& section, const std::string& name) {
        info_.checksums += section.blocks();
        return in_parallel(
            section.blocks(), kBlocksPerTask, [&](std::size_t first, std::size_t last) {
                for (std::size_t block = first; block < last; ++block) {
                    if (!segment.block_intact(section, block)) {
                        add(name, section.offset + (std::uint64_t{block} << section.block_shift),
                            "the data do not match their checksum");
                    }
                }
            });
    }

    Status check_embedder(const CollectionEntry& collection) {
        const std::string name = embedder_name(collection.embedder_number);
        if (collection.embedder_number == 0 || !first_time(name)) {
            return {};
        }
        ++info_.files;
        auto embedder = read_embedder(*context_.fs, path_, collection);
        return embedder ? Status() : note(name, std::move(embedder).error());
    }

    Status check_log() {
        const std::string name = log_name(manifest_.log_number);
        ++info_.files;
        auto reader = LogReader::open(*context_.fs, join_path(path_, name),
                                      {manifest_.uuid, manifest_.log_number, manifest_.log_salt});
        if (!reader) {
            return note(name, std::move(reader).error());
        }
        while (true) {
            ABI_CHECK(context_.cancel.check());
            auto record = reader->next();
            if (!record) {
                return note(name, std::move(record).error());
            }
            if (!record->has_value()) {
                break;
            }
            info_.log_replayed = true;
            ++info_.checksums;
        }
        info_.bytes += reader->end();
        return {};
    }

    // Everything reads: now each row must make sense, and be found under its id. "" is the present.
    Status check_rows(const std::string& snapshot_name) {
        auto impl = Database::Impl::open(context_, path_, AccessMode::kRead,
                                         {{.snapshot = snapshot_name}, false});
        if (!impl) {
            return note(std::string(kManifestName), std::move(impl).error());
        }
        const auto state = (*impl)->state();
        for (const auto& collection : state->collections) {
            ABI_CHECK(check_rows_of(*collection, snapshot_name.empty()));
        }
        return {};
    }

    Status check_rows_of(const State& state, bool present) {
        const std::vector<Run> runs = runs_of(state, kRowsPerTask);
        info_.rows += present ? state.rows() : 0;
        return in_parallel(runs.size(), 1, [&](std::size_t first, std::size_t last) {
            std::vector<float> scratch;
            for (std::size_t i = first; i < last; ++i) {
                check_run(state, runs[i], scratch);
            }
        });
    }

    void check_run(const State& state, const Run& run, std::vector<float>& scratch) {
        for (std::uint64_t i = 0; i < run.count; ++i) {
            if (run.deleted != nullptr && run.deleted->test(run.deleted_bit + i)) {
                continue;
            }
            const RowNumber row = run.number + i;
            if (const Status status = check_row(state, row, scratch); !status) {
                add(std::string(kManifestName), 0,
                    fmt::format("row {} of collection '{}': {}", row, state.collection->name,
                                status.error().describe()));
            }
        }
    }

    static Status check_row(const State& state, RowNumber row, std::vector<float>& scratch) {
        ABI_TRY(const std::string id, state.id(row));
        ABI_TRY(const auto vector, state.vector(row));
        ABI_TRY(const auto text, state.text(row));
        ABI_TRY(const auto metadata, state.metadata(row));
        ABI_TRY(const auto found, state.find(id));
        if (found != row) {
            return fail(Code::kCorrupt, fmt::format("id '{}' leads elsewhere", id));
        }
        if (first_non_finite(state.shape(), vector.data(), 1, scratch)) {
            return fail(Code::kCorrupt, "its vector holds NaN or infinity");
        }
        if (id.empty() || !text::utf8_valid(id) || !text::utf8_valid(text.value_or("")) ||
            !text::utf8_valid(metadata.value_or(""))) {
            return fail(Code::kCorrupt, "its id, text or metadata are not valid UTF-8");
        }
        return {};
    }

    const Context& context_;
    const std::string& path_;
    Manifest manifest_;
    std::set<std::string> seen_;
    VerifyInfo info_;
    std::mutex mutex_;
};
}  // namespace

Result<VerifyInfo> verify(const Context& context, const std::string& path) try {
    const RoomScope room(Room::kStorage);
    const TraceSpan span(context.trace, "storage", "verify");
    for (int attempt = 1;; ++attempt) {
        Verifier verifier(context, path);
        ABI_TRY(VerifyInfo info, verifier.run());
        // A writer may have swapped files away under the check: then look again at what it left.
        const auto now = read_manifest(*context.fs, path);
        if (info.faults_total == 0 || attempt == kAttempts || !now ||
            now->generation == verifier.generation()) {
            return info;
        }
    }
} catch (...) {
    return fail(error_from_current_exception());
}

}  // namespace abikit::storage

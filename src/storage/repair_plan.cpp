// Finding out what belongs together. Without a manifest, headers tell: each is checksummed and has
// the database's UUID.
#include "repair_plan.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>
#include <abi/storage/embedder.hpp>

#include "log.hpp"
#include "segment_format.hpp"

namespace abikit::storage {

namespace {
constexpr std::string_view kTemporaryManifest = "MANIFEST.tmp";
// A segment that is cut short still tells what it was.
constexpr std::uint64_t kAnyLength = std::uint64_t{1} << 62;

struct FoundSegment {
    SegmentHeader header;
    std::uint64_t file_bytes = 0;
    std::uint32_t header_crc = 0;
};
struct FoundDeletes {
    std::uint64_t number = 0, segment = 0, deleted_rows = 0;
};
struct FoundLog {
    LogIdentity identity;
};

// What the directory holds, as far as headers can be read.
struct Inventory {
    std::vector<FoundSegment> segments;
    std::vector<FoundDeletes> deletes;
    std::vector<FoundLog> logs;
    std::vector<std::uint64_t> embedders;
    std::uint64_t last_number = 0;
    std::size_t files = 0;  // of ours, readable or not
};

Result<std::string> read_part(FileSystem& fs, const std::string& path, std::uint64_t offset,
                              std::size_t bytes) {
    ABI_TRY(const auto file, fs.open(path, OpenMode::kRead));
    std::string head(bytes, '\0');
    ABI_TRY(const std::size_t got,
            file->read_at(offset, std::as_writable_bytes(std::span(head.data(), head.size()))));
    head.resize(got);
    return head;
}

class Rebuilder {
public:
    Rebuilder(const Context& context, const std::string& path, Findings& findings)
        : fs_(*context.fs), path_(path), findings_(findings) {}

    Result<RepairPlan> run() {
        ABI_CHECK(take_stock());
        if (inventory_.segments.empty() && inventory_.logs.empty()) {
            return fail(
                Code::kCorrupt,
                inventory_.files == 0
                    ? fmt::format("'{}' is not a wdbx database: it has none of its files", path_)
                    : fmt::format("nothing of '{}' can be recovered: neither a segment "
                                  "nor a log can be read",
                                  path_),
                "give the directory of a damaged database; 'abi db restore' brings a "
                "backup back");
        }
        choose_database();
        RepairPlan plan;
        plan.rebuilt = true;
        Manifest& manifest = plan.manifest;
        manifest.uuid = uuid_;
        manifest.generation = 1;
        for (const FoundSegment& found : inventory_.segments) {
            add_segment(manifest, found);
        }
        add_logs(plan);
        ABI_CHECK(add_embedders(manifest));
        manifest.next_file = inventory_.last_number + 1;
        tell(manifest);
        return plan;
    }

private:
    Status take_stock() {
        ABI_TRY(const auto entries, fs_.list(path_));
        for (const DirectoryEntry& entry : entries) {
            const FileName name = parse_file_name(entry.name);
            if (name.role == FileRole::kForeign || name.role == FileRole::kLock) {
                continue;
            }
            ++inventory_.files;
            inventory_.last_number = std::max(inventory_.last_number, name.number);
            ABI_CHECK(look_at(entry.name, name));
        }
        std::sort(inventory_.segments.begin(), inventory_.segments.end(),
                  [](const auto& a, const auto& b) { return a.header.number < b.header.number; });
        std::sort(inventory_.logs.begin(), inventory_.logs.end(), [](const auto& a, const auto& b) {
            return a.identity.number < b.identity.number;
        });
        return {};
    }
    Status look_at(const std::string& entry, const FileName& name) {
        const std::string path = join_path(path_, entry);
        if (name.role == FileRole::kSegment) {
            return look_at_segment(path, entry, name.number);
        }
        if (name.role == FileRole::kDeletes) {
            ABI_TRY(const std::string head, read_part(fs_, path, 0, 64));
            Decoder in(head);
            if (head.size() == 64 && in.get_bytes(8) == "WDBXDEL1") {
                in.get_bytes(24);
                FoundDeletes found{name.number, in.get<std::uint64_t>(), 0};
                in.get<std::uint64_t>();
                found.deleted_rows = in.get<std::uint64_t>();
                inventory_.deletes.push_back(found);
            }
        } else if (name.role == FileRole::kLog) {
            return look_at_log(path, entry, name.number);
        } else if (name.role == FileRole::kEmbedder) {
            inventory_.embedders.push_back(name.number);
        }
        return {};
    }
    Status look_at_segment(const std::string& path, const std::string& entry,
                           std::uint64_t number) {
        ABI_TRY(std::string head, read_part(fs_, path, 0, kSegmentHeaderBytes));
        ABI_TRY(const auto info, fs_.stat(path));
        auto header = decode_segment_header(head, kAnyLength, path);
        if (!header && header.error().code() == Code::kCorrupt && info &&
            info->size_bytes >= 2 * kSegmentHeaderBytes) {
            // Which header it was that could be read is told when the rows are read.
            ABI_TRY(head, read_part(fs_, path, info->size_bytes - kSegmentHeaderBytes,
                                    kSegmentHeaderBytes));
            header = decode_segment_header(head, kAnyLength, path);
        }
        if (!header && header.error().code() == Code::kIncompatible) {
            return fail(std::move(header).error());
        }
        if (!header || header->number != number) {
            findings_.add(FindingKind::kLost, entry, 0,
                          "its header cannot be read, so its rows cannot be found");
            return {};
        }
        inventory_.segments.push_back(
            {*std::move(header), info ? info->size_bytes : 0, segment_header_crc(head)});
        return {};
    }
    Status look_at_log(const std::string& path, const std::string& entry, std::uint64_t number) {
        ABI_TRY(const std::string head, read_part(fs_, path, 0, kLogHeaderBytes));
        Decoder in(head);
        const bool ours = head.size() == kLogHeaderBytes && in.get_bytes(8) == "WDBXLOG1";
        in.get_bytes(8);
        LogIdentity identity;
        identity.uuid = in.get<Uuid>();
        identity.number = in.get<std::uint64_t>();
        identity.salt = in.get<std::uint64_t>();
        in.get_bytes(12);
        const std::uint32_t crc = crc32c(as_bytes(std::string_view(head).substr(0, in.position())));
        if (in.get<std::uint32_t>() != crc || !in.ok() || !ours || identity.number != number) {
            findings_.add(FindingKind::kLost, entry, 0,
                          "its header cannot be read, so its commits cannot be told from noise");
            return {};
        }
        inventory_.logs.push_back({identity});
        return {};
    }

    // The youngest file tells which database this is; files of another one are left out.
    void choose_database() {
        std::uint64_t youngest = 0;
        const auto consider = [&](std::uint64_t number, const Uuid& uuid) {
            if (number >= youngest) {
                youngest = number;
                uuid_ = uuid;
            }
        };
        for (const FoundSegment& found : inventory_.segments) {
            consider(found.header.number, found.header.uuid);
        }
        for (const FoundLog& found : inventory_.logs) {
            consider(found.identity.number, found.identity.uuid);
        }
        const auto foreign = [this](const Uuid& uuid, const std::string& name) {
            if (uuid != uuid_) {
                findings_.add(FindingKind::kDoubt, name, 16,
                              "it belongs to another database and is left out");
            }
            return uuid != uuid_;
        };
        std::erase_if(inventory_.segments, [&](const FoundSegment& found) {
            return foreign(found.header.uuid, segment_name(found.header.number));
        });
        std::erase_if(inventory_.logs, [&](const FoundLog& found) {
            return foreign(found.identity.uuid, log_name(found.identity.number));
        });
    }

    CollectionEntry& collection_of(Manifest& manifest, const SegmentHeader& header) {
        for (CollectionEntry& entry : manifest.collections) {
            if (entry.shape == header.shape && entry.metric == header.metric) {
                return entry;
            }
        }
        CollectionEntry& entry = manifest.collections.emplace_back();
        entry.id = static_cast<std::uint32_t>(manifest.collections.size());
        entry.name = entry.id == 1 ? "default" : fmt::format("collection-{}", entry.id);
        entry.shape = header.shape;
        entry.metric = header.metric;
        return entry;
    }
    void add_segment(Manifest& manifest, const FoundSegment& found) {
        const SegmentHeader& header = found.header;
        CollectionEntry& collection = collection_of(manifest, header);
        SegmentEntry entry;
        entry.number = header.number;
        entry.rows = header.rows;
        const std::uint64_t copy = header_copy_offset(header);
        entry.size_bytes = copy + (found.file_bytes > copy ? kSegmentHeaderBytes : 0);
        entry.header_crc = found.header_crc;
        for (const FoundDeletes& deletes : inventory_.deletes) {
            // Later files hold what earlier ones do, and more.
            if (deletes.segment == header.number && deletes.number > entry.deletes_number) {
                entry.deletes_number = deletes.number;
                entry.deleted_rows = deletes.deleted_rows;
            }
        }
        collection.segments.push_back(entry);
        manifest.lsn = std::max(manifest.lsn, header.last_lsn);
        if (manifest.created_ns == 0 || header.created_ns < manifest.created_ns) {
            manifest.created_ns = header.created_ns;
        }
    }
    void add_logs(RepairPlan& plan) {
        for (const FoundLog& found : inventory_.logs) {
            plan.logs.push_back({found.identity.number, found.identity.salt});
        }
    }

    // The kind of a state is not written in it; there is one kind.
    Status add_embedders(Manifest& manifest) {
        if (inventory_.embedders.empty()) {
            return {};
        }
        const std::uint64_t number =
            *std::max_element(inventory_.embedders.begin(), inventory_.embedders.end());
        const std::string name = embedder_name(number);
        if (manifest.collections.size() != 1) {
            findings_.add(FindingKind::kLost, name, 0,
                          "without the manifest nobody knows which collection this state of an "
                          "embedder is for");
            return {};
        }
        CollectionEntry& collection = manifest.collections.front();
        ABI_TRY(const std::string state, fs_.read_file(join_path(path_, name)));
        if (!make_embedder("hash", collection.shape.dimension, state)) {
            findings_.add(FindingKind::kLost, name, 0, "it is no state of a known embedder");
            return {};
        }
        collection.embedder_kind = "hash";
        collection.embedder_number = number;
        collection.embedder_crc = crc32c(as_bytes(state));
        findings_.add(FindingKind::kDoubt, name, 0,
                      "the checksum of this embedder's state was in the manifest: it is taken as "
                      "it is");
        return {};
    }

    void tell(const Manifest& manifest) {
        Finding finding;
        finding.kind = FindingKind::kDoubt;
        finding.file = kManifestName;
        finding.what = fmt::format(
            "rebuilt from {} segments and {} logs: named snapshots and names of collections are "
            "lost, rows that were deleted or replaced before may be back",
            inventory_.segments.size(), inventory_.logs.size());
        findings_.add(std::move(finding));
        static_cast<void>(manifest);
    }

    FileSystem& fs_;
    const std::string& path_;
    Findings& findings_;
    Inventory inventory_;
    Uuid uuid_{};
};
}  // namespace

Result<RepairPlan> plan_repair(const Context& context, const std::string& path,
                               Findings& findings) {
    FileSystem& fs = *context.fs;
    ABI_TRY(const auto directory, fs.stat(path));
    if (!directory) {
        return fail(Code::kInputMissing,
                    fmt::format("cannot open database '{}': no such file or directory", path));
    }
    for (const std::string_view name : {kManifestName, kTemporaryManifest}) {
        const std::string file = join_path(path, name);
        ABI_TRY(const auto info, fs.stat(file));
        if (!info) {
            if (name == kManifestName) {
                findings.add(FindingKind::kMade, std::string(name), 0, "it is missing");
            }
            continue;
        }
        ABI_TRY(const std::string bytes, fs.read_file(file));
        auto manifest = decode_manifest(bytes, file);
        if (manifest) {
            RepairPlan plan;
            plan.logs.push_back({manifest->log_number, manifest->log_salt});
            plan.manifest = *std::move(manifest);
            findings.info().manifest =
                name == kManifestName ? ManifestSource::kIntact : ManifestSource::kUnfinished;
            return plan;
        }
        if (manifest.error().code() == Code::kIncompatible) {
            return fail(std::move(manifest).error());
        }
        if (name == kManifestName) {
            findings.add(FindingKind::kMade, std::string(name), corruption_offset(manifest.error()),
                         manifest.error().message());
        }
    }
    findings.info().manifest = ManifestSource::kRebuilt;
    return Rebuilder(context, path, findings).run();
}

}  // namespace abikit::storage

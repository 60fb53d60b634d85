// What a disk holds while a MemoryFileSystem runs: the durable state, and the operations behind it
// that no sync has covered yet. Fed with the log's records; asked for what a power cut leaves.
// Private to core; read fs_memory_state.hpp next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <abi/core/fs_memory.hpp>

namespace abikit::memfs {

using NodeId = std::uint64_t;  // of a file or directory; never used twice
using Bytes = std::vector<std::byte>;
using Names = std::map<std::string, NodeId>;

constexpr NodeId kRoot = 1;

// A whole tree, without what is in flight.
struct Image {
    std::map<NodeId, Names> directories = {{kRoot, {}}};
    std::map<NodeId, Bytes> files;
    NodeId next_id = kRoot + 1;
};

// One name coming (linked) or going.
struct NameChange {
    NodeId directory = 0;
    std::string name;
    NodeId node = 0;
    bool linked = false;
};

enum class Effect { kNone, kNames, kWrite, kTruncate, kSync, kForget, kSyncDirectory };

// A logged operation and what it did, complete enough to be replayed.
struct Record {
    FsOperation operation;
    Effect effect = Effect::kNone;
    NodeId node = 0;                       // the file or directory it is about
    std::shared_ptr<const Bytes> payload;  // of kWrite
    std::vector<NameChange> names;         // of kNames: happen together or not at all
    std::optional<FileKind> created;       // of kNames: `node` is new
};

class DiskModel {
public:
    DiskModel() = default;
    explicit DiskModel(Image durable) : durable_(std::move(durable)) {}

    // Records must come in order.
    void apply(const Record& record);
    std::uint64_t sequence() const noexcept { return sequence_; }
    Image after_power_cut(const CrashPlan& plan) const;

    // An unsynced change of a file's content.
    struct DataChange {
        std::uint64_t sequence = 0;
        std::uint64_t offset = 0;              // of a truncation: the new size
        std::shared_ptr<const Bytes> payload;  // null: a truncation
    };
    // An unsynced change of names.
    struct NamesChange {
        std::uint64_t sequence = 0;
        std::vector<NameChange> names;
        std::vector<NodeId> unsynced;  // directories whose sync is missing; empty: durable
    };

private:
    void apply_names(const Record& record);
    void sync_directory(NodeId directory);
    std::optional<std::uint64_t> choose_last_survivor(const CrashPlan& plan,
                                                      std::uint64_t random) const;

    Image durable_;
    std::map<NodeId, std::vector<DataChange>> data_;
    std::vector<NamesChange> names_;
    std::uint64_t sequence_ = 0;
};

}  // namespace abikit::memfs

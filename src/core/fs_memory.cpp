// MemoryFileSystem: names, and the log. Walking the tree is in fs_memory_tree.cpp, open files are
// in fs_memory_file.cpp, power cuts in fs_memory_model.cpp.
#include <abi/core/fs_memory.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "fs_error.hpp"
#include "fs_memory_state.hpp"
#include "fs_memory_tree.hpp"

namespace abikit {

using memfs::Effect;
using memfs::Image;
using memfs::kFound;
using memfs::NameChange;
using memfs::NodeId;
using memfs::NodePtr;
using memfs::Place;
using memfs::Record;

namespace {

std::string_view opening(OpenMode mode) {
    const bool creates = mode == OpenMode::kCreateNew || mode == OpenMode::kTruncate;
    return creates ? "create" : "open";
}

}  // namespace

MemoryFileSystem::State::State(const Image& image)
    : root(memfs::build_tree(image)), next_id(image.next_id), at_start(image), replayed(image) {}

std::uint64_t MemoryFileSystem::State::append(Record record) {
    record.operation.sequence = records.size() + 1;
    records.push_back(std::move(record));
    return records.size();
}

std::uint64_t MemoryFileSystem::State::append(FsCall call, const std::string& path, bool ok) {
    Record record;
    record.operation.call = call;
    record.operation.path = path;
    record.operation.ok = ok;
    return append(std::move(record));
}

MemoryFileSystem::MemoryFileSystem() : MemoryFileSystem(std::make_shared<State>(Image())) {}
MemoryFileSystem::MemoryFileSystem(std::shared_ptr<State> state) : state_(std::move(state)) {}
MemoryFileSystem::~MemoryFileSystem() = default;

Result<std::unique_ptr<File>> MemoryFileSystem::open(const std::string& path, OpenMode mode) {
    const std::lock_guard guard(state_->mutex);
    Place place = memfs::walk(state_->root, path);
    Record record;
    record.operation.call = FsCall::kOpen;
    record.operation.path = path;
    record.operation.mode = mode;
    if (const int error = memfs::open_error(place, mode); error != kFound) {
        state_->append(std::move(record));
        const bool creates = mode != OpenMode::kRead && mode != OpenMode::kReadWrite;
        return fail(creates ? fs_create_error(error, opening(mode), path)
                            : fs_error(error, opening(mode), path));
    }
    // Creation is an operation on the directory, truncation one on the file: they become durable by
    // different syncs.
    if (!place.node) {
        place.node = memfs::make_node(state_->next_id++, FileKind::kFile);
        place.parent->children[place.name] = place.node;
        record.effect = Effect::kNames;
        record.created = FileKind::kFile;
        record.names = {NameChange{place.parent->id, place.name, place.node->id, true}};
    } else if (mode == OpenMode::kTruncate) {
        place.node->bytes.clear();
        record.effect = Effect::kTruncate;  // to the operation's length, which is 0
    }
    record.operation.ok = true;
    record.operation.file = record.node = place.node->id;
    state_->append(std::move(record));
    return std::make_unique<MemoryFile>(state_, place.node, path, mode);
}

Result<std::optional<FileInfo>> MemoryFileSystem::stat(const std::string& path) {
    const std::lock_guard guard(state_->mutex);
    const Place place = memfs::walk(state_->root, path);
    // That nothing is there is an answer, not a failure.
    state_->append(FsCall::kStat, path, true);
    if (place.error != kFound || !place.node) {
        return std::optional<FileInfo>();
    }
    return std::optional(FileInfo{
        .kind = place.node->kind,
        .size_bytes = place.node->bytes.size(),
        .modified_ns = place.node->modified_ns,
        .writable = true,
    });
}

Status MemoryFileSystem::rename(const std::string& from, const std::string& to) {
    const std::lock_guard guard(state_->mutex);
    const Place source = memfs::walk(state_->root, from);
    const Place target = memfs::walk(state_->root, to);
    Record record;
    record.operation.call = FsCall::kRename;
    record.operation.path = from;
    record.operation.to = to;
    if (const int error = memfs::rename_error(source, target); error != kFound) {
        state_->append(std::move(record));
        return fail(fs_error(error, fmt::format("rename '{}' to", from), to));
    }
    record.operation.ok = true;
    record.operation.file = record.node = source.node->id;
    if (source.node != target.node) {
        record.effect = Effect::kNames;
        // What stood at the target stays on the disk until this is durable: nothing to note for it.
        record.names = {NameChange{source.parent->id, source.name, source.node->id, false},
                        NameChange{target.parent->id, target.name, source.node->id, true}};
        source.parent->children.erase(source.name);
        target.parent->children[target.name] = source.node;
    }
    state_->append(std::move(record));
    return {};
}

Status MemoryFileSystem::remove(const std::string& path) {
    return remove_as(path, FileKind::kFile);
}

Status MemoryFileSystem::remove_directory(const std::string& path) {
    return remove_as(path, FileKind::kDirectory);
}

Status MemoryFileSystem::remove_as(const std::string& path, FileKind kind) {
    const std::lock_guard guard(state_->mutex);
    const bool file = kind == FileKind::kFile;
    const Place place = memfs::walk(state_->root, path);
    Record record;
    record.operation.call = file ? FsCall::kRemove : FsCall::kRemoveDirectory;
    record.operation.path = path;
    if (const int error = memfs::remove_error(place, kind); error != kFound) {
        state_->append(std::move(record));
        return fail(fs_error(error, file ? "remove" : "remove directory", path));
    }
    record.operation.ok = true;
    record.operation.file = record.node = place.node->id;
    record.effect = Effect::kNames;
    record.names = {NameChange{place.parent->id, place.name, place.node->id, false}};
    // Open handles keep the node, as the kernel keeps an unlinked file.
    place.parent->children.erase(place.name);
    state_->append(std::move(record));
    return {};
}

Status MemoryFileSystem::create_directory(const std::string& path) {
    const std::lock_guard guard(state_->mutex);
    const Place place = memfs::walk(state_->root, path);
    Record record;
    record.operation.call = FsCall::kCreateDirectory;
    record.operation.path = path;
    if (place.error != kFound || place.node) {
        state_->append(std::move(record));
        const int error = place.error != kFound ? place.error : EEXIST;
        return fail(fs_create_error(error, "create directory", path));
    }
    const NodePtr node = memfs::make_node(state_->next_id++, FileKind::kDirectory);
    place.parent->children[place.name] = node;
    record.operation.ok = true;
    record.operation.file = record.node = node->id;
    record.effect = Effect::kNames;
    record.created = FileKind::kDirectory;
    record.names = {NameChange{place.parent->id, place.name, node->id, true}};
    state_->append(std::move(record));
    return {};
}

Result<std::vector<DirectoryEntry>> MemoryFileSystem::list(const std::string& path) {
    const std::lock_guard guard(state_->mutex);
    const Place place = memfs::walk(state_->root, path);
    const int error = memfs::directory_error(place);
    state_->append(FsCall::kList, path, error == kFound);
    if (error != kFound) {
        return fail(fs_error(error, "list", path));
    }
    std::vector<DirectoryEntry> entries;
    for (const auto& [name, node] : place.node->children) {
        entries.push_back({name, node->kind});
    }
    return entries;
}

Status MemoryFileSystem::sync_directory(const std::string& path) {
    const std::lock_guard guard(state_->mutex);
    const Place place = memfs::walk(state_->root, path);
    Record record;
    record.operation.call = FsCall::kSyncDirectory;
    record.operation.path = path;
    if (const int error = memfs::directory_error(place); error != kFound) {
        state_->append(std::move(record));
        return fail(fs_error(error, "sync directory", path));
    }
    record.operation.ok = true;
    record.operation.file = record.node = place.node->id;
    record.effect = Effect::kSyncDirectory;
    state_->append(std::move(record));
    return {};
}

std::vector<FsOperation> MemoryFileSystem::log() const {
    const std::lock_guard guard(state_->mutex);
    std::vector<FsOperation> operations;
    operations.reserve(state_->records.size());
    for (const Record& record : state_->records) {
        operations.push_back(record.operation);
    }
    return operations;
}

std::uint64_t MemoryFileSystem::sequence() const {
    const std::lock_guard guard(state_->mutex);
    return state_->records.size();
}

void MemoryFileSystem::mark(std::string text) {
    const std::lock_guard guard(state_->mutex);
    state_->append(FsCall::kMark, text, true);
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::crash(const CrashPlan& plan) const {
    return crash_at(sequence(), plan);
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::crash_at(std::uint64_t sequence,
                                                             const CrashPlan& plan) const {
    const std::lock_guard guard(state_->mutex);
    // Tests go through all numbers upwards: going on from the last one makes that linear.
    memfs::DiskModel& disk = state_->replayed;
    if (disk.sequence() > sequence) {
        disk = state_->at_start;
    }
    const auto last = std::min<std::uint64_t>(sequence, state_->records.size());
    while (disk.sequence() < last) {
        disk.apply(state_->records[disk.sequence()]);
    }
    auto state = std::make_shared<State>(disk.after_power_cut(plan));
    return std::unique_ptr<MemoryFileSystem>(new MemoryFileSystem(std::move(state)));
}

Status MemoryFileSystem::forget_unsynced(const std::string& path) {
    const std::lock_guard guard(state_->mutex);
    const Place place = memfs::walk(state_->root, path);
    if (place.error != kFound || !place.node || memfs::is_directory(place.node)) {
        const int error = memfs::is_directory(place.node) ? EISDIR : ENOENT;
        return fail(fs_error(error, "forget", path));
    }
    Record record;
    record.operation.call = FsCall::kMark;
    record.operation.path = fmt::format("forget unsynced '{}'", path);
    record.operation.ok = true;
    record.operation.file = record.node = place.node->id;
    // The live bytes stay: a reader cannot tell, which is what makes a second sync so treacherous.
    record.effect = Effect::kForget;
    state_->append(std::move(record));
    return {};
}

std::string describe(const CrashPlan& plan) {
    switch (plan.kind) {
        case CrashKind::kLoseUnsynced:
            return "lose unsynced";
        case CrashKind::kKeepAll:
            return "keep all";
        case CrashKind::kSizesOnly:
            return "sizes only";
        case CrashKind::kPrefix:
            return fmt::format("prefix, seed {}", plan.seed);
        case CrashKind::kSubset:
            return fmt::format("subset, seed {}", plan.seed);
        case CrashKind::kReordered:
            return fmt::format("reordered, seed {}", plan.seed);
        case CrashKind::kTorn:
            return fmt::format("torn at {} bytes, seed {}", plan.tear_bytes, plan.seed);
    }
    return "unknown";
}

std::vector<CrashPlan> crash_plans(std::uint64_t first_seed, std::size_t seeds) {
    std::vector<CrashPlan> plans;
    for (const CrashKind kind :
         {CrashKind::kLoseUnsynced, CrashKind::kKeepAll, CrashKind::kSizesOnly}) {
        plans.push_back({.kind = kind});
    }
    for (std::uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
        for (const CrashKind kind :
             {CrashKind::kPrefix, CrashKind::kSubset, CrashKind::kReordered, CrashKind::kTorn}) {
            plans.push_back({.kind = kind, .seed = seed});
        }
        plans.push_back({.kind = CrashKind::kTorn, .seed = seed, .tear_bytes = 4096});
    }
    return plans;
}

}  // namespace abikit

// The disk beneath MemoryFileSystem: what is durable, what is in flight, and what is left of the
// latter when the power goes. fs_memory.hpp states the guarantees.
#include "fs_memory_model.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>

namespace abikit::memfs {
namespace {

using DataChange = DiskModel::DataChange;
using NamesChange = DiskModel::NamesChange;

// SplitMix64 (Steele, Lea, Flood, OOPSLA'14): the same numbers on every machine.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() noexcept {
        std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15U;
        mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
        return mixed ^ (mixed >> 31U);
    }
    // In [0, limit]; the bias of the remainder does not matter here.
    std::uint64_t up_to(std::uint64_t limit) noexcept { return next() % (limit + 1); }
    bool coin() noexcept { return (next() >> 63U) != 0; }

private:
    std::uint64_t state_;
};

void apply_change(Bytes& bytes, const DataChange& change) {
    if (!change.payload) {
        bytes.resize(change.offset);
        return;
    }
    const std::size_t end = change.offset + change.payload->size();
    bytes.resize(std::max(bytes.size(), end));
    std::copy(change.payload->begin(), change.payload->end(),
              bytes.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

std::uint64_t size_after(std::uint64_t size, const DataChange& change) {
    return change.payload ? std::max(size, change.offset + change.payload->size()) : change.offset;
}

void apply_names(std::map<NodeId, Names>& directories, const std::vector<NameChange>& changes) {
    for (const NameChange& change : changes) {
        if (change.linked) {
            directories[change.directory][change.name] = change.node;
        } else {
            directories[change.directory].erase(change.name);
        }
    }
}

// Which of `count` survive, all choices of how many being equally likely.
std::vector<bool> choose_any_number(std::size_t count, Random& random) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t left = count; left > 1; --left) {
        std::swap(order[left - 1], order[random.up_to(left - 1)]);
    }
    order.resize(random.up_to(count));
    std::vector<bool> chosen(count, false);
    for (const std::size_t index : order) {
        chosen[index] = true;
    }
    return chosen;
}

// Says of each operation in a list whether it survives, for the kinds that decide by operation.
class Survivors {
public:
    Survivors(const CrashPlan& plan, std::optional<std::uint64_t> last, std::size_t count,
              Random& random)
        : kind_(plan.kind), last_(last), random_(random) {
        if (kind_ == CrashKind::kReordered) {
            chosen_ = choose_any_number(count, random);
        }
    }
    bool survives(std::size_t index, std::uint64_t sequence) {
        switch (kind_) {
            case CrashKind::kLoseUnsynced:
                return false;
            case CrashKind::kKeepAll:
            case CrashKind::kSizesOnly:
                return true;
            case CrashKind::kPrefix:
                return last_ && sequence <= *last_;
            case CrashKind::kReordered:
                return chosen_[index];
            case CrashKind::kSubset:
            case CrashKind::kTorn:
                return random_.coin();
        }
        return false;
    }

private:
    CrashKind kind_;
    std::optional<std::uint64_t> last_;
    Random& random_;
    std::vector<bool> chosen_;
};

// The directories after the cut: durable changes for certain, the others as the plan says, none
// without an earlier one about the same name. A file that is moved takes its last name into the
// next operation, so the operations on one file keep their order too.
std::map<NodeId, Names> surviving_names(const std::map<NodeId, Names>& durable,
                                        const std::vector<NamesChange>& changes,
                                        Survivors survivors) {
    std::map<NodeId, Names> directories = durable;
    std::set<std::pair<NodeId, std::string>> lost_names;
    const auto depends_on_lost = [&](const NameChange& change) {
        return lost_names.contains({change.directory, change.name});
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const NamesChange& change = changes[i];
        const bool wanted = survivors.survives(i, change.sequence);
        if (change.unsynced.empty() ||
            (wanted && std::none_of(change.names.begin(), change.names.end(), depends_on_lost))) {
            apply_names(directories, change.names);
            continue;
        }
        for (const NameChange& name : change.names) {
            lost_names.emplace(name.directory, name.name);
        }
    }
    return directories;
}

// Calls `visit(block)` for each block of `block_bytes` that the change touches, in a file that was
// never longer than `extent`.
template <class Visit>
void for_each_block(const DataChange& change, std::size_t block_bytes, std::uint64_t extent,
                    Visit&& visit) {
    const std::uint64_t end =
        change.payload ? change.offset + change.payload->size() : std::max(change.offset, extent);
    if (end == change.offset) {
        return;
    }
    for (std::uint64_t block = change.offset / block_bytes; block <= (end - 1) / block_bytes;
         ++block) {
        visit(block);
    }
}

// The part of `change` that lies in `block`. `bytes` is as long as the file ever was.
void apply_to_block(Bytes& bytes, const DataChange& change, std::uint64_t block,
                    std::size_t block_bytes) {
    const std::uint64_t begin = std::max(change.offset, block * block_bytes);
    std::uint64_t end = std::min<std::uint64_t>(bytes.size(), (block + 1) * block_bytes);
    const auto at = [&bytes](std::uint64_t offset) {
        return bytes.begin() + static_cast<std::ptrdiff_t>(offset);
    };
    if (!change.payload) {
        std::fill(at(begin), at(end), std::byte{0});
        return;
    }
    end = std::min<std::uint64_t>(end, change.offset + change.payload->size());
    const auto source = change.payload->begin();
    std::copy(source + static_cast<std::ptrdiff_t>(begin - change.offset),
              source + static_cast<std::ptrdiff_t>(end - change.offset), at(begin));
}

// Every block stops at a moment of its own, the size at another.
Bytes torn_bytes(Bytes bytes, const std::vector<DataChange>& changes, std::size_t block_bytes,
                 Random& random) {
    std::vector<std::uint64_t> sizes = {bytes.size()};
    std::uint64_t extent = bytes.size();
    for (const DataChange& change : changes) {
        sizes.push_back(size_after(sizes.back(), change));
        extent = std::max(extent, sizes.back());
    }
    bytes.resize(extent);
    std::unordered_map<std::uint64_t, std::uint64_t> touches;
    for (const DataChange& change : changes) {
        for_each_block(change, block_bytes, extent, [&](std::uint64_t block) { ++touches[block]; });
    }
    // How many of its changes a block still takes; chosen at its first one. The others come later
    // in time, so each block shows one moment, never a mixture.
    std::unordered_map<std::uint64_t, std::uint64_t> left;
    for (const DataChange& change : changes) {
        for_each_block(change, block_bytes, extent, [&](std::uint64_t block) {
            const auto [entry, first] = left.try_emplace(block, 0);
            if (first) {
                entry->second = random.up_to(touches[block]);
            }
            if (entry->second != 0) {
                --entry->second;
                apply_to_block(bytes, change, block, block_bytes);
            }
        });
    }
    bytes.resize(random.coin() ? sizes.back() : sizes[random.up_to(sizes.size() - 1)]);
    return bytes;
}

// Sizes were written, bytes were not: what was cut off is gone, what was added is zeros.
Bytes sized_bytes(Bytes bytes, const std::vector<DataChange>& changes) {
    std::uint64_t size = bytes.size();
    for (const DataChange& change : changes) {
        size = size_after(size, change);
        if (size < bytes.size()) {
            bytes.resize(size);
        }
    }
    bytes.resize(size);
    return bytes;
}

Bytes surviving_bytes(Bytes bytes, const std::vector<DataChange>& changes, const CrashPlan& plan,
                      std::optional<std::uint64_t> last, Random& random) {
    if (plan.kind == CrashKind::kTorn) {
        return torn_bytes(std::move(bytes), changes, plan.tear_bytes, random);
    }
    if (plan.kind == CrashKind::kSizesOnly) {
        return sized_bytes(std::move(bytes), changes);
    }
    Survivors survivors(plan, last, changes.size(), random);
    std::uint64_t size_before_cut = bytes.size();
    for (std::size_t i = 0; i < changes.size(); ++i) {
        size_before_cut = size_after(size_before_cut, changes[i]);
        if (survivors.survives(i, changes[i].sequence)) {
            apply_change(bytes, changes[i]);
        }
    }
    // File systems with delayed allocation write the size before the data.
    const bool by_chance = plan.kind == CrashKind::kSubset || plan.kind == CrashKind::kReordered;
    if (by_chance && bytes.size() < size_before_cut && random.coin()) {
        bytes.resize(size_before_cut);
    }
    return bytes;
}

// Drops directories that no name leads to any more, and lists the files that one leads to. A
// directory that two names lead to (its move was synced by half) keeps the first.
std::set<NodeId> keep_reachable(std::map<NodeId, Names>& directories) {
    std::set<NodeId> files;
    std::set<NodeId> seen = {kRoot};
    std::vector<NodeId> to_visit = {kRoot};
    while (!to_visit.empty()) {
        Names& names = directories[to_visit.back()];
        to_visit.pop_back();
        for (auto entry = names.begin(); entry != names.end();) {
            const NodeId node = entry->second;
            if (!directories.contains(node)) {
                files.insert(node);
            } else if (!seen.insert(node).second) {
                entry = names.erase(entry);
                continue;
            } else {
                to_visit.push_back(node);
            }
            ++entry;
        }
    }
    std::erase_if(directories, [&](const auto& entry) { return !seen.contains(entry.first); });
    return files;
}

}  // namespace

void DiskModel::apply(const Record& record) {
    sequence_ = record.operation.sequence;
    switch (record.effect) {
        case Effect::kNone:
            break;
        case Effect::kNames:
            apply_names(record);
            break;
        case Effect::kWrite:
            data_[record.node].push_back({sequence_, record.operation.offset, record.payload});
            break;
        case Effect::kTruncate:
            data_[record.node].push_back({sequence_, record.operation.length, nullptr});
            break;
        case Effect::kSync:
            for (const DataChange& change : data_[record.node]) {
                apply_change(durable_.files[record.node], change);
            }
            data_.erase(record.node);
            break;
        case Effect::kForget:
            data_.erase(record.node);
            break;
        case Effect::kSyncDirectory:
            sync_directory(record.node);
            break;
    }
}

void DiskModel::apply_names(const Record& record) {
    if (record.created == FileKind::kDirectory) {
        durable_.directories[record.node];
    } else if (record.created == FileKind::kFile) {
        durable_.files[record.node];
    }
    durable_.next_id = std::max(durable_.next_id, record.node + 1);
    NamesChange change{sequence_, record.names, {}};
    for (const NameChange& name : record.names) {
        if (std::find(change.unsynced.begin(), change.unsynced.end(), name.directory) ==
            change.unsynced.end()) {
            change.unsynced.push_back(name.directory);
        }
    }
    names_.push_back(std::move(change));
}

void DiskModel::sync_directory(NodeId directory) {
    for (NamesChange& change : names_) {
        std::erase(change.unsynced, directory);
    }
    // Those behind one that is still in flight wait for it: they may be about the same name.
    const auto first = std::find_if(names_.begin(), names_.end(), [](const NamesChange& change) {
        return !change.unsynced.empty();
    });
    for (auto change = names_.begin(); change != first; ++change) {
        memfs::apply_names(durable_.directories, change->names);
    }
    names_.erase(names_.begin(), first);
}

// The moment of kPrefix: after one of the operations in flight, or before all of them.
std::optional<std::uint64_t> DiskModel::choose_last_survivor(const CrashPlan& plan,
                                                             std::uint64_t random) const {
    if (plan.kind != CrashKind::kPrefix) {
        return std::nullopt;
    }
    std::vector<std::uint64_t> in_flight;
    for (const auto& [node, changes] : data_) {
        for (const DataChange& change : changes) {
            in_flight.push_back(change.sequence);
        }
    }
    for (const NamesChange& change : names_) {
        in_flight.push_back(change.sequence);
    }
    std::sort(in_flight.begin(), in_flight.end());
    const std::size_t survivors = random % (in_flight.size() + 1);
    return survivors == 0 ? std::nullopt : std::optional(in_flight[survivors - 1]);
}

Image DiskModel::after_power_cut(const CrashPlan& plan) const {
    Random random(plan.seed);
    const auto last = choose_last_survivor(plan, random.next());
    Image image;
    image.next_id = durable_.next_id;
    image.directories =
        surviving_names(durable_.directories, names_, Survivors(plan, last, names_.size(), random));
    for (const NodeId file : keep_reachable(image.directories)) {
        // In the order of the ids, so that the same seed makes the same choices.
        Bytes bytes = durable_.files.at(file);
        if (const auto changes = data_.find(file); changes != data_.end()) {
            bytes = surviving_bytes(std::move(bytes), changes->second, plan, last, random);
        }
        image.files.emplace(file, std::move(bytes));
    }
    return image;
}

}  // namespace abikit::memfs

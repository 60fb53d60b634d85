// An open file of MemoryFileSystem: the same errors as the real one, every call in the log.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "fs_error.hpp"
#include "fs_memory_state.hpp"

namespace abikit {

using memfs::Effect;
using memfs::HeldLock;
using memfs::Record;

namespace {

constexpr std::uint64_t kLargestSize = std::numeric_limits<std::int64_t>::max();
// Times are operation numbers: runs repeat exactly, and later is still later.
constexpr std::int64_t kNanosecondsPerOperation = 1'000'000;

// A copy on a page boundary, as a real mapping has it.
class CopiedRegion final : public MappedRegion {
public:
    explicit CopiedRegion(const memfs::Bytes& bytes)
        : size_(bytes.size()), bytes_(static_cast<std::byte*>(::operator new(size_ + 1, kPage))) {
        std::copy(bytes.begin(), bytes.end(), bytes_);
    }
    ~CopiedRegion() override { ::operator delete(bytes_, kPage); }
    CopiedRegion(const CopiedRegion&) = delete;
    CopiedRegion& operator=(const CopiedRegion&) = delete;
    std::span<const std::byte> bytes() const noexcept override { return {bytes_, size_}; }
    void advise(MapAdvice) const noexcept override {}

private:
    static constexpr std::align_val_t kPage{4096};
    std::size_t size_;
    std::byte* bytes_;
};

}  // namespace

MemoryFile::MemoryFile(std::shared_ptr<MemoryFileSystem::State> state, memfs::NodePtr node,
                       std::string path, OpenMode mode)
    : state_(std::move(state)),
      node_(std::move(node)),
      path_(std::move(path)),
      writable_(mode != OpenMode::kRead) {}

MemoryFile::~MemoryFile() {
    const std::lock_guard guard(state_->mutex);
    std::erase_if(node_->locks, [this](const HeldLock& lock) { return lock.holder == this; });
}

// Lets go of what this file holds between two bytes; what it holds beside them stays.
void MemoryFile::release(std::uint64_t begin, std::uint64_t end) {
    std::vector<HeldLock> kept;
    for (const HeldLock& lock : node_->locks) {
        if (lock.holder != this || lock.end <= begin || end <= lock.begin) {
            kept.push_back(lock);
            continue;
        }
        if (lock.begin < begin) {
            kept.push_back({this, lock.kind, lock.begin, begin});
        }
        if (end < lock.end) {
            kept.push_back({this, lock.kind, end, lock.end});
        }
    }
    node_->locks = std::move(kept);
}

Record MemoryFile::record(FsCall call, std::uint64_t offset, std::uint64_t length) const {
    Record record;
    record.operation.call = call;
    record.operation.ok = true;
    record.operation.path = path_;
    record.operation.file = node_->id;
    record.operation.offset = offset;
    record.operation.length = length;
    record.node = node_->id;
    return record;
}

Result<std::size_t> MemoryFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
    const std::lock_guard guard(state_->mutex);
    // Logged before it is known how much there is: the log has what was asked for.
    state_->append(record(FsCall::kRead, offset, out.size()));
    const auto& bytes = node_->bytes;
    if (offset >= bytes.size() || out.empty()) {
        return std::size_t{0};
    }
    const std::size_t count = std::min<std::size_t>(out.size(), bytes.size() - offset);
    std::memcpy(out.data(), bytes.data() + offset, count);
    return count;
}

Status MemoryFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
    const std::lock_guard guard(state_->mutex);
    Record entry = record(FsCall::kWrite, offset, bytes.size());
    // The same bound as off_t has in the real file.
    const bool fits = offset <= kLargestSize && bytes.size() <= kLargestSize - offset;
    if (!writable_ || !fits) {
        entry.operation.ok = false;
        state_->append(std::move(entry));
        return fail(fs_error(writable_ ? EFBIG : EBADF, "write", path_));
    }
    // An empty write leaves no effect to lose, but stands in the log.
    if (!bytes.empty()) {
        node_->bytes.resize(std::max<std::size_t>(node_->bytes.size(), offset + bytes.size()));
        std::memcpy(node_->bytes.data() + offset, bytes.data(), bytes.size());
        entry.effect = Effect::kWrite;
        entry.payload = std::make_shared<memfs::Bytes>(bytes.begin(), bytes.end());
    }
    const auto number = state_->append(std::move(entry));
    node_->modified_ns = static_cast<std::int64_t>(number) * kNanosecondsPerOperation;
    return {};
}

Status MemoryFile::sync() {
    const std::lock_guard guard(state_->mutex);
    Record entry = record(FsCall::kSync, 0, 0);
    entry.effect = Effect::kSync;
    state_->append(std::move(entry));
    return {};
}

Status MemoryFile::truncate(std::uint64_t size_bytes) {
    const std::lock_guard guard(state_->mutex);
    Record entry = record(FsCall::kTruncate, 0, size_bytes);
    if (!writable_ || size_bytes > kLargestSize) {
        entry.operation.ok = false;
        state_->append(std::move(entry));
        return fail(fs_error(writable_ ? EFBIG : EINVAL, "resize", path_));
    }
    node_->bytes.resize(size_bytes);
    entry.effect = Effect::kTruncate;
    const auto number = state_->append(std::move(entry));
    node_->modified_ns = static_cast<std::int64_t>(number) * kNanosecondsPerOperation;
    return {};
}

Result<std::uint64_t> MemoryFile::size() const {
    const std::lock_guard guard(state_->mutex);
    state_->append(record(FsCall::kSize, 0, 0));
    return node_->bytes.size();
}

Result<std::unique_ptr<MappedRegion>> MemoryFile::map() const {
    const std::lock_guard guard(state_->mutex);
    state_->append(record(FsCall::kMap, 0, node_->bytes.size()));
    return std::make_unique<CopiedRegion>(node_->bytes);
}

Status MemoryFile::try_lock(LockKind kind, LockRange range) {
    const std::lock_guard guard(state_->mutex);
    Record entry = record(FsCall::kLock, range.offset, range.length);
    const bool exclusive = kind == LockKind::kExclusive;
    const std::uint64_t end =
        range.length == 0 ? std::numeric_limits<std::uint64_t>::max() : range.offset + range.length;
    // As fcntl demands: an exclusive lock needs a descriptor that may write.
    const bool allowed = writable_ || !exclusive;
    const bool free =
        std::none_of(node_->locks.begin(), node_->locks.end(), [&](const HeldLock& lock) {
            return lock.holder != this && lock.begin < end && range.offset < lock.end &&
                   (exclusive || lock.kind == LockKind::kExclusive);
        });
    entry.operation.ok = allowed && free;
    state_->append(std::move(entry));
    if (!allowed) {
        return fail(fs_error(EBADF, "lock", path_));
    }
    if (!free) {
        return fail(fs_lock_error(path_));
    }
    release(range.offset, end);
    node_->locks.push_back({this, kind, range.offset, end});
    return {};
}

}  // namespace abikit

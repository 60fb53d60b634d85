// FaultFileSystem: counts every call, and breaks the chosen ones before they reach the file system
// beneath.
#include <abi/core/fs_fault.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "fs_error.hpp"

namespace abikit {
namespace {

struct ActiveRule {
    FaultRule rule;
    std::uint64_t matched = 0;
};

struct Flip {
    std::string path;
    std::uint64_t offset;
    std::byte mask;
};

// What becomes of a call: errno_value 0 lets it through.
struct Verdict {
    int errno_value = 0;
    std::size_t partial_bytes = 0;
};

bool matches(const FaultRule& rule, FsCall call, const std::string& path,
             const std::string& other) {
    return (!rule.call || *rule.call == call) &&
           (path.contains(rule.path_contains) ||
            (!other.empty() && other.contains(rule.path_contains)));
}

bool fires(const ActiveRule& active) {
    return active.rule.repeat == FaultRepeat::kForEver ? active.matched >= active.rule.nth
                                                       : active.matched == active.rule.nth;
}

// A private copy of a mapping, with its flipped bits, on a page boundary as a mapping is.
class FlippedRegion final : public MappedRegion {
public:
    explicit FlippedRegion(std::span<const std::byte> original)
        : size_(original.size()),
          bytes_(static_cast<std::byte*>(::operator new(size_ + 1, kPage))) {
        std::copy(original.begin(), original.end(), bytes_);
    }
    ~FlippedRegion() override { ::operator delete(bytes_, kPage); }
    FlippedRegion(const FlippedRegion&) = delete;
    FlippedRegion& operator=(const FlippedRegion&) = delete;
    std::span<const std::byte> bytes() const noexcept override { return {bytes_, size_}; }
    void advise(MapAdvice) const noexcept override {}
    std::span<std::byte> writable() noexcept { return {bytes_, size_}; }

private:
    static constexpr std::align_val_t kPage{4096};
    std::size_t size_;
    std::byte* bytes_;
};

}  // namespace

struct FaultFileSystem::State {
    // Counts the call and says whether it fails.
    Verdict enter(FsCall call, const std::string& path, const std::string& other = {});
    // The same for a write of `length` bytes, which also uses up the quota.
    Verdict enter_write(const std::string& path, std::size_t length);
    // Flips what lies in [offset, offset + bytes.size()).
    void flip(const std::string& path, std::uint64_t offset, std::span<std::byte> bytes) const;
    bool flips_in(const std::string& path) const;

    mutable std::mutex mutex;
    std::vector<ActiveRule> rules;
    std::vector<Flip> flips;
    std::optional<std::uint64_t> quota;  // bytes that still fit
    // Everything before kMark is a call.
    std::array<std::uint64_t, static_cast<std::size_t>(FsCall::kMark)> counts = {};
    std::uint64_t faults = 0;

private:
    Verdict count(FsCall call, const std::string& path, const std::string& other);
};

// Every rule counts the call, also behind one that fires: their numbers do not depend on each
// other.
Verdict FaultFileSystem::State::count(FsCall call, const std::string& path,
                                      const std::string& other) {
    ++counts[static_cast<std::size_t>(call)];
    Verdict verdict;
    for (ActiveRule& active : rules) {
        if (!matches(active.rule, call, path, other)) {
            continue;
        }
        ++active.matched;
        if (verdict.errno_value == 0 && fires(active)) {
            verdict = {active.rule.errno_value, active.rule.partial_bytes};
        }
    }
    return verdict;
}

Verdict FaultFileSystem::State::enter(FsCall call, const std::string& path,
                                      const std::string& other) {
    const std::lock_guard guard(mutex);
    const Verdict verdict = count(call, path, other);
    faults += verdict.errno_value != 0 ? 1U : 0U;
    return verdict;
}

Verdict FaultFileSystem::State::enter_write(const std::string& path, std::size_t length) {
    const std::lock_guard guard(mutex);
    Verdict verdict = count(FsCall::kWrite, path, {});
    std::size_t wanted =
        verdict.errno_value != 0 ? std::min(verdict.partial_bytes, length) : length;
    if (quota && *quota < wanted) {
        wanted = static_cast<std::size_t>(*quota);
        verdict.errno_value = verdict.errno_value != 0 ? verdict.errno_value : ENOSPC;
    }
    if (quota) {
        *quota -= wanted;
    }
    verdict.partial_bytes = wanted;
    faults += verdict.errno_value != 0 ? 1U : 0U;
    return verdict;
}

void FaultFileSystem::State::flip(const std::string& path, std::uint64_t offset,
                                  std::span<std::byte> bytes) const {
    const std::lock_guard guard(mutex);
    for (const Flip& flip : flips) {
        if (flip.path == path && flip.offset >= offset && flip.offset - offset < bytes.size()) {
            bytes[static_cast<std::size_t>(flip.offset - offset)] ^= flip.mask;
        }
    }
}

bool FaultFileSystem::State::flips_in(const std::string& path) const {
    const std::lock_guard guard(mutex);
    return std::any_of(flips.begin(), flips.end(),
                       [&](const Flip& flip) { return flip.path == path; });
}

// An open file whose calls pass through the rules.
class FaultFile final : public File {
public:
    FaultFile(std::shared_ptr<FaultFileSystem::State> state, std::unique_ptr<File> base)
        : state_(std::move(state)), base_(std::move(base)) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override;
    Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override;
    Status sync() override;
    void start_writeback(std::uint64_t offset, std::uint64_t length) noexcept override {
        base_->start_writeback(offset, length);
    }
    Status truncate(std::uint64_t size_bytes) override;
    Result<std::uint64_t> size() const override;
    Result<std::unique_ptr<MappedRegion>> map() const override;
    Status try_lock(LockKind kind, LockRange range) override;
    const std::string& path() const noexcept override { return base_->path(); }

private:
    Status enter(FsCall call, std::string_view doing) const {
        if (const int error = state_->enter(call, path()).errno_value; error != 0) {
            return fail(fs_error(error, doing, path()));
        }
        return {};
    }

    std::shared_ptr<FaultFileSystem::State> state_;
    std::unique_ptr<File> base_;
};

Result<std::size_t> FaultFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
    ABI_CHECK(enter(FsCall::kRead, "read"));
    ABI_TRY(const std::size_t count, base_->read_at(offset, out));
    state_->flip(path(), offset, out.first(count));
    return count;
}

Status FaultFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
    const Verdict verdict = state_->enter_write(path(), bytes.size());
    // A write that fails outright must not reach the file beneath, not even as an empty one.
    if (verdict.partial_bytes != 0 || verdict.errno_value == 0) {
        ABI_CHECK(base_->write_at(offset, bytes.first(verdict.partial_bytes)));
    }
    if (verdict.errno_value != 0) {
        return fail(fs_error(verdict.errno_value, "write", path()));
    }
    return {};
}

Status FaultFile::sync() {
    ABI_CHECK(enter(FsCall::kSync, "sync"));
    return base_->sync();
}

Status FaultFile::truncate(std::uint64_t size_bytes) {
    ABI_CHECK(enter(FsCall::kTruncate, "resize"));
    return base_->truncate(size_bytes);
}

Result<std::uint64_t> FaultFile::size() const {
    ABI_CHECK(enter(FsCall::kSize, "look at"));
    return base_->size();
}

Result<std::unique_ptr<MappedRegion>> FaultFile::map() const {
    ABI_CHECK(enter(FsCall::kMap, "map"));
    // A copy only where a bit flips: mappings of large files stay cheap in all other tests.
    ABI_TRY(auto region, base_->map());
    if (!state_->flips_in(path())) {
        return region;
    }
    auto flipped = std::make_unique<FlippedRegion>(region->bytes());
    state_->flip(path(), 0, flipped->writable());
    return flipped;
}

Status FaultFile::try_lock(LockKind kind, LockRange range) {
    ABI_CHECK(enter(FsCall::kLock, "lock"));
    return base_->try_lock(kind, range);
}

FaultFileSystem::FaultFileSystem(FileSystem& base)
    : base_(base), state_(std::make_shared<State>()) {}
FaultFileSystem::~FaultFileSystem() = default;

Status FaultFileSystem::enter(FsCall call, std::string_view doing, const std::string& path) const {
    if (const int error = state_->enter(call, path).errno_value; error != 0) {
        return abikit::fail(fs_error(error, doing, path));
    }
    return {};
}

Result<std::unique_ptr<File>> FaultFileSystem::open(const std::string& path, OpenMode mode) {
    ABI_CHECK(enter(FsCall::kOpen, "open", path));
    ABI_TRY(auto file, base_.open(path, mode));
    return std::make_unique<FaultFile>(state_, std::move(file));
}

Result<std::optional<FileInfo>> FaultFileSystem::stat(const std::string& path) {
    ABI_CHECK(enter(FsCall::kStat, "look at", path));
    return base_.stat(path);
}

Status FaultFileSystem::rename(const std::string& from, const std::string& to) {
    if (const int error = state_->enter(FsCall::kRename, from, to).errno_value; error != 0) {
        return abikit::fail(fs_error(error, fmt::format("rename '{}' to", from), to));
    }
    return base_.rename(from, to);
}

Status FaultFileSystem::remove(const std::string& path) {
    ABI_CHECK(enter(FsCall::kRemove, "remove", path));
    return base_.remove(path);
}

Status FaultFileSystem::remove_directory(const std::string& path) {
    ABI_CHECK(enter(FsCall::kRemoveDirectory, "remove directory", path));
    return base_.remove_directory(path);
}

Status FaultFileSystem::create_directory(const std::string& path) {
    ABI_CHECK(enter(FsCall::kCreateDirectory, "create directory", path));
    return base_.create_directory(path);
}

Result<std::vector<DirectoryEntry>> FaultFileSystem::list(const std::string& path) {
    ABI_CHECK(enter(FsCall::kList, "list", path));
    return base_.list(path);
}

Status FaultFileSystem::sync_directory(const std::string& path) {
    ABI_CHECK(enter(FsCall::kSyncDirectory, "sync directory", path));
    return base_.sync_directory(path);
}

Status FaultFileSystem::copy_permissions(const std::string& from, const std::string& to) {
    return base_.copy_permissions(from, to);
}

void FaultFileSystem::fail(FaultRule rule) {
    const std::lock_guard guard(state_->mutex);
    state_->rules.push_back({std::move(rule), 0});
}

void FaultFileSystem::clear() {
    const std::lock_guard guard(state_->mutex);
    state_->rules.clear();
    state_->flips.clear();
    state_->quota.reset();
}

void FaultFileSystem::set_quota(std::uint64_t bytes) {
    const std::lock_guard guard(state_->mutex);
    state_->quota = bytes;
}

void FaultFileSystem::release(std::uint64_t bytes) {
    const std::lock_guard guard(state_->mutex);
    if (state_->quota) {
        *state_->quota += bytes;
    }
}

void FaultFileSystem::flip_bit_on_read(std::string path, std::uint64_t offset, unsigned bit) {
    ABI_ASSERT(bit < 8);
    const std::lock_guard guard(state_->mutex);
    state_->flips.push_back({std::move(path), offset, std::byte{1} << bit});
}

std::uint64_t FaultFileSystem::calls() const {
    const std::lock_guard guard(state_->mutex);
    std::uint64_t total = 0;
    for (const std::uint64_t count : state_->counts) {
        total += count;
    }
    return total;
}

std::uint64_t FaultFileSystem::calls(FsCall call) const {
    const std::lock_guard guard(state_->mutex);
    const auto index = static_cast<std::size_t>(call);
    return index < state_->counts.size() ? state_->counts[index] : 0;
}

std::uint64_t FaultFileSystem::faults() const {
    const std::lock_guard guard(state_->mutex);
    return state_->faults;
}

}  // namespace abikit

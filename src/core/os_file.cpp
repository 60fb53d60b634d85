// An open file of the operating system: positioned reads and writes, sync, locks and mappings.
// os_file_system.cpp opens it; the stream loops are in os_file_io.cpp.
#include "os_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include <abi/core/memory.hpp>

namespace abikit::os {
namespace {

// Linux transfers at most 2 GiB less a page in one call.
constexpr std::size_t kMaxTransferBytes = std::size_t{1} << 30;

class RealRegion final : public MappedRegion {
public:
    RealRegion(void* address, std::size_t size) : address_(address), size_(size) {}
    ~RealRegion() override {
        if (size_ != 0) {
            ::munmap(address_, size_);
            account_unmap(size_);
        }
    }
    RealRegion(const RealRegion&) = delete;
    RealRegion& operator=(const RealRegion&) = delete;

    std::span<const std::byte> bytes() const noexcept override {
        return {static_cast<const std::byte*>(address_), size_};
    }
    void advise(MapAdvice advice) const noexcept override {
        if (size_ == 0) {
            return;
        }
        int value = MADV_NORMAL;
        switch (advice) {
            case MapAdvice::kNormal:
                value = MADV_NORMAL;
                break;
            case MapAdvice::kSequential:
                value = MADV_SEQUENTIAL;
                break;
            case MapAdvice::kRandom:
                value = MADV_RANDOM;
                break;
            case MapAdvice::kWillNeed:
                value = MADV_WILLNEED;
                break;
        }
        static_cast<void>(::madvise(address_, size_, value));  // a hint: failing is no failure
    }

private:
    void* address_;
    std::size_t size_;
};

bool fits_off_t(std::uint64_t offset, std::uint64_t length) {
    const auto most = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
    return offset <= most && length <= most - offset;
}

int sync_descriptor(int fd) {
#if defined(__APPLE__)
    // fsync leaves the bytes in the drive's cache there.
    const int full = retry([fd] { return ::fcntl(fd, F_FULLFSYNC); });
    return full != -1 ? full : retry([fd] { return ::fsync(fd); });
#elif defined(_POSIX_SYNCHRONIZED_IO) && _POSIX_SYNCHRONIZED_IO > 0
    // Covers the size, and leaves out the times that nobody needs after a crash.
    return retry([fd] { return ::fdatasync(fd); });
#else
    return retry([fd] { return ::fsync(fd); });
#endif
}

int lock_descriptor(int fd, LockKind kind, LockRange range) {
#if defined(F_OFD_SETLK)
    struct flock request = {};
    request.l_type = kind == LockKind::kShared ? F_RDLCK : F_WRLCK;
    request.l_whence = SEEK_SET;
    request.l_start = static_cast<off_t>(range.offset);
    request.l_len = static_cast<off_t>(range.length);  // 0: to the end, however the file grows
    const int result = retry([&] { return ::fcntl(fd, F_OFD_SETLK, &request); });
    if (result != -1 || errno != EINVAL) {
        return result;
    }
#endif
    // Kernels without them have flock, which is per open file as well, but about the whole of it:
    // a range that begins at 0 is what the first of them lock, others cannot be had.
    if (range.offset != 0) {
        errno = ENOLCK;
        return -1;
    }
    const int operation = (kind == LockKind::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB;
    return retry([fd, operation] { return ::flock(fd, operation); });
}

class RealFile final : public File {
public:
    RealFile(Descriptor fd, std::string path, const struct stat& info)
        : fd_(std::move(fd)),
          path_(std::move(path)),
          regular_(S_ISREG(info.st_mode)),
          positioned_(S_ISREG(info.st_mode) || S_ISBLK(info.st_mode)) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override;
    Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override;
    Status sync() override;
    void start_writeback(std::uint64_t offset, std::uint64_t length) noexcept override;
    Status truncate(std::uint64_t size_bytes) override;
    Result<std::uint64_t> size() const override;
    Result<std::unique_ptr<MappedRegion>> map() const override;
    Status try_lock(LockKind kind, LockRange range) override;
    const std::string& path() const noexcept override { return path_; }

private:
    Descriptor fd_;
    std::string path_;
    bool regular_;
    bool positioned_;  // has offsets; otherwise a stream
    std::atomic<bool> sync_failed_ = false;
};

Result<std::size_t> RealFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
    if (!positioned_) {
        return read_stream(fd_.get(), out, fmt::format("cannot read '{}'", path_));
    }
    if (!fits_off_t(offset, out.size())) {
        return fail(fs_error(EOVERFLOW, "read", path_));
    }
    std::size_t done = 0;
    while (done < out.size()) {
        const std::size_t want = std::min(out.size() - done, kMaxTransferBytes);
        const auto count = retry([&] {
            return ::pread(fd_.get(), out.data() + done, want, static_cast<off_t>(offset + done));
        });
        if (count < 0) {
            return fail(fs_error(errno, "read", path_));
        }
        if (count == 0) {  // the end of the file
            break;
        }
        done += static_cast<std::size_t>(count);
    }
    return done;
}

Status RealFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
    if (!positioned_) {
        return write_stream(fd_.get(), bytes, fmt::format("cannot write '{}'", path_));
    }
    if (!fits_off_t(offset, bytes.size())) {
        return fail(fs_error(EFBIG, "write", path_));
    }
    std::size_t done = 0;
    while (done < bytes.size()) {
        const std::size_t want = std::min(bytes.size() - done, kMaxTransferBytes);
        const auto count = retry([&] {
            return ::pwrite(fd_.get(), bytes.data() + done, want,
                            static_cast<off_t>(offset + done));
        });
        if (count <= 0) {  // 0 is no progress: a full device may say so instead of ENOSPC
            return fail(fs_error(count < 0 ? errno : ENOSPC, "write", path_));
        }
        done += static_cast<std::size_t>(count);
    }
    return {};
}

Status RealFile::sync() {
    // The kernel reports a lost page once and then calls it clean, so the next sync would succeed.
    if (sync_failed_.load(std::memory_order_relaxed)) {
        return fail(Code::kIo, fmt::format("cannot sync '{}': an earlier sync failed", path_),
                    "open the file again and check it: bytes written before may be lost");
    }
    if (sync_descriptor(fd_.get()) == 0) {
        return {};
    }
    const int reason = errno;
    if (!regular_ && (reason == EINVAL || reason == EROFS || reason == ENOTSUP)) {
        return {};  // a pipe or a device that keeps nothing
    }
    sync_failed_.store(true, std::memory_order_relaxed);
    return fail(fs_error(reason, "sync", path_));
}

void RealFile::start_writeback(std::uint64_t offset, std::uint64_t length) noexcept {
#if defined(__linux__)
    // A length of 0 would mean everything up to the end.
    if (regular_ && length != 0 && fits_off_t(offset, length)) {
        static_cast<void>(::sync_file_range(fd_.get(), static_cast<off_t>(offset),
                                            static_cast<off_t>(length), SYNC_FILE_RANGE_WRITE));
    }
#else
    static_cast<void>(offset);
    static_cast<void>(length);
#endif
}

Status RealFile::truncate(std::uint64_t size_bytes) {
    if (!fits_off_t(size_bytes, 0)) {
        return fail(fs_error(EFBIG, "resize", path_));
    }
    const auto wanted = static_cast<off_t>(size_bytes);
    if (retry([&] { return ::ftruncate(fd_.get(), wanted); }) != 0) {
        return fail(fs_error(errno, "resize", path_));
    }
    return {};
}

Result<std::uint64_t> RealFile::size() const {
    struct stat info = {};
    if (::fstat(fd_.get(), &info) != 0) {
        return fail(fs_error(errno, "look at", path_));
    }
    return static_cast<std::uint64_t>(info.st_size);
}

Result<std::unique_ptr<MappedRegion>> RealFile::map() const {
    ABI_TRY(const std::uint64_t length, size());
    // mmap refuses a length of 0.
    if (length == 0) {
        return std::make_unique<RealRegion>(nullptr, 0);
    }
    if (length > std::numeric_limits<std::size_t>::max()) {
        return fail(fs_error(EFBIG, "map", path_));
    }
    const auto bytes = static_cast<std::size_t>(length);
    // Counted first: a mapping beyond the limit must never exist, not even for a moment.
    if (!account_map(bytes)) {
        return fail(
            Code::kLimit,
            fmt::format("cannot map '{}': {} bytes more would pass the memory limit", path_, bytes),
            "raise --memory-limit");
    }
    void* address = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd_.get(), 0);
    if (address == MAP_FAILED) {
        const int reason = errno;
        account_unmap(bytes);
        return fail(fs_error(reason, "map", path_));
    }
    return std::make_unique<RealRegion>(address, bytes);
}

Status RealFile::try_lock(LockKind kind, LockRange range) {
    if (!fits_off_t(range.offset, range.length)) {
        return fail(fs_error(EOVERFLOW, "lock", path_));
    }
    if (lock_descriptor(fd_.get(), kind, range) == 0) {
        return {};
    }
    if (errno == EAGAIN || errno == EACCES || errno == EWOULDBLOCK) {
        return fail(fs_lock_error(path_));
    }
    return fail(fs_error(errno, "lock", path_));
}

}  // namespace

Result<std::unique_ptr<File>> make_file(Descriptor fd, const std::string& path,
                                        std::string_view opening) {
    struct stat info = {};
    if (::fstat(fd.get(), &info) != 0) {
        return fail(fs_error(errno, opening, path));
    }
    if (S_ISDIR(info.st_mode)) {
        return fail(fs_error(EISDIR, opening, path));
    }
    return std::make_unique<RealFile>(std::move(fd), path, info);
}

}  // namespace abikit::os

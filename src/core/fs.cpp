// What every file system shares: paths, whole-file reading, atomic replacement, buffered streams.
// The operating system's files are in os_file_system.cpp and os_file.cpp.
#include <algorithm>
#include <cstring>
#include <exception>

#include <fmt/format.h>

#include <abi/core/fs.hpp>
#include <abi/core/memory.hpp>

#include "io_buffer.hpp"

namespace abikit {
namespace {

constexpr std::uint64_t kMapFromBytes = 64 * 1024;
constexpr std::size_t kReadBufferBytes = 256 * 1024;
constexpr std::size_t kWriteBufferBytes = 256 * 1024;

// For small files, whose mapping costs more than it saves, and for everything without a size.
class FileSource final : public ByteSource {
public:
    FileSource(std::unique_ptr<File> file, std::optional<std::uint64_t> size)
        : file_(std::move(file)), size_(size) {}

    Result<std::size_t> read(std::span<std::byte> out) override {
        return buffer_.read(out, [this](std::span<std::byte> into) { return fill(into); });
    }
    std::optional<std::uint64_t> size() const override { return size_; }
    std::optional<std::span<const std::byte>> mapped() const override { return std::nullopt; }

private:
    Result<std::size_t> fill(std::span<std::byte> into) {
        ABI_TRY(const std::size_t count, file_->read_at(offset_, into));
        offset_ += count;
        return count;
    }

    std::unique_ptr<File> file_;
    std::optional<std::uint64_t> size_;
    std::uint64_t offset_ = 0;
    ReadBuffer buffer_{kReadBufferBytes};
};

// Large files: the readers that can work on the whole content take mapped() and copy nothing.
class MappedSource final : public ByteSource {
public:
    explicit MappedSource(std::unique_ptr<MappedRegion> region) : region_(std::move(region)) {
        region_->advise(MapAdvice::kSequential);
    }

    Result<std::size_t> read(std::span<std::byte> out) override {
        const auto bytes = region_->bytes();
        const std::size_t count = std::min(out.size(), bytes.size() - position_);
        if (count != 0) {
            std::memcpy(out.data(), bytes.data() + position_, count);
        }
        position_ += count;
        return count;
    }
    std::optional<std::uint64_t> size() const override { return region_->bytes().size(); }
    std::optional<std::span<const std::byte>> mapped() const override { return region_->bytes(); }

private:
    std::unique_ptr<MappedRegion> region_;
    std::size_t position_ = 0;
};

// Large writes in file order, so that the disk sees few calls and no gaps.
class FileSink final : public ByteSink {
public:
    using ByteSink::write;
    explicit FileSink(std::unique_ptr<File> file) : file_(std::move(file)) {}

    Status write(std::span<const std::byte> bytes) override {
        ABI_CHECK(check_usable());
        return note(buffer_.write(bytes, [this](auto all) { return drain(all); }));
    }
    Status flush() override {
        ABI_CHECK(check_usable());
        ABI_CHECK(note(buffer_.flush([this](auto all) { return drain(all); })));
        return note(file_->sync());
    }

private:
    Status drain(std::span<const std::byte> bytes) {
        ABI_CHECK(file_->write_at(offset_, bytes));
        offset_ += bytes.size();
        return {};
    }
    // A failed write leaves a hole of unknown shape; going on would hide it.
    Status check_usable() const {
        if (failed_) {
            return fail(Code::kIo,
                        fmt::format("cannot write '{}': an earlier write failed", file_->path()));
        }
        return {};
    }
    Status note(Status status) {
        failed_ = failed_ || !status;
        return status;
    }

    std::unique_ptr<File> file_;
    std::uint64_t offset_ = 0;
    bool failed_ = false;
    WriteBuffer buffer_{kWriteBufferBytes};
};

std::unexpected<Error> too_large(const std::string& path, std::uint64_t max_bytes) {
    return fail(Code::kLimit,
                fmt::format("cannot read '{}': it is larger than {} bytes", path, max_bytes));
}

// Reads to the end whatever size was announced: files grow, and those in /proc announce 0.
Result<std::string> read_whole(const File& file, std::uint64_t announced, std::uint64_t max_bytes) {
    constexpr std::uint64_t kStep = 64 * 1024;
    std::string text;
    while (true) {
        const std::size_t have = text.size();
        // One byte more than may be there, to see the end, or that there is too much.
        const std::uint64_t want = announced >= have ? announced - have : kStep + have / 2;
        text.resize(have + static_cast<std::size_t>(std::min(want, max_bytes - have)) + 1);
        const auto room = std::as_writable_bytes(std::span(text)).subspan(have);
        ABI_TRY(const std::size_t count, file.read_at(have, room));
        text.resize(have + count);
        if (count == 0) {
            return text;
        }
        if (text.size() > max_bytes) {
            return too_large(file.path(), max_bytes);
        }
    }
}

Status write_replacement(FileSystem& fs, const std::string& path, const std::string& temporary,
                         std::span<const std::byte> bytes) {
    ABI_TRY(const auto file, fs.open(temporary, OpenMode::kTruncate));
    // Before the content, so that nobody reads a secret through wider permissions.
    ABI_CHECK(fs.copy_permissions(path, temporary));
    ABI_CHECK(file->write_at(0, bytes));
    return file->sync();
}

std::string_view without_trailing_slashes(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) {
        path.remove_suffix(1);
    }
    return path;
}

}  // namespace

std::string_view fs_call_name(FsCall call) noexcept {
    switch (call) {
        case FsCall::kOpen:
            return "open";
        case FsCall::kRead:
            return "read";
        case FsCall::kWrite:
            return "write";
        case FsCall::kSync:
            return "sync";
        case FsCall::kTruncate:
            return "truncate";
        case FsCall::kSize:
            return "size";
        case FsCall::kMap:
            return "map";
        case FsCall::kLock:
            return "lock";
        case FsCall::kStat:
            return "stat";
        case FsCall::kRename:
            return "rename";
        case FsCall::kRemove:
            return "remove";
        case FsCall::kRemoveDirectory:
            return "remove_directory";
        case FsCall::kCreateDirectory:
            return "create_directory";
        case FsCall::kList:
            return "list";
        case FsCall::kSyncDirectory:
            return "sync_directory";
        case FsCall::kMark:
            return "mark";
    }
    return "unknown";
}

Status FileSystem::copy_permissions(const std::string&, const std::string&) {
    return {};
}

Result<std::string> FileSystem::read_file(const std::string& path, std::uint64_t max_bytes) {
    ABI_TRY(const auto file, open(path, OpenMode::kRead));
    ABI_TRY(const std::uint64_t announced, file->size());
    if (announced > max_bytes) {
        return too_large(path, max_bytes);
    }
    // The string is the one allocation here whose size a user decides.
    try {
        return read_whole(*file, announced, max_bytes);
    } catch (const std::exception&) {
        return fail(error_from_current_exception().with_context(
            fmt::format("cannot read '{}' ({} bytes)", path, announced)));
    }
}

Status FileSystem::replace_file(const std::string& path, std::span<const std::byte> bytes) {
    const std::string temporary = path + ".tmp";
    Status status = write_replacement(*this, path, temporary, bytes);
    if (status) {
        status = rename(temporary, path);
    }
    if (!status) {
        // Best effort: the first failure is the one to tell, and a leftover is overwritten later.
        static_cast<void>(remove(temporary));
        return status;
    }
    return sync_directory(parent_path(path));
}

Result<std::unique_ptr<ByteSource>> FileSystem::open_source(const std::string& path) {
    ABI_TRY(const auto info, stat(path));
    const bool regular = info && info->kind == FileKind::kFile;
    ABI_TRY(auto file, open(path, OpenMode::kRead));
    // Under a memory limit a large input is streamed: its mapping would take what others need.
    const std::uint64_t limit = memory_usage().limit_bytes;
    const bool may_map = limit == 0 || !regular || info->size_bytes <= limit / 8;
    if (regular && info->size_bytes > kMapFromBytes && may_map) {
        // Not fatal: a memory limit that forbids the mapping still allows reading.
        if (auto region = file->map()) {
            return std::make_unique<MappedSource>(*std::move(region));
        }
    }
    const auto size = regular ? std::optional(info->size_bytes) : std::nullopt;
    return std::make_unique<FileSource>(std::move(file), size);
}

Result<std::unique_ptr<ByteSink>> FileSystem::open_sink(const std::string& path) {
    ABI_TRY(auto file, open(path, OpenMode::kTruncate));
    return std::make_unique<FileSink>(std::move(file));
}

std::string join_path(std::string_view directory, std::string_view name) {
    while (directory.ends_with('/')) {
        directory.remove_suffix(1);
        if (directory.empty()) {
            return fmt::format("/{}",
                               name.substr(std::min(name.find_first_not_of('/'), name.size())));
        }
    }
    if (directory.empty()) {
        return std::string(name);
    }
    if (name.empty()) {
        return std::string(directory);
    }
    name.remove_prefix(std::min(name.find_first_not_of('/'), name.size()));
    return fmt::format("{}/{}", directory, name);
}

std::string parent_path(std::string_view path) {
    path = without_trailing_slashes(path);
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos) {
        return ".";
    }
    return slash == 0 ? "/" : std::string(without_trailing_slashes(path.substr(0, slash)));
}

std::string_view file_name(std::string_view path) {
    path = without_trailing_slashes(path);
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace abikit

// The operating system's files: other processes, permissions, pipes, limits.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <string>

#include <abi/core/fs.hpp>
#include <abi/core/memory.hpp>

#include "fs_test_util.hpp"
#include "temp_dir.hpp"

using namespace abikit;
using namespace abikit::test;

namespace {

// A child that holds an exclusive lock until it is ended.
class LockHolder {
public:
    explicit LockHolder(const std::string& path) {
        int ready[2];
        REQUIRE(::pipe(ready) == 0);
        REQUIRE(::pipe(release_) == 0);
        child_ = fork_child();
        if (child_ == 0) {
            ::close(release_[1]);
            const auto fs = real_file_system();
            const auto file = fs->open(path, OpenMode::kCreate);
            const bool locked = file && (*file)->try_lock(LockKind::kExclusive);
            char byte = locked ? 'y' : 'n';
            if (::write(ready[1], &byte, 1) != 1 || ::read(release_[0], &byte, 1) < 0) {
                ::_exit(1);
            }
            ::_exit(0);  // no destructor runs: the system must release the lock
        }
        ::close(release_[0]);
        ::close(ready[1]);
        char byte = 'n';
        REQUIRE(::read(ready[0], &byte, 1) == 1);
        ::close(ready[0]);
        REQUIRE(byte == 'y');
    }
    ~LockHolder() { ::close(release_[1]); }
    LockHolder(const LockHolder&) = delete;
    LockHolder& operator=(const LockHolder&) = delete;

    void let_exit() {
        REQUIRE(::write(release_[1], "x", 1) == 1);
        wait();
    }
    void kill() {
        REQUIRE(::kill(child_, SIGKILL) == 0);
        wait();
    }

private:
    void wait() {
        int status = 0;
        REQUIRE(::waitpid(child_, &status, 0) == child_);
    }
    int release_[2] = {-1, -1};
    pid_t child_ = -1;
};

mode_t mode_of(const std::string& path) {
    struct stat info = {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 07777;
}

std::set<int> open_descriptors() {
    std::set<int> open;
    for (int fd = 0; fd < 256; ++fd) {
        if (::fcntl(fd, F_GETFD) != -1) {
            open.insert(fd);
        }
    }
    return open;
}

// In a child: lets permissions count even where the tests run as root.
void drop_privileges() {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) {
        ::_exit(99);
    }
}

}  // namespace

TEST_SUITE("core") {
    TEST_CASE("real fs: a lock of another process holds, and its exit or death releases it") {
        const TempDir temp;
        const auto fs = real_file_system();
        const auto file = must(fs->open(temp / "lock", OpenMode::kCreate));
        {
            LockHolder other(temp / "lock");
            const auto status = file->try_lock(LockKind::kShared);
            REQUIRE_FALSE(status.has_value());
            CHECK(status.error().code() == Code::kLocked);
            CHECK(status.error().describe().contains(temp / "lock"));
            CHECK_FALSE(status.error().hint().empty());
            other.let_exit();
            CHECK(file->try_lock(LockKind::kShared).has_value());
        }
        auto second = must(fs->open(temp / "lock2", OpenMode::kCreate));
        LockHolder other(temp / "lock2");
        CHECK_FALSE(second->try_lock(LockKind::kExclusive).has_value());
        other.kill();
        CHECK(second->try_lock(LockKind::kExclusive).has_value());
    }

    TEST_CASE("real fs: closing another handle of the file keeps the lock") {
        // The trap of classic POSIX record locks, which open-file-description locks avoid.
        const TempDir temp;
        const auto fs = real_file_system();
        const auto file = must(fs->open(temp / "lock", OpenMode::kCreate));
        must(file->try_lock(LockKind::kExclusive));
        must(fs->open(temp / "lock", OpenMode::kRead));  // opened and closed at once
        CHECK(in_child([&] {
                  const auto again = real_file_system()->open(temp / "lock", OpenMode::kCreate);
                  return again && !(*again)->try_lock(LockKind::kExclusive) ? 0 : 1;
              }) == 0);
    }

    TEST_CASE("real fs: descriptors close on exec and stay clear of the standard streams") {
        const TempDir temp;
        const auto fs = real_file_system();
        const auto before = open_descriptors();
        const auto file = must(fs->open(temp / "f", OpenMode::kCreate));
        int opened = 0;
        for (const int fd : open_descriptors()) {
            if (!before.contains(fd)) {
                ++opened;
                CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
            }
        }
        CHECK(opened == 1);
        CHECK(in_child([&] {
                  ::close(STDIN_FILENO);
                  ::close(STDOUT_FILENO);
                  const auto other = real_file_system()->open(temp / "g", OpenMode::kCreate);
                  const bool clear =
                      ::fcntl(STDIN_FILENO, F_GETFD) == -1 && ::fcntl(STDOUT_FILENO, F_GETFD) == -1;
                  return other && (*other)->write_at(0, bytes_of("x")) && clear ? 0 : 1;
              }) == 0);
        CHECK(whole(*fs, temp / "g") == "x");
    }

    TEST_CASE("real fs: replace_file keeps the mode") {
        const TempDir temp;
        const auto fs = real_file_system();
        put(*fs, temp / "secret", "old");
        for (const mode_t mode : {0600U, 0644U, 0444U, 0751U}) {
            REQUIRE(::chmod((temp / "secret").c_str(), mode) == 0);
            must(fs->replace_file(temp / "secret", bytes_of("new")));
            CHECK(mode_of(temp / "secret") == mode);
        }
        CHECK(whole(*fs, temp / "secret") == "new");
    }

    TEST_CASE("real fs: failures say what, which, why and how to go on") {
        const TempDir temp;
        const auto fs = real_file_system();
        const auto missing = fs->open(temp / "none", OpenMode::kRead);
        REQUIRE_FALSE(missing.has_value());
        CHECK(missing.error().describe() ==
              "cannot open '" + temp / "none" + "': no such file or directory");
        CHECK(missing.error().hint().empty());
        const auto no_parent = fs->open(temp / "x/f", OpenMode::kTruncate);
        REQUIRE_FALSE(no_parent.has_value());
        CHECK(no_parent.error().describe() ==
              "cannot create '" + temp / "x/f" + "': no such file or directory");
        CHECK(no_parent.error().hint() == "create the directory '" + temp / "x" + "' first");
        const auto too_long = fs->open(temp / std::string(300, 'n'), OpenMode::kCreate);
        REQUIRE_FALSE(too_long.has_value());
        CHECK(too_long.error().hint().contains("255"));
        const auto zero = fs->open(temp / std::string("a\0b", 3), OpenMode::kRead);
        REQUIRE_FALSE(zero.has_value());
        CHECK(zero.error().code() == Code::kInvalidArgument);
        REQUIRE(::symlink("loop", (temp / "loop").c_str()) == 0);
        CHECK(fs->open(temp / "loop", OpenMode::kRead).error().hint().contains("symbolic"));
        CHECK_FALSE(fs->stat(temp / "loop").has_value());
    }

    TEST_CASE("real fs: a directory that may not be written") {
        const TempDir temp;
        put(*real_file_system(), temp / "f", "old");
        REQUIRE(::chmod(temp.path().c_str(), 0555) == 0);
        CHECK(in_child([&] {
                  drop_privileges();
                  const auto fs = real_file_system();
                  const auto created = fs->open(temp / "g", OpenMode::kCreate);
                  const auto replaced = fs->replace_file(temp / "f", bytes_of("new"));
                  const auto info = fs->stat(temp.path());
                  const bool refused = !created && created.error().code() == Code::kIo &&
                                       created.error().hint().contains("permissions") && !replaced;
                  return refused && info && *info && !(*info)->writable ? 0 : 1;
              }) == 0);
        REQUIRE(::chmod(temp.path().c_str(), 0755) == 0);
        CHECK(whole(*real_file_system(), temp / "f") == "old");
    }

    TEST_CASE("real fs: a short write is followed up and its cause is told") {
        const TempDir temp;
        CHECK(in_child([&] {
                  const struct rlimit limit = {1000, 1000};
                  ::signal(SIGXFSZ, SIG_IGN);
                  ::setrlimit(RLIMIT_FSIZE, &limit);
                  const auto file = real_file_system()->open(temp / "f", OpenMode::kCreate);
                  const auto status = (*file)->write_at(0, bytes_of(std::string(4000, 'x')));
                  return !status && status.error().hint().contains("ulimit") ? 0 : 1;
              }) == 0);
        CHECK(must(real_file_system()->stat(temp / "f"))->size_bytes == 1000);
    }

    TEST_CASE("real fs: a full device is kNoSpace, and the sink stays broken") {
        const auto fs = real_file_system();
        const auto sink = must(fs->open_sink("/dev/full"));
        must(sink->write("x"));
        const auto status = sink->flush();
        REQUIRE_FALSE(status.has_value());
        CHECK(status.error().code() == Code::kNoSpace);
        CHECK(status.error().describe() == "cannot write '/dev/full': no space left on device");
        CHECK_FALSE(sink->flush().has_value());
        CHECK_FALSE(sink->write("y").has_value());
        const auto null = must(fs->open_sink("/dev/null"));
        must(null->write("gone"));
        must(null->flush());
    }

    TEST_CASE("real fs: a named pipe can be read and written") {
        const TempDir temp;
        const auto fs = real_file_system();
        REQUIRE(::mkfifo((temp / "pipe").c_str(), 0600) == 0);
        std::string text;
        for (int i = 0; i < 60'000; ++i) {
            text += std::to_string(i);
        }
        const pid_t child = fork_child();
        if (child == 0) {
            auto sink = real_file_system()->open_sink(temp / "pipe");
            ::_exit(sink && (*sink)->write(text) && (*sink)->flush() ? 0 : 1);
        }
        const auto source = must(fs->open_source(temp / "pipe"));
        CHECK_FALSE(source->mapped().has_value());
        CHECK_FALSE(source->size().has_value());
        CHECK((drain(*source, 1000) == text));
        CHECK(must(source->read(std::as_writable_bytes(std::span(text)))) == 0);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        CHECK(must(fs->stat(temp / "pipe"))->kind == FileKind::kOther);
    }

    TEST_CASE("real fs: writing to a named pipe that nobody reads any more is a broken pipe") {
        const TempDir temp;
        REQUIRE(::mkfifo((temp / "pipe").c_str(), 0600) == 0);
        const int reader = ::open((temp / "pipe").c_str(), O_RDONLY | O_NONBLOCK);
        REQUIRE(reader >= 0);
        int ready[2];
        int go[2];
        REQUIRE(::pipe(ready) == 0);
        REQUIRE(::pipe(go) == 0);
        const pid_t child = fork_child();
        if (child == 0) {
            ::close(reader);
            ::signal(SIGPIPE, SIG_IGN);
            const auto sink = real_file_system()->open_sink(temp / "pipe");
            char byte = 'r';
            if (::write(ready[1], &byte, 1) != 1 || ::read(go[0], &byte, 1) < 0) {
                ::_exit(1);
            }
            const bool buffered = sink && (*sink)->write("x");
            const auto status = (*sink)->flush();
            ::_exit(buffered && !status && is_broken_pipe(status.error()) ? 0 : 1);
        }
        char byte = 0;
        REQUIRE(::read(ready[0], &byte, 1) == 1);
        ::close(reader);  // the last one
        REQUIRE(::write(go[1], "g", 1) == 1);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        for (const int fd : {ready[0], ready[1], go[0], go[1]}) {
            ::close(fd);
        }
    }

    TEST_CASE("real fs: a signal ends the wait for the other end of a named pipe") {
        const TempDir temp;
        REQUIRE(::mkfifo((temp / "pipe").c_str(), 0600) == 0);
        CHECK(in_interrupted_child([&] {
                  const auto source = real_file_system()->open_source(temp / "pipe");
                  return !source && source.error().code() == Code::kCancelled ? 0 : 1;
              }) == 0);
    }

    TEST_CASE("real fs: files without a size are read to their end") {
        const auto fs = real_file_system();
        CHECK(must(fs->read_file("/proc/self/status")).contains("Pid:"));
        const auto source = must(fs->open_source("/proc/self/status"));
        CHECK(drain(*source, 10).contains("Pid:"));
    }

    TEST_CASE("real fs: list knows links by what they lead to") {
        const TempDir temp;
        const auto fs = real_file_system();
        must(fs->create_directory(temp / "d"));
        REQUIRE(::symlink("d", (temp / "to-directory").c_str()) == 0);
        REQUIRE(::symlink("nowhere", (temp / "to-nothing").c_str()) == 0);
        const auto entries = must(fs->list(temp.path()));
        REQUIRE(entries.size() == 3);
        CHECK(entries[1].kind == FileKind::kDirectory);
        CHECK(entries[2].kind == FileKind::kOther);
        CHECK_FALSE(exists(*fs, temp / "to-nothing"));
    }

    TEST_CASE("real fs: mappings are counted and obey the memory limit") {
        const TempDir temp;
        const auto fs = real_file_system();
        put(*fs, temp / "large", std::string(3'000'000, 'l'));
        put(*fs, temp / "small", std::string(300'000, 's'));
        CHECK(in_child([&] {
                  enable_memory_accounting(1'000'000);
                  const auto real = real_file_system();
                  const auto large = real->open(temp / "large", OpenMode::kRead);
                  const auto refused = (*large)->map();
                  if (refused || refused.error().code() != Code::kLimit ||
                      !refused.error().hint().contains("--memory-limit")) {
                      return 1;
                  }
                  auto small = (*real->open(temp / "small", OpenMode::kRead))->map();
                  if (!small || memory_usage().mapped.current_bytes != 300'000) {
                      return 2;
                  }
                  small->reset();
                  if (memory_usage().mapped.current_bytes != 0) {
                      return 3;
                  }
                  // A source does without the mapping.
                  const auto source = real->open_source(temp / "large");
                  return source && !(*source)->mapped() ? 0 : 4;
              }) == 0);
    }
}

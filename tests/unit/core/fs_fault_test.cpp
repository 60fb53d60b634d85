// FaultFileSystem: every call can be failed, in every way it promises.
#include <cerrno>
#include <functional>
#include <map>
#include <string>

#include <abi/core/fs_fault.hpp>
#include <abi/core/fs_memory.hpp>

#include "fs_test_util.hpp"

using namespace abikit;
using namespace abikit::test;

namespace {

Code code_of(const Status& status) {
    REQUIRE_FALSE(status.has_value());
    return status.error().code();
}

template <class T>
Status status_of(const Result<T>& result) {
    return result ? Status() : Status(std::unexpected(result.error().clone()));
}

// Each kind of call, on a file system that has /f with content and an empty directory /d.
std::map<FsCall, std::function<Status(FileSystem&, File&)>> every_call() {
    static std::byte room[4];
    return {
        {FsCall::kOpen,
         [](FileSystem& fs, File&) { return status_of(fs.open("/f", OpenMode::kRead)); }},
        {FsCall::kRead, [](FileSystem&, File& file) { return status_of(file.read_at(0, room)); }},
        {FsCall::kWrite, [](FileSystem&, File& file) { return file.write_at(0, bytes_of("w")); }},
        {FsCall::kSync, [](FileSystem&, File& file) { return file.sync(); }},
        {FsCall::kTruncate, [](FileSystem&, File& file) { return file.truncate(1); }},
        {FsCall::kSize, [](FileSystem&, File& file) { return status_of(file.size()); }},
        {FsCall::kMap, [](FileSystem&, File& file) { return status_of(file.map()); }},
        {FsCall::kLock, [](FileSystem&, File& file) { return file.try_lock(LockKind::kShared); }},
        {FsCall::kStat, [](FileSystem& fs, File&) { return status_of(fs.stat("/f")); }},
        {FsCall::kRename, [](FileSystem& fs, File&) { return fs.rename("/f", "/g"); }},
        {FsCall::kRemove, [](FileSystem& fs, File&) { return fs.remove("/f"); }},
        {FsCall::kRemoveDirectory, [](FileSystem& fs, File&) { return fs.remove_directory("/d"); }},
        {FsCall::kCreateDirectory, [](FileSystem& fs, File&) { return fs.create_directory("/e"); }},
        {FsCall::kList, [](FileSystem& fs, File&) { return status_of(fs.list("/")); }},
        {FsCall::kSyncDirectory, [](FileSystem& fs, File&) { return fs.sync_directory("/"); }},
    };
}

}  // namespace

TEST_SUITE("core") {
    TEST_CASE("fault fs: each kind fails alone, leaves everything as it was, and is counted") {
        const auto calls = every_call();
        CHECK(calls.size() == static_cast<std::size_t>(FsCall::kMark));
        for (const auto& [kind, call] : calls) {
            CAPTURE(fs_call_name(kind));
            MemoryFileSystem memory;
            put(memory, "/f", "content");
            must(memory.create_directory("/d"));
            FaultFileSystem fs(memory);
            const auto file = must(fs.open("/f", OpenMode::kReadWrite));
            const auto before = fs.calls(kind);
            fs.fail({.call = kind, .errno_value = EIO});
            const auto reached = memory.sequence();
            const auto status = call(fs, *file);
            CHECK(code_of(status) == Code::kIo);
            CHECK(status.error().describe().contains("cannot "));
            CHECK(memory.sequence() == reached);
            CHECK(call(fs, *file).has_value());
            CHECK(fs.calls(kind) == before + 2);
            CHECK(fs.faults() == 1);
        }
    }

    TEST_CASE("fault fs: errno values become the codes that users get") {
        MemoryFileSystem memory;
        FaultFileSystem fs(memory);
        const std::map<int, Code> codes = {
            {EIO, Code::kIo},      {ENOSPC, Code::kNoSpace},      {EDQUOT, Code::kNoSpace},
            {EROFS, Code::kIo},    {ENOENT, Code::kInputMissing}, {EACCES, Code::kIo},
            {ENOMEM, Code::kLimit}};
        for (const auto& [error, code] : codes) {
            fs.fail({.call = FsCall::kOpen, .errno_value = error});
            const auto result = fs.open("/f", OpenMode::kCreate);
            CHECK(code_of(status_of(result)) == code);
        }
        fs.fail({.errno_value = EROFS});
        CHECK(fs.create_directory("/d").error().hint().contains("read-only"));
    }

    TEST_CASE("fault fs: the n-th call, of all or of one kind, once or for ever") {
        MemoryFileSystem memory;
        FaultFileSystem fs(memory);
        must(fs.stat("/"));
        fs.fail({.nth = 3});
        must(fs.stat("/"));
        must(fs.list("/"));
        CHECK_FALSE(fs.stat("/").has_value());
        must(fs.stat("/"));
        fs.fail({.call = FsCall::kList, .nth = 2, .repeat = FaultRepeat::kForEver});
        must(fs.stat("/"));
        must(fs.list("/"));
        must(fs.stat("/"));
        CHECK_FALSE(fs.list("/").has_value());
        CHECK_FALSE(fs.list("/").has_value());
        must(fs.stat("/"));
        CHECK(fs.faults() == 3);
        CHECK(fs.calls(FsCall::kList) == 4);
        CHECK(fs.calls() == 11);
        CHECK(fs.calls(FsCall::kMark) == 0);
        fs.clear();
        must(fs.list("/"));
        CHECK(fs.calls() == 12);
    }

    TEST_CASE("fault fs: only calls on some paths") {
        MemoryFileSystem memory;
        FaultFileSystem fs(memory);
        fs.fail({.path_contains = "wal", .repeat = FaultRepeat::kForEver});
        put(fs, "/data", "x");
        CHECK_FALSE(fs.open("/x.wal", OpenMode::kCreate).has_value());
        CHECK_FALSE(fs.rename("/data", "/wal-2").has_value());
        must(fs.rename("/data", "/data-2"));
    }

    TEST_CASE("fault fs: a short write, then no space") {
        MemoryFileSystem memory;
        FaultFileSystem fs(memory);
        const auto file = must(fs.open("/f", OpenMode::kCreate));
        must(file->write_at(0, bytes_of("start ")));
        fs.fail({.call = FsCall::kWrite, .errno_value = ENOSPC, .partial_bytes = 3});
        const auto status = file->write_at(6, bytes_of("abcdef"));
        CHECK(code_of(status) == Code::kNoSpace);
        CHECK(whole(memory, "/f") == "start abc");
        fs.fail({.call = FsCall::kWrite, .errno_value = EIO, .partial_bytes = 100});
        CHECK(code_of(file->write_at(0, bytes_of("START"))) == Code::kIo);
        CHECK(whole(memory, "/f") == "START abc");
    }

    TEST_CASE("fault fs: a quota lets through what fits, and space can come back") {
        MemoryFileSystem memory;
        FaultFileSystem fs(memory);
        const auto file = must(fs.open("/f", OpenMode::kCreate));
        fs.release(100);  // without a quota: nothing to release
        fs.set_quota(10);
        must(file->write_at(0, bytes_of("12345678")));
        CHECK(code_of(file->write_at(8, bytes_of("90abc"))) == Code::kNoSpace);
        CHECK(whole(memory, "/f") == "1234567890");
        CHECK(code_of(file->write_at(10, bytes_of("x"))) == Code::kNoSpace);
        CHECK(must(memory.stat("/f"))->size_bytes == 10);
        fs.release(2);
        must(file->write_at(10, bytes_of("xy")));
        CHECK(code_of(file->write_at(12, bytes_of("z"))) == Code::kNoSpace);
        CHECK(fs.faults() == 3);
        fs.clear();
        must(file->write_at(12, bytes_of("z")));
    }

    TEST_CASE("fault fs: bits flip in reads and mappings, not in the file") {
        MemoryFileSystem memory;
        put(memory, "/f", "abcdef");
        put(memory, "/g", "abcdef");
        FaultFileSystem fs(memory);
        fs.flip_bit_on_read("/f", 2, 0);
        fs.flip_bit_on_read("/f", 5, 7);
        fs.flip_bit_on_read("/f", 99, 0);
        CHECK(whole(fs, "/f") == "abbde\xe6");
        CHECK(whole(fs, "/g") == "abcdef");
        const auto file = must(fs.open("/f", OpenMode::kRead));
        CHECK(text_of(must(file->map())->bytes()) == "abbde\xe6");
        std::byte bytes[2];
        must(file->read_at(2, bytes));
        CHECK(text_of(bytes) == "bd");
        must(file->read_at(3, bytes));
        CHECK(text_of(bytes) == "de");
        CHECK(whole(memory, "/f") == "abcdef");
        fs.clear();
        CHECK(whole(fs, "/f") == "abcdef");
    }

    TEST_CASE("fault fs: replace_file survives the failure of each of its calls") {
        const auto prepare = [](MemoryFileSystem& memory) { put_durably(memory, "/f", "old"); };
        std::uint64_t total = 0;
        {
            MemoryFileSystem memory;
            prepare(memory);
            FaultFileSystem fs(memory);
            must(fs.replace_file("/f", bytes_of("new")));
            total = fs.calls();
        }
        CHECK(total == 5);  // open, write, sync, rename, sync_directory
        for (std::uint64_t nth = 1; nth <= total; ++nth) {
            CAPTURE(nth);
            MemoryFileSystem memory;
            prepare(memory);
            FaultFileSystem fs(memory);
            fs.fail({.nth = nth, .errno_value = ENOSPC, .partial_bytes = 1});
            CHECK(code_of(fs.replace_file("/f", bytes_of("new"))) == Code::kNoSpace);
            CHECK_FALSE(exists(memory, "/f.tmp"));
            CHECK(whole(memory, "/f") == (nth == total ? "new" : "old"));
            for (const CrashPlan& plan : crash_plans(1, 5)) {
                const auto text = whole(*memory.crash(plan), "/f");
                const bool whole_file = text == "old" || (text == "new" && nth == total);
                CHECK_MESSAGE(whole_file, describe(plan));
            }
        }
    }

    TEST_CASE("fault fs: a source does without a mapping that fails") {
        MemoryFileSystem memory;
        put(memory, "/f", std::string(100'000, 'x'));
        FaultFileSystem fs(memory);
        fs.fail({.call = FsCall::kMap, .errno_value = ENOMEM});
        const auto source = must(fs.open_source("/f"));
        CHECK_FALSE(source->mapped().has_value());
        CHECK((drain(*source, 1000) == std::string(100'000, 'x')));
    }

    TEST_CASE("fault fs: a sink that failed stays failed") {
        MemoryFileSystem memory;
        FaultFileSystem fs(memory);
        const auto sink = must(fs.open_sink("/f"));
        must(sink->write("lost "));
        fs.fail({.call = FsCall::kWrite, .errno_value = ENOSPC});
        CHECK(code_of(sink->flush()) == Code::kNoSpace);
        CHECK(code_of(sink->write("more")) == Code::kIo);
        CHECK(code_of(sink->flush()) == Code::kIo);
        CHECK(whole(memory, "/f").empty());
    }
}

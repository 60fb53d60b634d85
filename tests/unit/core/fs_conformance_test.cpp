// What every file system must do alike: the real one, the one in memory, and the fault injector
// over each.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <abi/core/fs.hpp>
#include <abi/core/fs_fault.hpp>
#include <abi/core/fs_memory.hpp>

#include "fs_test_util.hpp"
#include "temp_dir.hpp"

using namespace abikit;
using namespace abikit::test;

namespace {

// Runs the body on each file system, in an empty directory.
void on_each(const std::function<void(FileSystem&, const std::string& directory)>& body) {
    SUBCASE("real") {
        const TempDir temp;
        body(*real_file_system(), temp.path());
    }
    SUBCASE("memory") {
        MemoryFileSystem fs;
        must(fs.create_directory("/work"));
        body(fs, "/work");
    }
    SUBCASE("faults over real") {
        const TempDir temp;
        const auto real = real_file_system();
        FaultFileSystem fs(*real);
        body(fs, temp.path());
    }
    SUBCASE("faults over memory") {
        MemoryFileSystem memory;
        FaultFileSystem fs(memory);
        body(fs, "/");
    }
}

template <class T>
Code code_of(const Result<T>& result) {
    REQUIRE_FALSE(result.has_value());
    return result.error().code();
}

std::string names_in(FileSystem& fs, const std::string& directory) {
    std::string names;
    for (const DirectoryEntry& entry : must(fs.list(directory))) {
        names += entry.name + (entry.kind == FileKind::kDirectory ? "/ " : " ");
    }
    return names;
}

}  // namespace

TEST_SUITE("core") {
    TEST_CASE("fs: open modes") {
        on_each([](FileSystem& fs, const std::string& directory) {
            const auto path = join_path(directory, "file");
            CHECK(code_of(fs.open(path, OpenMode::kRead)) == Code::kInputMissing);
            CHECK(code_of(fs.open(path, OpenMode::kReadWrite)) == Code::kInputMissing);
            put(fs, path, "first");
            CHECK(code_of(fs.open(path, OpenMode::kCreateNew)) == Code::kAlreadyExists);
            CHECK(must(must(fs.open(path, OpenMode::kCreate))->size()) == 5);
            CHECK(must(must(fs.open(path, OpenMode::kReadWrite))->size()) == 5);
            CHECK(must(must(fs.open(path, OpenMode::kTruncate))->size()) == 0);
            must(must(fs.open(join_path(directory, "new"), OpenMode::kCreateNew))
                     ->write_at(0, bytes_of("n")));
            must(fs.open(join_path(directory, "kept"), OpenMode::kCreate));
            CHECK(names_in(fs, directory) == "file kept new ");
            const auto reader = must(fs.open(path, OpenMode::kRead));
            CHECK(reader->path() == path);
            CHECK(code_of(reader->write_at(0, bytes_of("x"))) == Code::kIo);
            CHECK_FALSE(reader->truncate(1).has_value());
        });
    }

    TEST_CASE("fs: reads and writes at positions") {
        on_each([](FileSystem& fs, const std::string& directory) {
            const auto file = must(fs.open(join_path(directory, "f"), OpenMode::kCreateNew));
            must(file->write_at(0, bytes_of("hello world")));
            must(file->write_at(6, bytes_of("there")));
            must(file->write_at(14, bytes_of("!")));
            must(file->write_at(3, {}));
            CHECK(must(file->size()) == 15);
            std::string out(20, '.');
            const auto room = std::as_writable_bytes(std::span(out));
            CHECK(must(file->read_at(0, room)) == 15);
            CHECK(out == std::string("hello there\0\0\0!.....", 20));
            CHECK(must(file->read_at(12, room.first(2))) == 2);
            CHECK(must(file->read_at(15, room)) == 0);
            CHECK(must(file->read_at(99, room)) == 0);
            CHECK(must(file->read_at(0, {})) == 0);
            CHECK_FALSE(file->write_at(~std::uint64_t{0}, bytes_of("x")).has_value());
            must(file->truncate(5));
            CHECK(whole(fs, join_path(directory, "f")) == "hello");
            must(file->truncate(7));
            CHECK(whole(fs, join_path(directory, "f")) == std::string("hello\0\0", 7));
            must(file->sync());
            file->start_writeback(0, 5);
            file->start_writeback(0, 0);
        });
    }

    TEST_CASE("fs: map gives the bytes, aligned, also of an empty file") {
        on_each([](FileSystem& fs, const std::string& directory) {
            const auto path = join_path(directory, "mapped");
            put(fs, path, std::string(10'000, 'm'));
            auto file = must(fs.open(path, OpenMode::kRead));
            const auto region = must(file->map());
            file.reset();
            CHECK((text_of(region->bytes()) == std::string(10'000, 'm')));
            const auto address = reinterpret_cast<std::uintptr_t>(region->bytes().data());
            CHECK(address % 4096 == 0);
            region->advise(MapAdvice::kNormal);
            region->advise(MapAdvice::kSequential);
            region->advise(MapAdvice::kRandom);
            region->advise(MapAdvice::kWillNeed);
            put(fs, path, "");
            const auto empty = must(must(fs.open(path, OpenMode::kRead))->map());
            CHECK(empty->bytes().empty());
            empty->advise(MapAdvice::kRandom);
        });
    }

    TEST_CASE("fs: stat, directories, list") {
        on_each([](FileSystem& fs, const std::string& directory) {
            const auto inner = join_path(directory, "inner");
            CHECK_FALSE(exists(fs, inner));
            must(fs.create_directory(inner));
            CHECK(code_of(fs.create_directory(inner)) == Code::kAlreadyExists);
            CHECK(must(fs.stat(inner))->kind == FileKind::kDirectory);
            put(fs, join_path(inner, "b"), "12345");
            put(fs, join_path(inner, "a"), "1");
            put(fs, join_path(inner, "Z"), "1");
            must(fs.create_directory(join_path(inner, "c")));
            CHECK(names_in(fs, inner) == "Z a b c/ ");
            const auto info = must(fs.stat(join_path(inner, "b"))).value();
            CHECK(info.kind == FileKind::kFile);
            CHECK(info.size_bytes == 5);
            CHECK(info.writable);
            CHECK(info.modified_ns > 0);
            CHECK_FALSE(exists(fs, join_path(inner, "b/under-a-file")));
            CHECK(code_of(fs.list(join_path(inner, "none"))) == Code::kInputMissing);
            CHECK_FALSE(fs.list(join_path(inner, "b")).has_value());
            const auto missing = fs.create_directory(join_path(inner, "x/y"));
            CHECK(code_of(missing) == Code::kInputMissing);
            CHECK(missing.error().hint().contains(join_path(inner, "x")));
            must(fs.sync_directory(inner));
            CHECK_FALSE(fs.sync_directory(join_path(inner, "none")).has_value());
            CHECK_FALSE(fs.sync_directory(join_path(inner, "b")).has_value());
        });
    }

    TEST_CASE("fs: a directory is no file, and the message says so") {
        on_each([](FileSystem& fs, const std::string& directory) {
            for (const OpenMode mode :
                 {OpenMode::kRead, OpenMode::kReadWrite, OpenMode::kTruncate}) {
                const auto result = fs.open(directory, mode);
                CHECK(code_of(result) == Code::kInvalidArgument);
                CHECK(result.error().describe().ends_with("': is a directory"));
            }
            const auto removed = fs.remove(directory);
            REQUIRE_FALSE(removed.has_value());
            CHECK(removed.error().describe().contains("is a directory"));
            CHECK_FALSE(fs.read_file(directory).has_value());
        });
    }

    TEST_CASE("fs: rename replaces files and moves directories") {
        on_each([](FileSystem& fs, const std::string& directory) {
            const auto at = [&](const char* name) { return join_path(directory, name); };
            put(fs, at("a"), "A");
            put(fs, at("b"), "B");
            must(fs.rename(at("a"), at("b")));
            CHECK(names_in(fs, directory) == "b ");
            CHECK(whole(fs, at("b")) == "A");
            must(fs.rename(at("b"), at("b")));
            CHECK(code_of(fs.rename(at("gone"), at("b"))) == Code::kInputMissing);
            must(fs.create_directory(at("d")));
            must(fs.create_directory(at("e")));
            must(fs.rename(at("b"), at("d/moved")));
            CHECK_FALSE(fs.rename(at("d/moved"), at("e")).has_value());
            CHECK_FALSE(fs.rename(at("e"), at("d/moved")).has_value());
            CHECK_FALSE(fs.rename(at("e"), at("d")).has_value());
            CHECK_FALSE(fs.rename(at("d"), at("d/inside")).has_value());
            must(fs.rename(at("d"), at("e")));
            CHECK(names_in(fs, directory) == "e/ ");
            CHECK(whole(fs, at("e/moved")) == "A");
        });
    }

    TEST_CASE("fs: remove") {
        on_each([](FileSystem& fs, const std::string& directory) {
            const auto at = [&](const char* name) { return join_path(directory, name); };
            put(fs, at("f"), "content");
            const auto open = must(fs.open(at("f"), OpenMode::kReadWrite));
            must(fs.remove(at("f")));
            CHECK(code_of(fs.remove(at("f"))) == Code::kInputMissing);
            std::string out(7, '.');
            CHECK(must(open->read_at(0, std::as_writable_bytes(std::span(out)))) == 7);
            CHECK(out == "content");
            must(fs.create_directory(at("d")));
            put(fs, at("d/x"), "");
            const auto full = fs.remove_directory(at("d"));
            REQUIRE_FALSE(full.has_value());
            CHECK(full.error().describe().contains("not empty"));
            CHECK_FALSE(fs.remove_directory(at("d/x")).has_value());
            must(fs.remove(at("d/x")));
            must(fs.remove_directory(at("d")));
            CHECK(names_in(fs, directory).empty());
        });
    }

    TEST_CASE("fs: locks between handles") {
        on_each([](FileSystem& fs, const std::string& directory) {
            const auto path = join_path(directory, "lock");
            auto one = must(fs.open(path, OpenMode::kCreate));
            auto two = must(fs.open(path, OpenMode::kCreate));
            must(one->try_lock(LockKind::kExclusive));
            must(one->try_lock(LockKind::kExclusive));
            CHECK(code_of(two->try_lock(LockKind::kExclusive)) == Code::kLocked);
            CHECK(code_of(two->try_lock(LockKind::kShared)) == Code::kLocked);
            must(one->try_lock(LockKind::kShared));
            must(two->try_lock(LockKind::kShared));
            CHECK(code_of(one->try_lock(LockKind::kExclusive)) == Code::kLocked);
            two.reset();
            must(one->try_lock(LockKind::kExclusive));
            const auto reader = must(fs.open(path, OpenMode::kRead));
            CHECK(code_of(reader->try_lock(LockKind::kShared)) == Code::kLocked);
            one.reset();
            must(reader->try_lock(LockKind::kShared));
            CHECK(code_of(reader->try_lock(LockKind::kExclusive)) == Code::kIo);
        });
    }

    TEST_CASE("fs: locks on ranges conflict where they overlap") {
        on_each([](FileSystem& fs, const std::string& directory) {
            const auto path = join_path(directory, "lock");
            const std::uint64_t far = std::uint64_t{1} << 40;
            auto one = must(fs.open(path, OpenMode::kCreate));
            auto two = must(fs.open(path, OpenMode::kCreate));
            must(one->try_lock(LockKind::kExclusive, {0, 10}));
            must(one->try_lock(LockKind::kExclusive, {far, 5}));
            must(two->try_lock(LockKind::kExclusive, {10, 10}));
            must(two->try_lock(LockKind::kShared, {far + 5, 1}));
            CHECK(code_of(two->try_lock(LockKind::kShared, {9, 2})) == Code::kLocked);
            CHECK(code_of(two->try_lock(LockKind::kShared, {far + 4, 1})) == Code::kLocked);
            CHECK(code_of(two->try_lock(LockKind::kShared)) == Code::kLocked);
            CHECK(code_of(one->try_lock(LockKind::kExclusive, {far, 0})) == Code::kLocked);
            must(one->try_lock(LockKind::kShared, {far, 0}));
            must(one->try_lock(LockKind::kShared, {4, 2}));  // the rest stays exclusive
            must(two->try_lock(LockKind::kShared, {4, 2}));
            CHECK(code_of(two->try_lock(LockKind::kShared, {3, 1})) == Code::kLocked);
            CHECK(code_of(two->try_lock(LockKind::kShared, {6, 1})) == Code::kLocked);
            one.reset();
            must(two->try_lock(LockKind::kExclusive));
        });
    }

    TEST_CASE("fs: replace_file replaces the whole and leaves no temporary") {
        on_each([](FileSystem& fs, const std::string& directory) {
            const auto path = join_path(directory, "config");
            put(fs, path + ".tmp", "left by a crash, and longer than what comes");
            must(fs.replace_file(path, bytes_of("one")));
            CHECK(whole(fs, path) == "one");
            must(fs.replace_file(path, bytes_of("second")));
            CHECK(whole(fs, path) == "second");
            must(fs.replace_file(path, {}));
            CHECK(whole(fs, path).empty());
            CHECK(names_in(fs, directory) == "config ");
            CHECK_FALSE(fs.replace_file(join_path(directory, "no/config"), {}).has_value());
        });
    }

    TEST_CASE("fs: read_file keeps to its bound") {
        on_each([](FileSystem& fs, const std::string& directory) {
            const auto path = join_path(directory, "f");
            put(fs, path, "12345");
            CHECK(must(fs.read_file(path, 5)) == "12345");
            CHECK(must(fs.read_file(path, ~std::uint64_t{0})) == "12345");
            const auto bounded = fs.read_file(path, 4);
            CHECK(code_of(bounded) == Code::kLimit);
            CHECK(bounded.error().describe().contains("larger than 4 bytes"));
            CHECK(code_of(fs.read_file(join_path(directory, "none"))) == Code::kInputMissing);
            put(fs, path, "");
            CHECK(must(fs.read_file(path, 0)).empty());
        });
    }

    TEST_CASE("fs: open_source maps large files and reads small ones") {
        on_each([](FileSystem& fs, const std::string& directory) {
            std::string text;
            for (int i = 0; i < 40'000; ++i) {
                text += std::to_string(i);
            }
            const auto path = join_path(directory, "f");
            put(fs, path, text);
            const auto large = must(fs.open_source(path));
            CHECK((text_of(large->mapped().value()) == text));
            CHECK(large->size() == text.size());
            CHECK((drain(*large, 4099) == text));
            CHECK(must(large->read({})) == 0);
            put(fs, path, std::string_view(text).substr(0, 64 * 1024));
            const auto small = must(fs.open_source(path));
            CHECK_FALSE(small->mapped().has_value());
            CHECK(small->size() == 64U * 1024);
            CHECK((drain(*small, 4099) == text.substr(0, 64 * 1024)));
            const auto missing = fs.open_source(join_path(directory, "none"));
            CHECK(code_of(missing) == Code::kInputMissing);
        });
    }

    TEST_CASE("fs: open_sink buffers until flush") {
        on_each([](FileSystem& fs, const std::string& directory) {
            const auto path = join_path(directory, "out");
            put(fs, path, "old content");
            std::string expected;
            const auto sink = must(fs.open_sink(path));
            CHECK(whole(fs, path).empty());
            for (int i = 0; i < 1000; ++i) {
                const std::string piece(static_cast<std::size_t>(i),
                                        static_cast<char>('a' + i % 26));
                must(sink->write(piece));
                expected += piece;
            }
            const std::string large(3'000'000, 'L');
            must(sink->write(large));
            must(sink->write("end"));
            must(sink->flush());
            CHECK((whole(fs, path) == expected + large + "end"));
            must(sink->write("dropped"));
            must(fs.open_source(path));
            CHECK(must(fs.stat(path))->size_bytes == expected.size() + large.size() + 3);
        });
    }
}

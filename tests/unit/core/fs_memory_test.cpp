// MemoryFileSystem: its log, single guarantees of each kind of power cut, locks, threads. The
// guarantees over random programs are in fs_crash_test.cpp.
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <abi/core/fs_memory.hpp>

#include "fs_test_util.hpp"

using namespace abikit;
using namespace abikit::test;

namespace {

std::string log_line(const FsOperation& operation) {
    std::string line(fs_call_name(operation.call));
    line += " " + operation.path;
    if (!operation.to.empty()) {
        line += " > " + operation.to;
    }
    return operation.ok ? line : line + " FAILED";
}

// Everything in the tree, for comparisons.
std::map<std::string, std::string> dump(FileSystem& fs, const std::string& directory = "/") {
    std::map<std::string, std::string> all;
    for (const DirectoryEntry& entry : must(fs.list(directory))) {
        const auto path = join_path(directory, entry.name);
        if (entry.kind == FileKind::kDirectory) {
            all[path] = "(directory)";
            all.merge(dump(fs, path));
        } else {
            all[path] = whole(fs, path);
        }
    }
    return all;
}

// What each of many seeds leaves of /f; "(none)" when it is not there.
std::set<std::string> outcomes(const MemoryFileSystem& fs, CrashKind kind,
                               std::size_t tear_bytes = 512) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const auto after = fs.crash({.kind = kind, .seed = seed, .tear_bytes = tear_bytes});
        seen.insert(exists(*after, "/f") ? whole(*after, "/f") : "(none)");
    }
    return seen;
}

using Texts = std::set<std::string>;

}  // namespace

TEST_SUITE("core") {
    TEST_CASE(
        "memory fs: replace_file writes, syncs, renames, syncs the directory, in this order") {
        MemoryFileSystem fs;
        must(fs.create_directory("/d"));
        must(fs.replace_file("/d/x", bytes_of("new")));
        fs.mark("acknowledged");
        const auto log = fs.log();
        std::vector<std::string> lines;
        for (const FsOperation& operation : log) {
            CHECK(operation.sequence == lines.size() + 1);
            lines.push_back(log_line(operation));
        }
        CHECK(lines == std::vector<std::string>{"create_directory /d", "open /d/x.tmp",
                                                "write /d/x.tmp", "sync /d/x.tmp",
                                                "rename /d/x.tmp > /d/x", "sync_directory /d",
                                                "mark acknowledged"});
        CHECK(log[1].mode == OpenMode::kTruncate);
        CHECK(log[2].length == 3);
        CHECK(log[2].file == log[4].file);
        CHECK(log[2].file != log[0].file);
    }

    TEST_CASE("memory fs: the log has reads, failures and offsets") {
        MemoryFileSystem fs;
        CHECK_FALSE(fs.open("/none", OpenMode::kRead).has_value());
        {
            const auto file = must(fs.open("/f", OpenMode::kCreate));
            must(file->write_at(7, bytes_of("abc")));
            std::byte byte{};
            CHECK(must(file->read_at(8, {&byte, 1})) == 1);
            must(file->truncate(9));
            CHECK(must(file->size()) == 9);
            must(file->map());
            must(file->try_lock(LockKind::kShared));
        }
        must(fs.stat("/f"));
        must(fs.list("/"));
        must(fs.remove("/f"));
        CHECK_FALSE(fs.remove_directory("/f").has_value());
        std::string all;
        for (const FsOperation& operation : fs.log()) {
            all += log_line(operation) + ", ";
        }
        CHECK(all ==
              "open /none FAILED, open /f, write /f, read /f, truncate /f, size /f, map /f, "
              "lock /f, stat /f, list /, remove /f, remove_directory /f FAILED, ");
        CHECK(fs.log()[2].offset == 7);
        CHECK(fs.log()[3].offset == 8);
        CHECK(fs.log()[4].length == 9);
        CHECK(fs.sequence() == 12);
    }

    TEST_CASE("memory fs: paths from the root, with dots") {
        MemoryFileSystem fs;
        must(fs.create_directory("d"));
        put(fs, "d/./x", "1");
        CHECK(whole(fs, "/d/../d//x") == "1");
        CHECK(exists(fs, "."));
        CHECK_FALSE(fs.open("", OpenMode::kRead).has_value());
        CHECK_FALSE(fs.rename("/", "/d/root").has_value());
        CHECK_FALSE(fs.remove_directory("/").has_value());
    }

    TEST_CASE(
        "memory fs: a mapping keeps its bytes, a crash keeps no lock, an old handle lives on") {
        auto fs = std::make_unique<MemoryFileSystem>();
        put_durably(*fs, "/f", "before");
        const auto file = must(fs->open("/f", OpenMode::kReadWrite));
        const auto region = must(file->map());
        must(file->write_at(0, bytes_of("AFTER!")));
        CHECK(text_of(region->bytes()) == "before");
        must(file->try_lock(LockKind::kExclusive));
        const auto after = fs->crash({});
        CHECK(after->sequence() == 0);
        CHECK(must(after->open("/f", OpenMode::kReadWrite))
                  ->try_lock(LockKind::kExclusive)
                  .has_value());
        const auto other = must(fs->open("/f", OpenMode::kReadWrite));
        CHECK_FALSE(other->try_lock(LockKind::kExclusive).has_value());
        fs.reset();
        must(file->write_at(0, bytes_of("handle")));
        CHECK(text_of(must(file->map())->bytes()) == "handle");
        CHECK(whole(*after, "/f") == "before");
    }

    TEST_CASE("memory fs: lose unsynced, keep all") {
        MemoryFileSystem fs;
        put_durably(fs, "/f", "durable");
        put_durably(fs, "/gone", "durable");
        const auto file = must(fs.open("/f", OpenMode::kReadWrite));
        must(file->write_at(7, bytes_of(" and more")));
        put(fs, "/new", "new");
        must(fs.remove("/gone"));
        CHECK(dump(*fs.crash({.kind = CrashKind::kLoseUnsynced})) ==
              std::map<std::string, std::string>{{"/f", "durable"}, {"/gone", "durable"}});
        CHECK(dump(*fs.crash({.kind = CrashKind::kKeepAll})) == dump(fs));
        CHECK(dump(fs) ==
              std::map<std::string, std::string>{{"/f", "durable and more"}, {"/new", "new"}});
    }

    TEST_CASE("memory fs: a synced file without a synced directory may have no name") {
        MemoryFileSystem fs;
        const auto file = must(fs.open("/f", OpenMode::kCreateNew));
        must(file->write_at(0, bytes_of("data")));
        must(file->sync());
        CHECK(outcomes(fs, CrashKind::kSubset) == Texts{"(none)", "data"});
        CHECK(outcomes(fs, CrashKind::kPrefix) == Texts{"(none)", "data"});
        CHECK(outcomes(fs, CrashKind::kTorn) == Texts{"(none)", "data"});
        CHECK(outcomes(fs, CrashKind::kReordered) == Texts{"(none)", "data"});
        CHECK(outcomes(fs, CrashKind::kLoseUnsynced) == Texts{"(none)"});
        must(fs.sync_directory("/"));
        for (const CrashPlan& plan : crash_plans(1, 20)) {
            CHECK_MESSAGE(whole(*fs.crash(plan), "/f") == "data", describe(plan));
        }
    }

    TEST_CASE("memory fs: a rename may be lost until the directory sync, and is never half done") {
        MemoryFileSystem fs;
        put_durably(fs, "/f", "old");
        put_durably(fs, "/f.tmp", "new");
        must(fs.rename("/f.tmp", "/f"));
        for (const CrashPlan& plan : crash_plans(1, 50)) {
            const auto after = fs.crash(plan);
            const bool renamed = whole(*after, "/f") == "new";
            CHECK_MESSAGE(exists(*after, "/f.tmp") != renamed, describe(plan));
        }
        CHECK(outcomes(fs, CrashKind::kSubset) == Texts{"old", "new"});
        must(fs.sync_directory("/"));
        for (const CrashPlan& plan : crash_plans(1, 20)) {
            CHECK_MESSAGE(whole(*fs.crash(plan), "/f") == "new", describe(plan));
        }
    }

    TEST_CASE("memory fs: a rename across directories is durable when both are synced") {
        MemoryFileSystem fs;
        must(fs.create_directory("/a"));
        must(fs.create_directory("/b"));
        put_durably(fs, "/a/f", "data");
        must(fs.sync_directory("/"));
        must(fs.rename("/a/f", "/b/f"));
        for (const char* synced : {"/b", "/a"}) {
            std::set<bool> moved;
            for (const CrashPlan& plan : crash_plans(1, 50)) {
                const auto after = fs.crash(plan);
                CHECK(exists(*after, "/a/f") != exists(*after, "/b/f"));
                moved.insert(exists(*after, "/b/f"));
            }
            CHECK(moved.size() == 2);
            must(fs.sync_directory(synced));
        }
        for (const CrashPlan& plan : crash_plans(1, 20)) {
            CHECK(whole(*fs.crash(plan), "/b/f") == "data");
        }
    }

    TEST_CASE("memory fs: what stands in a directory whose name was lost is lost with it") {
        MemoryFileSystem fs;
        must(fs.create_directory("/d"));
        put_durably(fs, "/d/f", "data");
        CHECK(dump(*fs.crash({})).empty());
        must(fs.sync_directory("/"));
        CHECK(whole(*fs.crash({}), "/d/f") == "data");
    }

    TEST_CASE("memory fs: a prefix keeps the order over files and names") {
        MemoryFileSystem fs;
        put_durably(fs, "/f", "");
        put_durably(fs, "/g", "");
        const auto f = must(fs.open("/f", OpenMode::kReadWrite));
        const auto g = must(fs.open("/g", OpenMode::kReadWrite));
        must(f->write_at(0, bytes_of("1")));
        must(g->write_at(0, bytes_of("2")));
        must(f->write_at(1, bytes_of("3")));
        must(fs.rename("/g", "/h"));
        std::set<std::string> seen;
        for (std::uint64_t seed = 0; seed < 200; ++seed) {
            const auto after = fs.crash({.kind = CrashKind::kPrefix, .seed = seed});
            const bool moved = exists(*after, "/h");
            seen.insert(whole(*after, "/f") + "," + whole(*after, moved ? "/h" : "/g") +
                        (moved ? " moved" : ""));
        }
        CHECK(seen == Texts{",", "1,", "1,2", "13,2", "13,2 moved"});
    }

    TEST_CASE(
        "memory fs: a subset may keep a later write without an earlier one, or only its size") {
        MemoryFileSystem fs;
        put_durably(fs, "/f", "..");
        const auto file = must(fs.open("/f", OpenMode::kReadWrite));
        must(file->write_at(0, bytes_of("1")));
        must(file->write_at(1, bytes_of("2")));
        CHECK(outcomes(fs, CrashKind::kSubset) == Texts{"..", "1.", ".2", "12"});
        CHECK(outcomes(fs, CrashKind::kReordered) == Texts{"..", "1.", ".2", "12"});
        must(file->sync());
        must(file->write_at(2, bytes_of("3")));
        CHECK(outcomes(fs, CrashKind::kSubset) == Texts{"12", "123", std::string("12\0", 3)});
        CHECK(outcomes(fs, CrashKind::kReordered) == Texts{"12", "123", std::string("12\0", 3)});
        CHECK(outcomes(fs, CrashKind::kSizesOnly) == Texts{std::string("12\0", 3)});
    }

    TEST_CASE("memory fs: sizes without bytes, after a truncation too") {
        MemoryFileSystem fs;
        put_durably(fs, "/f", "12345");
        const auto file = must(fs.open("/f", OpenMode::kReadWrite));
        must(file->truncate(2));
        must(file->write_at(2, bytes_of("ab")));
        CHECK(outcomes(fs, CrashKind::kSizesOnly) == Texts{std::string("12\0\0", 4)});
        // Truncation kept or not, write kept or not, and the size of both without the write.
        CHECK(outcomes(fs, CrashKind::kSubset) ==
              Texts{"12345", "12", "12ab", "12ab5", std::string("12\0\0", 4)});
    }

    TEST_CASE("memory fs: torn writes are whole within a block and mixed across blocks") {
        MemoryFileSystem fs;
        const std::string old_text(8192, 'o');
        put_durably(fs, "/f", old_text);
        const auto file = must(fs.open("/f", OpenMode::kReadWrite));
        must(file->write_at(0, bytes_of(std::string(8192, 'n'))));
        for (const std::size_t block : {512U, 4096U}) {
            const auto seen = outcomes(fs, CrashKind::kTorn, block);
            CHECK(seen.size() >= 4);
            for (const std::string& text : seen) {
                REQUIRE(text.size() == 8192);
                for (std::size_t at = 0; at < text.size(); at += block) {
                    const std::string part = text.substr(at, block);
                    const bool whole_block =
                        part == std::string(block, 'o') || part == std::string(block, 'n');
                    CHECK(whole_block);
                }
            }
        }
        CHECK(outcomes(fs, CrashKind::kTorn, 4096).size() == 4);  // two pages, old or new
    }

    TEST_CASE(
        "memory fs: torn blocks never mix moments, and an unaligned append tears at a block") {
        MemoryFileSystem fs;
        put_durably(fs, "/f", std::string(500, '0'));
        const auto file = must(fs.open("/f", OpenMode::kReadWrite));
        must(file->write_at(0, bytes_of("1")));
        must(file->write_at(1, bytes_of("2")));
        const std::string rest(498, '0');
        CHECK(outcomes(fs, CrashKind::kTorn) == Texts{"00" + rest, "10" + rest, "12" + rest});
        must(file->sync());
        must(file->write_at(500, bytes_of(std::string(24, 'a'))));  // 12 in this block, 12 beyond
        const std::string start = "12" + rest;
        const std::string none(12, '\0');
        const std::string some(12, 'a');
        CHECK(outcomes(fs, CrashKind::kTorn) == Texts{start, start + none + none,
                                                      start + some + none, start + none + some,
                                                      start + some + some});
    }

    TEST_CASE("memory fs: a torn truncation") {
        MemoryFileSystem fs;
        put_durably(fs, "/f", "12345678");
        const auto file = must(fs.open("/f", OpenMode::kReadWrite));
        must(file->truncate(4));
        must(file->write_at(4, bytes_of("ab")));
        CHECK(outcomes(fs, CrashKind::kTorn) ==
              Texts{"12345678", std::string("1234\0\0\0\0", 8), std::string("1234ab\0\0", 8),
                    "1234", "123456", std::string("1234\0\0", 6), "1234ab"});
    }

    TEST_CASE("memory fs: crash_at goes to any operation, in any order, with the same result") {
        MemoryFileSystem fs;
        put_durably(fs, "/f", "1");   // operations 1 to 4
        put_durably(fs, "/f", "22");  // 5 to 8
        must(fs.replace_file("/f", bytes_of("333")));
        const CrashPlan lose{};
        CHECK(dump(*fs.crash_at(0, lose)).empty());
        CHECK(dump(*fs.crash_at(3, lose)).empty());
        CHECK(whole(*fs.crash_at(4, lose), "/f") == "1");
        CHECK(whole(*fs.crash_at(6, lose), "/f") == "1");
        CHECK(whole(*fs.crash_at(6, {.kind = CrashKind::kKeepAll}), "/f") == "22");
        CHECK(whole(*fs.crash_at(7, lose), "/f") == "22");
        CHECK(whole(*fs.crash_at(fs.sequence(), lose), "/f") == "333");
        CHECK(whole(*fs.crash_at(fs.sequence() + 100, lose), "/f") == "333");
        std::vector<std::map<std::string, std::string>> forwards;
        const CrashPlan torn{.kind = CrashKind::kTorn, .seed = 5};
        for (std::uint64_t at = 0; at <= fs.sequence(); ++at) {
            forwards.push_back(dump(*fs.crash_at(at, torn)));
        }
        for (std::uint64_t at = fs.sequence() + 1; at-- > 0;) {
            CHECK(dump(*fs.crash_at(at, torn)) == forwards[at]);
        }
    }

    TEST_CASE("memory fs: a crashed file system works, and crashes again") {
        MemoryFileSystem fs;
        must(fs.create_directory("/d"));
        put(fs, "/d/f", "kept by luck");
        const auto second = fs.crash({.kind = CrashKind::kKeepAll});
        CHECK(whole(*second->crash({}), "/d/f") == "kept by luck");
        must(second->rename("/d/f", "/d/g"));
        must(second->create_directory("/e"));
        put(*second, "/e/h", "new");
        CHECK(dump(*second->crash({})) ==
              std::map<std::string, std::string>{{"/d", "(directory)"}, {"/d/f", "kept by luck"}});
        CHECK(dump(*second->crash({.kind = CrashKind::kKeepAll})) == dump(*second));
        CHECK(dump(fs).contains("/d/f"));
    }

    TEST_CASE("memory fs: removed and replaced files come back when the removal is lost") {
        MemoryFileSystem fs;
        put_durably(fs, "/f", "old");
        must(fs.remove("/f"));
        put(fs, "/f", "unrelated");
        const auto seen = outcomes(fs, CrashKind::kSubset);
        CHECK(seen == Texts{"old", "(none)", "", "unrelated", std::string(9, '\0')});
    }

    TEST_CASE("memory fs: a sync after a failed one does not bring back what was forgotten") {
        MemoryFileSystem fs;
        put_durably(fs, "/f", "12");
        const auto file = must(fs.open("/f", OpenMode::kReadWrite));
        must(file->write_at(0, bytes_of("ab")));
        must(fs.forget_unsynced("/f"));
        CHECK(whole(fs, "/f") == "ab");
        must(file->sync());
        CHECK(whole(*fs.crash({.kind = CrashKind::kKeepAll}), "/f") == "12");
        CHECK_FALSE(fs.forget_unsynced("/none").has_value());
    }

    TEST_CASE("memory fs: plans") {
        CHECK(crash_plans(1, 0).size() == 3);
        const auto plans = crash_plans(7, 2);
        CHECK(plans.size() == 3 + 2 * 5);
        std::set<std::string> texts;
        for (const CrashPlan& plan : plans) {
            texts.insert(describe(plan));
        }
        CHECK(texts.size() == plans.size());
        CHECK(texts.contains("torn at 4096 bytes, seed 8"));
    }

    TEST_CASE("memory fs: threads") {
        MemoryFileSystem fs;
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&fs, i] {
                const std::string path = "/f" + std::to_string(i);
                auto file = fs.open(path, OpenMode::kCreate);
                for (std::uint64_t at = 0; file && at < 200; ++at) {
                    const char letter = static_cast<char>('a' + i);
                    static_cast<void>((*file)->write_at(at, bytes_of({&letter, 1})));
                    static_cast<void>(fs.list("/"));
                    static_cast<void>(fs.crash({.kind = CrashKind::kSubset, .seed = at}));
                }
            });
        }
        threads.clear();
        for (int i = 0; i < 4; ++i) {
            CHECK(whole(fs, "/f" + std::to_string(i)) ==
                  std::string(200, static_cast<char>('a' + i)));
        }
    }
}

// A reading handle beside a writer: it sees each commit once it is acknowledged, whatever the
// writer does to the files, never a mixture; and a writer that is killed leaves no lock.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <abi/core/fs_fault.hpp>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

Row row(std::string id, float value = 1.0F) {
    return {std::move(id), {value, 0.0F}, {}, {}};
}

// A directory on the real disk, gone with the object.
class RealFolder {
public:
    RealFolder() {
        path_ = (std::filesystem::temp_directory_path() / "abi-follow-XXXXXX").string();
        REQUIRE(::mkdtemp(path_.data()) != nullptr);
    }
    ~RealFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    RealFolder(const RealFolder&) = delete;
    RealFolder& operator=(const RealFolder&) = delete;
    std::string file(std::string_view name) const { return join_path(path_, name); }

private:
    std::string path_;
};

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("follow: a reader sees each commit, checkpoint and collection of a writer") {
        MemoryStore store;
        Database writer = store.create();
        const Database reader = store.open(AccessMode::kRead);
        const Snapshot before = reader.snapshot();
        for (int i = 0; i < 60; ++i) {
            CAPTURE(i);
            must(commit(writer, {row(std::to_string(i)), row("same", static_cast<float>(i))}));
            if (i % 7 == 3) {
                must(writer.checkpoint());
            } else if (i % 20 == 15) {
                must(writer.optimize());
            }
            const Snapshot now = reader.snapshot();
            REQUIRE(rows_of(now) == rows_of(writer.snapshot()));
            REQUIRE(get(now, "same")->vector[0] == static_cast<float>(i));
            REQUIRE(now.stats().lsn == writer.snapshot().stats().lsn);
        }
        CHECK(before.rows() == 0);
        CHECK(reader.snapshot().stats().read_waits == 0);
        CreateOptions options{.dimension = 3, .metric = Metric::kDot, .embedder = {}};
        options.name = "more";
        must(writer.create_collection(options));
        const Database more = must(reader.collection("more"));
        must(must(writer.collection("more")).commit({nullptr, {"nobody"}, WriteMode::kUpsert}));
        CHECK(more.snapshot().rows() == 0);
        must(writer.drop_collection("more"));
        CHECK(code_of(reader.collection("more")) == Code::kNotFound);
    }

    TEST_CASE("follow: nothing is loaded or replayed when nothing changed") {
        MemoryStore store;
        FaultFileSystem counted(store.fs);
        Database writer = store.create();
        must(commit(writer, {row("a")}));
        Database reader = must(Database::open(context_on(counted), store.path, AccessMode::kRead));
        const std::uint64_t before = counted.calls();
        must(reader.refresh());
        const std::uint64_t idle = counted.calls() - before;
        CHECK(idle == 3);
        // Segments that stay are not opened again.
        must(writer.checkpoint());
        CHECK(reader.snapshot().rows() == 1);
        must(commit(writer, {row("b")}));
        must(writer.checkpoint());
        const std::uint64_t maps = counted.calls(FsCall::kMap);
        CHECK(reader.snapshot().rows() == 2);
        CHECK(counted.calls(FsCall::kMap) == maps + 1);
    }

    TEST_CASE("follow: catching up that fails is tried again, and then all is there") {
        MemoryStore store;
        FaultFileSystem faults(store.fs);
        Database writer = store.create();
        must(commit(writer, {row("a")}));
        Database reader = must(Database::open(context_on(faults), store.path, AccessMode::kRead));
        for (const bool swap : {false, true}) {
            for (std::uint64_t nth = 1, failed = 1; failed != 0; ++nth) {
                CAPTURE(swap);
                CAPTURE(nth);
                must(commit(writer, {row(std::to_string(nth)), row("again")}));
                if (swap) {
                    must(writer.checkpoint());
                }
                const std::uint64_t before = faults.faults();
                faults.fail({.nth = nth});
                const Status status = reader.refresh();
                failed = faults.faults() - before;
                REQUIRE((status || failed != 0));
                faults.clear();
                REQUIRE(rows_of(reader.snapshot()) == rows_of(writer.snapshot()));
            }
        }
    }

    TEST_CASE("follow: threads of one reading handle beside a committing one") {
        MemoryStore store;
        Database writer = store.create();
        must(commit(writer, {row("a"), row("b")}));
        const Database reader = store.open(AccessMode::kRead);
        std::atomic<bool> done = false;
        std::atomic<int> wrong = 0;
        std::atomic<std::uint64_t> acknowledged = 2;
        {
            std::vector<std::jthread> threads;
            for (int i = 0; i < 4; ++i) {
                threads.emplace_back([&] {
                    std::uint64_t last = 0;
                    for (int turn = 0; turn < 50 || !done; ++turn) {
                        const std::uint64_t least = acknowledged;
                        const Snapshot snapshot = reader.snapshot();
                        const std::uint64_t rows = snapshot.rows();
                        wrong += rows % 2 != 0 || rows < last || rows < least ? 1 : 0;
                        wrong += rows_of(snapshot).size() == rows ? 0 : 1;
                        last = rows;
                    }
                });
            }
            for (int i = 0; i < 120; ++i) {
                const std::string name = std::to_string(i);
                must(commit(writer, {row(name + "a"), row(name + "b")}));
                acknowledged += 2;
                if (i % 15 == 7) {
                    must(writer.checkpoint());
                }
            }
            done = true;
        }
        CHECK(wrong == 0);
        CHECK(rows_of(reader.snapshot()) == rows_of(writer.snapshot()));
    }

    TEST_CASE("follow: a killed process leaves no lock, and what it acknowledged is there") {
        const RealFolder folder;
        const auto fs = real_file_system();
        const Context context = context_on(*fs);
        const std::string path = folder.file("db");
        must(must(Database::create(context, path,
                                   {.dimension = 2, .metric = Metric::kL2, .embedder = {}}))
                 .close());
        const Database reader = must(Database::open(context, path, AccessMode::kRead));
        for (std::uint64_t round = 1; round <= 3; ++round) {
            int ends[2];
            REQUIRE(::pipe(ends) == 0);
            const pid_t child = ::fork();
            REQUIRE(child >= 0);
            if (child == 0) {
                auto database = Database::open(context, path, AccessMode::kReadWrite);
                const bool sound =
                    database && commit(*database, {row("round " + std::to_string(round))});
                const char answer = sound ? 'y' : 'n';
                static_cast<void>(::write(ends[1], &answer, 1));
                while (true) {
                    ::pause();
                }
            }
            char answer = 0;
            REQUIRE(::read(ends[0], &answer, 1) == 1);
            CHECK(answer == 'y');
            CHECK(reader.snapshot().rows() == round);
            CHECK(code_of(Database::open(context, path, AccessMode::kReadWrite)) == Code::kLocked);
            REQUIRE(::kill(child, SIGKILL) == 0);
            REQUIRE(::waitpid(child, nullptr, 0) == child);
            ::close(ends[0]);
            ::close(ends[1]);
            CHECK(reader.snapshot().rows() == round);
        }
        Database next = must(Database::open(context, path, AccessMode::kReadWrite));
        CHECK(next.snapshot().rows() == 3);
        must(commit(next, {row("after")}));
        CHECK(reader.snapshot().rows() == 4);
        must(next.close());
        CHECK(reader.snapshot().rows() == 4);
    }
}

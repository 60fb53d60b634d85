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

    TEST_CASE(
        "follow: what was taken stays, whatever the writer does to the files and collections") {
        MemoryStore store;
        Database writer = store.create();
        must(commit(writer, {row("a", 1.0F), row("b", 2.0F)}));
        must(writer.checkpoint());
        must(commit(writer, {row("c", 3.0F)}));
        must(writer.create_snapshot("three"));
        const Database reader = store.open(AccessMode::kRead);
        const Database old = must(
            Database::open(store.context, store.path, AccessMode::kRead, {.snapshot = "three"}));
        const Snapshot taken = reader.snapshot();
        const std::vector<Row> three = rows_of(taken);
        must(commit(writer, {row("a", 9.0F)}, WriteMode::kUpsert, {"b"}));
        must(writer.optimize());
        CHECK(ids_of(reader.snapshot()) == std::vector<std::string>{"c", "a"});
        CHECK(rows_of(taken) == three);
        CHECK(rows_of(old.snapshot()) == three);
        // A collection of the same name is another one.
        must(writer.create_collection({.dimension = 2, .embedder = {}, .name = "more"}));
        Database more = must(writer.collection("more"));
        must(commit(more, {row("x")}));
        const Database seen = must(reader.collection("more"));
        const Snapshot held = seen.snapshot();
        must(writer.drop_collection("more"));
        CHECK(seen.snapshot().rows() == 0);
        must(writer.create_collection({.dimension = 2, .embedder = {}, .name = "more"}));
        more = must(writer.collection("more"));
        must(commit(more, {row("y"), row("z")}));
        CHECK(seen.snapshot().rows() == 0);
        CHECK(must(reader.collection("more")).snapshot().rows() == 2);
        CHECK(ids_of(held) == std::vector<std::string>{"x"});
    }

    TEST_CASE("follow: queries are embedded as the rows of the same moment are") {
        MemoryStore store;
        Database writer =
            store.create(CreateOptions{.dimension = 0, .embedder = EmbedderChoice{"hash", 64}});
        const std::string text = "restore a backup before the others";
        const auto embedded = [&](const Snapshot& snapshot) {
            data::RecordBatch batch;
            batch.rows = 1;
            batch.texts.append(text);
            must(snapshot.embed(store.context, batch));
            return batch.owned_vectors;
        };
        data::RecordBatch batch;
        batch.rows = 1;
        batch.ids.append("it");
        batch.texts.append(text);
        must(writer.embed(batch));
        must(writer.commit({&batch, {}, WriteMode::kUpsert}));
        const Database reader = store.open(AccessMode::kRead);
        const Snapshot before = reader.snapshot();
        const std::vector<std::string_view> texts = {text, "the others", "others before", "a a a"};
        REQUIRE(must(writer.learn_if_new(texts)));
        const Snapshot after = reader.snapshot();
        CHECK(embedded(before) == get(before, "it")->vector);
        CHECK(embedded(after) == get(after, "it")->vector);
        CHECK(embedded(after) != embedded(before));
        MemoryStore plain;
        const Database none = plain.create();
        CHECK(none.snapshot().embed(plain.context, batch).error().code() == Code::kInvalidArgument);
    }

    TEST_CASE("follow: a writer is killed in the midst of its commits; the next one is followed") {
        const RealFolder folder;
        const auto fs = real_file_system();
        const Context context = context_on(*fs);
        const std::string path = folder.file("db");
        must(must(Database::create(context, path,
                                   {.dimension = 2, .metric = Metric::kL2, .embedder = {}}))
                 .close());
        const Database reader = must(Database::open(context, path, AccessMode::kRead));
        Random random(seed_or(5));
        std::uint64_t last = 0;
        for (int round = 0; round < 8; ++round) {
            CAPTURE(round);
            int ends[2];
            REQUIRE(::pipe(ends) == 0);
            const pid_t child = ::fork();
            REQUIRE(child >= 0);
            if (child == 0) {
                // After each commit the number of rows that it made sure of.
                auto database =
                    Database::open(context, path, AccessMode::kReadWrite,
                                   {.sync = round % 2 == 0 ? SyncMode::kFull : SyncMode::kOff});
                std::uint64_t rows = database ? database->snapshot().rows() : 0;
                for (int i = 0; database; ++i) {
                    const std::string name = std::to_string(round) + "/" + std::to_string(i);
                    if (!commit(*database, {row(name + "a"), row(name + "b")}) ||
                        (i % 40 == 39 && !database->checkpoint())) {
                        break;
                    }
                    rows += 2;
                    static_cast<void>(::write(ends[1], &rows, sizeof rows));
                }
                ::_exit(1);
            }
            ::close(ends[1]);
            std::uint64_t acknowledged = 0;
            for (std::uint64_t left = 20 + random.below(100); left > 0; --left) {
                REQUIRE(::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged);
                const Snapshot snapshot = reader.snapshot();
                REQUIRE(snapshot.rows() >= acknowledged);
                REQUIRE(snapshot.rows() >= last);
                REQUIRE(snapshot.rows() % 2 == 0);
                last = snapshot.rows();
            }
            REQUIRE(::kill(child, SIGKILL) == 0);
            REQUIRE(::waitpid(child, nullptr, 0) == child);
            while (::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
            }
            ::close(ends[0]);
            const Snapshot left = reader.snapshot();
            CHECK(left.rows() >= acknowledged);
            CHECK(left.rows() % 2 == 0);
            CHECK(rows_of(left) ==
                  rows_of(must(Database::open(context, path, AccessMode::kRead)).snapshot()));
            last = left.rows();
        }
    }

    TEST_CASE("follow: another process follows this one") {
        const RealFolder folder;
        const auto fs = real_file_system();
        const Context context = context_on(*fs);
        const std::string path = folder.file("db");
        Database writer = must(Database::create(
            context, path, {.dimension = 2, .metric = Metric::kL2, .embedder = {}}));
        int asks[2], answers[2];
        REQUIRE(::pipe(asks) == 0);
        REQUIRE(::pipe(answers) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            // Answers each question with the rows it reads one by one and the newest value.
            const auto own_fs = real_file_system();
            const auto reader = Database::open(context_on(*own_fs), path, AccessMode::kRead);
            char ask = 0;
            while (reader && ::read(asks[0], &ask, 1) == 1 && ask == '?') {
                const Snapshot snapshot = reader->snapshot();
                const auto rows = load_rows(snapshot);
                float answer[2] = {-1.0F, -1.0F};
                if (rows) {
                    answer[0] = static_cast<float>(rows->size());
                    for (const Row& each : *rows) {
                        answer[1] = each.id == "same" ? each.vector[0] : answer[1];
                    }
                }
                static_cast<void>(::write(answers[1], answer, sizeof answer));
            }
            ::_exit(reader ? 0 : 1);
        }
        for (int i = 0; i < 90; ++i) {
            CAPTURE(i);
            must(commit(writer, {row(std::to_string(i)), row("same", static_cast<float>(i))}));
            if (i % 11 == 5) {
                must(writer.checkpoint());
            } else if (i % 30 == 17) {
                must(writer.optimize());
            }
            REQUIRE(::write(asks[1], "?", 1) == 1);
            float answer[2] = {};
            REQUIRE(::read(answers[0], answer, sizeof answer) == sizeof answer);
            REQUIRE(answer[0] == static_cast<float>(i + 2));
            REQUIRE(answer[1] == static_cast<float>(i));
        }
        REQUIRE(::write(asks[1], "!", 1) == 1);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        for (const int end : {asks[0], asks[1], answers[0], answers[1]}) {
            ::close(end);
        }
    }
}

// Power cuts, as many as fit into an ordinary test run; scripts/crash_campaign does the rest.
#include <array>
#include <iostream>
#include <set>

#include "crash_campaign.hpp"
#include "scale.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

std::uint64_t run(CrashOptions options, CrashTally (*campaign)(const CrashOptions&)) {
    const CrashTally tally = campaign(options);
    INFO(describe(options.profile));
    for (const CrashFailure& failure : tally.failures) {
        FAIL_CHECK(failure.kind, " in state ", failure.state, ", ", failure.where, ": ",
                   failure.what);
    }
    return tally.states;
}

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("crash: every power cut leaves what was acknowledged, and at most one more commit") {
        const bool replay = std::getenv("ABI_TEST_SEED") != nullptr;
        const std::uint64_t first = seed_or(1);
        const std::size_t wanted = scaled(20'000);
        std::uint64_t states = 0;
        for (std::uint64_t seed = first; replay ? seed == first : states < wanted; ++seed) {
            states += run({.profile = random_profile(seed)}, cut_everywhere);
        }
        std::cout << "crash: " << states << " states\n";
    }

    TEST_CASE("crash: power cuts while many small segments are folded") {
        const std::uint64_t first = seed_or(50);
        const std::uint64_t every = stride(7);
        std::uint64_t states = 0;
        for (std::uint64_t seed = first; seed < first + scaled(1); ++seed) {
            states += run({.profile = {.seed = seed, .steps = 40, .checkpoints = 0.5},
                           .plans = 1,
                           .state_every = every},
                          cut_everywhere);
        }
        std::cout << "crash: " << states << " states around folded segments\n";
        CHECK(states * every > 1000);
    }

    TEST_CASE("crash: a process that dies, then a power cut after the next one's commit") {
        const std::uint64_t first = seed_or(100);
        std::uint64_t states = 0;
        for (std::uint64_t seed = first; seed < first + scaled(2); ++seed) {
            states += run({.profile = {.seed = seed, .steps = 14}}, cut_after_dead_processes);
        }
        std::cout << "crash: " << states << " states after dead processes\n";
        CHECK(states > 100);
    }

    TEST_CASE("threads: power cuts while several commit") {
        const std::uint64_t first = seed_or(1);
        std::uint64_t states = 0;
        for (std::uint64_t seed = first; seed < first + scaled(4); ++seed) {
            states += run({.profile = {.seed = seed}}, cut_threads);
        }
        std::cout << "crash: " << states << " states of threads\n";
        CHECK(states > 100);
    }

    TEST_CASE("crash: a disk that lies about any kind of sync is noticed") {
        constexpr std::array kLiars{"log-", "del-", "emb-", "//.", "/db/.", "MANIFEST.tmp", "seg-"};
        for (std::size_t i = 0; i < kLiars.size(); i += stride(3)) {
            const char* const liar = kLiars[i];
            CAPTURE(liar);
            CrashOptions options{.profile = {.seed = 7, .steps = 30, .checkpoints = 0.3},
                                 .plans = 1};
            options.liar = liar;
            options.first_failure = true;
            options.profile.embedder = std::string_view(liar) == "emb-";
            options.profile.dimension = options.profile.embedder ? 64 : 3;
            CHECK_FALSE(cut_everywhere(options).failures.empty());
        }
        CHECK_FALSE(
            cut_threads({.profile = {.seed = 7}, .plans = 1, .liar = "log-"}).failures.empty());
        // Where a checkpoint alone reaches for the disk, that one must not be a lie.
        CrashOptions lazy{.profile = {.seed = 7, .steps = 30, .checkpoints = 0.3},
                          .plans = 1,
                          .state_every = stride(7)};
        lazy.profile.sync = SyncMode::kOff;
        CHECK(cut_everywhere(lazy).failures.empty());
        lazy.liar = "seg-";
        CHECK_FALSE(cut_everywhere(lazy).failures.empty());
    }

    TEST_CASE("crash: importing documents again is cut anywhere, and can be repeated") {
        MemoryFileSystem fs;
        const Context context = context_on(fs);
        must(fs.create_directory("/docs"));
        for (int i = 0; i < 6; ++i) {
            put(fs, "/docs/" + std::to_string(i) + ".txt",
                "words of document " + std::to_string(i));
        }
        must(fs.sync_directory("/docs"));
        must(fs.sync_directory("/"));
        Database database = must(Database::create(
            context, "/db", {.dimension = 0, .embedder = EmbedderChoice{"hash", 64}}));
        ImportInfo info;
        must(import_files(context, database, {"/docs"}, nullptr, {}, info));
        must(database.checkpoint());
        must(fs.remove("/docs/0.txt"));
        put(fs, "/docs/1.txt", "changed words");
        put(fs, "/docs/7.txt", "new words");
        must(fs.sync_directory("/docs"));
        const std::uint64_t begin = fs.sequence();
        ImportOptions options;
        options.commit_every = 1;
        must(import_files(context, database, {"/docs"}, nullptr, options, info));
        must(database.close());
        const std::vector<Row> expected = rows_of(database.snapshot());
        REQUIRE(expected.size() == 6);
        for (const std::uint64_t at : crash_points(fs, begin)) {
            for (const CrashPlan& plan : crash_plans(at, 1)) {
                CAPTURE(at);
                CAPTURE(describe(plan));
                const auto after = fs.crash_at(at, plan);
                const Context later = context_on(*after);
                Database survivor = must(Database::open(later, "/db", AccessMode::kReadWrite));
                ImportInfo again;
                must(import_files(later, survivor, {"/docs"}, nullptr, options, again));
                std::set<std::string> ids, wanted;
                for (const Row& row : rows_of(survivor.snapshot())) {
                    ids.insert(*row.id + "=" + *row.text);
                }
                for (const Row& row : expected) {
                    wanted.insert(*row.id + "=" + *row.text);
                }
                REQUIRE(ids == wanted);
                must(survivor.close());
                REQUIRE(must(verify(later, "/db")).faults_total == 0);
            }
        }
    }
}

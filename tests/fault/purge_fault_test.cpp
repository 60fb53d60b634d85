// A purge that is cut off at any point leaves a sound database, and the next writer finishes it.
#include <doctest/doctest.h>

#include <iostream>
#include <string>

#include <abi/core/fs_fault.hpp>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {
constexpr std::string_view kSecret = "swordfish";

std::uint64_t generation_of(FileSystem& fs) {
    const Database reader = must(Database::open(context_on(fs), "/db", AccessMode::kRead));
    return reader.snapshot().stats().generation;
}

// Rows in segment and log, some of them deleted. Returns the number of the generation.
std::uint64_t prepare(FileSystem& fs) {
    Database database = must(Database::create(
        context_on(fs), "/db", {.dimension = 2, .metric = Metric::kL2, .embedder = {}}));
    const std::string secret(kSecret);
    must(commit(database, {{"a", {1, 2}, "one", {}}, {"gone", {3, 4}, secret, {}}}));
    must(database.checkpoint());
    must(commit(database, {{"b", {5, 6}, "two", {}}, {"too", {7, 8}, secret, {}}},
                WriteMode::kUpsert, {"gone"}));
    must(commit(database, {}, WriteMode::kUpsert, {"too"}));
    must(fs.sync_directory("/"));
    return generation_of(fs);
}

std::vector<std::string> ids_in(FileSystem& fs) {
    return ids_of(must(Database::open(context_on(fs), "/db", AccessMode::kRead)).snapshot());
}

// The rows are there; after the next writer nothing waits, and of the deleted rows nothing is left
// once their generation is replaced.
void check(FileSystem& fs, std::uint64_t old_generation) {
    const std::vector<std::string> ids{"a", "b"};
    REQUIRE(ids_in(fs) == ids);
    const VerifyInfo before = must(verify(context_on(fs), "/db"));
    REQUIRE(before.faults_total == 0);
    REQUIRE(before.foreign.empty());
    const bool replaced = generation_of(fs) != old_generation;
    const Database writer = must(Database::open(context_on(fs), "/db", AccessMode::kReadWrite));
    REQUIRE(ids_of(writer.snapshot()) == ids);
    for (const DirectoryEntry& entry : must(fs.list("/db"))) {
        REQUIRE_FALSE(entry.name.ends_with(".purge"));
        REQUIRE(entry.name != "PURGE");
        const std::string bytes = whole(fs, join_path("/db", entry.name));
        REQUIRE((!replaced || bytes.find(kSecret) == std::string::npos));
    }
    REQUIRE(must(verify(context_on(fs), "/db")).faults_total == 0);
}
}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("crash: a purge that is cut off anywhere is finished by the next writer") {
        MemoryFileSystem disk;
        const std::uint64_t generation = prepare(disk);
        const std::uint64_t start = disk.sequence();
        {
            Database database =
                must(Database::open(context_on(disk), "/db", AccessMode::kReadWrite));
            const OptimizeInfo info = must(database.optimize({.purge = true}));
            REQUIRE(info.purged_files == 2);  // segment and log
        }
        std::size_t states = 0;
        for (std::uint64_t at = start; at <= disk.sequence(); ++at) {
            for (const CrashPlan& plan : crash_plans(at, 1)) {
                INFO("cut after operation ", at, ": ", describe(plan));
                const auto after = disk.crash_at(at, plan);
                check(*after, generation);
                ++states;
            }
        }
        std::cout << "purge: " << states << " states\n";
        CHECK(states > 300);
    }

    TEST_CASE("fault: the n-th call of a purge fails, once and for ever") {
        std::size_t failures = 0;
        for (const FaultRepeat repeat : {FaultRepeat::kOnce, FaultRepeat::kForEver}) {
            for (std::uint64_t nth = 1;; ++nth) {
                CAPTURE(nth);
                MemoryFileSystem disk;
                const std::uint64_t generation = prepare(disk);
                FaultFileSystem faulty(disk);
                Database database =
                    must(Database::open(context_on(faulty), "/db", AccessMode::kReadWrite));
                faulty.fail({.nth = nth, .repeat = repeat});
                const auto info = database.optimize({.purge = true});
                const bool fired = faulty.faults() != 0;
                failures += info ? 0 : 1;
                faulty.clear();
                REQUIRE(ids_of(database.snapshot()) == std::vector<std::string>{"a", "b"});
                { const Database closing = std::move(database); }
                check(disk, generation);
                if (!fired) {
                    REQUIRE(info);
                    REQUIRE(info->pending_files == 0);
                    break;
                }
            }
        }
        CHECK(failures > 20);
    }
}

// Watching: every change is told once, in order, whatever the writer does between two looks.
#include <algorithm>
#include <map>
#include <set>

#include <abi/core/fs_fault.hpp>
#include <abi/storage/archive.hpp>
#include <abi/storage/watch.hpp>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

Row row(std::string id, float value = 1.0F) {
    return {std::move(id), {value, 0.0F}, {}, {}};
}

// "insert a", "delete default/b": what happened, without numbers.
std::vector<std::string> told(Watch& watch) {
    std::vector<std::string> lines;
    for (const Change& change : must(watch.poll())) {
        lines.push_back(std::string(change_kind_name(change.kind)) + " " + change.collection +
                        (change.id.empty() ? "" : "/" + change.id));
    }
    return lines;
}
using Lines = std::vector<std::string>;

// The same in any order, for rows that were compared.
std::multiset<std::string> told_somehow(Watch& watch) {
    const Lines lines = told(watch);
    return {lines.begin(), lines.end()};
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("watch: inserts, updates and deletes in their order, with their commits") {
        MemoryStore store;
        Database writer = store.create();
        must(commit(writer, {row("early")}));
        Watch watch = must(Watch::open(store.context, store.path));
        CHECK(must(watch.poll()).empty());
        const CommitInfo first = must(commit(writer, {row("a"), row("b"), row("early")}));
        const CommitInfo second =
            must(commit(writer, {row("a", 2.0F)}, WriteMode::kUpsert, {"b", "nobody", "a"}));
        const std::vector<Change> changes = must(watch.poll());
        REQUIRE(changes.size() == 6);
        const ChangeKind kinds[] = {ChangeKind::kInsert, ChangeKind::kInsert, ChangeKind::kUpdate,
                                    ChangeKind::kDelete, ChangeKind::kDelete, ChangeKind::kInsert};
        const char* const ids[] = {"a", "b", "early", "b", "a", "a"};
        for (std::size_t i = 0; i < changes.size(); ++i) {
            CAPTURE(i);
            CHECK(changes[i].kind == kinds[i]);
            CHECK(changes[i].id == ids[i]);
            CHECK(changes[i].lsn == (i < 3 ? first.lsn : second.lsn));
            CHECK(changes[i].time_ns > 0);
            CHECK(changes[i].collection == "default");
        }
        CHECK(watch.lsn() == second.lsn);
        CHECK(must(watch.poll()).empty());
    }

    TEST_CASE("watch: checkpoints and optimize are no changes, and lose none") {
        MemoryStore store;
        Database writer = store.create();
        Watch watch = must(Watch::open(store.context, store.path));
        must(commit(writer, {row("a"), row("b")}));
        must(writer.checkpoint());
        must(commit(writer, {row("c")}));
        CHECK(told(watch) == Lines{"insert default/a", "insert default/b", "insert default/c"});
        must(commit(writer, {}, WriteMode::kUpsert, {"a"}));
        must(writer.optimize());
        CHECK(told(watch) == Lines{"delete default/a"});
        must(writer.optimize());
        must(writer.create_snapshot("now"));
        CHECK(told(watch).empty());
    }

    TEST_CASE("watch: what was folded away between two looks is found by comparing rows") {
        MemoryStore store;
        Database writer = store.create();
        must(commit(writer, {row("stays"), row("goes"), row("changes"), row("same")}));
        must(writer.checkpoint());
        must(commit(writer, {row("in the log")}));
        Watch watch = must(Watch::open(store.context, store.path));
        for (const char* const id : {"new", "newer"}) {
            must(commit(writer, {row(id), row("changes", 5.0F)}, WriteMode::kUpsert, {"goes"}));
            must(commit(writer, {row("same")}));
            must(writer.checkpoint());
        }
        const std::uint64_t folded = writer.snapshot().stats().lsn;
        must(commit(writer, {row("last")}));
        const std::vector<Change> changes = must(watch.poll());
        std::map<std::string, std::vector<Change>> by_id;
        for (const Change& change : changes) {
            by_id[change.id].push_back(change);
        }
        CHECK(by_id.size() == 6);
        // Written again as it was: told where the log was read, no difference where rows were
        // compared.
        CHECK(by_id["same"].size() == 1);
        CHECK(by_id["changes"].size() == 1);
        CHECK(by_id["new"].at(0).kind == ChangeKind::kInsert);
        CHECK(by_id["newer"].at(0).kind == ChangeKind::kInsert);
        CHECK(by_id["newer"].at(0).lsn == folded);
        CHECK(by_id["changes"].at(0).kind == ChangeKind::kUpdate);
        CHECK(by_id["goes"].at(0).kind == ChangeKind::kDelete);
        CHECK(by_id["last"].at(0).lsn == folded + 1);
        CHECK(watch.lsn() == folded + 1);
    }

    TEST_CASE("watch: collections that come and go, and one alone") {
        MemoryStore store;
        Database writer = store.create();
        Watch all = must(Watch::open(store.context, store.path));
        CHECK(code_of(Watch::open(store.context, store.path, {.collection = "more"})) ==
              Code::kNotFound);
        must(writer.create_collection({.dimension = 2, .embedder = {}, .name = "more"}));
        Database more = must(writer.collection("more"));
        Watch one = must(Watch::open(store.context, store.path, {.collection = "more"}));
        must(commit(more, {row("x")}));
        must(commit(writer, {row("y")}));
        CHECK(told(all) == Lines{"create more", "insert more/x", "insert default/y"});
        CHECK(told(one) == Lines{"insert more/x"});
        must(writer.drop_collection("more"));
        CHECK(told(all) == Lines{"drop more"});
        CHECK(told(one) == Lines{"drop more"});
    }

    TEST_CASE("watch: rows of an archive are told, though no commit brings them") {
        MemoryStore store;
        MemoryStore other;
        Database source = other.create();
        must(commit(source, {row("a"), row("b")}));
        const auto sink = must(store.fs.open_sink("/rows.wda"));
        must(export_archive(other.context, source, *sink));
        must(sink->flush());
        Database writer = store.create();
        Watch watch = must(Watch::open(store.context, store.path));
        ImportInfo info;
        must(import_archive(store.context, writer, "/rows.wda", {}, info));
        CHECK(told_somehow(watch) ==
              std::multiset<std::string>{"insert default/a", "insert default/b"});
    }

    TEST_CASE("watch: from a commit on, as far as the log goes back") {
        MemoryStore store;
        Database writer = store.create();
        must(commit(writer, {row("a")}));
        must(writer.checkpoint());
        const CommitInfo second = must(commit(writer, {row("b")}));
        must(commit(writer, {row("c")}));
        Watch since = must(Watch::open(store.context, store.path, {.from = second.lsn}));
        CHECK(told(since) == Lines{"insert default/c"});
        Watch earlier = must(Watch::open(store.context, store.path, {.from = second.lsn - 1}));
        CHECK(told(earlier) == Lines{"insert default/b", "insert default/c"});
        const Error error =
            error_of(Watch::open(store.context, store.path, {.from = second.lsn - 2}));
        CHECK(error.code() == Code::kNotFound);
        CHECK(error.hint().contains(std::to_string(second.lsn - 1)));
    }

    TEST_CASE("watch: a look that fails is made up for, and tells nothing twice") {
        MemoryStore store;
        FaultFileSystem faults(store.fs);
        Database writer = store.create();
        for (const bool swap : {false, true}) {
            for (std::uint64_t nth = 1, failed = 1; failed != 0; ++nth) {
                CAPTURE(swap);
                CAPTURE(nth);
                Watch watch = must(Watch::open(context_on(faults), store.path));
                const std::string id = std::to_string(nth) + (swap ? "s" : "");
                must(commit(writer, {row(id)}));
                if (swap) {
                    must(writer.checkpoint());
                }
                must(commit(writer, {row(id + "b")}));
                const std::uint64_t before = faults.faults();
                faults.fail({.nth = nth});
                std::multiset<std::string> seen;
                if (auto changes = watch.poll()) {
                    for (const Change& change : *changes) {
                        seen.insert(change.id);
                    }
                }
                failed = faults.faults() - before;
                faults.clear();
                for (const Change& change : must(watch.poll())) {
                    CHECK(change.kind == ChangeKind::kInsert);
                    seen.insert(change.id);
                }
                CHECK(seen == std::multiset<std::string>{id, id + "b"});
            }
        }
    }

    // The told changes, applied to what was there, give what is there.
    TEST_CASE("watch: random work, replayed from what was told") {
        const std::uint64_t seed = seed_or(11);
        CAPTURE(seed);
        Random random(seed);
        MemoryStore store;
        Database writer = store.create();
        Watch watch = must(Watch::open(store.context, store.path));
        std::set<std::string> known;
        std::uint64_t last = 0;
        for (int step = 0; step < 400; ++step) {
            CAPTURE(step);
            std::vector<Row> rows;
            std::vector<std::string> deletes;
            for (std::uint64_t i = random.below(4); i > 0; --i) {
                rows.push_back(
                    row(std::to_string(random.below(30)), static_cast<float>(random.below(3))));
            }
            for (std::uint64_t i = random.below(3); i > 0; --i) {
                deletes.push_back(std::to_string(random.below(30)));
            }
            must(commit(writer, rows, WriteMode::kUpsert, deletes));
            if (random.chance(0.2)) {
                must(writer.checkpoint());
            } else if (random.chance(0.05)) {
                must(writer.optimize());
            }
            if (random.chance(0.6)) {
                continue;
            }
            for (const Change& change : must(watch.poll())) {
                REQUIRE(change.lsn >= last);
                last = change.lsn;
                if (change.kind == ChangeKind::kDelete) {
                    REQUIRE(known.erase(change.id) == 1);
                } else {
                    const bool is_new = known.insert(change.id).second;
                    REQUIRE(is_new == (change.kind == ChangeKind::kInsert));
                }
            }
            const std::vector<std::string> ids = ids_of(writer.snapshot());
            REQUIRE(known == std::set<std::string>(ids.begin(), ids.end()));
        }
    }
}

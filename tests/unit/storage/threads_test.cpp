// One writer commits, checkpoints and merges while readers take snapshots and use them: for
// ThreadSanitizer, and for every reader's view being one moment.
#include <array>
#include <atomic>
#include <cmath>
#include <thread>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr int kRounds = 60;
constexpr int kRowsPerRound = 20;

// Every round writes all rows with the round's number in vector, text and metadata: a view that
// mixes two moments shows two numbers.
std::vector<Row> rows_of_round(int round) {
    std::vector<Row> rows;
    for (int i = 0; i < kRowsPerRound; ++i) {
        const auto value = static_cast<float>(round);
        rows.push_back({"row-" + std::to_string(i),
                        {value, static_cast<float>(i)},
                        std::to_string(round),
                        "{\"round\":" + std::to_string(round) + "}"});
    }
    return rows;
}

// What a reader found wrong; empty when nothing.
std::string look(const Database& database, const Context& context, unsigned turn) {
    const Snapshot snapshot = database.snapshot();
    if (snapshot.rows() != kRowsPerRound) {
        return "a snapshot has " + std::to_string(snapshot.rows()) + " rows";
    }
    std::optional<float> round;
    const auto check = [&](RowNumber number) -> Result<bool> {
        ABI_TRY(const RowView row, snapshot.read(number));
        round = round.value_or(row.vector[0]);
        const std::string expected = std::to_string(static_cast<int>(*round));
        if (row.vector[0] != *round || row.text != expected ||
            row.metadata != "{\"round\":" + expected + "}") {
            return fail(Code::kInternal, "a snapshot shows two moments");
        }
        return true;
    };
    const std::vector<float> query{-1.0F, static_cast<float>(turn % kRowsPerRound)};
    Status status;
    if (turn % 3 == 0) {
        status = snapshot.scan(0, check);
    } else if (turn % 3 == 1) {
        const auto found = snapshot.find("row-" + std::to_string(turn % kRowsPerRound));
        const auto seen = found && *found ? check(**found) : fail(Code::kInternal, "a row is gone");
        if (!seen) {
            return seen.error().describe();
        }
    } else {
        const auto hits = snapshot.search(context, query, 1, 5);
        if (!hits || hits->at(0).size() != 5) {
            return "a search failed";
        }
        for (const Hit& hit : hits->at(0)) {
            if (const auto seen = check(hit.row); !seen) {
                return seen.error().describe();
            }
        }
    }
    return status ? std::string() : status.error().describe();
}

void run(FileSystem& fs, const std::string& path) {
    ThreadPool pool(2);
    const Context context = context_on(fs, &pool);
    Database database = must(Database::create(
        context, path, {.dimension = 2, .metric = Metric::kCosine, .embedder = {}}));
    must(commit(database, rows_of_round(0)));
    std::atomic<bool> done = false;
    std::array<std::string, 3> wrong;
    std::array<std::atomic<unsigned>, 3> turns{};
    {
        std::vector<std::jthread> readers;
        for (std::size_t reader = 0; reader < wrong.size(); ++reader) {
            readers.emplace_back([&, reader] {
                for (unsigned turn = 0; wrong[reader].empty() && (turn < 30 || !done); ++turn) {
                    wrong[reader] = look(database, context, turn);
                    ++turns[reader];
                }
            });
        }
        for (int round = 1; round <= kRounds; ++round) {
            CHECK(commit(database, rows_of_round(round)));
            if (round % 10 == 5) {
                CHECK(database.checkpoint());
            } else if (round % 20 == 0) {
                CHECK(database.optimize());
            }
        }
        done = true;
    }
    for (std::size_t reader = 0; reader < wrong.size(); ++reader) {
        CHECK(wrong[reader].empty());
        CHECK(turns[reader] >= 30);
        INFO(wrong[reader]);
    }
    must(database.close());
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("threads: readers beside the writer see one moment each") {
        MemoryFileSystem fs;
        run(fs, "/db");
        CHECK(must(verify(context_on(fs), "/db")).faults_total == 0);
    }

    TEST_CASE("threads: other handles open while the writer swaps generations") {
        MemoryFileSystem fs;
        const Context context = context_on(fs);
        Database writer = must(Database::create(
            context, "/db", {.dimension = 2, .metric = Metric::kL2, .embedder = {}}));
        must(commit(writer, rows_of_round(0)));
        std::atomic<bool> done = false;
        std::string wrong;
        unsigned opened = 0;
        {
            std::jthread reader([&] {
                while (wrong.empty() && (!done || opened < 20)) {
                    const auto database = Database::open(context, "/db", AccessMode::kRead);
                    wrong = database ? look(*database, context, opened * 3)
                                     : database.error().describe();
                    const auto checked = verify(context, "/db");
                    if (!checked || checked->faults_total != 0) {
                        wrong = checked ? checked->faults[0].what : checked.error().describe();
                    }
                    ++opened;
                }
            });
            for (int round = 1; round <= kRounds; ++round) {
                CHECK(commit(writer, rows_of_round(round)));
                if (round % 3 == 0) {
                    CHECK(writer.checkpoint());
                }
            }
            done = true;
        }
        CHECK(wrong == "");
        CHECK(opened >= 20);
    }
}

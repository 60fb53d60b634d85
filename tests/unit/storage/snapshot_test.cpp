// Snapshots: one moment of the database, whatever is written afterwards.
#include "storage/state.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

// r0..r9 in a segment, r10..r19 in another, r20..r24 in the log; r3, r12 and r21 are deleted.
void fill(Database& database) {
    int next = 0;
    for (const int count : {10, 10, 5}) {
        std::vector<Row> rows;
        for (int i = 0; i < count; ++i, ++next) {
            const std::string id = "r" + std::to_string(next);
            rows.push_back({id, {static_cast<float>(next), 0}, id + " text", {}});
        }
        must(commit(database, rows));
        if (count == 10) {
            must(database.checkpoint());
        }
    }
    must(commit(database, {}, WriteMode::kUpsert, {"r3", "r12", "r21"}));
}

std::vector<RowNumber> scan(const Snapshot& snapshot, std::uint64_t offset, std::size_t limit) {
    std::vector<RowNumber> rows;
    must(snapshot.scan(offset, [&](RowNumber row) -> Result<bool> {
        rows.push_back(row);
        return rows.size() < limit;
    }));
    return rows;
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("snapshot: finds and reads rows of segments and of the log") {
        MemoryStore store;
        Database database = store.create();
        fill(database);
        const Snapshot snapshot = database.snapshot();
        CHECK(snapshot.rows() == 22);
        for (int i = 0; i < 25; ++i) {
            const std::string id = "r" + std::to_string(i);
            CAPTURE(id);
            const auto row = get(snapshot, id);
            REQUIRE(row.has_value() == (i != 3 && i != 12 && i != 21));
            if (row) {
                CHECK(*row == Row{id, {static_cast<float>(i), 0}, id + " text", {}});
                CHECK(must(snapshot.read_id(*must(snapshot.find(id)))) == id);
            }
        }
        CHECK_FALSE(get(snapshot, "r25"));
        CHECK_FALSE(get(snapshot, ""));
    }

    TEST_CASE("snapshot: a scan visits live rows in order, from an offset, until told to stop") {
        MemoryStore store;
        Database database = store.create();
        fill(database);
        const Snapshot snapshot = database.snapshot();
        std::vector<RowNumber> live;
        for (RowNumber row = 0; row < 25; ++row) {
            if (row != 3 && row != 12 && row != 21) {
                live.push_back(row);
            }
        }
        for (std::size_t offset = 0; offset <= 23; ++offset) {
            CAPTURE(offset);
            const auto from =
                live.begin() + static_cast<std::ptrdiff_t>(std::min(offset, live.size()));
            CHECK(scan(snapshot, offset, 1000) == std::vector<RowNumber>(from, live.end()));
        }
        CHECK(scan(snapshot, 2, 3) == std::vector<RowNumber>{2, 4, 5});
        CHECK(code_of(snapshot.scan(0, [](RowNumber) -> Result<bool> {
                  return fail(Code::kCancelled, "enough");
              })) == Code::kCancelled);
    }

    TEST_CASE("snapshot: later commits, checkpoints and merges do not change it") {
        MemoryStore store;
        Database database = store.create();
        fill(database);
        const Snapshot before = database.snapshot();
        const std::vector<Row> rows = rows_of(before);
        must(commit(database, {{"r0", {-1, -1}, {}, {}}, {"new", {7, 7}, {}, {}}},
                    WriteMode::kUpsert, {"r1", "r15", "r24"}));
        CHECK(rows_of(before) == rows);
        must(database.checkpoint());
        CHECK(rows_of(before) == rows);
        CHECK(before.rows() == 22);
        must(database.optimize());
        must(database.close());
        CHECK(rows_of(before) == rows);
        CHECK(get(before, "r1"));
        CHECK_FALSE(get(before, "new"));
        const std::vector<float> query{0, 0};
        CHECK(must(before.search(store.context, query, 1, 100))[0].size() == 22);
    }

    TEST_CASE("snapshot: outlives the database it came from") {
        MemoryStore store;
        std::optional<Snapshot> snapshot;
        {
            Database database = store.create();
            fill(database);
            snapshot = database.snapshot();
        }
        CHECK(rows_of(*snapshot).size() == 22);
    }

    TEST_CASE("snapshot: statistics count what is there") {
        MemoryStore store;
        Database database = store.create();
        fill(database);
        const SnapshotStats stats = database.snapshot().stats();
        CHECK(stats.rows == 22);
        CHECK(stats.deleted_rows == 3);
        CHECK(stats.segments == 2);
        CHECK(stats.log_rows == 4);
        CHECK(stats.log_bytes > 5 * 8);
        CHECK(stats.vector_bytes == 20 * 8);
        CHECK(stats.id_bytes > 20 * 8 + 20 * 12);
        CHECK(stats.text_bytes > 20 * 8 + 10 * 7);
        CHECK(stats.metadata_bytes == 0);
        CHECK(stats.lsn == 4);
        CHECK(stats.generation == 3);
        CHECK(stats.uuid.size() == 36);
        CHECK(stats.created_ns > 0);
        CHECK(stats.checkpoint_ns >= stats.created_ns);
        must(database.optimize());
        const SnapshotStats merged = database.snapshot().stats();
        CHECK(merged.rows == 22);
        CHECK(merged.deleted_rows == 0);
        CHECK(merged.segments == 1);
        CHECK(merged.log_rows == 0);
        CHECK(merged.log_bytes == 0);
        CHECK(merged.uuid == stats.uuid);
        CHECK(merged.lsn == stats.lsn);
    }

    TEST_CASE("state: runs of any length cover every row once, with its own deleted bit") {
        constexpr std::uint32_t kDimension = 20'000;  // chunks of 64 rows
        State state;
        auto collection = std::make_shared<CollectionEntry>();
        collection->shape.dimension = kDimension;
        state.collection = collection;
        MemTable table({kDimension}, Metric::kL2);
        const std::vector<float> v(kDimension, 0.5F);
        for (int i = 0; i < 150; ++i) {
            const std::string id = std::to_string(i);
            table.reserve(1);
            table.stage(0, {id, std::as_bytes(std::span(v)), {}, {}});
            table.admit();
        }
        table.set_deleted(0);
        table.set_deleted(63);
        table.set_deleted(64);
        table.set_deleted(149);
        state.log_rows = table.view();
        state.index_units();
        state.index_units();
        REQUIRE(state.log_rows.chunk_rows == 64);
        for (const std::uint64_t most : {1ULL, 7ULL, 64ULL, 1000ULL}) {
            CAPTURE(most);
            RowNumber next = 0;
            for (const Run& run : runs_of(state, most)) {
                CHECK(run.number == next);
                CHECK(run.count <= most);
                CHECK(run.first + run.count <= 64);
                CHECK(run.segment == nullptr);
                for (std::uint64_t i = 0; i < run.count; ++i) {
                    CHECK(run.chunk->id(static_cast<std::uint32_t>(run.first + i)) ==
                          std::to_string(next + i));
                    CHECK(run.deleted->test(run.deleted_bit + i) ==
                          table.dead(static_cast<MemRow>(next + i)));
                }
                next += run.count;
            }
            CHECK(next == 150);
        }
        CHECK(state.rows() == 146);
        CHECK(state.total_rows() == 150);
    }
}

// The rows of the log in memory: found by id, and unmoved for whoever looks at them.
#include <cmath>

#include "storage/format.hpp"
#include "storage/mem_table.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

std::vector<MemRow> chain(const IdIndex& index, std::uint64_t hash) {
    std::vector<MemRow> rows;
    index.for_each(hash, [&](MemRow row) {
        rows.push_back(row);
        return false;
    });
    return rows;
}

std::span<const std::byte> bytes_of(const std::vector<float>& values) {
    return std::as_bytes(std::span(values));
}

const float* floats(const MemChunk& chunk) {
    return reinterpret_cast<const float*>(chunk.vectors());
}

// The two steps of a commit in one.
MemRow append(MemTable& table, std::string_view id, std::span<const float> vector,
              std::optional<std::string_view> text, std::optional<std::string_view> metadata) {
    table.reserve(1);
    table.stage(0, {id, std::as_bytes(vector), text, metadata});
    return table.admit();
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("id index: rows of one hash come newest first") {
        IdIndex index(0);
        CHECK(chain(index, 5).empty());
        index.insert(5, 0);
        index.insert(6, 1);
        index.insert(5, 2);
        index.insert(5 + 1024, 3);  // the same slot at first
        index.insert(5, 4);
        CHECK(chain(index, 5) == std::vector<MemRow>{4, 2, 0});
        CHECK(chain(index, 6) == std::vector<MemRow>{1});
        CHECK(chain(index, 5 + 1024) == std::vector<MemRow>{3});
        CHECK(chain(index, 7).empty());
    }

    TEST_CASE("id index: chains survive growth, also for hashes that collide in the table") {
        constexpr MemRow kRows = 5000;
        IdIndex first(2000);
        const auto insert = [](IdIndex& into, MemRow from, MemRow to) {
            for (MemRow row = from; row < to; ++row) {
                into.insert(std::uint64_t{row % 1250} << 20, row);  // all start in slot 0
            }
        };
        insert(first, 0, 2000);
        IdIndex index(first, 2000, kRows);
        insert(index, 2000, kRows);
        for (std::uint64_t key = 0; key < 1250; ++key) {
            const std::vector<MemRow> expected{
                static_cast<MemRow>(key + 3750), static_cast<MemRow>(key + 2500),
                static_cast<MemRow>(key + 1250), static_cast<MemRow>(key)};
            REQUIRE(chain(index, key << 20) == expected);
        }
    }

    TEST_CASE("id index: a visitor that is content ends the walk") {
        IdIndex index(0);
        index.insert(1, 0);
        index.insert(1, 1);
        int visits = 0;
        index.for_each(1, [&](MemRow) { return ++visits == 1; });
        CHECK(visits == 1);
    }

    TEST_CASE("mem table: values come back, absent and empty strings apart") {
        MemTable table({2}, Metric::kCosine);
        const std::vector<float> v{3, 4}, zero{0, 0};
        CHECK(append(table, "a", v, "text", std::nullopt) == 0);
        CHECK(append(table, "b", zero, "", R"({"x":1})") == 1);
        const MemView view = table.view();
        CHECK(view.rows == 2);
        CHECK(view.live() == 2);
        CHECK(view.id(1) == "b");
        const MemChunk& chunk = view.chunk_of(0);
        CHECK(chunk.text(0) == "text");
        CHECK_FALSE(chunk.metadata(0));
        REQUIRE(chunk.text(1));
        CHECK(chunk.text(1)->empty());
        CHECK(chunk.metadata(1) == R"({"x":1})");
        CHECK(floats(chunk)[1] == 4);
        CHECK(chunk.inverse_norms()[0] == doctest::Approx(0.2));
        CHECK(chunk.inverse_norms()[1] == 0);
        CHECK(MemTable({2}, Metric::kL2).view().chunks.empty());
    }

    TEST_CASE("mem table: norms of vectors whose squares leave the range of float") {
        MemTable table({2}, Metric::kCosine);
        append(table, "big", std::vector<float>{3e30F, 4e30F}, {}, {});
        append(table, "small", std::vector<float>{3e-30F, 4e-30F}, {}, {});
        const MemView view = table.view();
        CHECK(view.chunk_of(0).inverse_norms()[0] == doctest::Approx(1 / 5e30).epsilon(1e-5));
        CHECK(view.chunk_of(0).inverse_norms()[1] == doctest::Approx(1 / 5e-30).epsilon(1e-5));
    }

    TEST_CASE("mem table: the newest live row of an id is found") {
        MemTable table({1}, Metric::kL2);
        const std::vector<float> v{0};
        append(table, "a", v, {}, {});
        append(table, "b", v, {}, {});
        CHECK(table.find("a") == 0);
        table.set_deleted(0);
        CHECK_FALSE(table.find("a"));
        CHECK(table.dead(0));
        const MemView before = table.view();
        CHECK_FALSE(before.find("a"));
        append(table, "a", v, {}, {});
        CHECK(table.find("a") == 2);
        CHECK(table.view().find("a") == 2);
        CHECK_FALSE(before.find("a"));  // it is younger than that view
        CHECK_FALSE(table.find("c"));
        CHECK(before.live() == 1);
    }

    TEST_CASE("mem table: a view stays as it was while rows are appended and deleted") {
        MemTable table({700}, Metric::kL2);  // a chunk takes 1472 rows
        Random random(3);
        std::vector<std::vector<float>> vectors;
        const auto add = [&](int count) {
            for (int i = 0; i < count; ++i) {
                vectors.push_back(random_vector(random, 700));
                const std::string id = "row-" + std::to_string(vectors.size() - 1);
                append(table, id, vectors.back(), id + " text", std::nullopt);
            }
        };
        add(1000);
        table.set_deleted(10);
        const MemView view = table.view();
        std::vector<const float*> addresses;
        for (MemRow row = 0; row < view.rows; ++row) {
            addresses.push_back(floats(view.chunk_of(row)) + std::size_t{700} * view.slot_of(row));
        }
        add(3000);
        for (MemRow row = 0; row < 1000; row += 3) {
            if (!table.dead(row)) {
                table.set_deleted(row);
            }
        }
        REQUIRE(view.rows == 1000);
        CHECK(view.live() == 999);
        for (MemRow row = 0; row < view.rows; ++row) {
            const float* const at =
                floats(view.chunk_of(row)) + std::size_t{700} * view.slot_of(row);
            REQUIRE(at == addresses[row]);
            REQUIRE(std::equal(vectors[row].begin(), vectors[row].end(), at));
            REQUIRE(view.dead(row) == (row == 10));
            REQUIRE(view.id(row) == "row-" + std::to_string(row));
        }
        const MemView now = table.view();
        CHECK(now.chunks.size() == 3);
        CHECK(now.rows == 4000);
        for (MemRow row = 0; row < now.rows; row += 37) {
            const auto found = now.find("row-" + std::to_string(row));
            REQUIRE(found.has_value() != now.dead(row));
        }
        CHECK_FALSE(view.find("row-2000"));
    }

    TEST_CASE("mem table: staged rows are nobody's until they are admitted") {
        MemTable table({1}, Metric::kL2);
        const std::vector<float> one{1}, two{2};
        append(table, "first", one, {}, {});
        table.reserve(2);
        table.stage(0, {"a", bytes_of(one), "dropped", {}});
        table.stage(1, {"b", bytes_of(one), {}, {}});
        CHECK(table.rows() == 1);
        CHECK_FALSE(table.find("a"));
        CHECK(table.view().rows == 1);
        // The commit failed; the next one stages over it.
        table.reserve(1);
        table.stage(0, {"c", bytes_of(two), {}, {}});
        CHECK(table.admit() == 1);
        const MemView view = table.view();
        CHECK(view.rows == 2);
        CHECK(view.id(1) == "c");
        CHECK(floats(view.chunk_of(1))[1] == 2);
        CHECK_FALSE(view.chunk_of(1).text(1));
        CHECK(table.find("c") == 1);
        CHECK_FALSE(table.find("a"));
        CHECK_FALSE(table.find("b"));
    }

    TEST_CASE("mem table: a batch may span chunks") {
        MemTable table({20'000}, Metric::kL2);  // chunks of 64 rows
        const std::vector<float> v(20'000, 1.0F);
        table.reserve(200);
        for (MemRow row = 0; row < 200; ++row) {
            table.stage(row, {std::to_string(row), bytes_of(v), {}, {}});
        }
        for (MemRow row = 0; row < 200; ++row) {
            CHECK(table.admit() == row);
        }
        const MemView view = table.view();
        CHECK(view.chunks.size() == 4);
        for (MemRow row = 0; row < 200; ++row) {
            REQUIRE(view.find(std::to_string(row)) == row);
        }
    }

    TEST_CASE("mem table: rolled back it is what it was, for itself and for every view") {
        MemTable table({1}, Metric::kL2);
        const std::vector<float> v{0};
        table.roll_back(table.view());
        CHECK_FALSE(table.find("a"));
        for (int i = 0; i < 700; ++i) {
            append(table, "id " + std::to_string(i), v, "text", {});
        }
        table.set_deleted(*table.find("id 3"));
        const MemView before = table.view();
        const std::uint64_t bytes = table.size_bytes();
        for (int turn = 0; turn < 3; ++turn) {
            CAPTURE(turn);
            table.set_deleted(*table.find("id 7"));
            append(table, "id 7", v, "another text", {});
            for (int i = 0; i < 900; ++i) {
                append(table, "new " + std::to_string(turn * 1000 + i), v, "text", {});
            }
            const MemView after = table.view();
            table.roll_back(before);
            CHECK(table.rows() == 700);
            CHECK(table.size_bytes() == bytes);
            CHECK(table.find("id 7") == 7U);
            CHECK_FALSE(table.find("id 3"));
            CHECK_FALSE(table.find("new " + std::to_string(turn * 1000)));
            CHECK(before.find("id 7") == 7U);
            CHECK_FALSE(before.find("new " + std::to_string(turn * 1000)));
            CHECK(after.find("id 7") == 700U);
            CHECK(after.find("id 699") == 699U);
        }
        CHECK(append(table, "id 700", v, {}, {}) == 700);
        CHECK(table.view().find("id 700") == 700U);
        CHECK_FALSE(before.find("id 700"));
    }

    TEST_CASE("mem table: texts larger than a block of strings are kept whole") {
        MemTable table({1}, Metric::kL2);
        const std::vector<float> v{0};
        const std::string large(200'000, 'L');
        append(table, "a", v, "small", {});
        append(table, "b", v, large, {});
        append(table, "c", v, "small again", {});
        const MemView view = table.view();
        CHECK(view.chunk_of(0).text(0) == "small");
        CHECK(view.chunk_of(0).text(1) == large);
        CHECK(view.chunk_of(0).text(2) == "small again");
        CHECK(table.size_bytes() == 3 * 4 + 3 + 5 + large.size() + 11);
    }
}

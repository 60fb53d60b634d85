// Export and import again: the same rows, to the last bit.
#include <bit>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

std::vector<Row> awkward_rows() {
    Random random(77);
    std::vector<Row> rows{
        {"plain", {1, 2, 3}, "text", R"({"a":1})"},
        {"denormal", {1e-45F, -1e-40F, 1.17549435e-38F}, {}, {}},
        {"extremes", {3.40282347e+38F, -3.40282347e+38F, -0.0F}, {}, {}},
        {"thirds", {1.0F / 3, 0.1F, 16777217.0F}, "quotes \" and, commas\nand lines\r\n", {}},
        {"\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80", {0, 0, 0}, "\xe6\x97\xa5 \t\\ \x01", {}},
        {"12", {4, 5, 6}, {}, R"({"nested":{"list":[1,2.5,null,true,"x"]}})"},
    };
    for (int i = 0; i < 500; ++i) {
        Row row{"r" + std::to_string(i), {}, {}, {}};
        while (row.vector.size() < 3) {
            const float value = std::bit_cast<float>(static_cast<std::uint32_t>(random.next_u64()));
            if (value - value == 0) {  // finite
                row.vector.push_back(value);
            }
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

std::string exported(MemoryStore& store, const Database& database, std::string_view format) {
    std::string bytes;
    const auto sink = string_sink(bytes);
    const ExportInfo info =
        must(export_rows(store.context, database, *sink, {.to = std::string(format)}));
    CHECK(info.rows == database.snapshot().rows());
    return bytes;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) {
               return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
           });
}

void check_round_trip(const std::string& format, bool strings) {
    MemoryStore store;
    Database database = store.create(3, Metric::kL2);
    std::vector<Row> rows = awkward_rows();
    must(commit(database, std::vector<Row>(rows.begin(), rows.begin() + 200)));
    must(database.checkpoint());
    must(commit(database, std::vector<Row>(rows.begin() + 200, rows.end())));
    must(commit(database, {}, WriteMode::kUpsert, {"r5", "r400"}));
    std::erase_if(rows, [](const Row& row) { return row.id == "r5" || row.id == "r400"; });

    put(store.fs, "/out." + format, exported(store, database, format));
    MemoryStore target;
    Database copy = target.create(3, Metric::kL2);
    put(target.fs, "/in." + format, whole(store.fs, "/out." + format));
    ImportInfo info;
    must(import_files(target.context, copy, {"/in." + format}, nullptr, {}, info));
    const std::vector<Row> back = rows_of(copy.snapshot());
    REQUIRE(back.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        CHECK(same_bits(back[i].vector, rows[i].vector));
        if (strings) {
            CHECK(back[i].id == rows[i].id);
            CHECK(back[i].text == rows[i].text);
            CHECK(back[i].metadata == rows[i].metadata);
        }
    }
    // And once more: the second export is the first one, byte for byte.
    if (strings) {
        CHECK(exported(target, copy, format) == whole(store.fs, "/out." + format));
    }
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("export: JSON lines come back bit for bit") {
        check_round_trip("jsonl", true);
    }

    TEST_CASE("export: npy keeps every vector's bits") {
        check_round_trip("npy", false);
    }

    TEST_CASE("export: npz comes back bit for bit") {
        check_round_trip("npz", true);
    }

    TEST_CASE("export: fvecs and fbin keep every vector's bits") {
        check_round_trip("fvecs", false);
        check_round_trip("fbin", false);
    }

    TEST_CASE("export: CSV keeps every vector's bits") {
        check_round_trip("csv", false);
    }

    TEST_CASE("export: runs long and short, with deleted rows between them") {
        MemoryStore store;
        Database database = store.create(1, Metric::kL2);
        std::vector<Row> rows;
        for (int i = 0; i < 9000; ++i) {
            rows.push_back({std::to_string(i), {static_cast<float>(i)}, {}, {}});
        }
        must(commit(database, std::vector<Row>(rows.begin(), rows.begin() + 6000)));
        must(database.checkpoint());
        must(commit(database, std::vector<Row>(rows.begin() + 6000, rows.end())));
        const auto gone = [](int i) {
            return i == 0 || (i > 500 && i < 900 && i % 3 == 0) || (i > 4000 && i < 4200) ||
                   (i > 6100 && i % 300 == 0) || i == 8999;
        };
        std::vector<std::string> deletes;
        std::string expected;
        for (int i = 0; i < 9000; ++i) {
            if (gone(i)) {
                deletes.push_back(std::to_string(i));
            } else {
                expected += "{\"id\":\"" + std::to_string(i) + "\",\"vector\":[" +
                            std::to_string(i) + "]}\n";
            }
        }
        must(commit(database, {}, WriteMode::kUpsert, deletes));
        CHECK(exported(store, database, "jsonl") == expected);
    }

    TEST_CASE("export: an empty database, an unknown format, and a cancelled export") {
        MemoryStore store;
        Database database = store.create(3);
        CHECK(exported(store, database, "jsonl").empty());
        CHECK_FALSE(exported(store, database, "npy").empty());
        std::string bytes;
        const auto sink = string_sink(bytes);
        CHECK(code_of(export_rows(store.context, database, *sink, {.to = "parquet"})) ==
              Code::kInvalidArgument);
        CHECK(code_of(export_rows(store.context, database, *sink, {.to = "u8bin"})) ==
              Code::kInvalidArgument);
        must(commit(database, {{"a", {1, 2, 3}, {}, {}}}));
        CancelSource cancel;
        cancel.cancel();
        Context context = store.context;
        context.cancel = cancel.token();
        CHECK(code_of(export_rows(context, database, *sink, {.to = "jsonl"})) == Code::kCancelled);
    }

    TEST_CASE("export: damage stops it") {
        MemoryStore store;
        Database database = store.create(3);
        must(commit(database, {{"a", {1, 2, 3}, {}, {}}}));
        must(database.close());
        flip(store.fs, store.file(store.files("seg-").at(0)), 4100);
        const Database damaged = store.open(AccessMode::kRead);
        std::string bytes;
        const auto sink = string_sink(bytes);
        CHECK(code_of(export_rows(store.context, damaged, *sink, {.to = "jsonl"})) ==
              Code::kCorrupt);
    }
}

// Columns against the meaning of filters itself: random documents, random filters, and every row
// asked one by one. Then damage, segments without columns, and what has none.
#include <algorithm>

#include <abi/data/value.hpp>
#include <abi/storage/filter.hpp>

#include "../../../src/storage/filter/columns.hpp"
#include "../../../src/storage/filter/columns_writer.hpp"
#include "../../../src/storage/manifest.hpp"
#include "../../../src/storage/segment_format.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

data::Value random_scalar(Random& random) {
    switch (random.below(8)) {
        case 0:
            return nullptr;
        case 1:
            return random.below(2) == 0;
        case 2:
            return static_cast<std::int64_t>(random.below(7)) - 3;
        case 3:
            return static_cast<double>(random.below(13)) / 2.0 - 3.0;
        case 4:
            return std::uint64_t{18446744073709551600U} + random.below(3);
        case 5:
            return 9007199254740992.0 + 2.0 * static_cast<double>(random.below(3));
        case 6:
            return std::string(random.below(3), 'a') + static_cast<char>('a' + random.below(3));
        default:
            return std::string("\xC3\xA4") + std::to_string(random.below(40));
    }
}

data::Value random_value(Random& random, int depth) {
    const std::uint64_t choice = random.below(depth > 2 ? 6 : 9);
    if (choice < 6) {
        return random_scalar(random);
    }
    if (choice == 6) {
        data::Array elements;
        for (std::uint64_t i = random.below(4); i > 0; --i) {
            elements.push_back(random.below(9) == 0 ? data::Value(data::Array())
                                                    : random_scalar(random));
        }
        return elements;
    }
    data::Value object{data::Object{}};
    if (choice == 7) {
        object.set("lat", static_cast<double>(random.below(20)));
        object.set("lon", static_cast<std::int64_t>(random.below(20)));
    }
    for (std::uint64_t i = random.below(3); i > 0; --i) {
        object.set(std::string(1, static_cast<char>('a' + random.below(4))),
                   random_value(random, depth + 1));
    }
    return object;
}

std::optional<std::string> random_document(Random& random) {
    if (random.below(10) == 0) {
        return std::nullopt;
    }
    data::Value document{data::Object{}};
    for (std::uint64_t i = random.below(5); i > 0; --i) {
        document.set(std::string(1, static_cast<char>('a' + random.below(4))),
                     random_value(random, 0));
    }
    return data::to_json(document);
}

std::string random_literal(Random& random, std::uint64_t kind) {
    while (true) {
        const data::Value value = random_scalar(random);
        if ((kind == 0 && value.is_number()) || (kind == 1 && value.is_string()) ||
            (kind == 2 && value.is_bool())) {
            return data::to_json(value);
        }
    }
}

std::string random_condition(Random& random) {
    std::string field(1, static_cast<char>('a' + random.below(4)));
    for (std::uint64_t i = random.below(3); i > 1; --i) {
        field += std::string(".") + static_cast<char>('a' + random.below(4));
    }
    if (random.below(12) == 0) {
        field = "id";
    }
    const std::string inverted = random.below(3) == 0 ? " NOT" : "";
    const std::uint64_t kind = field == "id" ? 1 : random.below(3);
    const auto literal = [&] {
        return field == "id" ? "\"" + std::to_string(random.below(300)) + "\""
                             : random_literal(random, kind);
    };
    static constexpr const char* kOrders[] = {" < ", " <= ", " > ", " >= "};
    switch (random.below(field == "id" ? 4 : 7)) {
        case 0:
            return field + (random.below(2) == 0 ? " = " : " != ") + literal();
        case 1:
            return field + inverted + " IN (" + literal() + ", " + literal() + ", " + literal() +
                   ")";
        case 2:
            return kind == 2 ? field + " IS" + inverted + " NULL"
                             : field + kOrders[random.below(4)] + literal();
        case 3:
            return field + inverted + " STARTS WITH " +
                   (field == "id" ? "\"1\"" : random_literal(random, 1));
        case 4:
            return kind == 2 ? field + " IS" + inverted + " NULL"
                             : field + inverted + " BETWEEN " + literal() + " AND " + literal();
        case 5:
            return field + inverted + " CONTAINS " + literal();
        default:
            return field + inverted + " WITHIN BOX(" + std::to_string(random.below(10)) + ", " +
                   std::to_string(random.below(20)) + ", " + std::to_string(10 + random.below(10)) +
                   ", " + std::to_string(random.below(20)) + ")";
    }
}

std::string random_filter(Random& random, int depth) {
    const std::uint64_t choice = random.below(depth > 2 ? 1 : 4);
    if (choice == 0) {
        return random_condition(random);
    }
    if (choice == 1) {
        return "NOT (" + random_filter(random, depth + 1) + ")";
    }
    return "(" + random_filter(random, depth + 1) + (choice == 2 ? " AND " : " OR ") +
           random_filter(random, depth + 1) + ")";
}

// Every live row asked by itself.
struct Asked {
    std::vector<RowNumber> rows;
    std::vector<TypeMask> seen;
};
Asked ask_each(const Snapshot& snapshot, const Filter& filter) {
    Asked asked;
    RowFilter one(filter.program());
    must(snapshot.scan(0, [&](RowNumber row) -> Result<bool> {
        ABI_TRY(const std::string id, snapshot.read_id(row));
        ABI_TRY(const auto metadata, snapshot.read_metadata(row));
        ABI_TRY(const bool matches, one.matches(id, metadata));
        if (matches) {
            asked.rows.push_back(row);
        }
        return true;
    }));
    asked.seen = one.seen();
    return asked;
}

std::vector<RowNumber> members(const RowSet& rows) {
    std::vector<RowNumber> list;
    for (auto row = rows.next(0); row; row = rows.next(*row + 1)) {
        list.push_back(*row);
    }
    return list;
}

// Counts what is logged: a filter that leaves damaged columns out says so.
struct Lines : LogSink {
    std::size_t count = 0;
    bool enabled(LogLevel level) const noexcept override { return level >= LogLevel::kWarn; }
    void write(LogLevel, std::string_view, std::string_view) noexcept override { ++count; }
};

// Three segments with deleted rows and a log, and their documents.
Database filled(MemoryStore& store, Random& random) {
    Database database = store.create();
    for (int part = 0; part < 4; ++part) {
        std::vector<Row> rows;
        for (std::uint64_t i = 0; i < 30 + random.below(80); ++i) {
            rows.push_back(
                {std::to_string(random.below(300)), {1.0F, 2.0F}, {}, random_document(random)});
        }
        std::vector<std::string> deletes;
        for (int i = 0; i < 9; ++i) {
            deletes.push_back(std::to_string(random.below(300)));
        }
        must(commit(database, rows, WriteMode::kUpsert, deletes));
        if (part != 3) {
            must(database.checkpoint());
        }
    }
    return database;
}

Section columns_of(MemoryStore& store, const std::string& path) {
    const std::string bytes = whole(store.fs, path);
    const SegmentHeader header = must(decode_segment_header(bytes, bytes.size(), path));
    for (const Section& section : header.sections) {
        if (section.kind == SectionKind::kColumns) {
            return section;
        }
    }
    return {};
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("columns give what asking every row gives") {
        const std::uint64_t seed = seed_or(4711);
        constexpr int kRounds = much(12, 2);
        std::size_t matched = 0, refused = 0;
        for (std::uint64_t round = 0; round < kRounds; ++round) {
            MemoryStore store;
            Random random(seed + round);
            const Database database = filled(store, random);
            const Snapshot snapshot = database.snapshot();
            Lines lines;
            Context watched = store.context;
            watched.log = &lines;
            for (int i = 0; i < 150; ++i) {
                const std::string text = random_filter(random, 0);
                CAPTURE(seed);
                CAPTURE(round);
                CAPTURE(text);
                const Filter filter = must(Filter::parse(text));
                const Asked asked = ask_each(snapshot, filter);
                const auto found = snapshot.match(watched, filter);
                REQUIRE(lines.count == 0);
                const bool answerable = check_types(filter.program(), asked.seen, "").has_value();
                REQUIRE(found.has_value() == answerable);
                if (found) {
                    REQUIRE(members(*found) == asked.rows);
                    REQUIRE(found->count() == asked.rows.size());
                    matched += asked.rows.empty() ? 0u : 1u;
                } else {
                    ++refused;
                }
            }
        }
        CHECK(matched > 25 * kRounds);
        CHECK(refused > 3 * kRounds / 2);
    }

    TEST_CASE("damaged columns cost no answer, and verify tells of them") {
        MemoryStore store;
        std::string path;
        {
            Database database = store.create();
            std::vector<Row> rows;
            for (int i = 0; i < 500; ++i) {
                rows.push_back({std::to_string(i),
                                {1.0F, 0.0F},
                                {},
                                "{\"n\":" + std::to_string(i % 100) + "}"});
            }
            must(commit(database, rows));
            must(database.close());
            path = store.file(store.files("seg-").front());
        }
        const Filter filter = must(Filter::parse("n BETWEEN 10 AND 19"));
        const Section section = columns_of(store, path);
        REQUIRE(section.length > 0);
        std::size_t told = 0;
        for (std::uint64_t at = 0; at < section.length; at += 401) {
            flip(store.fs, path, section.offset + at);
            const Database database = store.open(AccessMode::kRead);
            Lines lines;
            Context watched = store.context;
            watched.log = &lines;
            CHECK(must(database.snapshot().match(watched, filter)).count() == 50);
            told += lines.count;
            const VerifyInfo info = must(verify(store.context, store.path));
            CHECK(info.faults_total == 1);
            flip(store.fs, path, section.offset + at);
        }
        CHECK(must(verify(store.context, store.path)).faults_total == 0);
        CHECK(told > 0);
    }

    TEST_CASE("segments without members have no columns") {
        MemoryStore store;
        Database database = store.create();
        must(commit(database, {{"a", {1.0F, 0.0F}, {}, "{}"}, {"b", {1.0F, 0.0F}, {}, {}}}));
        must(database.checkpoint());
        CHECK(columns_of(store, store.file(store.files("seg-").front())).length == 0);
        const Filter filter = must(Filter::parse("x IS NULL"));
        CHECK(must(database.snapshot().match(store.context, filter)).count() == 2);
    }

    TEST_CASE("fields beyond the limits are asked in the metadata") {
        MemoryStore store;
        Database database = store.create();
        std::vector<Row> rows;
        const std::string large(kMaxColumnString + 1, 'x');
        for (std::size_t i = 0; i < kMaxColumnFields + 20; ++i) {
            const std::string field = "f" + std::to_string(i);
            rows.push_back({std::to_string(i),
                            {1.0F, 0.0F},
                            {},
                            "{\"" + field + "\":" + std::to_string(i) + ",\"t\":\"" +
                                (i == 5 ? large : std::to_string(i % 2)) + "\"}"});
        }
        must(commit(database, rows));
        must(database.checkpoint());
        const Snapshot snapshot = database.snapshot();
        for (const char* const text : {"f270 = 270", "f3 = 3", "f270 IS NULL AND f3 IS NOT NULL",
                                       "t = '1' AND f271 > 5", "t > 'w'", "t != '1' AND f4 >= 3"}) {
            CAPTURE(text);
            const Filter filter = must(Filter::parse(text));
            CHECK(members(must(snapshot.match(store.context, filter))) ==
                  ask_each(snapshot, filter).rows);
            CHECK(must(snapshot.match(store.context, filter)).count() >= 1);
        }
        CHECK(code_of(snapshot.match(store.context, must(Filter::parse("f999 = 1")))) ==
              Code::kInvalidArgument);
        CHECK(code_of(snapshot.match(store.context, must(Filter::parse("f270 = 'x'")))) ==
              Code::kInvalidArgument);
    }

    TEST_CASE("the same rows give the same columns") {
        const auto section = [](const char* first, const char* second) {
            ColumnsWriter writer;
            must(writer.add(0, first));
            must(writer.add(1, second));
            return writer.finish(2);
        };
        CHECK(section(R"({"a":1,"b":"x"})", R"({"c":[1,"y"]})") ==
              section(R"({"b":"x","a":1})", R"({"c":["y",1]})"));
        CHECK(ColumnsWriter().empty());
    }
}

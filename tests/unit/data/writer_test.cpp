// The writers: exact output, refusals, and that the readers get back what was written.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include <fmt/format.h>

#include <abi/data/value.hpp>
#include <abi/data/writer.hpp>

#include "record_dump.hpp"
#include "seed.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

RecordBatch make_batch(std::uint32_t dimension, std::vector<float> values) {
    RecordBatch batch;
    batch.dimension = dimension;
    batch.rows = values.size() / dimension;
    batch.owned_vectors = std::move(values);
    batch.vectors = batch.owned_vectors;
    return batch;
}

RecordBatch sample_batch() {
    RecordBatch batch = make_batch(2, {0.1F, -1e-8F, 1e20F, 3.0F});
    batch.ids.append("a\"1");
    batch.ids.append_null();
    batch.texts.append_null();
    batch.texts.append("two\nlines, \"quoted\"");
    batch.metadata.append(R"({"k":[1,"x"]})");
    batch.metadata.append_null();
    return batch;
}

std::string written(Format format, const std::vector<const RecordBatch*>& batches,
                    WriterOptions options) {
    std::string out;
    const auto sink = string_sink(out);
    auto writer = make_writer(format, *sink, options);
    REQUIRE(writer);
    for (const RecordBatch* batch : batches) {
        REQUIRE((*writer)->write(*batch));
    }
    while (true) {
        const auto again = (*writer)->next_pass();
        REQUIRE(again);
        if (!*again) {
            break;
        }
        for (const RecordBatch* batch : batches) {
            REQUIRE((*writer)->write(*batch));
        }
    }
    REQUIRE((*writer)->finish());
    return out;
}

std::string write_error(Format format, const RecordBatch& batch, WriterOptions options) {
    std::string out;
    const auto sink = string_sink(out);
    auto writer = make_writer(format, *sink, options);
    if (!writer) {
        return writer.error().message();
    }
    const auto status = (*writer)->write(batch);
    return status ? "" : status.error().message();
}

// A sink without room.
class FullSink final : public ByteSink {
public:
    Status write(std::span<const std::byte>) override { return fail(Code::kNoSpace, "disk full"); }
    Status flush() override { return fail(Code::kNoSpace, "disk full"); }
};

std::string random_text(std::mt19937_64& random) {
    constexpr std::string_view kPieces[] = {"a", ",",  "\"", "\n", "\r\n", "\r", ";",  "é",   "😀",
                                            " ", "\\", "{",  "[",  "'",    "\t", "12", "null"};
    std::string text;
    for (std::uint64_t i = random() % 7; i > 0; --i) {
        text += kPieces[random() % std::size(kPieces)];
    }
    return text;
}

// A batch with all that writers must keep. CSV knows no empty id.
RecordBatch random_batch(std::mt19937_64& random, std::uint32_t dimension) {
    RecordBatch batch;
    batch.rows = 1 + random() % 40;
    batch.dimension = dimension;
    const bool has_ids = random() % 4 != 0;
    const bool has_metadata = random() % 2 != 0;
    for (std::size_t row = 0; row < batch.rows; ++row) {
        for (std::uint32_t i = 0; i < dimension; ++i) {
            const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
            batch.owned_vectors.push_back(std::isfinite(value) ? value : 0.0F);
        }
        if (has_ids) {
            batch.ids.append(fmt::format("{}#{}", random_text(random), row));
        }
        random() % 3 == 0 && dimension > 0 ? batch.texts.append_null()
                                           : batch.texts.append(random_text(random));
        if (has_metadata) {
            Value object{Object{}};
            object.set(random_text(random), random_text(random));
            object.set("n", static_cast<std::int64_t>(random()));
            random() % 3 == 0 ? batch.metadata.append_null()
                              : batch.metadata.append(to_json(object));
        }
    }
    batch.vectors = batch.owned_vectors;
    return batch;
}

std::vector<DumpRow> rows_of(const RecordBatch& batch) {
    RecordBatch numbered;
    std::vector<DumpRow> rows;
    for (std::size_t row = 0; row < batch.rows; ++row) {
        DumpRow dump;
        const auto text = [row](const StringColumn& column) {
            return column.has(row) ? std::optional(std::string(column[row])) : std::nullopt;
        };
        dump.id = text(batch.ids);
        dump.text = text(batch.texts);
        dump.metadata = text(batch.metadata);
        for (std::uint32_t i = 0; i < batch.dimension; ++i) {
            dump.vector.push_back(
                std::bit_cast<std::uint32_t>(batch.vectors[row * batch.dimension + i]));
        }
        rows.push_back(std::move(dump));
    }
    return rows;
}

}  // namespace

TEST_SUITE("data") {
    TEST_CASE("writer: JSON lines") {
        const RecordBatch batch = sample_batch();
        CHECK(written(Format::kJsonl, {&batch}, {.dimension = 2}) ==
              "{\"id\":\"a\\\"1\",\"vector\":[0.1,-1e-08],\"metadata\":{\"k\":[1,\"x\"]}}\n"
              "{\"vector\":[1e+20,3],\"text\":\"two\\nlines, \\\"quoted\\\"\"}\n");
        CHECK(written(Format::kJsonl, {}, {.dimension = 2}) == "");
    }

    TEST_CASE("writer: CSV") {
        const RecordBatch batch = sample_batch();
        CHECK(written(Format::kCsv, {&batch}, {.dimension = 2}) ==
              "id,text,metadata,v0,v1\n"
              "\"a\"\"1\",,\"{\"\"k\"\":[1,\"\"x\"\"]}\",0.1,-1e-08\n"
              ",\"two\nlines, \"\"quoted\"\"\",,1e+20,3\n");
        RecordBatch texts;
        texts.rows = 2;
        texts.texts.append("");
        texts.texts.append("x");
        CHECK(written(Format::kCsv, {&texts}, {.dimension = 2}) ==
              "id,text,metadata,v0,v1\n,\"\",,,\n,x,,,\n");
        CHECK(written(Format::kCsv, {}, {}) == "id,text,metadata\n");
        const RecordBatch odd =
            make_batch(2, {std::nanf(""), -std::numeric_limits<float>::infinity()});
        CHECK(written(Format::kCsv, {&odd}, {.dimension = 2}).ends_with("\n,,,nan,-inf\n"));
    }

    TEST_CASE("writer: npy") {
        const RecordBatch batch = sample_batch();
        const std::string file =
            written(Format::kNpy, {&batch, &batch}, {.dimension = 2, .rows_total = 4});
        CHECK(file.size() == 128 + 4 * 8);
        CHECK(file.substr(10, 59) == "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }");
        const Dump dump = read_text(Format::kNpy, file);
        REQUIRE(dump.rows.size() == 4);
        CHECK(floats_of(dump.rows[3]) == std::vector<float>{1e20F, 3.0F});
    }

    TEST_CASE("writer: what cannot be written") {
        const RecordBatch batch = sample_batch();
        CHECK(write_error(Format::kU8bin, batch, {.dimension = 2}) == "u8bin cannot be written");
        CHECK(write_error(Format::kI8bin, batch, {.dimension = 2}) == "i8bin cannot be written");
        for (const auto format : {Format::kNpy, Format::kFvecs, Format::kBvecs, Format::kFbin}) {
            const std::string name(format_name(format));
            CHECK(write_error(format, batch, {}) == name + " needs vectors of a known dimension");
        }
        CHECK(write_error(Format::kFbin, batch, {.dimension = 2, .rows_total = 1ULL << 32}) ==
              "fbin counts rows in 32 bits, 4294967296 are more");
        for (const auto format : {Format::kNpy, Format::kNpz, Format::kFvecs, Format::kBvecs,
                                  Format::kFbin, Format::kCsv, Format::kJsonl}) {
            CHECK(write_error(format, batch, {.dimension = 3, .rows_total = 9}) ==
                  "rows have vectors of 2 values, 3 were announced");
        }
        RecordBatch texts;
        texts.rows = 1;
        texts.texts.append("t");
        for (const auto format :
             {Format::kNpy, Format::kNpz, Format::kFvecs, Format::kBvecs, Format::kFbin}) {
            CAPTURE(format_name(format));
            CHECK(
                write_error(format, texts, {.dimension = 2, .rows_total = 1}) ==
                fmt::format("row 0 has no vector, and {} holds vectors only", format_name(format)));
        }
        for (const auto format : {Format::kNpy, Format::kNpz, Format::kFbin}) {
            CHECK(write_error(format, batch, {.dimension = 2, .rows_total = 1}) ==
                  "1 rows were announced, 2 given");
        }
        const RecordBatch odd = make_batch(1, {1.0F, std::nanf("")});
        CHECK(write_error(Format::kJsonl, odd, {.dimension = 1}) ==
              "row 1 has a vector with nan, which JSON cannot hold");
    }

    TEST_CASE("writer: npy, npz and fbin with too few rows do not finish") {
        for (const auto format : {Format::kNpy, Format::kNpz, Format::kFbin}) {
            std::string out;
            const auto sink = string_sink(out);
            const auto writer = make_writer(format, *sink, {.dimension = 2, .rows_total = 3});
            REQUIRE((*writer)->write(sample_batch()));
            const auto status = (*writer)->finish();
            REQUIRE(!status);
            CHECK(status.error().code() == Code::kInvalidArgument);
            CHECK(status.error().message() == "3 rows were announced, 2 given");
        }
    }

    TEST_CASE("writer: fvecs, bvecs and fbin, byte for byte") {
        const RecordBatch batch = make_batch(2, {0.0F, 255.0F, 1.0F, 2.0F});
        const WriterOptions options{.dimension = 2, .rows_total = 2};
        const auto bytes = [](auto& text) { return std::string(text, sizeof text - 1); };
        constexpr char kFvecs[] = "\2\0\0\0\0\0\0\0\0\0\x7f\x43\2\0\0\0\0\0\x80\x3f\0\0\0\x40";
        constexpr char kBvecs[] = "\2\0\0\0\0\xff\2\0\0\0\1\2";
        constexpr char kFbin[] = "\2\0\0\0\2\0\0\0\0\0\0\0\0\0\x7f\x43\0\0\x80\x3f\0\0\0\x40";
        CHECK(written(Format::kFvecs, {&batch}, options) == bytes(kFvecs));
        CHECK(written(Format::kBvecs, {&batch}, options) == bytes(kBvecs));
        CHECK(written(Format::kFbin, {&batch}, options) == bytes(kFbin));
        CHECK(written(Format::kFbin, {}, {.dimension = 2}) == std::string("\0\0\0\0\2\0\0\0", 8));
        CHECK(written(Format::kFvecs, {}, {.dimension = 2}).empty());
    }

    TEST_CASE("writer: bvecs takes nothing that would come back as other bits") {
        const std::vector<std::pair<float, std::string>> bad = {
            {0.5F, "0.5"}, {-1.0F, "-1"},    {256.0F, "256"},
            {-0.0F, "-0"}, {1e30F, "1e+30"}, {std::numeric_limits<float>::infinity(), "inf"},
        };
        for (const auto& [value, shown] : bad) {
            const RecordBatch batch = make_batch(2, {1.0F, 2.0F, 3.0F, value});
            CHECK(write_error(Format::kBvecs, batch, {.dimension = 2}) ==
                  "row 1 has the value " + shown +
                      " at position 1; bvecs holds integers from 0 to 255");
        }
        CHECK(write_error(Format::kBvecs, make_batch(1, {std::nanf("")}), {.dimension = 1}) != "");
    }

    TEST_CASE("writer: npz asks for its passes and says what it looks at") {
        std::string out;
        const auto sink = string_sink(out);
        const RecordBatch batch = sample_batch();
        const auto writer = make_writer(Format::kNpz, *sink, {.dimension = 2, .rows_total = 2});
        REQUIRE((*writer)->write(batch));
        CHECK((*writer)->columns().vectors);
        const auto again = (*writer)->next_pass();
        REQUIRE((again && *again));
        CHECK((*writer)->columns().ids);
        CHECK(!(*writer)->columns().vectors);
        REQUIRE((*writer)->write(batch));
        const auto early = (*writer)->finish();
        REQUIRE(!early);
        CHECK(early.error().message() == "npz needs another pass over the rows");
        RecordBatch bytes = make_batch(1, {1.0F});
        bytes.ids.append("a\xff");
        CHECK(write_error(Format::kNpz, bytes, {.dimension = 1, .rows_total = 1}) ==
              "row 0: its value in 'ids' is not valid UTF-8");
    }

    TEST_CASE("writer: a sink's failure comes through") {
        FullSink sink;
        CHECK(!make_writer(Format::kNpy, sink, {.dimension = 2, .rows_total = 1}));
        for (const auto format : {Format::kCsv, Format::kJsonl}) {
            const auto writer = make_writer(format, sink, {.dimension = 2});
            REQUIRE(writer);
            REQUIRE((*writer)->write(sample_batch()));
            const auto status = (*writer)->finish();
            REQUIRE(!status);
            CHECK(status.error().code() == Code::kNoSpace);
        }
    }

    TEST_CASE("writer: random batches come back") {
        const std::uint64_t seed = test_seed();
        INFO("seed " << seed);
        std::mt19937_64 random(seed);
        for (int i = 0; i < 300; ++i) {
            const auto dimension = static_cast<std::uint32_t>(random() % 5);
            const RecordBatch batch = random_batch(random, dimension);
            std::vector<DumpRow> expected = rows_of(batch);
            for (const auto format : {Format::kCsv, Format::kJsonl, Format::kNpz, Format::kNpy,
                                      Format::kFvecs, Format::kFbin}) {
                const bool vectors_only =
                    format == Format::kNpy || format == Format::kFvecs || format == Format::kFbin;
                if (vectors_only && dimension == 0) {
                    continue;
                }
                const auto text =
                    written(format, {&batch}, {.dimension = dimension, .rows_total = batch.rows});
                Dump dump = read_text(format, text);
                CAPTURE(format_name(format));
                CAPTURE(text);
                REQUIRE(dump.rejected.empty());
                REQUIRE(dump.error == "");
                REQUIRE(dump.rows.size() == expected.size());
                for (std::size_t row = 0; row < expected.size(); ++row) {
                    dump.rows[row].line = 0;
                    if (vectors_only) {
                        REQUIRE(dump.rows[row].vector == expected[row].vector);
                    } else {
                        REQUIRE(dump.rows[row] == expected[row]);
                    }
                }
            }
        }
    }

    TEST_CASE("writer: npz keeps zero characters at the end, absent and empty texts") {
        RecordBatch batch = make_batch(1, {1.0F, 2.0F, 3.0F});
        for (const std::string_view id : {std::string_view("x\0", 2), std::string_view("y"),
                                          std::string_view("\xf0\x9f\x98\x80")}) {
            batch.ids.append(id);
        }
        batch.texts.append("");
        batch.texts.append_null();
        batch.texts.append("z");
        const std::vector<DumpRow> expected = rows_of(batch);
        Dump dump = read_text(Format::kNpz,
                              written(Format::kNpz, {&batch}, {.dimension = 1, .rows_total = 3}));
        REQUIRE(dump.error == "");
        REQUIRE(dump.rows.size() == 3);
        for (std::size_t row = 0; row < 3; ++row) {
            dump.rows[row].line = 0;
            CHECK(dump.rows[row] == expected[row]);
        }
    }

    TEST_CASE("writer: text is the same with threads and without") {
        std::mt19937_64 random(7);
        ThreadPool pool(3);
        std::vector<float> values(700 * 3);
        for (float& value : values) {
            value = static_cast<float>(random() % 1000) / 7;
        }
        RecordBatch batch = make_batch(3, values);
        for (std::size_t row = 0; row < batch.rows; ++row) {
            batch.ids.append(fmt::format("id{}", row));
        }
        for (const auto format : {Format::kCsv, Format::kJsonl}) {
            WriterOptions options{.dimension = 3, .rows_total = 700};
            const std::string alone = written(format, {&batch}, options);
            options.pool = &pool;
            CHECK(written(format, {&batch}, options) == alone);
        }
        // The rows before a bad one are written, and the error names the first.
        batch.owned_vectors[200 * 3] = batch.owned_vectors[500 * 3] = std::nanf("");
        batch.vectors = batch.owned_vectors;
        for (ThreadPool* const threads : {static_cast<ThreadPool*>(nullptr), &pool}) {
            std::string out;
            const auto sink = string_sink(out);
            const auto writer = make_writer(Format::kJsonl, *sink,
                                            {.dimension = 3, .rows_total = 700, .pool = threads});
            const auto status = (*writer)->write(batch);
            REQUIRE(!status);
            CHECK(status.error().message() ==
                  "row 200 has a vector with nan, which JSON cannot hold");
            REQUIRE((*writer)->finish());
            CHECK(std::count(out.begin(), out.end(), '\n') == 200);
        }
    }

    TEST_CASE("writer: random bytes come back from bvecs") {
        const std::uint64_t seed = test_seed();
        INFO("seed " << seed);
        std::mt19937_64 random(seed);
        for (int i = 0; i < 100; ++i) {
            const auto dimension = static_cast<std::uint32_t>(1 + random() % 9);
            std::vector<float> values((1 + random() % 30) * dimension);
            for (float& value : values) {
                value = static_cast<float>(random() % 256);
            }
            const RecordBatch batch = make_batch(dimension, values);
            const Dump dump = read_text(
                Format::kBvecs, written(Format::kBvecs, {&batch}, {.dimension = dimension}));
            REQUIRE(dump.error == "");
            REQUIRE(dump.rows.size() == batch.rows);
            const std::vector<DumpRow> expected = rows_of(batch);
            for (std::size_t row = 0; row < expected.size(); ++row) {
                REQUIRE(dump.rows[row].vector == expected[row].vector);
            }
        }
    }
}

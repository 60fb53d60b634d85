// A commit as bytes: everything comes back, and hostile bytes give nothing that cannot be used.
#include "storage/batch_codec.hpp"
#include "storage/format.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

// The payload as the log hands it out: aligned to eight bytes.
class Payload {
public:
    explicit Payload(std::string_view bytes) : words_(bytes.size() / 8 + 1), size_(bytes.size()) {
        std::memcpy(words_.data(), bytes.data(), bytes.size());
    }
    std::string_view bytes() const {
        return as_text(std::as_bytes(std::span(words_))).substr(0, size_);
    }

private:
    std::vector<std::uint64_t> words_;
    std::size_t size_;
};

struct Commit {
    data::RecordBatch rows;
    data::StringColumn deletes;
    std::uint64_t next_ordinal = 0;

    BatchView view() const {
        return {rows.rows,   {rows.dimension}, next_ordinal, &rows.ids,
                &rows.texts, &rows.metadata,   &deletes,     std::as_bytes(rows.vectors)};
    }
    std::string encode() const {
        return encode_batch(view()) + std::string(as_text(std::as_bytes(rows.vectors)));
    }
};

Commit commit_of(const std::vector<Row>& rows, const std::vector<std::string>& deletes = {}) {
    Commit commit;
    commit.rows = batch_of(rows, 3);
    for (const std::string& id : deletes) {
        commit.deletes.append(id);
    }
    commit.next_ordinal = 42;
    return commit;
}

std::vector<Row> rows_of(const DecodedBatch& batch) {
    std::vector<Row> rows;
    const auto cell = [](const data::StringColumn& column, std::size_t row) {
        return column.has(row) ? std::optional<std::string>(column[row]) : std::nullopt;
    };
    for (std::size_t i = 0; i < batch.rows; ++i) {
        std::vector<float> vector(batch.shape.dimension);
        decode_vectors(batch.shape, batch.vectors.data() + i * batch.shape.row_bytes(), 1,
                       vector.data());
        rows.push_back({cell(batch.ids, i), vector, cell(batch.texts, i), cell(batch.metadata, i)});
    }
    return rows;
}

void check_round_trip(const std::vector<Row>& rows, const std::vector<std::string>& deletes = {}) {
    const Commit commit = commit_of(rows, deletes);
    CHECK(encode_batch(commit.view()).size() % 8 == 0);
    const Payload payload(commit.encode());
    DecodedBatch out;
    REQUIRE(decode_batch(payload.bytes(), out));
    CHECK(out.next_ordinal == 42);
    CHECK(rows_of(out) == rows);
    CHECK(out.deletes.size() == deletes.size());
    for (std::size_t i = 0; i < deletes.size(); ++i) {
        CHECK(out.deletes[i] == deletes[i]);
    }
    // What was read back encodes to the same bytes again.
    const std::string again = encode_batch(out.view()) + std::string(as_text(out.vectors));
    CHECK(again == payload.bytes());
}

const std::vector<Row> kMixed{
    {"alpha", {1, 2, 3}, "a text", {}},
    {"", {4, 5, 6}, "", "{}"},
    {"18446744073709551615", {-0.0F, 1e-40F, 3e38F}, {}, R"({"k":[1,2]})"},
};

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("batch: rows, texts, metadata and deletes come back") {
        check_round_trip(kMixed);
        check_round_trip(kMixed, {"x", "", std::string(1000, 'y')});
        check_round_trip({}, {"only", "deletes"});
        check_round_trip({{"one", {1, 1, 1}, {}, {}}});
    }

    TEST_CASE("batch: an absent text is no empty text") {
        check_round_trip({{"a", {1, 2, 3}, "", {}}, {"b", {1, 2, 3}, {}, {}}});
        check_round_trip({{"a", {1, 2, 3}, {}, ""}, {"b", {1, 2, 3}, {}, {}}});
    }

    TEST_CASE("batch: a run of integers takes two numbers, anything else a column") {
        std::vector<Row> range, gap, padded;
        for (int i = 0; i < 100; ++i) {
            range.push_back({std::to_string(995 + i), {0, 0, 0}, {}, {}});
            gap.push_back({std::to_string(995 + i + (i == 50 ? 1 : 0)), {0, 0, 0}, {}, {}});
            padded.push_back({"0" + std::to_string(100 + i), {0, 0, 0}, {}, {}});
        }
        check_round_trip(range);
        check_round_trip(gap);
        check_round_trip(padded);
        CHECK(commit_of(range).encode().size() + 600 < commit_of(gap).encode().size());
        check_round_trip({{"18446744073709551614", {0, 0, 0}, {}, {}},
                          {"18446744073709551615", {0, 0, 0}, {}, {}}});
    }

    TEST_CASE("batch: every truncation and every appended byte is refused") {
        const std::string good = commit_of(kMixed, {"gone"}).encode();
        DecodedBatch out;
        for (std::size_t size = 0; size < good.size(); ++size) {
            CAPTURE(size);
            CHECK_FALSE(decode_batch(Payload(good.substr(0, size)).bytes(), out));
        }
        CHECK_FALSE(decode_batch(Payload(good + '\0').bytes(), out));
        CHECK_FALSE(decode_batch(Payload(good + std::string(8, '\0')).bytes(), out));
    }

    TEST_CASE("batch: hostile bytes never give columns that do not fit together") {
        Random random(seed_or(11));
        const std::string good = commit_of(kMixed, {"gone", "too"}).encode();
        std::size_t accepted = 0;
        for (int round = 0; round < 20'000; ++round) {
            std::string bad = good;
            for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
                // The counts and flags at the front are where lies do harm.
                const std::uint64_t at = random.below(random.chance(0.5) ? 32 : bad.size());
                bad[at] = static_cast<char>(random.chance(0.3) ? 0xff : random.below(256));
            }
            const Payload payload(bad);
            DecodedBatch out;
            if (!decode_batch(payload.bytes(), out)) {
                continue;
            }
            ++accepted;
            REQUIRE(out.ids.size() == out.rows);
            REQUIRE(out.vectors.size() == out.rows * out.shape.row_bytes());
            REQUIRE((out.texts.empty() || out.texts.size() == out.rows));
            REQUIRE((out.metadata.empty() || out.metadata.size() == out.rows));
            REQUIRE(out.deletes.size() <= bad.size());
        }
        CHECK(accepted > 100);
    }

    TEST_CASE("batch: counts that promise more than there is are refused without the memory") {
        Encoder lie;
        lie.put(std::uint32_t{0});
        lie.put(std::uint32_t{0xfffffff0u});
        lie.put(std::uint32_t{0});
        lie.put(std::uint32_t{1});  // an id range, which takes no bytes per row
        lie.put(std::uint64_t{0});
        lie.put(std::uint64_t{5});
        DecodedBatch out;
        CHECK_FALSE(decode_batch(Payload(lie.bytes()).bytes(), out));
    }
}

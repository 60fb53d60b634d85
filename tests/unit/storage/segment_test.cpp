// Segments: every encoding comes back, and damage is told when, and only when, it is touched.
#include <algorithm>
#include <cmath>

#include "storage/segment.hpp"
#include "storage/segment_writer.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

// Rows from a vector, handed out in runs of `run_rows`.
class Rows : public RowSource {
public:
    explicit Rows(std::vector<Row> rows, std::size_t run_rows = 3)
        : rows_(std::move(rows)), run_rows_(run_rows) {}
    std::uint64_t rows() const override { return rows_.size(); }
    Status vectors(const std::function<Status(std::span<const std::byte>)>& sink) override {
        std::vector<float> run;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            run.insert(run.end(), rows_[i].vector.begin(), rows_[i].vector.end());
            if ((i + 1) % run_rows_ == 0 || i + 1 == rows_.size()) {
                ABI_CHECK(sink(std::as_bytes(std::span<const float>(run))));
                run.clear();
            }
        }
        return {};
    }
    Result<std::string> id(std::uint64_t row) override { return *rows_[row].id; }
    Result<std::optional<std::string_view>> text(std::uint64_t row) override {
        return rows_[row].text;
    }
    Result<std::optional<std::string_view>> metadata(std::uint64_t row) override {
        return rows_[row].metadata;
    }

private:
    std::vector<Row> rows_;
    std::size_t run_rows_;
};

// A directory with segments, and what a manifest would say of them.
struct Store {
    MemoryFileSystem fs;
    Context context = context_on(fs);
    SegmentOwner owner;

    explicit Store(Metric metric = Metric::kCosine) {
        must(fs.create_directory("/d"));
        owner.uuid.bytes[0] = 9;
        owner.shape.dimension = 4;
        owner.metric = metric;
    }
    SegmentEntry write(std::vector<Row> rows, std::uint64_t number = 1) {
        SegmentHeader identity;
        identity.uuid = owner.uuid;
        identity.number = number;
        identity.shape = owner.shape;
        identity.metric = owner.metric;
        identity.first_lsn = 5;
        identity.last_lsn = 6;
        Rows source(std::move(rows));
        return must(write_segment(context, "/d", identity, source));
    }
    Result<std::shared_ptr<const Segment>> try_open(const SegmentEntry& entry) {
        return Segment::open(fs, "/d", owner, entry);
    }
    std::shared_ptr<const Segment> open(const SegmentEntry& entry) { return must(try_open(entry)); }
    static std::string path(std::uint64_t number = 1) { return "/d/" + segment_name(number); }
};

const Section& section_of(const Segment& segment, SectionKind kind) {
    for (const Section& section : segment.header().sections) {
        if (section.kind == kind) {
            return section;
        }
    }
    FAIL("the segment has no such section");
    return segment.header().sections.front();
}

std::vector<Row> sample_rows(std::size_t count, bool integer_ids = false) {
    Random random(17);
    std::vector<Row> rows;
    for (std::size_t i = 0; i < count; ++i) {
        Row row{integer_ids ? std::to_string(100 + i) : "id-" + std::to_string(i * 7919),
                random_vector(random, 4),
                {},
                {}};
        if (i % 3 != 0) {
            row.text = i % 3 == 1 ? "" : "text of row " + std::to_string(i);
        }
        if (i % 4 == 0) {
            row.metadata = R"({"n":)" + std::to_string(i) + "}";
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

Result<Row> read_row(const Segment& segment, std::uint64_t row) {
    ABI_TRY(const std::string id, segment.id(row));
    ABI_TRY(const std::byte* const stored, segment.vectors(row, 1));
    const auto* const vector = reinterpret_cast<const float*>(stored);
    ABI_TRY(const auto text, segment.text(row));
    ABI_TRY(const auto metadata, segment.metadata(row));
    return Row{id, std::vector<float>(vector, vector + 4), owned(text), owned(metadata)};
}

void check_rows(const Segment& segment, const std::vector<Row>& rows) {
    REQUIRE(segment.rows() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        REQUIRE(must(read_row(segment, i)) == rows[i]);
        REQUIRE(must(segment.find(*rows[i].id)) == i);
    }
}

// Touches one section everywhere.
Status touch(const Segment& segment, SectionKind kind) {
    const std::uint64_t rows = segment.rows();
    switch (kind) {
        case SectionKind::kVectors:
            ABI_CHECK(segment.vectors(0, rows));
            return {};
        case SectionKind::kInverseNorms:
            ABI_CHECK(segment.inverse_norms(0, rows));
            return {};
        default:
            break;
    }
    for (std::uint64_t row = 0; row < rows; ++row) {
        if (kind == SectionKind::kIds) {
            ABI_CHECK(segment.id(row));
        } else if (kind == SectionKind::kTexts) {
            ABI_CHECK(segment.text(row));
        } else if (kind == SectionKind::kMetadata) {
            ABI_CHECK(segment.metadata(row));
        }
    }
    return {};
}

constexpr std::array kPlainSections{SectionKind::kVectors, SectionKind::kInverseNorms,
                                    SectionKind::kIds, SectionKind::kTexts, SectionKind::kMetadata};

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("segment: strings, absent strings, vectors and norms come back") {
        Store store;
        const std::vector<Row> rows = sample_rows(1000);
        const SegmentEntry entry = store.write(rows);
        CHECK(entry.rows == 1000);
        CHECK(entry.size_bytes == must(store.fs.stat(Store::path()))->size_bytes);
        const auto segment = store.open(entry);
        check_rows(*segment, rows);
        CHECK(segment->header().first_lsn == 5);
        CHECK(segment->header().last_lsn == 6);
        const float* const norms = must(segment->inverse_norms(0, 1000));
        for (std::size_t i = 0; i < rows.size(); ++i) {
            double squared = 0;
            for (const float value : rows[i].vector) {
                squared += double{value} * double{value};
            }
            REQUIRE(double{norms[i]} == doctest::Approx(1 / std::sqrt(squared)).epsilon(1e-5));
        }
        CHECK(reinterpret_cast<std::uintptr_t>(must(segment->vectors(0, 1))) % 64 == 0);
    }

    TEST_CASE("segment: ids that count up are two words on disk") {
        Store store(Metric::kL2);
        const std::vector<Row> rows = sample_rows(300, true);
        const auto segment = store.open(store.write(rows));
        CHECK(section_of(*segment, SectionKind::kIds).encoding == ColumnEncoding::kIntegerRange);
        CHECK(segment->section_bytes(SectionKind::kIds) == 8);
        CHECK(segment->section_bytes(SectionKind::kIdIndex) == 0);
        CHECK(segment->section_bytes(SectionKind::kInverseNorms) == 0);
        check_rows(*segment, rows);
        for (const char* absent : {"99", "400", "0100", "", "x", "18446744073709551615"}) {
            CHECK_FALSE(must(segment->find(absent)));
        }
    }

    TEST_CASE("segment: ids that nearly count up are kept as strings") {
        Store store;
        std::vector<Row> rows = sample_rows(300, true);
        std::swap(rows[10].id, rows[11].id);
        const auto segment = store.open(store.write(rows));
        CHECK(section_of(*segment, SectionKind::kIds).encoding == ColumnEncoding::kStrings);
        check_rows(*segment, rows);
    }

    TEST_CASE("segment: columns that no row has are left out") {
        Store store(Metric::kDot);
        std::vector<Row> rows = sample_rows(10);
        for (Row& row : rows) {
            row.text.reset();
            row.metadata.reset();
        }
        const auto segment = store.open(store.write(rows));
        CHECK(segment->section_bytes(SectionKind::kTexts) == 0);
        CHECK(segment->section_bytes(SectionKind::kMetadata) == 0);
        check_rows(*segment, rows);
    }

    TEST_CASE("segment: a column of empty strings alone is there") {
        Store store;
        const auto segment = store.open(store.write({{"a", {1, 0, 0, 0}, "", {}}}));
        CHECK(must(segment->text(0)) == "");
        CHECK_FALSE(must(segment->metadata(0)));
    }

    TEST_CASE("segment: one row, and strings longer than blocks and buffers") {
        Store store;
        const std::vector<Row> rows{{"a", {1, 2, 3, 4}, std::string(3'000'000, 't'), "{}"},
                                    {"b", {1, 2, 3, 4}, std::string(5'000, 'u'), {}},
                                    {"c", {1, 2, 3, 4}, {}, {}}};
        check_rows(*store.open(store.write(rows)), rows);
        check_rows(*store.open(store.write({rows[1]}, 2)), {rows[1]});
    }

    TEST_CASE("segment: every id of many is found, and no other") {
        Store store(Metric::kL2);
        std::vector<Row> rows;
        for (int i = 0; i < 20'000; ++i) {
            rows.push_back({"document-" + std::to_string(i), {0, 0, 0, 0}, {}, {}});
        }
        const auto segment = store.open(store.write(rows));
        for (std::uint64_t i = 0; i < 20'000; ++i) {
            REQUIRE(must(segment->find(*rows[i].id)) == i);
            REQUIRE_FALSE(must(segment->find("absent-" + std::to_string(i))));
        }
    }

    TEST_CASE("segment: ids that do not spread evenly over the index are found") {
        // Hashes crowd at one end: the guess of where to look is far off.
        Store store(Metric::kL2);
        std::vector<Row> rows;
        std::vector<std::string> others;
        for (int i = 0; rows.size() < 3000; ++i) {
            const std::string id = "k" + std::to_string(i);
            if ((hash_id(id) >> 62) == 3) {
                rows.push_back({id, {0, 0, 0, 0}, {}, {}});
            } else {
                others.push_back(id);
            }
        }
        const auto segment = store.open(store.write(rows));
        for (std::uint64_t i = 0; i < rows.size(); ++i) {
            REQUIRE(must(segment->find(*rows[i].id)) == i);
        }
        for (std::size_t i = 0; i < 3000; ++i) {
            REQUIRE_FALSE(must(segment->find(others[i])));
        }
    }

    TEST_CASE("segment: a flipped byte in a section is told when that section is touched") {
        Store store;
        const std::vector<Row> rows = sample_rows(700);
        const SegmentEntry entry = store.write(rows);
        const auto intact = store.open(entry);
        for (const SectionKind kind : kPlainSections) {
            const Section section = section_of(*intact, kind);
            for (const std::uint64_t at :
                 {std::uint64_t{0}, section.length / 2, section.length - 1}) {
                CAPTURE(static_cast<int>(kind));
                CAPTURE(at);
                flip(store.fs, Store::path(), section.offset + at);
                const auto segment = store.open(entry);
                for (const SectionKind other : kPlainSections) {
                    if (other != kind) {
                        must(touch(*segment, other));
                    }
                }
                const Error error = error_of(touch(*segment, kind));
                CHECK(error.code() == Code::kCorrupt);
                CHECK(error.message().contains("'" + Store::path() + "'"));
                const std::uint64_t block = at >> section.block_shift << section.block_shift;
                CHECK(corruption_offset(error) == section.offset + block);
                CHECK_FALSE(segment->block_intact(section, at >> section.block_shift));
                flip(store.fs, Store::path(), section.offset + at);
            }
        }
    }

    TEST_CASE("segment: rows of intact blocks are served beside a damaged one") {
        Store store(Metric::kL2);
        const std::vector<Row> rows = sample_rows(20'000);  // 320,000 bytes of vectors: five blocks
        const SegmentEntry entry = store.write(rows);
        const std::uint64_t column = section_of(*store.open(entry), SectionKind::kVectors).offset;
        flip(store.fs, Store::path(), column + 2 * 65536 + 100);
        const auto segment = store.open(entry);
        CHECK(must(segment->vectors(0, 8192)) != nullptr);
        CHECK(must(segment->vectors(12288, 20'000 - 12288)) != nullptr);
        CHECK(corruption_offset(error_of(segment->vectors(8192, 1))) == column + 2 * 65536);
        CHECK(code_of(segment->vectors(8191, 2)) == Code::kCorrupt);
        // It is told every time, not only at the first touch.
        CHECK(code_of(segment->vectors(8192, 1)) == Code::kCorrupt);
    }

    TEST_CASE("segment: damage in the index of ids is told by lookups alone") {
        Store store;
        const std::vector<Row> rows = sample_rows(2000);
        const SegmentEntry entry = store.write(rows);
        const Section index = section_of(*store.open(entry), SectionKind::kIdIndex);
        for (std::uint64_t at = 0; at < index.length; at += 1021) {
            flip(store.fs, Store::path(), index.offset + at);
            const auto segment = store.open(entry);
            for (std::uint64_t i = 0; i < rows.size(); ++i) {
                REQUIRE(must(read_row(*segment, i)) == rows[i]);
            }
            std::uint64_t refused = 0;
            for (std::uint64_t i = 0; i < rows.size(); ++i) {
                const auto found = segment->find(*rows[i].id);
                if (!found) {
                    REQUIRE(found.error().code() == Code::kCorrupt);
                    ++refused;
                } else {
                    REQUIRE(*found == i);
                }
            }
            CHECK(refused > 0);
            flip(store.fs, Store::path(), index.offset + at);
        }
    }

    TEST_CASE("segment: a flipped byte in the table of checksums refuses the file") {
        Store store;
        const SegmentEntry entry = store.write(sample_rows(700));
        const auto segment = store.open(entry);
        const std::uint64_t end = header_copy_offset(segment->header());
        REQUIRE(entry.size_bytes == end + kSegmentHeaderBytes);
        for (std::uint64_t at = segment->header().checksums_offset; at < end; ++at) {
            CAPTURE(at);
            flip(store.fs, Store::path(), at);
            CHECK(code_of(store.try_open(entry)) == Code::kCorrupt);
            flip(store.fs, Store::path(), at);
        }
        store.open(entry);
    }

    TEST_CASE("segment: a flipped byte in the header or its copy costs nothing, in both the file") {
        Store store;
        const std::vector<Row> rows = sample_rows(700);
        const SegmentEntry entry = store.write(rows);
        const std::uint64_t copy = entry.size_bytes - kSegmentHeaderBytes;
        CHECK(store.open(entry)->check_headers());
        std::vector<std::uint64_t> places;
        for (std::uint64_t at = 0; at < kSegmentHeaderBytes; at += at < 400 ? 1 : 97) {
            places.push_back(at);
        }
        for (std::uint64_t at = kSegmentHeaderBytes - 4; at < kSegmentHeaderBytes; ++at) {
            places.push_back(at);
        }
        for (const std::uint64_t at : places) {
            CAPTURE(at);
            for (const std::uint64_t begin : {std::uint64_t{0}, copy}) {
                flip(store.fs, Store::path(), begin + at);
                const auto segment = store.open(entry);
                CHECK(segment->header_damaged() == (begin == 0));
                const Error fault = error_of(segment->check_headers());
                CHECK(fault.code() == Code::kCorrupt);
                CHECK(corruption_offset(fault) == (begin == 0 ? 0 : copy + at));
                CHECK(must(read_row(*segment, 699)) == rows[699]);
                flip(store.fs, Store::path(), begin + at);
            }
        }
        flip(store.fs, Store::path(), 100);
        flip(store.fs, Store::path(), copy + 3000);
        const Error both = error_of(store.try_open(entry));
        CHECK(both.code() == Code::kCorrupt);
        CHECK(corruption_offset(both) == 0);
    }

    TEST_CASE("segment: one of a version without a copy of the header is read as it is") {
        Store store;
        SegmentEntry entry = store.write(sample_rows(700));
        entry.size_bytes -= kSegmentHeaderBytes;
        put(store.fs, Store::path(),
            std::string(whole(store.fs, Store::path()).substr(0, entry.size_bytes)));
        CHECK(store.open(entry)->check_headers());
        flip(store.fs, Store::path(), 100);
        CHECK(code_of(store.try_open(entry)) == Code::kCorrupt);
    }

    TEST_CASE("segment: a file that is cut short, longer, or empty is refused") {
        Store store;
        const SegmentEntry entry = store.write(sample_rows(50));
        const std::string bytes = whole(store.fs, Store::path());
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4095},
                                       std::size_t{4096}, bytes.size() - 1}) {
            put(store.fs, Store::path(), bytes.substr(0, size));
            const Error error = error_of(store.try_open(entry));
            CHECK(error.code() == Code::kCorrupt);
            CHECK(corruption_offset(error) == size);
        }
        put(store.fs, Store::path(), bytes + "x");
        CHECK(code_of(store.try_open(entry)) == Code::kCorrupt);
        must(store.fs.remove(Store::path()));
        CHECK(code_of(store.try_open(entry)) == Code::kInputMissing);
    }

    TEST_CASE("segment: another segment under this one's name is refused") {
        Store store;
        const SegmentEntry one = store.write(sample_rows(50), 1);
        const SegmentEntry two = store.write(sample_rows(50), 2);
        REQUIRE(one.size_bytes == two.size_bytes);
        const std::string first = whole(store.fs, Store::path(1));
        put(store.fs, Store::path(1), whole(store.fs, Store::path(2)));
        put(store.fs, Store::path(2), first);
        for (const SegmentEntry& entry : {one, two}) {
            CHECK(error_of(store.try_open(entry))
                      .message()
                      .contains("it is not the segment that the manifest names"));
        }
        // The same number written at another time: an older copy of the file put back.
        std::vector<Row> changed = sample_rows(50);
        changed[3].vector[0] = 99;
        const SegmentEntry rewritten = store.write(changed, 1);
        CHECK(store.open(rewritten) != nullptr);
        put(store.fs, Store::path(1), first);
        CHECK(code_of(store.try_open(rewritten)) == Code::kCorrupt);
    }

    TEST_CASE("segment: one of another database is refused") {
        Store store, other;
        other.owner.uuid.bytes[7] = 1;
        const SegmentEntry entry = store.write(sample_rows(20));
        put(other.fs, Store::path(), whole(store.fs, Store::path()));
        CHECK(code_of(other.try_open(entry)) == Code::kCorrupt);
        Store shape;
        shape.owner.shape.dimension = 8;
        put(shape.fs, Store::path(), whole(store.fs, Store::path()));
        CHECK(code_of(shape.try_open(entry)) == Code::kCorrupt);
    }

    TEST_CASE("segment: a write that is cancelled or fails leaves no file") {
        Store store;
        CancelSource cancel;
        cancel.cancel();
        Context context = store.context;
        context.cancel = cancel.token();
        SegmentHeader identity;
        identity.number = 1;
        identity.shape.dimension = 4;
        Rows rows(sample_rows(10));
        CHECK(code_of(write_segment(context, "/d", identity, rows)) == Code::kCancelled);
        CHECK(must(store.fs.list("/d")).empty());
    }

    TEST_CASE("segment header: lies behind a right checksum are refused") {
        Store store;
        const SegmentEntry entry = store.write(sample_rows(100));
        const SegmentHeader good = store.open(entry)->header();
        const auto refused = [&](auto change) {
            SegmentHeader header = good;
            change(header);
            return !decode_segment_header(encode_segment_header(header), entry.size_bytes, "s");
        };
        CHECK_FALSE(refused([](SegmentHeader&) {}));
        CHECK(refused([](SegmentHeader& h) { h.rows += 1; }));
        CHECK(refused([](SegmentHeader& h) { h.rows = ~std::uint64_t{0} / 4; }));
        CHECK(refused([](SegmentHeader& h) { h.shape.dimension = 0; }));
        CHECK(refused([](SegmentHeader& h) { h.shape.dimension = 65537; }));
        CHECK(refused([](SegmentHeader& h) { h.sections[0].offset += 1; }));
        CHECK(refused([](SegmentHeader& h) { h.sections[0].offset = 0; }));
        CHECK(refused([](SegmentHeader& h) { h.sections[0].offset = ~std::uint64_t{0} << 12; }));
        CHECK(refused([](SegmentHeader& h) { h.sections[0].length -= 1; }));
        CHECK(refused([](SegmentHeader& h) { h.sections[2].length = 100 * 8 - 1; }));
        CHECK(refused([](SegmentHeader& h) { h.sections.back().length = std::uint64_t{1} << 60; }));
        CHECK(refused([](SegmentHeader& h) { h.sections[0].block_shift = 0; }));
        CHECK(refused([](SegmentHeader& h) { h.sections[0].block_shift = 63; }));
        CHECK(refused([](SegmentHeader& h) { h.sections[1].first_checksum += 1; }));
        CHECK(refused([](SegmentHeader& h) { h.checksums_count += 1; }));
        CHECK(refused([](SegmentHeader& h) { h.checksums_offset += std::uint64_t{1} << 40; }));
        CHECK(refused([](SegmentHeader& h) { h.sections[2].encoding = ColumnEncoding::kFixed; }));
    }
}

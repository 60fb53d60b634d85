// Verify: finds every kind of fault, names file and byte, and changes nothing.
#include <algorithm>
#include <set>

#include "storage/log.hpp"
#include "storage/manifest.hpp"
#include "storage/segment_format.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

// A database with two segments, deleted rows, a learned embedder and three commits in its log.
void fill(MemoryStore& store) {
    Database database =
        store.create(CreateOptions{.dimension = 0, .embedder = EmbedderChoice{"hash", 64}});
    const std::vector<std::string_view> texts{"one small text", "and another one"};
    must(database.learn_if_new(texts));
    Random random(2);
    for (int part = 0; part < 5; ++part) {
        std::vector<Row> rows;
        for (int i = 0; i < 40; ++i) {
            const std::string id = "p" + std::to_string(part) + "/" + std::to_string(i);
            rows.push_back({id, random_vector(random, 64), "text of " + id, "{\"p\":1}"});
        }
        std::vector<std::string> deletes;
        if (part == 1 || part == 3) {
            deletes = {"p0/3", "p0/7", "p" + std::to_string(part - 1) + "/9"};
        }
        must(commit(database, rows, WriteMode::kUpsert, deletes));
        if (part < 2) {
            must(database.checkpoint());
        }
    }
}

VerifyInfo check(MemoryStore& store) {
    return must(verify(store.context, "/db"));
}

// Bytes of a segment that a checksum covers.
bool covered_in_segment(const std::string& bytes, std::uint64_t at) {
    const SegmentHeader header = must(decode_segment_header(bytes, bytes.size(), "s"));
    bool covered = at < kSegmentHeaderBytes || at >= header.checksums_offset;
    for (const Section& section : header.sections) {
        covered = covered || (at >= section.offset && at - section.offset < section.length);
    }
    return covered;
}

// Where the last record of the log begins: what follows may have been cut off.
std::uint64_t last_record(MemoryStore& store, const std::string& name) {
    const Manifest manifest = must(read_manifest(store.fs, "/db"));
    LogReader reader = must(LogReader::open(
        store.fs, store.file(name), {manifest.uuid, manifest.log_number, manifest.log_salt}));
    std::uint64_t last = kLogHeaderBytes;
    while (const auto record = must(reader.next())) {
        last = record->offset;
    }
    return last;
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("verify: a sound database has no faults, and is left as it is") {
        MemoryStore store;
        fill(store);
        const std::uint64_t before = store.fs.sequence();
        const VerifyInfo info = check(store);
        CHECK(info.faults_total == 0);
        CHECK(info.faults.empty());
        CHECK(info.foreign.empty());
        CHECK(info.rows == 200 - 4);
        CHECK(info.log_replayed);
        CHECK(info.files == 6);  // manifest, two segments, deletes of the first, embedder, log
        CHECK(info.checksums > 10);
        CHECK(info.bytes > 100'000);
        for (const FsOperation& operation : store.fs.log()) {
            if (operation.sequence > before) {
                CHECK(operation.call != FsCall::kWrite);
                CHECK(operation.call != FsCall::kTruncate);
                CHECK(operation.call != FsCall::kRemove);
                CHECK(operation.call != FsCall::kRename);
                CHECK((operation.call != FsCall::kOpen || operation.mode == OpenMode::kRead));
            }
        }
        must(store.open().close());
        CHECK_FALSE(check(store).log_replayed);
    }

    TEST_CASE("verify: every flipped byte that anything depends on is found, with its file") {
        MemoryStore store;
        fill(store);
        std::set<std::string> kinds;
        for (const std::string& name : store.files("")) {
            if (name == "LOCK") {
                continue;
            }
            const std::string bytes = whole(store.fs, store.file(name));
            const bool segment = name.starts_with("seg-");
            const std::uint64_t end =
                name.starts_with("log-") ? last_record(store, name) : bytes.size();
            for (std::uint64_t at = 0; at < end;
                 at += end < 600 ? much(1, 5) : much(97, 499) + at % 13) {
                if (segment && !covered_in_segment(bytes, at)) {
                    continue;
                }
                CAPTURE(name);
                CAPTURE(at);
                flip(store.fs, store.file(name), at);
                const auto result = verify(store.context, "/db");
                const bool version = at >= 8 && at < 12;  // may read as a newer format
                if (!result) {
                    REQUIRE((version && result.error().code() == Code::kIncompatible));
                } else {
                    REQUIRE(result->faults_total >= 1);
                    const Fault& fault = result->faults.at(0);
                    REQUIRE(fault.file == name);
                    REQUIRE(fault.offset <= at);
                    REQUIRE_FALSE(fault.what.empty());
                    kinds.insert(name.substr(0, 3));
                }
                put(store.fs, store.file(name), bytes);
            }
        }
        CHECK(kinds == std::set<std::string>{"MAN", "del", "emb", "log", "seg"});
        CHECK(check(store).faults_total == 0);
    }

    TEST_CASE("verify: a missing file of any kind is a fault") {
        MemoryStore store;
        fill(store);
        for (const std::string& name : store.files("")) {
            if (name == "LOCK" || name == "MANIFEST") {
                continue;
            }
            CAPTURE(name);
            const std::string bytes = whole(store.fs, store.file(name));
            must(store.fs.remove(store.file(name)));
            const VerifyInfo info = check(store);
            CHECK(info.faults_total == 1);
            CHECK(info.faults.at(0).file == name);
            put(store.fs, store.file(name), bytes);
        }
    }

    TEST_CASE("verify: several faults are all found") {
        MemoryStore store;
        fill(store);
        const auto segments = store.files("seg-");
        REQUIRE(segments.size() == 2);
        for (const std::string& name : segments) {
            flip(store.fs, store.file(name), 4096);
            flip(store.fs, store.file(name), 4096 + 5000);  // the same block
        }
        flip(store.fs, store.file(store.files("emb-").at(0)), 0);
        const VerifyInfo info = check(store);
        CHECK(info.faults_total == 3);
        CHECK(info.faults.size() == 3);
        std::set<std::string> files;
        for (const Fault& fault : info.faults) {
            files.insert(fault.file);
        }
        CHECK(files.size() == 3);
    }

    TEST_CASE("verify: a damaged header is told, and its copy serves the rows with a warning") {
        MemoryStore store;
        fill(store);
        const std::size_t rows = rows_of(store.open(AccessMode::kRead).snapshot()).size();
        const std::string name = store.files("seg-").at(0);
        flip(store.fs, store.file(name), 100);
        const VerifyInfo info = check(store);
        CHECK(info.faults_total == 1);
        REQUIRE(info.faults.size() == 1);
        CHECK(info.faults[0].file == name);
        CHECK(info.faults[0].offset == 0);
        CHECK(info.faults[0].what.find("its copy at byte") != std::string::npos);
        class Lines final : public LogSink {
        public:
            bool enabled(LogLevel /*level*/) const noexcept override { return true; }
            void write(LogLevel level, std::string_view /*room*/,
                       std::string_view message) noexcept override {
                if (level == LogLevel::kWarn) {
                    kept.emplace_back(message);
                }
            }
            std::vector<std::string> kept;
        } log;
        Context context = store.context;
        context.log = &log;
        CHECK(rows_of(must(Database::open(context, "/db", AccessMode::kRead)).snapshot()).size() ==
              rows);
        REQUIRE(log.kept.size() == 1);
        CHECK(log.kept[0].find(name) != std::string::npos);
    }

    TEST_CASE("verify: the faults that are kept are bounded, the count is not") {
        MemoryStore store;
        {
            Database database = store.create(1, Metric::kL2);
            std::vector<Row> rows;
            for (int i = 0; i < much(6000, 4500); ++i) {
                rows.push_back({"r" + std::to_string(i), {1}, std::string(1000, 'x'), {}});
            }
            must(commit(database, rows));
            must(database.close());
        }
        const std::string name = store.file(store.files("seg-").at(0));
        std::string bytes = whole(store.fs, name);
        const SegmentHeader header = must(decode_segment_header(bytes, bytes.size(), "s"));
        for (const Section& section : header.sections) {
            for (std::uint64_t at = section.offset; at < section.offset + section.length;
                 at += 4096) {
                bytes[at] = static_cast<char>(bytes[at] + 1);
            }
        }
        put(store.fs, name, bytes);
        ThreadPool pool(2);
        Context context = store.context;
        context.pool = &pool;
        const VerifyInfo info = must(verify(context, "/db"));
        CHECK(info.faults.size() == kMaxFaults);
        CHECK(info.faults_total == info.checksums);
    }

    TEST_CASE("verify: rows that contradict each other behind right checksums are found") {
        MemoryStore store;
        {
            Database database = store.create();
            must(commit(database, {{"a", {1, 1}, {}, {}}, {"b", {2, 2}, {}, {}}}));
            must(database.checkpoint());
            must(commit(database, {{"a", {3, 3}, {}, {}}}));
            must(database.close());
        }
        // The manifest forgets the deleted rows of the first segment: there are two rows "a".
        Manifest manifest = must(read_manifest(store.fs, "/db"));
        REQUIRE(manifest.collections[0].segments.at(0).deleted_rows == 1);
        manifest.collections[0].segments[0].deletes_number = 0;
        manifest.collections[0].segments[0].deleted_rows = 0;
        must(write_manifest(store.fs, "/db", manifest));
        const VerifyInfo info = check(store);
        CHECK(info.faults_total == 1);
        CHECK(info.faults.at(0).what.contains("leads elsewhere"));
    }

    TEST_CASE("verify: foreign files are listed, a cut tail and orphans are no faults") {
        MemoryStore store;
        fill(store);
        put(store.fs, store.file("notes.txt"), "mine");
        put(store.fs, store.file("seg-0000000900.wds"), "an orphan of a crash");
        const std::string log = store.file(store.files("log-").at(0));
        put(store.fs, log, whole(store.fs, log) + std::string(100, 'x'));
        const VerifyInfo info = check(store);
        CHECK(info.faults_total == 0);
        CHECK(info.foreign == std::vector<std::string>{"notes.txt"});
    }

    TEST_CASE("verify: what is no database, or cannot be checked, is an error") {
        MemoryStore store;
        CHECK(code_of(verify(store.context, "/db")) == Code::kInputMissing);
        must(store.fs.create_directory("/db"));
        CHECK(code_of(verify(store.context, "/db")) == Code::kCorrupt);
        must(store.fs.remove_directory("/db"));
        fill(store);
        CancelSource cancel;
        cancel.cancel();
        Context context = store.context;
        context.cancel = cancel.token();
        CHECK(code_of(verify(context, "/db")) == Code::kCancelled);
    }

    TEST_CASE("verify: works beside an open writer") {
        MemoryStore store;
        Database database = store.create();
        must(commit(database, {{"a", {1, 1}, {}, {}}}));
        CHECK(check(store).faults_total == 0);
        CHECK(check(store).rows == 1);
        must(database.checkpoint());
        CHECK(check(store).rows == 1);
    }
}

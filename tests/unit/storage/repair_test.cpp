// Repair: what comes back of damage of every kind, what is told about the rest, and that the
// damaged database is only read.
#include <algorithm>
#include <map>
#include <set>

#include <abi/core/crc32c.hpp>
#include <abi/core/fs_fault.hpp>
#include <abi/storage/repair.hpp>

#include "storage/log.hpp"
#include "storage/manifest.hpp"
#include "storage/segment_format.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr std::uint32_t kWide = 64;

Row row(const std::string& id, std::size_t dimension, float x) {
    return {id, std::vector<float>(dimension, x), "text of " + id, "{\"id\":\"" + id + "\"}"};
}

// Two segments, deletes of the first, a learned embedder and three commits in the log.
std::vector<Row> fill(MemoryStore& store) {
    Database database =
        store.create(CreateOptions{.dimension = 0, .embedder = EmbedderChoice{"hash", kWide}});
    const std::vector<std::string_view> texts{"one small text", "and another one"};
    must(database.learn_if_new(texts));
    Random random(2);
    for (int part = 0; part < 5; ++part) {
        std::vector<Row> rows;
        for (int i = 0; i < 400; ++i) {
            const std::string id = "p" + std::to_string(part) + "/" + std::to_string(i);
            rows.push_back({id, random_vector(random, kWide), "text of " + id, "{\"p\":1}"});
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
    return rows_of(database.snapshot());
}

std::vector<Row> rows_at(const Context& context, const std::string& path,
                         const OpenOptions& options = {}) {
    return rows_of(must(Database::open(context, path, AccessMode::kRead, options)).snapshot());
}

std::map<std::string, std::string> contents(FileSystem& fs, const std::string& path) {
    std::map<std::string, std::string> all;
    for (const DirectoryEntry& entry : must(fs.list(path))) {
        all[entry.name] = whole(fs, join_path(path, entry.name));
    }
    return all;
}

// Repairs into a fresh place, checks what always holds, and gives the rows.
struct Repaired {
    RepairInfo info;
    std::vector<Row> rows;
};
Repaired repaired(MemoryStore& store) {
    static int place = 0;
    const std::string path = "/repaired-" + std::to_string(++place);
    const auto before = contents(store.fs, store.path);
    const RepairInfo told = must(repair(store.context, store.path, path, Rehearsal::kYes));
    CHECK_FALSE(must(store.fs.stat(path)));
    Repaired done{must(repair(store.context, store.path, path)), {}};
    CHECK(contents(store.fs, store.path) == before);
    CHECK(told.rows == done.info.rows);
    CHECK(told.findings_total == done.info.findings_total);
    CHECK(must(verify(store.context, path)).faults_total == 0);
    CHECK_FALSE(must(store.fs.stat(path + ".partial")));
    if (!done.info.uuid.empty() && done.info.manifest != ManifestSource::kRebuilt) {
        done.rows = rows_at(store.context, path);
    } else {
        Database database = must(Database::open(store.context, path, AccessMode::kRead));
        done.rows = rows_of(database.snapshot());
    }
    // It goes on working.
    Database database = must(Database::open(store.context, path, AccessMode::kReadWrite));
    must(commit(database, {{"after", std::vector<float>(database.dimension(), 1.0F), {}, {}},
                           {{}, std::vector<float>(database.dimension(), 1.0F), {}, {}}}));
    must(database.close());
    CHECK(must(verify(store.context, path)).faults_total == 0);
    return done;
}

std::set<std::string> ids(const std::vector<Row>& rows) {
    std::set<std::string> all;
    for (const Row& each : rows) {
        all.insert(*each.id);
    }
    return all;
}

// Every row of `some` is in `all`, as it is there.
bool within(const std::vector<Row>& some, const std::vector<Row>& all) {
    std::map<std::string, const Row*> by_id;
    for (const Row& each : all) {
        by_id[*each.id] = &each;
    }
    return std::all_of(some.begin(), some.end(), [&](const Row& each) {
        const auto found = by_id.find(*each.id);
        return found != by_id.end() && *found->second == each;
    });
}

const Finding* finding_in(const RepairInfo& info, std::string_view prefix, FindingKind kind) {
    for (const Finding& finding : info.findings) {
        if (finding.file.starts_with(prefix) && finding.kind == kind) {
            return &finding;
        }
    }
    return nullptr;
}

SegmentHeader header_of(MemoryStore& store, const std::string& name) {
    const std::string bytes = whole(store.fs, store.file(name));
    return must(decode_segment_header(bytes, bytes.size(), name));
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("repair: of a sound database comes the same with another UUID") {
        MemoryStore store;
        const std::vector<Row> rows = fill(store);
        const Repaired all = repaired(store);
        CHECK(all.rows == rows);
        CHECK(all.info.findings_total == 0);
        CHECK(all.info.manifest == ManifestSource::kIntact);
        CHECK(all.info.rows_lost == 0);
        CHECK(all.info.uuid != must(Database::open(store.context, store.path, AccessMode::kRead))
                                   .snapshot()
                                   .stats()
                                   .uuid);
        const Database database =
            must(Database::open(store.context, store.path, AccessMode::kRead));
        CHECK(database.embedder()->learned_documents() == 2);
    }

    TEST_CASE("repair: collections, element types and named snapshots come back") {
        MemoryStore store;
        std::map<std::string, std::vector<Row>> now, then;
        {
            Database database = store.create(2, Metric::kL2);
            must(database.create_collection({.dimension = 16,
                                             .metric = Metric::kHamming,
                                             .embedder = {},
                                             .element = ElementType::kBits,
                                             .name = "bits"}));
            must(database.create_collection({.dimension = 3,
                                             .metric = Metric::kDot,
                                             .embedder = {},
                                             .element = ElementType::kInt8,
                                             .name = "bytes"}));
            Database bits = must(database.collection("bits"));
            Database bytes = must(database.collection("bytes"));
            must(commit(database, {row("a", 2, 1), row("b", 2, 2), row("c", 2, 3)}));
            must(commit(bits, {row("a", 16, 1), row("z", 16, 0)}));
            must(commit(bytes, {row("i", 3, -7)}));
            must(database.create_snapshot("first"));
            for (Database* each : {&database, &bits, &bytes}) {
                then[each->name()] = rows_of(each->snapshot());
            }
            must(commit(database, {row("b", 2, 20), row("d", 2, 4)}, WriteMode::kUpsert, {"a"}));
            must(commit(bits, {}, WriteMode::kUpsert, {"z"}));
            must(database.checkpoint());
            must(commit(database, {row("e", 2, 5)}, WriteMode::kUpsert, {"c"}));
            must(commit(bytes, {row("i", 3, 9), row("7", 3, 9)}));
            for (Database* each : {&database, &bits, &bytes}) {
                now[each->name()] = rows_of(each->snapshot());
            }
        }
        const RepairInfo info = must(repair(store.context, store.path, "/new"));
        CHECK(info.findings_total == 0);
        CHECK(info.collections == 3);
        CHECK(info.snapshots == 1);
        for (const auto& [name, rows] : now) {
            CAPTURE(name);
            CHECK(rows_at(store.context, "/new", {.collection = name}) == rows);
            CHECK(rows_at(store.context, "/new", {.collection = name, .snapshot = "first"}) ==
                  then[name]);
        }
        CHECK(must(verify(store.context, "/new")).faults_total == 0);
    }

    TEST_CASE("repair: a bad block costs the rows that it holds, and no other") {
        MemoryStore store;
        const std::vector<Row> rows = fill(store);
        const std::string name = store.files("seg-").at(1);  // without deletes of its own
        const std::string path = store.file(name);
        const SegmentHeader header = header_of(store, name);
        const std::uint64_t stride = header.shape.row_bytes();
        REQUIRE(header.rows == 400);
        for (const Section& section : header.sections) {
            const std::uint64_t block = std::uint64_t{1} << section.block_shift;
            for (std::uint64_t at = 0; at < section.length; at += block) {
                const auto kind = static_cast<int>(section.kind);
                CAPTURE(kind);
                CAPTURE(at);
                const std::string good = whole(store.fs, path);
                const std::uint64_t last = std::min(at + block, section.length) - 1;
                flip(store.fs, path, section.offset + (at + last) / 2);
                const Repaired some = repaired(store);
                CHECK(within(some.rows, rows));
                CHECK(some.info.rows == some.rows.size());
                const bool derived = section.kind == SectionKind::kInverseNorms ||
                                     section.kind == SectionKind::kIdIndex ||
                                     section.kind == SectionKind::kColumns ||
                                     section.kind == SectionKind::kFullText;
                if (derived) {
                    CHECK(some.rows == rows);
                    CHECK(some.info.lost_total == 0);
                    CHECK(finding_in(some.info, name, FindingKind::kMade) != nullptr);
                } else {
                    CHECK(some.info.rows_lost > 0);
                    CHECK(some.info.rows + some.info.rows_lost == rows.size());
                    const Finding* const lost = finding_in(some.info, name, FindingKind::kLost);
                    REQUIRE(lost != nullptr);
                    CHECK(lost->offset == section.offset + at);
                    CHECK(lost->collection == "default");
                }
                if (section.kind == SectionKind::kVectors) {
                    std::set<std::string> expected = ids(rows);
                    for (std::uint64_t i = at / stride; i <= last / stride; ++i) {
                        expected.erase("p1/" + std::to_string(i));
                    }
                    CHECK(ids(some.rows) == expected);
                    const Finding* const lost = finding_in(some.info, name, FindingKind::kLost);
                    CHECK(lost->ids.size() == *lost->rows);
                }
                put(store.fs, path, good);
            }
        }
    }

    TEST_CASE("repair: a segment's header, its table, its end, its file") {
        MemoryStore store;
        const std::vector<Row> rows = fill(store);
        const std::string name = store.files("seg-").at(1);
        const std::string path = store.file(name);
        const std::string good = whole(store.fs, path);
        const SegmentHeader header = header_of(store, name);
        const std::uint64_t table_end = header_copy_offset(header);
        const auto check = [&](std::uint64_t least_lost, std::uint64_t most_lost) {
            const Repaired some = repaired(store);
            CHECK(within(some.rows, rows));
            CHECK(some.info.rows_lost >= least_lost);
            CHECK(some.info.rows_lost <= most_lost);
            CHECK(some.rows.size() + some.info.rows_lost == rows.size());
            put(store.fs, path, good);
        };
        flip(store.fs, path, header.checksums_offset);  // of the first block of vectors
        check(256, 256);
        put(store.fs, path, good.substr(0, table_end - 4));  // of the last block, which is derived
        check(0, 0);
        std::uint64_t behind = 0;  // blocks behind the metadata
        for (const Section& section : header.sections) {
            behind += section.kind > SectionKind::kMetadata ? section.blocks() : 0;
        }
        REQUIRE(behind > 0);
        put(store.fs, path, good.substr(0, table_end - 4 * (behind + 1)));  // the metadata's last
        check(1, 399);
        put(store.fs, path, good.substr(0, header.checksums_offset));
        check(400, 400);
        flip(store.fs, path, 100);
        check(0, 0);
        flip(store.fs, path, table_end + 100);
        check(0, 0);
        flip(store.fs, path, 100);
        flip(store.fs, path, table_end + 100);
        check(400, 400);
        put(store.fs, path, "");
        check(400, 400);
        must(store.fs.remove(path));
        check(400, 400);
        put(store.fs, path, whole(store.fs, store.file(store.files("seg-").at(0))));
        check(400, 400);  // another segment in its place
    }

    TEST_CASE("repair: the copy of a segment's header gives all its rows, without a manifest too") {
        for (const bool manifest : {true, false}) {
            MemoryStore store;
            const std::vector<Row> rows = fill(store);
            for (const std::string& name : store.files("seg-")) {
                flip(store.fs, store.file(name), 100);
            }
            if (!manifest) {
                must(store.fs.remove(store.file("MANIFEST")));
            }
            const Repaired all = repaired(store);
            CHECK(within(rows, all.rows));
            CHECK(all.info.rows_lost == 0);
            const Finding* const made =
                finding_in(all.info, store.files("seg-").at(0), FindingKind::kMade);
            REQUIRE(made != nullptr);
            CHECK(made->offset == 0);
        }
    }

    TEST_CASE("repair: without its deletes, rows of a segment come back as a doubt") {
        MemoryStore store;
        const std::vector<Row> rows = fill(store);
        const std::string name = store.files("del-").at(0);
        const std::string good = whole(store.fs, store.file(name));
        for (const bool missing : {false, true}) {
            if (missing) {
                must(store.fs.remove(store.file(name)));
            } else {
                flip(store.fs, store.file(name), 70);
            }
            const Repaired more = repaired(store);
            std::set<std::string> expected = ids(rows);
            // p0/3 and p0/7 are deleted by the log as well.
            expected.insert("p0/9");
            CHECK(ids(more.rows) == expected);
            CHECK(more.info.rows_lost == 0);
            CHECK(more.info.rows_doubt >= 1);
            CHECK(more.info.rows_doubt <= 3);
            CHECK(finding_in(more.info, name, FindingKind::kDoubt) != nullptr);
            put(store.fs, store.file(name), good);
        }
    }

    TEST_CASE("repair: commits of the log on both sides of damage") {
        MemoryStore store;
        const std::vector<Row> rows = fill(store);
        const std::string name = store.files("log-").at(0);
        const std::string path = store.file(name);
        const std::string good = whole(store.fs, path);
        const Manifest manifest = must(read_manifest(store.fs, store.path));
        std::vector<std::uint64_t> offsets;
        {
            LogReader reader = must(LogReader::open(
                store.fs, path, {manifest.uuid, manifest.log_number, manifest.log_salt}));
            while (const auto record = must(reader.next())) {
                offsets.push_back(record->offset);
            }
        }
        REQUIRE(offsets.size() == 3);
        // The middle one deletes p0/3, p0/7 and p2/9.
        for (const std::uint64_t into : {0U, 9U, 36U, 60U, 20'000U}) {
            CAPTURE(into);
            flip(store.fs, path, offsets[1] + into);
            const Repaired some = repaired(store);
            std::set<std::string> expected = ids(rows);
            for (int i = 0; i < 400; ++i) {
                expected.erase("p3/" + std::to_string(i));
            }
            expected.insert("p2/9");
            CHECK(ids(some.rows) == expected);
            CHECK(some.info.commits_lost == 1);
            const Finding* const lost = finding_in(some.info, name, FindingKind::kLost);
            REQUIRE(lost != nullptr);
            CHECK(lost->offset == offsets[1]);
            CHECK(lost->what.contains("commit"));
            put(store.fs, path, good);
        }
        flip(store.fs, path, 20);  // its header
        CHECK(repaired(store).rows == rows);
        CHECK(repaired(store).info.lost_total == 0);
        put(store.fs, path, good);
        put(store.fs, path, good.substr(0, offsets[2] + 100));
        const Repaired cut = repaired(store);
        CHECK(finding_in(cut.info, name, FindingKind::kLost) != nullptr);  // the mark says so
        CHECK(cut.rows.size() == rows.size() - 400);
        const std::string mark = whole(store.fs, store.file("LOCK"));
        put(store.fs, store.file("LOCK"), "");
        const Repaired unmarked = repaired(store);
        CHECK(unmarked.info.lost_total == 0);  // it may never have been acknowledged
        CHECK(finding_in(unmarked.info, name, FindingKind::kDoubt) != nullptr);
        CHECK(unmarked.rows == cut.rows);
        put(store.fs, store.file("LOCK"), mark);
        must(store.fs.remove(path));
        const Repaired none = repaired(store);
        CHECK(finding_in(none.info, name, FindingKind::kLost) != nullptr);
        CHECK(none.rows.size() == 800 - 3);
    }

    TEST_CASE("repair: without a manifest, the files tell") {
        MemoryStore store;
        const std::vector<Row> rows = fill(store);
        const std::string good = whole(store.fs, store.file("MANIFEST"));
        for (const int kind : {0, 1, 2, 3}) {
            CAPTURE(kind);
            put(store.fs, store.file("MANIFEST"), good);
            switch (kind) {
                case 0:
                    flip(store.fs, store.file("MANIFEST"), 50);
                    break;
                case 1:
                    flip(store.fs, store.file("MANIFEST"), 8);  // its version
                    break;
                case 2:
                    put(store.fs, store.file("MANIFEST"), "");
                    break;
                default:
                    must(store.fs.remove(store.file("MANIFEST")));
            }
            const Repaired all = repaired(store);
            CHECK(all.info.manifest == ManifestSource::kRebuilt);
            CHECK(all.rows == rows);
            CHECK(all.info.rows_lost == 0);
            CHECK(finding_in(all.info, "MANIFEST", FindingKind::kDoubt) != nullptr);
            CHECK(finding_in(all.info, "emb-", FindingKind::kDoubt) != nullptr);
        }
        // The replacement that a writer had prepared.
        put(store.fs, store.file("MANIFEST.tmp"), good);
        const Repaired unfinished = repaired(store);
        CHECK(unfinished.info.manifest == ManifestSource::kUnfinished);
        CHECK(unfinished.rows == rows);
        must(store.fs.remove(store.file("MANIFEST.tmp")));
        // Left-overs of another database do not mix with it.
        MemoryStore other;
        fill(other);
        put(store.fs, store.file("seg-0000000001.wds"),
            whole(other.fs, other.file(other.files("seg-").at(0))));
        CHECK(repaired(store).rows == rows);
        must(store.fs.remove(store.file("seg-0000000001.wds")));
        // Only the log is left.
        for (const std::string& name : store.files("seg-")) {
            must(store.fs.remove(store.file(name)));
        }
        CHECK(repaired(store).rows.size() == 1200 - 1);
        must(store.fs.remove(store.file(store.files("log-").at(0))));
        CHECK(code_of(repair(store.context, store.path, "/new")) == Code::kCorrupt);
    }

    TEST_CASE("repair: what an embedder had learned is lost alone") {
        MemoryStore store;
        const std::vector<Row> rows = fill(store);
        const std::string name = store.files("emb-").at(0);
        flip(store.fs, store.file(name), 3);
        const Repaired all = repaired(store);
        CHECK(all.rows == rows);
        CHECK(finding_in(all.info, name, FindingKind::kLost) != nullptr);
        const RepairInfo info = must(repair(store.context, store.path, "/new"));
        Database database = must(Database::open(store.context, "/new", AccessMode::kReadWrite));
        CHECK(database.embedder()->learned_documents() == 0);
        CHECK(must(database.optimize()).reembedded);
        CHECK(info.rows == rows.size());
    }

    TEST_CASE("repair: rows that the log replaced are not missed") {
        MemoryStore store;
        {
            Database database = store.create();
            must(commit(database, {row("a", 2, 1), row("b", 2, 2)}));
            must(database.checkpoint());
            must(commit(database, {row("a", 2, 10)}, WriteMode::kUpsert, {"b"}));
        }
        const std::string path = store.file(store.files("seg-").at(0));
        flip(store.fs, path, 4096);
        const Repaired all = repaired(store);
        CHECK(all.rows == std::vector<Row>{row("a", 2, 10)});
        CHECK(all.info.rows_lost == 0);
    }

    TEST_CASE("repair: a device that refuses parts of files") {
        MemoryStore store;
        const std::vector<Row> rows = fill(store);
        const auto refusing = [&](std::string_view file, FaultRepeat repeat, std::uint64_t nth) {
            static int place = 0;
            FaultFileSystem fs(store.fs);
            fs.fail({.call = FsCall::kRead,
                     .path_contains = std::string(file),
                     .nth = nth,
                     .repeat = repeat});
            const std::string path = "/from-refusing-" + std::to_string(++place);
            Context context = store.context;
            context.fs = &fs;
            Repaired some{must(repair(context, store.path, path)), {}};
            some.rows = rows_at(store.context, path);
            CHECK(within(some.rows, rows));
            return some;
        };
        const std::string segment = store.file(store.files("seg-").at(1));
        // The second look is given: nothing is lost.
        CHECK(refusing(segment, FaultRepeat::kOnce, 1).rows == rows);
        // The large piece, its header, and then no page any more.
        const Repaired cut = refusing(segment, FaultRepeat::kForEver, 1);
        CHECK(cut.rows.size() == rows.size() - 400);
        CHECK(cut.info.rows_lost == 400);
        const std::string log = store.file(store.files("log-").at(0));
        CHECK(refusing(log, FaultRepeat::kOnce, 2).rows == rows);
        const Repaired none = refusing(log, FaultRepeat::kForEver, 1);
        CHECK(none.rows.size() == 800 - 3);
        CHECK(none.info.lost_total == 1);
    }

    TEST_CASE("repair: places and sources that are refused") {
        MemoryStore store;
        fill(store);
        const auto refused = [&](const std::string& destination) {
            return code_of(repair(store.context, store.path, destination));
        };
        CHECK(refused("/db") == Code::kInvalidArgument);
        CHECK(refused("/db/new") == Code::kInvalidArgument);
        must(store.fs.create_directory("/other"));
        put(store.fs, "/other/file", "mine");
        CHECK(refused("/other") == Code::kAlreadyExists);
        CHECK(refused("/no/such/place") == Code::kInputMissing);
        CHECK(code_of(repair(store.context, "/nothing", "/new")) == Code::kInputMissing);
        CHECK(code_of(repair(store.context, "/other", "/new")) == Code::kCorrupt);
        {
            Database writer = store.open();
            CHECK(refused("/new") == Code::kLocked);
        }
        // A newer format is no damage.
        std::string bytes = whole(store.fs, store.file("MANIFEST"));
        bytes[8] = 9;
        const std::uint32_t crc = crc32c(as_bytes(std::string_view(bytes).substr(0, 36)));
        std::memcpy(bytes.data() + 36, &crc, sizeof crc);
        put(store.fs, store.file("MANIFEST"), bytes);
        CHECK(refused("/new") == Code::kIncompatible);
        CHECK_FALSE(must(store.fs.stat("/new")));
    }

    TEST_CASE("repair: a cancelled one leaves nothing") {
        MemoryStore store;
        fill(store);
        CancelSource cancel;
        cancel.cancel();
        Context context = store.context;
        context.cancel = cancel.token();
        CHECK(code_of(repair(context, store.path, "/new")) == Code::kCancelled);
        CHECK_FALSE(must(store.fs.stat("/new")));
        CHECK_FALSE(must(store.fs.stat("/new.partial")));
    }
}

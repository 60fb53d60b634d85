// The manifest: any damage is seen, and only a manifest of this or an older format is taken.
#include <abi/core/crc32c.hpp>

#include "storage/manifest.hpp"
#include "support.hpp"
#include "version_1.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr std::size_t kVersionAt = 8, kFeaturesAt = 16, kBodyCrcAt = 32, kHeaderCrcAt = 36,
                      kBodyAt = 40;

Manifest sample() {
    Manifest manifest;
    manifest.generation = 12;
    manifest.uuid.bytes[3] = 0xab;
    manifest.created_ns = 1'700'000'000'000'000'000;
    manifest.checkpoint_ns = -5;
    manifest.next_file = 77;
    manifest.next_collection = 9;
    manifest.lsn = 4711;
    manifest.log_number = 76;
    manifest.log_salt = 0x0123456789abcdefu;
    CollectionEntry words;
    words.id = 3;
    words.name = "words";
    words.shape = {384, ElementType::kFloat16};
    words.metric = Metric::kDot;
    words.next_ordinal = 1'000'001;
    words.embedder_kind = "hash";
    words.embedder_number = 70;
    words.embedder_crc = 0xdeadbeefu;
    words.segments = {{71, 1000, 999'424, 0x11223344u, 0, 0}, {74, 3, 20'480, 0x55667788u, 75, 2}};
    CollectionEntry bits;
    bits.id = 8;
    bits.name = "bits";
    bits.shape = {64, ElementType::kBits};
    bits.metric = Metric::kHamming;
    manifest.snapshots = {{"monday", 5, 4000, {words}}};
    manifest.snapshots[0].collections[0].segments.pop_back();
    manifest.collections = {bits, words};
    return manifest;
}

// Makes the checksums right again after a change: what a newer program or an attacker would write.
std::string sealed(std::string bytes) {
    put_crc(bytes, kBodyCrcAt, std::string_view(bytes).substr(kBodyAt));
    put_crc(bytes, kHeaderCrcAt, std::string_view(bytes).substr(0, kHeaderCrcAt));
    return bytes;
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("manifest: every field comes back") {
        const Manifest in = sample();
        const Manifest out = must(decode_manifest(encode_manifest(in), "m"));
        CHECK(out == in);
        CHECK(out.collections[1].segments[1].deleted_rows == 2);
        CHECK(out.find_collection("words")->shape.element == ElementType::kFloat16);
        CHECK(out.find_collection("wordss") == nullptr);
        CHECK(out.find_snapshot("monday")->collections[0].segments.size() == 1);
        CHECK(out.find_snapshot("") == nullptr);
        CHECK(encode_manifest(out) == encode_manifest(in));
    }

    TEST_CASE("manifest: the files are those of all collections and snapshots, each once") {
        Manifest manifest = sample();
        manifest.snapshots[0].collections[0].segments.push_back({60, 1, 8192, 1, 61, 1});
        CHECK(files_of(manifest) ==
              std::vector<std::string>{"del-0000000061.wdd", "del-0000000075.wdd",
                                       "emb-0000000070.wde", "seg-0000000060.wds",
                                       "seg-0000000071.wds", "seg-0000000074.wds"});
    }

    TEST_CASE("manifest: version 1 is one collection named default") {
        const Manifest out = must(
            decode_manifest(manifest_of_version_1(Uuid{}, 96, {{5, 500, 70'000, 4, 6, 3}}), "m"));
        CHECK(out.version == 1);
        CHECK(out.generation == 12);
        CHECK(out.log_salt == 99);
        REQUIRE(out.collections.size() == 1);
        const CollectionEntry& only = out.collections[0];
        CHECK(only.id == 1);
        CHECK(only.name == "default");
        CHECK(only.shape == VectorShape{96, ElementType::kFloat32});
        CHECK(only.metric == Metric::kL2);
        CHECK(only.next_ordinal == 500);
        CHECK(only.segments == std::vector<SegmentEntry>{{5, 500, 70'000, 4, 6, 3}});
        CHECK(out.next_collection == 2);
        CHECK(out.snapshots.empty());
    }

    TEST_CASE("manifest: every flipped bit is detected") {
        const std::string good = encode_manifest(sample());
        for (std::size_t at = 0; at < good.size(); ++at) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                std::string bad = good;
                bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ (1u << bit));
                const Code code = code_of(decode_manifest(bad, "m"));
                const bool version = at >= kVersionAt && at < kVersionAt + 4;
                CHECK_MESSAGE((code == Code::kCorrupt || (version && code == Code::kIncompatible)),
                              "byte ", at, " bit ", bit);
            }
        }
    }

    TEST_CASE("manifest: every truncation and any appended byte is detected") {
        const std::string good = encode_manifest(sample());
        for (std::size_t size = 0; size < good.size(); ++size) {
            CAPTURE(size);
            CHECK(code_of(decode_manifest(good.substr(0, size), "m")) == Code::kCorrupt);
        }
        CHECK(code_of(decode_manifest(good + '\0', "m")) == Code::kCorrupt);
    }

    TEST_CASE("manifest: a newer version and an unknown required feature are refused as such") {
        std::string newer = encode_manifest(sample());
        newer[kVersionAt] = 3;
        const Error error = error_of(decode_manifest(sealed(newer), "db/MANIFEST"));
        CHECK(error.code() == Code::kIncompatible);
        CHECK(error.message() ==
              "'db/MANIFEST' has format version 3, newer than this abi reads (2)");
        CHECK(error.hint() == "use a newer abi");

        std::string feature = encode_manifest(sample());
        feature[kFeaturesAt + 5] = 1;
        CHECK(code_of(decode_manifest(sealed(feature), "m")) == Code::kIncompatible);
    }

    TEST_CASE("manifest: impossible values behind right checksums are refused") {
        // File numbers are given out once, below the next one; deleted rows are rows.
        const auto refused = [](auto change) {
            Manifest odd = sample();
            change(odd, odd.collections[1]);
            return code_of(decode_manifest(encode_manifest(odd), "m")) == Code::kCorrupt;
        };
        using M = Manifest;
        using C = CollectionEntry;
        CHECK(decode_manifest(encode_manifest(sample()), "m"));
        CHECK(refused([](M&, C& c) { c.shape.dimension = 0; }));
        CHECK(refused([](M&, C& c) { c.shape.dimension = kMaxDimension + 1; }));
        for (const int metric : {0, 4, 6, 200}) {  // 4 is for bits
            CHECK(refused([metric](M&, C& c) { c.metric = static_cast<Metric>(metric); }));
        }
        CHECK(refused([](M&, C& c) { c.shape.element = static_cast<ElementType>(5); }));
        CHECK(refused([](M&, C& c) { c.segments[1].number = c.segments[0].number; }));
        CHECK(refused([](M& m, C& c) { c.segments[1].deletes_number = m.log_number; }));
        CHECK(refused([](M&, C& c) { c.embedder_number = c.segments[0].number; }));
        CHECK(refused([](M& m, C& c) { c.segments[0].number = m.next_file; }));
        CHECK(refused([](M& m, C&) { m.log_number = 0; }));
        CHECK(refused([](M&, C& c) { c.segments[1].deleted_rows = c.segments[1].rows + 1; }));
        CHECK(refused([](M&, C& c) { c.segments[0].rows = std::uint64_t{1} << 32; }));
        CHECK(refused([](M& m, C& c) { m.collections[0].name = c.name; }));
        CHECK(refused([](M& m, C& c) { m.collections[0].id = c.id; }));
        CHECK(refused([](M& m, C& c) { c.id = m.next_collection; }));
        CHECK(refused([](M& m, C&) { m.snapshots.push_back(m.snapshots[0]); }));
        CHECK(refused([](M& m, C&) { m.snapshots[0].collections[0].segments[0].number = 77; }));
        // The number of segments stands right before them.
        Manifest plain = sample();
        plain.snapshots.clear();
        std::string many = encode_manifest(plain);
        const std::size_t count_at = many.size() - 4 - 2 * 44 - 4;
        REQUIRE(many[count_at] == 2);
        for (const char count : {char{0}, char{1}, char{3}, static_cast<char>(0xff)}) {
            many[count_at] = count;
            CHECK(code_of(decode_manifest(sealed(many), "m")) == Code::kCorrupt);
        }
        many[count_at + 3] = static_cast<char>(0xff);
        CHECK(code_of(decode_manifest(sealed(many), "m")) == Code::kCorrupt);
    }

    TEST_CASE("manifest: reading tells a missing path from a directory that is no database") {
        MemoryFileSystem fs;
        const Error missing = error_of(read_manifest(fs, "/nothing"));
        CHECK(missing.code() == Code::kInputMissing);
        CHECK(missing.message() == "cannot open database '/nothing': no such file or directory");
        CHECK(missing.hint().contains("abi db init /nothing"));
        must(fs.create_directory("/d"));
        const Error empty = error_of(read_manifest(fs, "/d"));
        CHECK(empty.code() == Code::kCorrupt);
        CHECK(empty.message() == "'/d' is not a wdbx database: it has no MANIFEST");
        put(fs, "/d/MANIFEST", "MANIFEST-000005\n and then something else that is long enough");
        CHECK(error_of(read_manifest(fs, "/d")).message() ==
              "'/d/MANIFEST' is damaged at byte 0: it is no wdbx manifest");
    }

    TEST_CASE("manifest: writing replaces the old one and leaves no temporary") {
        MemoryFileSystem fs;
        must(fs.create_directory("/d"));
        Manifest manifest = sample();
        must(write_manifest(fs, "/d", manifest));
        manifest.generation = 13;
        must(write_manifest(fs, "/d", manifest));
        CHECK(must(read_manifest(fs, "/d")).generation == 13);
        CHECK(must(fs.list("/d")).size() == 1);
    }
}

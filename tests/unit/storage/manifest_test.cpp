// The manifest: any damage is seen, and only a manifest of this or an older format is taken.
#include <abi/core/crc32c.hpp>

#include "storage/manifest.hpp"
#include "support.hpp"

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
    manifest.dimension = 384;
    manifest.metric = Metric::kDot;
    manifest.next_file = 77;
    manifest.next_ordinal = 1'000'001;
    manifest.lsn = 4711;
    manifest.log_number = 76;
    manifest.log_salt = 0x0123456789abcdefu;
    manifest.embedder_kind = "hash";
    manifest.embedder_number = 70;
    manifest.embedder_crc = 0xdeadbeefu;
    manifest.segments = {{71, 1000, 999'424, 0x11223344u, 0, 0},
                         {74, 3, 20'480, 0x55667788u, 75, 2}};
    return manifest;
}

void put_crc(std::string& bytes, std::size_t at, std::string_view covered) {
    const std::uint32_t crc = crc32c(as_bytes(covered));
    std::memcpy(bytes.data() + at, &crc, sizeof crc);
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
        CHECK(out.generation == in.generation);
        CHECK(out.uuid == in.uuid);
        CHECK(out.created_ns == in.created_ns);
        CHECK(out.checkpoint_ns == in.checkpoint_ns);
        CHECK(out.dimension == in.dimension);
        CHECK(out.metric == in.metric);
        CHECK(out.next_file == in.next_file);
        CHECK(out.next_ordinal == in.next_ordinal);
        CHECK(out.lsn == in.lsn);
        CHECK(out.log_number == in.log_number);
        CHECK(out.log_salt == in.log_salt);
        CHECK(out.embedder_kind == in.embedder_kind);
        CHECK(out.embedder_number == in.embedder_number);
        CHECK(out.embedder_crc == in.embedder_crc);
        REQUIRE(out.segments.size() == 2);
        CHECK(out.segments[1].number == 74);
        CHECK(out.segments[1].rows == 3);
        CHECK(out.segments[1].size_bytes == 20'480);
        CHECK(out.segments[1].header_crc == 0x55667788u);
        CHECK(out.segments[1].deletes_number == 75);
        CHECK(out.segments[1].deleted_rows == 2);
        CHECK(encode_manifest(out) == encode_manifest(in));
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
        newer[kVersionAt] = 2;
        const Error error = error_of(decode_manifest(sealed(newer), "db/MANIFEST"));
        CHECK(error.code() == Code::kIncompatible);
        CHECK(error.message() ==
              "'db/MANIFEST' has format version 2, newer than this abi reads (1)");
        CHECK(error.hint() == "use a newer abi");

        std::string feature = encode_manifest(sample());
        feature[kFeaturesAt + 5] = 1;
        CHECK(code_of(decode_manifest(sealed(feature), "m")) == Code::kIncompatible);
    }

    TEST_CASE("manifest: impossible values behind right checksums are refused") {
        Manifest no_dimension = sample();
        no_dimension.dimension = 0;
        CHECK(code_of(decode_manifest(encode_manifest(no_dimension), "m")) == Code::kCorrupt);
        for (const int metric : {0, 4, 200}) {
            Manifest odd = sample();
            odd.metric = static_cast<Metric>(metric);
            CHECK(code_of(decode_manifest(encode_manifest(odd), "m")) == Code::kCorrupt);
        }
        Manifest wide = sample();
        wide.dimension = kMaxDimension + 1;
        CHECK(code_of(decode_manifest(encode_manifest(wide), "m")) == Code::kCorrupt);
        // File numbers are given out once, below the next one; deleted rows are rows.
        const auto refused = [](auto change) {
            Manifest odd = sample();
            change(odd);
            return !decode_manifest(encode_manifest(odd), "m");
        };
        CHECK_FALSE(refused([](Manifest&) {}));
        CHECK(refused([](Manifest& m) { m.segments[1].number = m.segments[0].number; }));
        CHECK(refused([](Manifest& m) { m.segments[1].deletes_number = m.log_number; }));
        CHECK(refused([](Manifest& m) { m.embedder_number = m.segments[0].number; }));
        CHECK(refused([](Manifest& m) { m.segments[0].number = m.next_file; }));
        CHECK(refused([](Manifest& m) { m.log_number = 0; }));
        CHECK(refused([](Manifest& m) { m.segments[1].deleted_rows = m.segments[1].rows + 1; }));
        CHECK(refused([](Manifest& m) { m.segments[0].rows = std::uint64_t{1} << 32; }));
        // The number of segments stands right before them.
        std::string many = encode_manifest(sample());
        const std::size_t count_at = many.size() - 2 * 44 - 4;
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

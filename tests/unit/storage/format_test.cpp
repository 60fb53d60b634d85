// Names, integers, hashes and the untrusted decoder: what every file of a database is made of.
#include <limits>

#include "storage/bitmap.hpp"
#include "storage/format.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

TEST_SUITE("storage") {
    TEST_CASE("format: file names carry their number there and back") {
        for (const std::uint64_t number :
             {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{9999999999}, std::uint64_t{1} << 40,
              std::numeric_limits<std::uint64_t>::max()}) {
            CAPTURE(number);
            CHECK(parse_file_name(log_name(number)).role == FileRole::kLog);
            CHECK(parse_file_name(segment_name(number)).role == FileRole::kSegment);
            CHECK(parse_file_name(deletes_name(number)).role == FileRole::kDeletes);
            CHECK(parse_file_name(embedder_name(number)).role == FileRole::kEmbedder);
            CHECK(parse_file_name(segment_name(number)).number == number);
        }
        CHECK(log_name(7) == "log-0000000007.wal");
        CHECK(parse_file_name("MANIFEST").role == FileRole::kManifest);
        CHECK(parse_file_name("MANIFEST.tmp").role == FileRole::kTemporary);
        CHECK(parse_file_name("LOCK").role == FileRole::kLock);
    }

    TEST_CASE("format: other names are foreign") {
        for (const char* name :
             {"", "notes.txt", "log-.wal", "log-7.wal", "log-000000000x.wal", "log-0000000007.wds",
              "seg-0000000007.wds.tmp", "Manifest", "seg-+000000007.wds", "seg--000000007.wds",
              "log-99999999999999999999999.wal", "xlog-0000000007.wal"}) {
            CAPTURE(name);
            CHECK(parse_file_name(name).role == FileRole::kForeign);
        }
    }

    TEST_CASE("format: only the canonical decimal form is an integer id") {
        CHECK(canonical_integer("0") == 0);
        CHECK(canonical_integer("17") == 17);
        CHECK(canonical_integer("18446744073709551615") ==
              std::numeric_limits<std::uint64_t>::max());
        for (const char* id : {"", "00", "007", "-1", "+1", " 1", "1 ", "1.0", "1e3", "x", "1x",
                               "18446744073709551616", "99999999999999999999", "\xd9\xa1"}) {
            CAPTURE(id);
            CHECK_FALSE(canonical_integer(id));
        }
    }

    TEST_CASE("format: the hash of an id stands on disk and never changes") {
        // FNV-1a 64 with splitmix64's finaliser, computed apart from the code under test.
        CHECK(hash_id("") == 0xf52a15e9a9b5e89bu);
        CHECK(hash_id("a") == 0x2c0bdbf481420f8u);
        CHECK(hash_id("docs/readme.md#12") == 0xbdac48e306f0a681u);
    }

    TEST_CASE("format: damage names file and byte, and the byte can be read back") {
        const Error error = corruption("dir/seg-0000000001.wds", 81920, "the data are bad");
        CHECK(error.code() == Code::kCorrupt);
        CHECK(error.message() ==
              "'dir/seg-0000000001.wds' is damaged at byte 81920: the data are bad");
        CHECK(corruption_offset(error) == 81920);
        CHECK(corruption_offset(Error(Code::kIo, "disk on fire")) == 0);
    }

    TEST_CASE("format: a decoder past its end reads zeros and says so") {
        Encoder out;
        out.put(std::uint32_t{7});
        out.put_string("abc");
        Decoder in(out.bytes());
        CHECK(in.get<std::uint32_t>() == 7);
        CHECK(in.get_string() == "abc");
        CHECK(in.ok());
        CHECK(in.remaining() == 0);
        CHECK(in.get<std::uint64_t>() == 0);
        CHECK_FALSE(in.ok());
        CHECK(in.get_string().empty());

        Encoder lying;
        lying.put(std::uint32_t{0xffffffffu});
        lying.put_bytes("short");
        Decoder hostile(lying.bytes());
        CHECK(hostile.get_string().empty());
        CHECK_FALSE(hostile.ok());
    }

    TEST_CASE("format: aligning a decoder steps over padding and not past the end") {
        const std::string bytes(13, 'x');
        Decoder in(bytes);
        in.get_bytes(3);
        in.align(8);
        CHECK(in.position() == 8);
        in.align(8);
        CHECK(in.position() == 8);
        in.get_bytes(1);
        in.align(8);
        CHECK_FALSE(in.ok());
    }

    TEST_CASE("bitmap: counts, grows, and reads beyond its words as zero") {
        Bitmap bits(70);
        CHECK(bits.words().size() == 2);
        CHECK(bits.set(0));
        CHECK(bits.set(69));
        CHECK_FALSE(bits.set(69));
        CHECK(bits.count() == 2);
        CHECK(bits.test(69));
        CHECK_FALSE(bits.test(68));
        CHECK_FALSE(bits.test(1000));
        CHECK(bits.set(1000));
        CHECK(bits.count() == 3);
        CHECK(bits.words().size() == 1000 / 64 + 1);
        bits.grow(5000);
        CHECK(bits.words().size() == (5000 + 63) / 64);
        CHECK(bits.count() == 3);
        bits.grow(10);
        CHECK(bits.words().size() == (5000 + 63) / 64);
        const Bitmap copy(bits.words());
        CHECK(copy.count() == 3);
        CHECK(copy.test(1000));
    }

    TEST_CASE("metric: names, parsing and scores") {
        for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
            CHECK(must(parse_metric(metric_name(metric))) == metric);
        }
        const Error error = error_of(parse_metric("L2"));
        CHECK(error.code() == Code::kInvalidArgument);
        CHECK(error.message() == "unknown metric 'L2'");
        CHECK(error.hint() == "valid metrics are l2, cosine, dot, hamming and jaccard");
        CHECK(score_of(Metric::kL2, 3.0) == 0.25);
        CHECK(score_of(Metric::kCosine, 0.25) == 0.75);
        CHECK(score_of(Metric::kDot, -2.5) == 2.5);
    }
}

// The write-ahead log: what was synced is read back, what was cut off is left out, and what is
// damaged is told apart from what is cut off.
#include <cerrno>

#include <abi/core/fs_fault.hpp>

#include "storage/log.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr std::string_view kPath = "/log";

LogIdentity identity(std::uint64_t salt = 0x1122334455667788u) {
    LogIdentity made;
    made.uuid.bytes[0] = 7;
    made.number = 3;
    made.salt = salt;
    return made;
}

struct Read {
    std::vector<std::string> payloads;
    std::vector<std::uint64_t> offsets;
    std::uint64_t end = 0;
    std::uint64_t torn = 0;
};

Result<Read> read_log(FileSystem& fs, const LogIdentity& who = identity()) {
    ABI_TRY(LogReader reader, LogReader::open(fs, std::string(kPath), who));
    Read all;
    while (true) {
        ABI_TRY(const auto record, reader.next());
        if (!record) {
            break;
        }
        CHECK(record->lsn == all.payloads.size() + 1);
        CHECK(record->time_ns == static_cast<std::int64_t>(1000 + record->lsn));
        CHECK(record->type == static_cast<std::uint32_t>(RecordType::kBatch));
        CHECK(reinterpret_cast<std::uintptr_t>(record->payload.data()) % 8 == 0);
        all.payloads.emplace_back(record->payload);
        all.offsets.push_back(record->offset);
    }
    all.end = reader.end();
    all.torn = reader.torn_bytes();
    return all;
}

Status append(LogWriter& log, std::uint64_t lsn, std::string_view payload) {
    const std::size_t half = payload.size() / 3;
    const std::array<std::span<const std::byte>, 3> pieces{as_bytes(payload.substr(0, half)),
                                                           std::span<const std::byte>(),
                                                           as_bytes(payload.substr(half))};
    return log.append(RecordType::kBatch, lsn, static_cast<std::int64_t>(1000 + lsn), pieces);
}

std::unique_ptr<LogWriter> open_writer(FileSystem& fs, std::uint64_t end = kLogHeaderBytes) {
    return must(LogWriter::open(fs, std::string(kPath), identity(), end));
}

// A log with these payloads.
void make_log(FileSystem& fs, const std::vector<std::string>& payloads) {
    must(create_log(fs, std::string(kPath), identity()));
    must(fs.sync_directory("/"));
    const auto log = open_writer(fs);
    for (std::size_t i = 0; i < payloads.size(); ++i) {
        must(append(*log, i + 1, payloads[i]));
    }
}

const std::vector<std::string> kThree{"first record, 27 bytes long", std::string(64, 'b'),
                                      "the third of 19 by."};

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("log: records of every length come back in order") {
        MemoryFileSystem fs;
        std::vector<std::string> payloads;
        for (std::size_t length = 0; length < 40; ++length) {
            payloads.emplace_back(length, static_cast<char>('a' + length % 26));
        }
        payloads.emplace_back(300'000, 'z');
        make_log(fs, payloads);
        const Read all = must(read_log(fs));
        CHECK(all.payloads == payloads);
        CHECK(all.torn == 0);
        CHECK(all.end == whole(fs, "/log").size());
    }

    TEST_CASE("log: an empty one has no records") {
        MemoryFileSystem fs;
        make_log(fs, {});
        const Read all = must(read_log(fs));
        CHECK(all.payloads.empty());
        CHECK(all.end == kLogHeaderBytes);
    }

    TEST_CASE("log: a tail cut at every byte is left out, and writing goes on") {
        MemoryFileSystem source;
        make_log(source, kThree);
        const std::string bytes = whole(source, "/log");
        const Read all = must(read_log(source));
        const std::size_t end_of_third = all.offsets[2] + kRecordHeaderBytes + kThree[2].size();
        for (std::size_t size = all.offsets[2]; size <= bytes.size(); ++size) {
            CAPTURE(size);
            MemoryFileSystem fs;
            put(fs, "/log", bytes.substr(0, size));
            const Read cut = must(read_log(fs));
            // The padding behind a record is no part of it.
            const std::size_t records = size >= end_of_third ? 3 : 2;
            REQUIRE(cut.payloads.size() == records);
            CHECK(cut.torn == (records == 3 ? 0 : size - all.offsets[2]));

            must(append(*open_writer(fs, cut.end), records + 1, "and one more"));
            const Read more = must(read_log(fs));
            REQUIRE(more.payloads.size() == records + 1);
            CHECK(more.payloads.back() == "and one more");
            CHECK(more.torn == 0);
        }
    }

    TEST_CASE("log: a tail of zeros, as a file that grew before its data has it, is left out") {
        MemoryFileSystem fs;
        make_log(fs, kThree);
        const std::string bytes = whole(fs, "/log");
        for (const std::size_t zeros : {1U, 8U, 40U, 4096U, 70'000U}) {
            put(fs, "/log", bytes + std::string(zeros, '\0'));
            const Read all = must(read_log(fs));
            CHECK(all.payloads == kThree);
            CHECK(all.torn == zeros);
        }
    }

    TEST_CASE("log: a flipped byte in the last record makes it cut off") {
        MemoryFileSystem source;
        make_log(source, kThree);
        const std::string bytes = whole(source, "/log");
        const std::uint64_t begin = must(read_log(source)).offsets[2];
        for (std::size_t at = begin; at < begin + kRecordHeaderBytes + kThree[2].size(); ++at) {
            CAPTURE(at);
            MemoryFileSystem fs;
            put(fs, "/log", bytes);
            flip(fs, "/log", at);
            const Read cut = must(read_log(fs));
            CHECK(cut.payloads.size() == 2);
            CHECK(cut.end == begin);
        }
    }

    TEST_CASE("log: a flipped byte in an earlier record is damage, with its offset") {
        MemoryFileSystem source;
        make_log(source, kThree);
        const std::string bytes = whole(source, "/log");
        const Read all = must(read_log(source));
        for (std::size_t record = 0; record < 2; ++record) {
            const std::uint64_t begin = all.offsets[record];
            const std::uint64_t length = kRecordHeaderBytes + kThree[record].size();
            for (std::uint64_t at = begin; at < begin + length; ++at) {
                CAPTURE(at);
                MemoryFileSystem fs;
                put(fs, "/log", bytes);
                flip(fs, "/log", at);
                const Error error = error_of(read_log(fs));
                CHECK(error.code() == Code::kCorrupt);
                CHECK(error.message().contains("'/log'"));
                CHECK(corruption_offset(error) == begin);
            }
        }
    }

    TEST_CASE("log: damage is seen although the next whole record is far away") {
        MemoryFileSystem fs;
        make_log(fs, {"small", std::string(3 << 20, 'x'), "small again"});
        const Read all = must(read_log(fs));
        flip(fs, "/log", all.offsets[1] + 2'000'000);
        CHECK(corruption_offset(error_of(read_log(fs))) == all.offsets[1]);
        // The length in a header cannot be trusted either.
        flip(fs, "/log", all.offsets[1] + 2'000'000);
        flip(fs, "/log", all.offsets[1] + 10);
        CHECK(corruption_offset(error_of(read_log(fs))) == all.offsets[1]);
    }

    TEST_CASE("log: stale records of another salt are never valid") {
        MemoryFileSystem fs;
        make_log(fs, kThree);
        const std::string stale = whole(fs, "/log").substr(kLogHeaderBytes);
        const LogIdentity fresh = identity(0x99);
        must(create_log(fs, std::string(kPath), fresh));
        put(fs, "/log", whole(fs, "/log") + stale);
        const Read all = must(read_log(fs, fresh));
        CHECK(all.payloads.empty());
        CHECK(all.end == kLogHeaderBytes);
        // Also half of the salt is enough to refuse a record: one seeds the header's checksum, the
        // other the payload's.
        for (const std::uint64_t mask : {std::uint64_t{1}, std::uint64_t{1} << 32}) {
            const LogIdentity near = identity(identity().salt ^ mask);
            must(create_log(fs, std::string(kPath), near));
            put(fs, "/log", whole(fs, "/log") + stale);
            CHECK(must(read_log(fs, near)).payloads.empty());
        }
    }

    TEST_CASE("log: every flipped byte of the header is refused") {
        MemoryFileSystem source;
        make_log(source, kThree);
        for (std::size_t at = 0; at < kLogHeaderBytes; ++at) {
            CAPTURE(at);
            MemoryFileSystem fs;
            put(fs, "/log", whole(source, "/log"));
            flip(fs, "/log", at);
            const Code code = code_of(read_log(fs));
            CHECK((code == Code::kCorrupt || (at >= 8 && at < 12 && code == Code::kIncompatible)));
        }
        for (std::size_t size = 0; size < kLogHeaderBytes; ++size) {
            MemoryFileSystem fs;
            put(fs, "/log", whole(source, "/log").substr(0, size));
            CHECK(error_of(read_log(fs)).message().contains("it is cut short"));
        }
    }

    TEST_CASE("log: one of another database or number is refused") {
        MemoryFileSystem fs;
        make_log(fs, kThree);
        LogIdentity other = identity();
        other.uuid.bytes[5] = 1;
        CHECK(code_of(read_log(fs, other)) == Code::kCorrupt);
        other = identity();
        other.number = 4;
        CHECK(code_of(read_log(fs, other)) == Code::kCorrupt);
        CHECK(code_of(read_log(fs, identity(5))) == Code::kCorrupt);
    }

    TEST_CASE("log: a record whose number does not rise is not taken") {
        MemoryFileSystem fs;
        must(create_log(fs, std::string(kPath), identity()));
        const auto log = open_writer(fs);
        must(append(*log, 1, "one"));
        must(append(*log, 1, "one again"));
        const Read all = must(read_log(fs));
        CHECK(all.payloads == std::vector<std::string>{"one"});
    }

    TEST_CASE("log: a failed sync makes the writer refuse everything after it") {
        MemoryFileSystem base;
        FaultFileSystem fs(base);
        make_log(base, {"one"});
        const auto log = open_writer(fs, must(read_log(base)).end);
        fs.fail({.call = FsCall::kSync});
        CHECK(code_of(append(*log, 2, "two")) == Code::kIo);
        fs.clear();
        const std::uint64_t writes = fs.calls(FsCall::kWrite);
        const Error refused = error_of(append(*log, 2, "two"));
        CHECK(refused.code() == Code::kIo);
        CHECK(refused.message() == "'/log' takes no more writes: an earlier sync failed");
        CHECK(fs.calls(FsCall::kWrite) == writes);
    }

    TEST_CASE("log: after a failed write the next append succeeds and the failed one is gone") {
        for (std::uint64_t nth = 1; nth <= 5; ++nth) {
            for (const std::size_t partial : {0U, 1U, 7U, 39U, 1000U}) {
                CAPTURE(nth);
                CAPTURE(partial);
                MemoryFileSystem base;
                FaultFileSystem fs(base);
                make_log(base, {"one"});
                const auto log = open_writer(fs, must(read_log(base)).end);
                fs.fail({.call = FsCall::kWrite,
                         .nth = nth,
                         .errno_value = ENOSPC,
                         .partial_bytes = partial});
                Status status = append(*log, 2, "payload of the failed one, 37 bytes..");
                if (fs.faults() == 0) {
                    must(status);  // a record takes fewer writes than that
                    continue;
                }
                CHECK(code_of(std::move(status)) == Code::kNoSpace);
                CHECK(must(read_log(base)).payloads == std::vector<std::string>{"one"});
                // Nor does a power cut bring it back.
                for (const CrashPlan& plan : crash_plans(nth * 100, 4)) {
                    const auto after = base.crash(plan);
                    CHECK_MESSAGE(must(read_log(*after)).payloads.size() == 1, describe(plan));
                }
                must(append(*log, 2, "two"));
                CHECK(must(read_log(base)).payloads == std::vector<std::string>{"one", "two"});
            }
        }
    }

    TEST_CASE("log: a write that fails and cannot be undone makes the writer refuse") {
        MemoryFileSystem base;
        FaultFileSystem fs(base);
        make_log(base, {"one"});
        const auto log = open_writer(fs, must(read_log(base)).end);
        fs.fail({.call = FsCall::kWrite, .nth = 2, .errno_value = ENOSPC});
        fs.fail({.call = FsCall::kTruncate});
        CHECK(code_of(append(*log, 2, "two")) == Code::kNoSpace);
        fs.clear();
        CHECK(code_of(append(*log, 2, "two")) == Code::kIo);
        CHECK(must(read_log(base)).payloads == std::vector<std::string>{"one"});
    }

    TEST_CASE("log: a power cut at any operation leaves whole records only") {
        MemoryFileSystem fs;
        make_log(fs, {"one"});
        const std::uint64_t begin = fs.sequence();
        const auto log = open_writer(fs, must(read_log(fs)).end);
        std::vector<std::uint64_t> acknowledged;
        const std::vector<std::string> payloads{"one", std::string(5001, 'q'), "three", ""};
        for (std::size_t i = 1; i < payloads.size(); ++i) {
            must(append(*log, i + 1, payloads[i]));
            acknowledged.push_back(fs.sequence());
        }
        for (std::uint64_t at = begin; at <= fs.sequence(); ++at) {
            std::size_t least = 1;
            for (const std::uint64_t sequence : acknowledged) {
                least += sequence <= at ? 1U : 0U;
            }
            for (const CrashPlan& plan : crash_plans(at * 50, 6)) {
                CAPTURE(at);
                const auto after = fs.crash_at(at, plan);
                const Read all = must(read_log(*after));
                CHECK_MESSAGE((all.payloads.size() == least || all.payloads.size() == least + 1),
                              describe(plan));
                for (std::size_t i = 0; i < all.payloads.size(); ++i) {
                    CHECK(all.payloads[i] == payloads[i]);
                }
            }
        }
    }
}

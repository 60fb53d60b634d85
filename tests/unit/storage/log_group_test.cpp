// Groups of log records and sync modes: one sync for all of a group, whole records in order after
// any power cut, and damage told apart from what was never synced.
#include <cerrno>

#include <abi/core/fs_fault.hpp>

#include "storage/log.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

const std::string kPath = "/log";

LogIdentity identity() {
    LogIdentity made;
    made.number = 3;
    made.salt = 0x1122334455667788u;
    return made;
}

std::string payload(std::uint64_t lsn, std::size_t bytes) {
    return std::string(bytes, static_cast<char>('a' + lsn % 26));
}

// Appends records lsn, lsn + 1, ... of these lengths as one group.
Status append_group(LogWriter& log, std::uint64_t lsn, const std::vector<std::size_t>& lengths) {
    std::vector<std::string> payloads;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        payloads.push_back(payload(lsn + i, lengths[i]));
    }
    std::vector<std::array<std::span<const std::byte>, 2>> pieces;
    std::vector<LogEntry> entries;
    pieces.reserve(lengths.size());
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        const std::string_view text = payloads[i];
        pieces.push_back(
            {as_bytes(text.substr(0, 3)), as_bytes(text.substr(std::min(3UL, text.size())))});
        entries.push_back({RecordType::kBatch, lsn + i, 0, pieces.back()});
    }
    return log.append(entries);
}

std::unique_ptr<LogWriter> open_writer(FileSystem& fs, std::uint64_t end = kLogHeaderBytes,
                                       const SyncPolicy& policy = {}) {
    return must(LogWriter::open(fs, kPath, identity(), end, policy));
}

std::unique_ptr<LogWriter> new_log(FileSystem& fs, const SyncPolicy& policy = {}) {
    must(create_log(fs, kPath, identity()));
    must(fs.sync_directory("/"));
    return open_writer(fs, kLogHeaderBytes, policy);
}

struct Read {
    std::uint64_t records = 0, end = 0, torn = 0;
    std::vector<std::uint64_t> offsets;
};

Result<Read> read_log(FileSystem& fs) {
    ABI_TRY(LogReader reader, LogReader::open(fs, kPath, identity()));
    Read all;
    while (true) {
        ABI_TRY(const auto record, reader.next());
        if (!record) {
            break;
        }
        REQUIRE(record->lsn == ++all.records);
        REQUIRE(record->payload == payload(record->lsn, record->payload.size()));
        all.offsets.push_back(record->offset);
    }
    all.end = reader.end();
    all.torn = reader.torn_bytes();
    return all;
}

std::uint64_t count(const MemoryFileSystem& fs, FsCall call, std::uint64_t after = 0) {
    std::uint64_t calls = 0;
    for (const FsOperation& operation : fs.log()) {
        calls += operation.sequence > after && operation.call == call ? 1U : 0U;
    }
    return calls;
}

// Cuts the power after every operation behind `begin` and checks that what is left is a prefix of
// the records, with at least `durable(at)` of them, and that writing goes on behind it.
template <class Durable>
void cut_everywhere(const MemoryFileSystem& fs, std::uint64_t begin, Durable durable) {
    std::uint64_t fewest = ~std::uint64_t{0}, most = 0;
    for (std::uint64_t at = begin; at <= fs.sequence(); ++at) {
        for (const CrashPlan& plan : crash_plans(at * 50, 5)) {
            INFO("after operation ", at, ": ", describe(plan));
            const auto after = fs.crash_at(at, plan);
            const Read all = must(read_log(*after));
            REQUIRE(all.records >= durable(at));
            fewest = std::min(fewest, all.records);
            most = std::max(most, all.records);
            must(append_group(*open_writer(*after, all.end), all.records + 1, {10, 900, 0}));
            const Read more = must(read_log(*after));
            REQUIRE(more.records == all.records + 3);
            REQUIRE(more.torn == 0);
        }
    }
    CHECK(fewest < most);
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("log group: many records, one sync, two writes") {
        MemoryFileSystem fs;
        const auto log = new_log(fs);
        const std::uint64_t begin = fs.sequence();
        must(append_group(*log, 1, {0, 1, 8, 100, 5000, 39}));
        CHECK(count(fs, FsCall::kSync, begin) == 1);
        CHECK(count(fs, FsCall::kWrite, begin) == 2);
        CHECK(must(read_log(fs)).records == 6);
        CHECK(must(read_log(fs)).torn == 0);
        must(append_group(*log, 7, {}));
        CHECK(count(fs, FsCall::kSync, begin) == 1);
    }

    TEST_CASE("log group: pieces too large to be gathered stay in order") {
        MemoryFileSystem fs;
        const auto log = new_log(fs);
        must(append_group(*log, 1, {200'000, 5, 65'539, 1'500'000, 65'538, 7, 999'999, 60'000}));
        const Read all = must(read_log(fs));
        CHECK(all.records == 8);
        CHECK(all.end == whole(fs, kPath).size());
        CHECK(log->end() == all.end);
    }

    TEST_CASE("log group: a power cut leaves whole records, in order, and all that was synced") {
        MemoryFileSystem fs;
        const auto log = new_log(fs);
        const std::uint64_t begin = fs.sequence();
        std::vector<std::pair<std::uint64_t, std::uint64_t>> synced;  // operation, records
        std::uint64_t lsn = 1;
        for (const auto& group :
             std::vector<std::vector<std::size_t>>{{10, 700, 30}, {4000, 1, 600, 2000}, {50}}) {
            must(append_group(*log, lsn, group));
            lsn += group.size();
            synced.emplace_back(fs.sequence(), lsn - 1);
        }
        cut_everywhere(fs, begin, [&synced](std::uint64_t at) {
            std::uint64_t least = 0;
            for (const auto& [operation, records] : synced) {
                least = operation <= at ? records : least;
            }
            return least;
        });
    }

    TEST_CASE(
        "log group: without syncs a power cut takes the last records only, never one between") {
        for (const SyncMode mode : {SyncMode::kNormal, SyncMode::kOff}) {
            MemoryFileSystem fs;
            const auto log = new_log(fs, {.mode = mode});
            const std::uint64_t begin = fs.sequence();
            must(append_group(*log, 1, {10, 700}));
            must(append_group(*log, 3, {600}));
            must(append_group(*log, 4, {20, 1300, 5}));
            CHECK(count(fs, FsCall::kSync, begin) == 0);
            CHECK(log->durable_end() == kLogHeaderBytes);
            CHECK(must(read_log(fs)).records == 6);  // a crash of the process alone
            cut_everywhere(fs, begin, [](std::uint64_t) { return std::uint64_t{0}; });
            // An explicit sync covers them all.
            must(log->sync());
            CHECK(log->durable_end() == log->end());
            CHECK(must(read_log(*fs.crash({CrashKind::kLoseUnsynced}))).records == 6);
            must(log->sync());
            CHECK(count(fs, FsCall::kSync, begin) == 1);
        }
    }

    TEST_CASE("log group: the normal mode syncs after enough bytes, and after enough time") {
        MemoryFileSystem fs;
        auto log = new_log(fs, {.mode = SyncMode::kNormal, .bytes = 2000, .interval_ns = ~0ULL});
        const std::uint64_t begin = fs.sequence();
        must(append_group(*log, 1, {900}));
        must(append_group(*log, 2, {900}));
        CHECK(count(fs, FsCall::kSync, begin) == 0);
        must(append_group(*log, 3, {900}));
        CHECK(count(fs, FsCall::kSync, begin) == 1);
        CHECK(log->durable_end() == log->end());
        must(append_group(*log, 4, {900}));
        CHECK(count(fs, FsCall::kSync, begin) == 1);

        MemoryFileSystem other;
        log = new_log(other, {.mode = SyncMode::kNormal, .bytes = ~0ULL, .interval_ns = 0});
        const std::uint64_t start = other.sequence();
        must(append_group(*log, 1, {9}));
        must(append_group(*log, 2, {9}));
        CHECK(count(other, FsCall::kSync, start) == 2);
    }

    TEST_CASE("log group: a flipped byte in what was synced is damage, behind it a cut-off tail") {
        MemoryFileSystem fs;
        const auto log = new_log(fs);
        must(append_group(*log, 1, {100, 200, 300}));
        must(append_group(*log, 4, {100, 200, 300}));
        const std::string bytes = whole(fs, kPath);
        const Read all = must(read_log(fs));
        for (std::size_t record = 0; record < 6; ++record) {
            for (const std::uint64_t at : {0U, 9U, 17U, 39U, 80U}) {
                CAPTURE(record);
                CAPTURE(at);
                put(fs, kPath, bytes);
                flip(fs, kPath, all.offsets[record] + at);
                const auto read = read_log(fs);
                if (record < 3) {  // the second group says that the first was synced
                    CHECK(corruption_offset(error_of(read_log(fs))) == all.offsets[record]);
                } else {
                    REQUIRE(read);
                    CHECK(read->records == record);
                }
            }
        }
    }

    TEST_CASE("log group: a failed write leaves nothing of the group, not even after a power cut") {
        for (std::uint64_t nth = 1; nth <= 6; ++nth) {
            for (const std::size_t partial : {0U, 30U, 700U, 70'000U}) {
                CAPTURE(nth);
                CAPTURE(partial);
                MemoryFileSystem base;
                FaultFileSystem fs(base);
                must(append_group(*new_log(base), 1, {20}));
                const auto log = open_writer(fs, must(read_log(base)).end);
                fs.fail({.call = FsCall::kWrite,
                         .nth = nth,
                         .errno_value = ENOSPC,
                         .partial_bytes = partial});
                Status status = append_group(*log, 2, {10, 66'000, 700});
                if (fs.faults() == 0) {
                    must(status);
                    continue;
                }
                CHECK(code_of(std::move(status)) == Code::kNoSpace);
                CHECK_FALSE(log->broken());
                for (const CrashPlan& plan : crash_plans(nth * 100, 3)) {
                    CHECK_MESSAGE(must(read_log(*base.crash(plan))).records == 1, describe(plan));
                }
                must(append_group(*log, 2, {10, 800, 700}));
                CHECK(must(read_log(base)).records == 4);
            }
        }
    }

    TEST_CASE("log group: a failed sync breaks the writer, in every mode") {
        for (const SyncMode mode : {SyncMode::kFull, SyncMode::kNormal, SyncMode::kOff}) {
            MemoryFileSystem base;
            FaultFileSystem fs(base);
            const auto log = new_log(fs, {.mode = mode, .bytes = 1});
            fs.fail({.call = FsCall::kSync});
            Status status = append_group(*log, 1, {10, 20});
            if (mode == SyncMode::kOff) {
                must(status);
                status = log->sync();
            }
            CHECK(code_of(std::move(status)) == Code::kIo);
            CHECK(log->broken());
            CHECK(code_of(append_group(*log, 3, {10})) == Code::kIo);
            CHECK(code_of(log->sync()) == Code::kIo);
        }
    }

    TEST_CASE("log group: small commits are written into space laid out ahead") {
        MemoryFileSystem fs;
        const auto log = new_log(fs);
        std::uint64_t lsn = 1, grown = 0, size = 0;
        for (; lsn <= 2000; ++lsn) {
            must(append_group(*log, lsn, {300}));
            const std::uint64_t now = must(must(fs.open(kPath, OpenMode::kRead))->size());
            grown += now != size ? 1U : 0U;
            size = now;
        }
        CHECK(grown < 130);  // the first 32 KiB one by one, then in steps that double
        CHECK(size - log->end() <= (1U << 20));
        const Read all = must(read_log(fs));
        CHECK(all.records == 2000);
        CHECK(all.torn == size - log->end());
        // A large commit takes what there is and no more.
        must(append_group(*log, 2001, {3'000'000}));
        CHECK(must(read_log(fs)).torn == 0);
        const auto after = fs.crash({CrashKind::kLoseUnsynced});
        CHECK(must(read_log(*after)).records == 2001);
    }

    TEST_CASE("log group: a disk without room for laying out still takes commits") {
        MemoryFileSystem base;
        FaultFileSystem fs(base);
        const auto log = new_log(fs);
        must(append_group(*log, 1, {40'000}));
        // Zeros are laid out first of all; a part of them fits.
        fs.fail({.call = FsCall::kWrite, .errno_value = ENOSPC, .partial_bytes = 10'000});
        for (std::uint64_t lsn = 2; lsn < 100; ++lsn) {
            must(append_group(*log, lsn, {300}));
            CHECK(whole(base, kPath).size() == log->end());
        }
        CHECK(fs.faults() == 1);
        CHECK(must(read_log(base)).records == 99);
    }

    TEST_CASE("log group: a follower sees each record once it is whole, also in laid-out space") {
        MemoryFileSystem fs;
        const auto log = new_log(fs);
        LogReader reader = must(LogReader::open(fs, kPath, identity()));
        CHECK_FALSE(must(reader.poll()));
        for (std::uint64_t lsn = 1; lsn <= 300; lsn += 3) {
            must(append_group(*log, lsn, {300, 0, 45}));
            for (std::uint64_t i = 0; i < 3; ++i) {
                const auto record = must(reader.poll());
                REQUIRE(record);
                CHECK(record->lsn == lsn + i);
            }
            CHECK_FALSE(must(reader.poll()));
            CHECK(reader.last_lsn() == lsn + 2);
            CHECK(reader.end() == log->end());
        }
    }
}

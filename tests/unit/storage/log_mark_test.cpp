// The mark in the LOCK file: what it tells apart, and that it never tells what is not so.
#include <abi/core/fs_fault.hpp>

#include "storage/log.hpp"
#include "storage/log_mark.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr LogIdentity kIdentity{{}, 7, 0x1122334455667788};

Row row(const std::string& id) {
    return {id, {1, 2}, {}, {}};
}

// A database whose writer died with three commits in its log; returns the log's path.
std::string abandoned(MemoryStore& store) {
    Database database = store.create();
    for (const char* id : {"a", "b", "c"}) {
        must(commit(database, {row(id)}));
    }
    return store.file(store.files("log-").at(0));
}

Error opening(MemoryStore& store, AccessMode mode) {
    return error_of(Database::open(store.context, store.path, mode));
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("log mark: what was written is read, for this log alone") {
        MemoryStore store;
        must(store.fs.create_directory("/db"));
        const auto told = [&](const LogIdentity& identity) {
            return read_log_mark(store.fs, "/db/log-0000000007.wal", identity);
        };
        CHECK(told(kIdentity) == 0);
        const auto mark = encode_log_mark(kIdentity, 4711);
        put(store.fs, "/db/LOCK", {reinterpret_cast<const char*>(mark.data()), mark.size()});
        CHECK(told(kIdentity) == 4711);
        CHECK(told({{}, 8, kIdentity.salt}) == 0);
        CHECK(told({{}, 7, kIdentity.salt + 1}) == 0);
        for (std::uint64_t at = 0; at < kLogMarkBytes; ++at) {
            flip(store.fs, "/db/LOCK", at);
            CHECK(told(kIdentity) == 0);
            flip(store.fs, "/db/LOCK", at);
        }
        for (std::size_t length = 0; length < kLogMarkBytes; ++length) {
            put(store.fs, "/db/LOCK", {reinterpret_cast<const char*>(mark.data()), length});
            CHECK(told(kIdentity) == 0);
        }
    }

    TEST_CASE("log mark: a damaged or missing end of an acknowledged log is told") {
        MemoryStore store;
        const std::string log = abandoned(store);
        const std::string bytes = whole(store.fs, log);
        for (const AccessMode mode : {AccessMode::kRead, AccessMode::kReadWrite}) {
            flip(store.fs, log, bytes.size() - 20);  // in the last record
            CHECK(opening(store, mode).message().contains("a log record that was durable"));
            put(store.fs, log, bytes);
        }
        for (std::size_t length = kLogHeaderBytes; length + 8 < bytes.size(); ++length) {
            put(store.fs, log, bytes.substr(0, length));
            const Error error = opening(store, AccessMode::kRead);
            CHECK(error.code() == Code::kCorrupt);
            CHECK(error.message().contains(log));
            const VerifyInfo info = must(verify(store.context, store.path));
            CHECK(info.faults_total == 1);
            CHECK(info.faults.at(0).offset <= length);
        }
        put(store.fs, log, bytes);
        CHECK(store.open().snapshot().rows() == 3);
    }

    TEST_CASE("log mark: without it the end is where records end") {
        MemoryStore store;
        const std::string log = abandoned(store);
        const std::string bytes = whole(store.fs, log);
        put(store.fs, store.file("LOCK"), "");
        put(store.fs, log, bytes.substr(0, bytes.size() - 20));
        CHECK(store.open(AccessMode::kRead).snapshot().rows() == 2);
        CHECK(store.open().snapshot().rows() == 2);
        CHECK(must(verify(store.context, store.path)).faults_total == 0);
    }

    TEST_CASE("log mark: one that cannot be written stops nothing") {
        MemoryStore store;
        FaultFileSystem fs(store.fs);
        const Context context = context_on(fs);
        store.create();
        fs.fail({.call = FsCall::kWrite, .path_contains = "LOCK", .repeat = FaultRepeat::kForEver});
        Database database = must(Database::open(context, "/db", AccessMode::kReadWrite));
        must(commit(database, {row("a")}));
        must(commit(database, {row("b")}));
        CHECK(fs.faults() >= 2);
        CHECK(store.open(AccessMode::kRead).snapshot().rows() == 2);
    }

    TEST_CASE("log mark: what is not durable is not in it") {
        MemoryStore store;
        must(store.fs.create_directory("/db"));
        put(store.fs, "/db/LOCK", "");
        const std::string path = "/db/log-0000000007.wal";
        must(create_log(store.fs, path, kIdentity));
        const auto writer = must(
            LogWriter::open(store.fs, path, kIdentity, kLogHeaderBytes, {.mode = SyncMode::kOff}));
        const std::string payload = "some bytes";
        const std::array<std::span<const std::byte>, 1> pieces{std::as_bytes(std::span(payload))};
        must(writer->append(RecordType::kBatch, 1, 0, pieces));
        CHECK(read_log_mark(store.fs, path, kIdentity) == 0);
        must(writer->sync());
        CHECK(read_log_mark(store.fs, path, kIdentity) == writer->end());
        must(writer->append(RecordType::kBatch, 2, 0, pieces));
        CHECK(read_log_mark(store.fs, path, kIdentity) < writer->end());
    }
}

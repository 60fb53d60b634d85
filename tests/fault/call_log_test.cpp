// The promise behind every acknowledgement, proved on the file system's call log: before the mark
// stands a successful sync that covers every byte of the commit, and nothing unsynced is behind it.
#include <map>
#include <set>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr std::string_view kAck = "durable ";

bool is_log(const FsOperation& operation) {
    return operation.path.ends_with(".wal");
}

// Follows the calls and says what is wrong at an acknowledgement; empty when nothing is.
class Auditor {
public:
    std::string see(const FsOperation& operation) {
        if (operation.call == FsCall::kMark && operation.path.starts_with(kAck)) {
            return at_acknowledgement();
        }
        if (!operation.ok) {
            return {};
        }
        if (operation.call == FsCall::kSyncDirectory) {
            unsynced_names_.clear();
        } else if (operation.call == FsCall::kRename) {
            unsynced_names_.insert(operation.to);
        } else if (is_log(operation)) {
            see_log(operation);
        }
        return {};
    }

private:
    void see_log(const FsOperation& operation) {
        File& file = files_[operation.file];
        switch (operation.call) {
            case FsCall::kOpen:
                if (operation.mode == OpenMode::kTruncate ||
                    operation.mode == OpenMode::kCreateNew) {
                    unsynced_names_.insert(operation.path);
                }
                break;
            case FsCall::kWrite:
                file.unsynced += operation.length;
                current_ = operation.file;
                break;
            case FsCall::kTruncate:
                file.unsynced += 1;
                break;
            case FsCall::kSync:
                file.synced += file.unsynced;
                file.unsynced = 0;
                break;
            default:
                break;
        }
    }
    std::string at_acknowledgement() {
        for (const auto& [number, file] : files_) {
            if (file.unsynced != 0) {
                return "a log has unsynced bytes";
            }
        }
        if (!unsynced_names_.empty()) {
            return "the name '" + *unsynced_names_.begin() + "' is not durable";
        }
        const std::uint64_t synced = files_[current_].synced;
        const bool more = current_ != last_file_ || synced > last_synced_;
        last_file_ = current_;
        last_synced_ = synced;
        return more ? std::string() : "nothing was synced since the last acknowledgement";
    }

    struct File {
        std::uint64_t unsynced = 0, synced = 0;
    };
    std::map<std::uint64_t, File> files_;
    std::set<std::string> unsynced_names_;
    std::uint64_t current_ = 0, last_file_ = 0, last_synced_ = 0;
};

std::size_t count_marks(const std::vector<FsOperation>& log) {
    return static_cast<std::size_t>(
        std::count_if(log.begin(), log.end(), [](const FsOperation& operation) {
            return operation.call == FsCall::kMark && operation.path.starts_with(kAck);
        }));
}

std::string audit(const std::vector<FsOperation>& log) {
    Auditor auditor;
    for (const FsOperation& operation : log) {
        if (std::string wrong = auditor.see(operation); !wrong.empty()) {
            return "operation " + std::to_string(operation.sequence) + ": " + wrong;
        }
    }
    return {};
}

std::string json_lines(int rows) {
    std::string text;
    for (int i = 0; i < rows; ++i) {
        text += "{\"id\":\"row-" + std::to_string(i) + "\",\"vector\":[" + std::to_string(i) +
                ",1,2],\"text\":\"some text\"}\n";
    }
    return text;
}

// Imports with an acknowledgement mark after each durable commit.
void import_with_marks(MemoryFileSystem& fs) {
    put(fs, "/rows.jsonl", json_lines(205));
    const Context context = context_on(fs);
    Database database = must(Database::create(context, "/db", {.dimension = 3, .embedder = {}}));
    ImportOptions options;
    options.commit_every = 10;
    options.on_durable = [&fs](std::uint64_t rows) -> Status {
        fs.mark(std::string(kAck) + std::to_string(rows));
        return {};
    };
    ImportInfo info;
    must(import_files(context, database, {"/rows.jsonl"}, nullptr, options, info));
    REQUIRE(info.rows_added == 205);
    must(database.checkpoint());  // and on in another log file
    must(import_files(context, database, {"/rows.jsonl"}, nullptr, options, info));
    must(database.close());
}

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("call log: each acknowledgement follows a successful sync of its bytes") {
        MemoryFileSystem fs;
        import_with_marks(fs);
        CHECK(audit(fs.log()) == "");
        CHECK(count_marks(fs.log()) == 42);
    }

    TEST_CASE("call log: with only what was synced, each acknowledged row is there") {
        MemoryFileSystem fs;
        import_with_marks(fs);
        std::uint64_t checked = 0;
        for (const FsOperation& operation : fs.log()) {
            if (operation.call != FsCall::kMark || checked == 21) {
                continue;  // the second import replaces rows: their count says nothing
            }
            const std::uint64_t rows = std::stoull(operation.path.substr(kAck.size()));
            const auto after = fs.crash_at(operation.sequence, {CrashKind::kLoseUnsynced});
            const Database database =
                must(Database::open(context_on(*after), "/db", AccessMode::kRead));
            const Snapshot snapshot = database.snapshot();
            REQUIRE(snapshot.rows() == rows);
            REQUIRE(get(snapshot, "row-" + std::to_string(rows - 1)));
            ++checked;
        }
        CHECK(checked == 21);
    }

    TEST_CASE("call log: the audit itself sees a missing, failed or late sync") {
        MemoryFileSystem fs;
        import_with_marks(fs);
        std::vector<FsOperation> log = fs.log();
        std::size_t doctored = 0;
        // What a commit does behind its sync, such as noting the log's end, acknowledges nothing.
        std::erase_if(log, [](const FsOperation& operation) {
            return operation.path.ends_with("LOCK") && operation.call == FsCall::kWrite;
        });
        for (std::size_t i = 0; i + 1 < log.size(); ++i) {
            if (log[i].call != FsCall::kSync || !is_log(log[i]) ||
                log[i + 1].call != FsCall::kMark) {
                continue;
            }
            std::vector<FsOperation> without = log;
            without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
            CHECK_FALSE(audit(without).empty());
            std::vector<FsOperation> failed = log;
            failed[i].ok = false;
            CHECK_FALSE(audit(failed).empty());
            std::vector<FsOperation> late = log;
            std::swap(late[i], late[i + 1]);
            CHECK_FALSE(audit(late).empty());
            ++doctored;
        }
        CHECK(doctored == 42);
        std::vector<FsOperation> nameless = log;
        std::erase_if(nameless, [](const FsOperation& operation) {
            return operation.call == FsCall::kSyncDirectory;
        });
        CHECK(audit(nameless).contains("is not durable"));
    }
}

// The same rows, 128 float32 as one blob each, put durably into SQLite (write-ahead log,
// synchronous=FULL), LMDB and a WDBX database, in batches of 1, 100 and 10,000, the three taking
// turns; then read back whole. Prints the rates and exits 1 when a bar is missed. Built where both
// peers are installed.
#include <lmdb.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "bars/db_tools.hpp"
#include "random_vectors.hpp"

namespace {

using namespace abikit;
using namespace abikit::bars;

constexpr std::size_t kDim = 128, kBlob = kDim * sizeof(float);
constexpr std::size_t kRounds = 5;

// Something that keeps blobs under ascending integers.
class Store {
public:
    virtual ~Store() = default;
    virtual void insert(const float* rows, std::size_t count) = 0;
    // The sum over all numbers, so that every byte is read.
    virtual double scan() = 0;
};

// Eight sums, so that it is memory that is measured and not a chain of additions.
double sum_of(const float* values, std::size_t count) {
    std::array<float, 8> sums{};
    for (std::size_t i = 0; i < count; i += 8) {
        for (std::size_t lane = 0; lane < 8; ++lane) {
            sums[lane] += values[i + lane];
        }
    }
    double total = 0;
    for (const float sum : sums) {
        total += double{sum};
    }
    return total;
}

class Wdbx : public Store {
public:
    Wdbx(const Context& context, const std::string& path) {
        storage::CreateOptions options;
        options.dimension = kDim;
        options.metric = storage::Metric::kL2;
        database_ = std::make_unique<storage::Database>(
            must(storage::Database::create(context, path, options)));
    }
    void insert(const float* rows, std::size_t count) override {
        const data::RecordBatch batch = rows_of(rows, kDim, 0, count);
        must(database_->commit({&batch, {}, storage::WriteMode::kInsert}));
    }
    double scan() override {
        const storage::Snapshot snapshot = database_->snapshot();
        std::vector<float> decoded;
        double total = 0;
        must(snapshot.scan_runs(4096, [&](storage::RowRun run) -> Status {
            ABI_TRY(const auto values, snapshot.read_vectors(run, decoded));
            for (std::size_t at = 0; at < values.size(); at += kDim) {
                total += sum_of(values.data() + at, kDim);
            }
            return {};
        }));
        return total;
    }

private:
    std::unique_ptr<storage::Database> database_;
};

class Sqlite : public Store {
public:
    explicit Sqlite(const std::string& path) {
        check(sqlite3_open(path.c_str(), &db_));
        run("PRAGMA journal_mode=WAL");
        run("PRAGMA synchronous=FULL");
        run("PRAGMA mmap_size=4294967296");
        run("CREATE TABLE rows (id INTEGER PRIMARY KEY, vector BLOB)");
        check(
            sqlite3_prepare_v2(db_, "INSERT INTO rows (vector) VALUES (?)", -1, &insert_, nullptr));
        check(sqlite3_prepare_v2(db_, "SELECT vector FROM rows", -1, &select_, nullptr));
    }
    ~Sqlite() override {
        sqlite3_finalize(insert_);
        sqlite3_finalize(select_);
        sqlite3_close(db_);
    }
    void insert(const float* rows, std::size_t count) override {
        run("BEGIN");
        for (std::size_t i = 0; i < count; ++i) {
            sqlite3_bind_blob(insert_, 1, rows + i * kDim, kBlob, SQLITE_STATIC);
            if (sqlite3_step(insert_) != SQLITE_DONE) {
                stop("sqlite: insert failed");
            }
            sqlite3_reset(insert_);
        }
        run("COMMIT");
    }
    double scan() override {
        double total = 0;
        std::array<float, kDim> row{};
        while (sqlite3_step(select_) == SQLITE_ROW) {
            std::memcpy(row.data(), sqlite3_column_blob(select_, 0), kBlob);
            total += sum_of(row.data(), kDim);
        }
        sqlite3_reset(select_);
        return total;
    }

private:
    void check(int code) {
        if (code != SQLITE_OK) {
            stop(std::string("sqlite: ") + sqlite3_errmsg(db_));
        }
    }
    void run(const char* sql) { check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr)); }
    sqlite3* db_ = nullptr;
    sqlite3_stmt *insert_ = nullptr, *select_ = nullptr;
};

class Lmdb : public Store {
public:
    explicit Lmdb(const std::string& path) {
        std::filesystem::create_directory(path);
        check(mdb_env_create(&env_));
        check(mdb_env_set_mapsize(env_, std::size_t{4} << 30));
        check(mdb_env_open(env_, path.c_str(), 0, 0644));
        MDB_txn* txn = nullptr;
        check(mdb_txn_begin(env_, nullptr, 0, &txn));
        check(mdb_dbi_open(txn, nullptr, MDB_INTEGERKEY | MDB_CREATE, &table_));
        check(mdb_txn_commit(txn));
    }
    ~Lmdb() override { mdb_env_close(env_); }
    void insert(const float* rows, std::size_t count) override {
        MDB_txn* txn = nullptr;
        check(mdb_txn_begin(env_, nullptr, 0, &txn));
        for (std::size_t i = 0; i < count; ++i) {
            MDB_val key{sizeof next_, &next_};
            MDB_val value{kBlob, const_cast<float*>(rows + i * kDim)};
            check(mdb_put(txn, table_, &key, &value, MDB_APPEND));
            ++next_;
        }
        check(mdb_txn_commit(txn));
    }
    double scan() override {
        double total = 0;
        MDB_txn* txn = nullptr;
        MDB_cursor* cursor = nullptr;
        check(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn));
        check(mdb_cursor_open(txn, table_, &cursor));
        MDB_val key{}, value{};
        std::array<float, kDim> row{};
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
            std::memcpy(row.data(), value.mv_data, kBlob);
            total += sum_of(row.data(), kDim);
        }
        mdb_cursor_close(cursor);
        mdb_txn_abort(txn);
        return total;
    }

private:
    static void check(int code) {
        if (code != 0) {
            stop(std::string("lmdb: ") + mdb_strerror(code));
        }
    }
    MDB_env* env_ = nullptr;
    MDB_dbi table_ = 0;
    std::size_t next_ = 0;
};

struct Contest {
    std::array<std::unique_ptr<Store>, 3> stores;  // WDBX, SQLite, LMDB
    std::array<std::vector<double>, 3> times;

    std::array<double, 3> medians() {
        std::array<double, 3> out{};
        for (std::size_t i = 0; i < times.size(); ++i) {
            std::sort(times[i].begin(), times[i].end());
            out[i] = times[i][times[i].size() / 2];
            times[i].clear();
        }
        return out;
    }
};

bool verdict(bool met) {
    std::printf("%s\n", met ? "" : "  MISSED");
    return met;
}

bool inserts(Contest& contest, const RandomVectors& source, std::size_t batch,
             std::size_t commits) {
    for (std::size_t round = 0; round < kRounds; ++round) {
        for (std::size_t turn = 0; turn < 3; ++turn) {
            const std::size_t who = (round + turn) % 3;
            const double start = now_s();
            for (std::size_t i = 0; i < commits; ++i) {
                contest.stores[who]->insert(source.data(), batch);
            }
            contest.times[who].push_back(now_s() - start);
        }
    }
    const auto [wdbx, sqlite, lmdb] = contest.medians();
    const double rows = static_cast<double>(batch * commits);
    std::printf(
        "db_peers batch %5zu: wdbx %9.0f, sqlite %9.0f, lmdb %9.0f rows/s; %.2f times "
        "sqlite (bar 1.0), %.2f times lmdb (bar 0.8)",
        batch, rows / wdbx, rows / sqlite, rows / lmdb, sqlite / wdbx, lmdb / wdbx);
    return verdict(sqlite / wdbx >= 1.0 && lmdb / wdbx >= 0.8);
}

bool scans(Contest& contest) {
    double check = contest.stores[0]->scan();
    for (std::size_t round = 0; round < kRounds; ++round) {
        for (std::size_t who = 0; who < 3; ++who) {
            const double start = now_s();
            const double sum = contest.stores[who]->scan();
            contest.times[who].push_back(now_s() - start);
            if (sum != check) {
                stop("db_peers: the stores hold different rows");
            }
        }
    }
    const auto [wdbx, sqlite, lmdb] = contest.medians();
    std::printf(
        "db_peers full scan: wdbx %.1f ms, sqlite %.1f ms, lmdb %.1f ms; %.1f times sqlite "
        "(bar 3.0)",
        wdbx * 1e3, sqlite * 1e3, lmdb * 1e3, sqlite / wdbx);
    return verdict(sqlite / wdbx >= 3.0);
}

}  // namespace

int main(int argc, char** argv) {
    const Workspace folder(argc, argv);
    const auto fs = real_file_system();
    Context context;
    context.fs = fs.get();
    const RandomVectors source(10'000 * kDim);
    Contest contest;
    contest.stores[0] = std::make_unique<Wdbx>(context, folder / "wdbx");
    contest.stores[1] = std::make_unique<Sqlite>(folder / "sqlite");
    contest.stores[2] = std::make_unique<Lmdb>(folder / "lmdb");
    bool met = inserts(contest, source, 1, 100);
    met = inserts(contest, source, 100, 30) && met;
    met = inserts(contest, source, 10'000, 4) && met;
    met = scans(contest) && met;
    return met ? EXIT_SUCCESS : EXIT_FAILURE;
}

// The bars of reading beside a writer: the 99th percentile of a query's time while another process
// commits, against the same while another process only computes, at most 1.5 times; eight threads
// that read while one commits wait for no lock. Prints a line for each and exits 1 when one is
// missed.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/storage/database.hpp>

#include "lock_count.hpp"
#include "random_vectors.hpp"
#include "timing.hpp"

namespace {

using namespace abikit;

constexpr std::size_t kRows = 100'000;
constexpr std::uint32_t kDim = 128;
constexpr std::size_t kCommit = 10'000;
constexpr std::size_t kTurns = 8;
constexpr std::size_t kQueriesOfTurn = 150;
constexpr std::size_t kReaders = 8;
constexpr double kBar = 1.5;

[[noreturn]] void stop(const std::string& what) {
    std::printf("db_readers: %s\n", what.c_str());
    std::exit(EXIT_FAILURE);
}

template <class T>
T must(Result<T> result) {
    if (!result) {
        stop(result.error().describe());
    }
    return *std::move(result);
}

double percentile_99(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() * 99 / 100];
}

storage::Database make(const Context& context, const std::string& path,
                       const bars::RandomVectors& vectors) {
    storage::CreateOptions options;
    options.dimension = kDim;
    options.metric = storage::Metric::kL2;
    auto database = must(storage::Database::create(context, path, options));
    for (std::size_t first = 0; first < kRows; first += kCommit) {
        data::RecordBatch batch;
        batch.rows = kCommit;
        batch.dimension = kDim;
        batch.vectors = {vectors.data() + first * kDim, kCommit * kDim};
        must(database.commit({&batch, {}, storage::WriteMode::kInsert}));
    }
    if (const Status done = database.checkpoint(); !done) {
        stop(done.error().describe());
    }
    return database;
}

// Commits one row after the other, each durable, until it is told to stop.
template <class Go>
std::uint64_t keep_committing(storage::Database& database, const bars::RandomVectors& vectors,
                              Go go) {
    data::RecordBatch batch;
    batch.rows = 1;
    batch.dimension = kDim;
    std::uint64_t commits = 0;
    for (; go(); ++commits) {
        batch.vectors = {vectors.data() + (commits % kRows) * kDim, kDim};
        must(database.commit({&batch, {}, storage::WriteMode::kInsert}));
    }
    return commits;
}

// A process beside this one, gone with the object. It says when it has begun.
class Neighbour {
public:
    template <class Body>
    explicit Neighbour(Body body) {
        int ends[2];
        if (::pipe(ends) != 0 || (child_ = ::fork()) < 0) {
            stop("cannot start a process");
        }
        if (child_ == 0) {
            body([&ends] {
                if (::write(ends[1], "x", 1) != 1) {
                    std::_Exit(EXIT_FAILURE);
                }
            });
            std::_Exit(EXIT_SUCCESS);
        }
        char byte = 0;
        const bool began = ::read(ends[0], &byte, 1) == 1;
        ::close(ends[0]);
        ::close(ends[1]);
        if (!began) {
            stop("the process beside did not begin");
        }
    }
    ~Neighbour() {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    Neighbour(const Neighbour&) = delete;
    Neighbour& operator=(const Neighbour&) = delete;

private:
    pid_t child_ = -1;
};

void query_times(const Context& context, const storage::Database& database,
                 const bars::RandomVectors& vectors, std::vector<double>& times) {
    for (std::size_t i = 0; i < kQueriesOfTurn; ++i) {
        const std::span<const float> query(vectors.data() + i * 97 * kDim, kDim);
        times.push_back(bars::seconds_of([&] {
            // A snapshot for each query: it sees the newest commit.
            must(database.snapshot().search(context, query, 1, 10));
        }));
    }
}

bool beside_a_process(const Context& context, const std::string& path,
                      const bars::RandomVectors& vectors) {
    std::vector<double> spinning, writing;
    const auto reader = must(storage::Database::open(context, path, storage::AccessMode::kRead));
    query_times(context, reader, vectors, spinning);  // the first touch checks the checksums
    spinning.clear();
    std::uint64_t seen = reader.snapshot().rows();
    const std::uint64_t before = seen;
    for (std::size_t turn = 0; turn < kTurns; ++turn) {
        {
            const Neighbour neighbour([](auto began) {
                began();
                for (std::atomic<unsigned> count = 0;;) {
                    count.fetch_add(1, std::memory_order_relaxed);
                }
            });
            query_times(context, reader, vectors, spinning);
        }
        const Neighbour neighbour([&](auto began) {
            auto writer =
                must(storage::Database::open(context, path, storage::AccessMode::kReadWrite));
            began();
            keep_committing(writer, vectors, [] { return true; });
        });
        query_times(context, reader, vectors, writing);
        const std::uint64_t now = reader.snapshot().rows();
        if (now <= seen) {
            stop("the reader does not see what the writer commits");
        }
        seen = now;
    }
    const double with_spin = percentile_99(spinning), with_writer = percentile_99(writing);
    std::printf(
        "db_readers query: median %.2f / %.2f ms, p99 %.2f ms beside a spinning process, "
        "%.2f ms beside a writer of %llu rows: %.2f times (bar %.2f)\n",
        bars::median(spinning) * 1e3, bars::median(writing) * 1e3, with_spin * 1e3,
        with_writer * 1e3, static_cast<unsigned long long>(seen - before), with_writer / with_spin,
        kBar);
    return with_writer / with_spin <= kBar;
}

bool without_locks(const Context& context, storage::Database& database,
                   const bars::RandomVectors& vectors) {
    std::atomic<bool> done = false;
    std::atomic<std::uint64_t> queries = 0;
    std::uint64_t commits = 0;
    {
        std::jthread writer([&] {
            commits = keep_committing(database, vectors, [&done] { return !done.load(); });
        });
        std::vector<std::jthread> readers;
        for (std::size_t reader = 0; reader < kReaders; ++reader) {
            readers.emplace_back([&, reader] {
                const bars::CountLocks count;
                for (std::size_t i = 0; i < 40; ++i) {
                    const storage::Snapshot snapshot = database.snapshot();
                    const std::span<const float> query(vectors.data() + (i * 8 + reader) * kDim,
                                                       kDim);
                    const auto hits = must(snapshot.search(context, query, 1, 10));
                    for (const storage::Hit& hit : hits[0]) {
                        const std::string id = must(snapshot.read_id(hit.row));
                        if (must(snapshot.find(id)) != hit.row) {
                            stop("a row is not found by its id");
                        }
                    }
                    ++queries;
                }
            });
        }
        readers.clear();
        done = true;
    }
    std::printf(
        "db_readers locks: %llu queries of %zu threads beside %llu commits took %llu locks "
        "and waited for %llu (bar 0)\n",
        static_cast<unsigned long long>(queries.load()), kReaders,
        static_cast<unsigned long long>(commits),
        static_cast<unsigned long long>(bars::CountLocks::taken()),
        static_cast<unsigned long long>(bars::CountLocks::waited_for()));
    return bars::CountLocks::waited_for() == 0 && commits != 0;
}

}  // namespace

int main() {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const char* const temporary = std::getenv("TMPDIR");
    std::string folder =
        std::string(temporary != nullptr ? temporary : "/tmp") + "/abi-db-readers-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) {
        stop("cannot make a temporary directory");
    }
    const auto fs = real_file_system();
    Context context;
    context.fs = fs.get();
    const std::string path = folder + "/db";
    const bars::RandomVectors vectors(kRows * kDim);
    bool met = true;
    {
        auto database = make(context, path, vectors);
        met = without_locks(context, database, vectors);
        if (const Status closed = database.close(); !closed) {
            stop(closed.error().describe());
        }
    }
    met = beside_a_process(context, path, vectors) && met;
    const std::string remove = "rm -rf '" + folder + "'";
    met = std::system(remove.c_str()) == 0 && met;
    return met ? EXIT_SUCCESS : EXIT_FAILURE;
}

// The bars of durable commits: batches of 8,192 rows at 200,000 rows/s with 128 dimensions and
// 40,000 rows/s with 768; commits of one row at the rate at which the disk syncs appended bytes,
// measured in turns with it; 16 threads of them at five times the rate of one. Prints a line for
// each and exits 1 when one is missed. The directory is made in $TMPDIR, or /tmp: measure on the
// disk that counts.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/storage/database.hpp>

#include "random_vectors.hpp"
#include "timing.hpp"

namespace {

using namespace abikit;

constexpr std::size_t kBatch = 8192;
constexpr std::uint32_t kDim = 128;
constexpr std::size_t kTurns = 15;
constexpr std::size_t kCommitsOfTurn = 250;
constexpr std::size_t kThreads = 16;

[[noreturn]] void stop(const std::string& what) {
    std::printf("db_commit: %s\n", what.c_str());
    std::exit(EXIT_FAILURE);
}

template <class T>
T must(Result<T> result) {
    if (!result) {
        stop(result.error().describe());
    }
    return *std::move(result);
}

bool verdict(const char* name, double value, const char* unit, double bar) {
    const bool met = value >= bar;
    std::printf("db_commit %s: %.6g %s (bar %.6g)%s\n", name, value, unit, bar,
                met ? "" : "  MISSED");
    return met;
}

class Bench {
public:
    Bench(const Context& context, std::string folder)
        : context_(context), folder_(std::move(folder)) {}

    // Rows a second over all commits, with the checkpoints that they cause.
    bool batches(std::uint32_t dimension, std::size_t commits, double bar) {
        const std::string path = folder_ + "/batch-" + std::to_string(dimension);
        storage::CreateOptions options;
        options.dimension = dimension;
        options.metric = storage::Metric::kL2;
        auto database = must(storage::Database::create(context_, path, options));
        const bars::RandomVectors vectors(kBatch * dimension);
        data::RecordBatch batch;
        batch.rows = kBatch;
        batch.dimension = dimension;
        batch.vectors = {vectors.data(), kBatch * dimension};
        std::vector<double> times;
        const double all = bars::seconds_of([&] {
            for (std::size_t i = 0; i < commits; ++i) {
                times.push_back(bars::seconds_of([&] {
                    must(database.commit({&batch, {}, storage::WriteMode::kInsert}));
                }));
            }
        });
        if (database.snapshot().rows() != kBatch * commits) {
            stop("rows are missing");
        }
        const std::string name = "batches " + std::to_string(dimension) + "-d";
        std::printf("db_commit %s: median commit %.0f rows/s\n", name.c_str(),
                    kBatch / bars::median(times));
        return verdict(name.c_str(), static_cast<double>(kBatch * commits) / all, "rows/s", bar);
    }

    // Commits of one row in turns: the raw disk, one thread, sixteen threads.
    bool single_rows() {
        storage::CreateOptions options;
        options.dimension = kDim;
        options.metric = storage::Metric::kL2;
        auto database = must(storage::Database::create(context_, folder_ + "/single", options));
        const std::string raw_path = folder_ + "/raw";
        const int raw = ::open(raw_path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
        if (raw < 0) {
            stop("cannot make a file");
        }
        std::vector<double> disk, one, many;
        for (std::size_t turn = 0; turn < kTurns; ++turn) {
            disk.push_back(kCommitsOfTurn / bars::seconds_of([&] { append_raw(raw); }));
            one.push_back(kCommitsOfTurn /
                          bars::seconds_of([&] { commit_rows(database, kCommitsOfTurn); }));
            many.push_back(kThreads * kCommitsOfTurn /
                           bars::seconds_of([&] { commit_in_threads(database); }));
        }
        ::close(raw);
        if (database.snapshot().rows() != kTurns * kCommitsOfTurn * (1 + kThreads)) {
            stop("rows are missing");
        }
        const double disk_rate = bars::median(disk), one_rate = bars::median(one);
        std::printf(
            "db_commit single rows: disk %.0f syncs/s, one thread %.0f commits/s, %zu "
            "threads %.0f commits/s\n",
            disk_rate, one_rate, kThreads, bars::median(many));
        bool met = verdict("one thread, against the disk", one_rate / disk_rate, "times", 0.95);
        met =
            verdict("16 threads, against one", bars::median(many) / one_rate, "times", 5.0) && met;
        return met;
    }

private:
    // As many bytes as a commit of one row takes, each append synced.
    void append_raw(int file) {
        const std::vector<char> record(kDim * sizeof(float) + 112, 'x');
        for (std::size_t i = 0; i < kCommitsOfTurn; ++i) {
            if (::pwrite(file, record.data(), record.size(), raw_end_) !=
                    static_cast<ssize_t>(record.size()) ||
                ::fdatasync(file) != 0) {
                stop("cannot write");
            }
            raw_end_ += static_cast<off_t>(record.size());
        }
    }
    void commit_rows(storage::Database& database, std::size_t count) const {
        data::RecordBatch batch;
        batch.rows = 1;
        batch.dimension = kDim;
        batch.vectors = {vectors_.data(), kDim};
        for (std::size_t i = 0; i < count; ++i) {
            must(database.commit({&batch, {}, storage::WriteMode::kInsert}));
        }
    }
    void commit_in_threads(storage::Database& database) const {
        std::vector<std::jthread> threads;
        for (std::size_t thread = 0; thread < kThreads; ++thread) {
            threads.emplace_back([&] { commit_rows(database, kCommitsOfTurn); });
        }
    }

    const Context& context_;
    std::string folder_;
    bars::RandomVectors vectors_{kDim};
    off_t raw_end_ = 0;
};

}  // namespace

int main() {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const char* const temporary = std::getenv("TMPDIR");
    std::string folder =
        std::string(temporary != nullptr ? temporary : "/tmp") + "/abi-db-commit-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) {
        stop("cannot make a temporary directory");
    }
    const auto fs = real_file_system();
    Context context;
    context.fs = fs.get();
    Bench bench(context, folder);
    bool met = bench.single_rows();
    met = bench.batches(kDim, 64, 200'000) && met;
    met = bench.batches(768, 16, 40'000) && met;
    const std::string remove = "rm -rf '" + folder + "'";
    met = std::system(remove.c_str()) == 0 && met;
    return met ? EXIT_SUCCESS : EXIT_FAILURE;
}

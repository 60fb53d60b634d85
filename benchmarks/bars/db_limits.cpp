// What a database of 1,000,000 x 128 float32 costs: opening it, memory at open, replaying its log,
// verifying it, adding 1,000 rows of 768 numbers to 1,000,000 rows, and the space after deleting
// nine rows of ten. Prints a line for each and exits 1 when a bar is missed.
#include <algorithm>
#include <fstream>
#include <vector>

#include <abi/core/thread_pool.hpp>

#include "bars/db_tools.hpp"
#include "random_vectors.hpp"

namespace {

using namespace abikit;
using namespace abikit::bars;
using storage::AccessMode;
using storage::Database;

constexpr std::size_t kRows = 1'000'000, kDim = 128, kCommit = 8192;
constexpr std::size_t kWide = 768, kMore = 1000;
constexpr double kMega = 1e6;

// A number of /proc/self/FILE by its key; 0 where there is none.
double proc_number(const char* file, const std::string& key) {
    std::ifstream in(std::string("/proc/self/") + file);
    std::string word;
    while (in >> word) {
        if (word == key) {
            double value = 0;
            in >> value;
            return value;
        }
    }
    return 0;
}
double written_bytes() {
    return proc_number("io", "wchar:");
}

bool report(const char* what, double figure, const char* unit, double bar, bool at_most) {
    const bool met = at_most ? figure <= bar : figure >= bar;
    std::printf("db_limits %-28s %10.2f %s (bar: %s %.2f)%s\n", what, figure, unit,
                at_most ? "at most" : "at least", bar, met ? "" : "  MISSED");
    return met;
}

double size_of(const std::string& directory) {
    double bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        bytes += static_cast<double>(entry.file_size());
    }
    return bytes;
}

Database create(const Context& context, const std::string& path, std::uint32_t dimension) {
    storage::CreateOptions options;
    options.dimension = dimension;
    options.metric = storage::Metric::kL2;
    return must(Database::create(context, path, options));
}

// Rows drawn from a smaller array over and over: what they are does not matter here.
void fill(Database& database, const RandomVectors& source, std::size_t rows,
          std::size_t dimension) {
    const std::size_t there = source.size() / dimension;
    for (std::size_t first = 0; first < rows; first += kCommit) {
        const std::size_t count = std::min(kCommit, rows - first);
        const data::RecordBatch batch =
            rows_of(source.data(), dimension, first % (there - kCommit), count);
        must(database.commit({&batch, {}, storage::WriteMode::kInsert}));
    }
}

bool measure_open(const Context& context, const std::string& path, const RandomVectors& source) {
    std::vector<double> times;
    for (int round = 0; round < 21; ++round) {
        const double start = now_s();
        const Database database = must(Database::open(context, path, AccessMode::kRead));
        times.push_back((now_s() - start) * 1e3);
    }
    std::sort(times.begin(), times.end());
    const bool open = report("open", times[times.size() / 2], "ms", 50, true);
    // The memory is measured last, so that the fill before does not count: peaks are reset.
    std::ofstream("/proc/self/clear_refs") << 5;
    const Database database = must(Database::open(context, path, AccessMode::kRead));
    const double at_open = proc_number("status", "VmHWM:");
    const storage::Snapshot snapshot = database.snapshot();
    for (std::size_t i = 0; i < 1000; ++i) {
        must(snapshot.search(context, {source.data() + i * kDim, kDim}, 1, 10));
    }
    const double after = proc_number("status", "VmHWM:");
    return report("memory at open / after queries", at_open / after, "times", 1.1, true) && open;
}

bool measure_replay(const Context& context, const std::string& path, const RandomVectors& source) {
    {
        Database database = create(context, path, kDim);
        fill(database, source, 200'000, kDim);  // under the size that folds the log
    }
    const double bytes = static_cast<double>(
        must(Database::open(context, path, AccessMode::kRead)).snapshot().stats().log_bytes);
    std::vector<double> rates;
    for (int round = 0; round < 5; ++round) {
        const double start = now_s();
        const Database database = must(Database::open(context, path, AccessMode::kRead));
        rates.push_back(bytes / (now_s() - start) / kMega);
    }
    std::sort(rates.begin(), rates.end());
    std::printf("db_limits replayed log: %.1f MB\n", bytes / kMega);
    return report("log replay", rates[rates.size() / 2], "MB/s", 400, false);
}

bool measure_verify(const Context& context, const std::string& path) {
    std::vector<double> rates;
    for (int round = 0; round < 5; ++round) {
        const double start = now_s();
        const storage::VerifyInfo info = must(storage::verify(context, path));
        rates.push_back(static_cast<double>(info.bytes) / (now_s() - start) / 1e9);
        if (info.faults_total != 0 || info.rows != kRows) {
            stop("verify found faults in a sound database");
        }
    }
    std::sort(rates.begin(), rates.end());
    return report("verify, warm", rates[rates.size() / 2], "GB/s", 1, false);
}

bool measure_small_addition(const Context& context, const std::string& path,
                            const RandomVectors& source) {
    Database database = create(context, path, kWide);
    fill(database, source, kRows, kWide);
    must(database.close());
    const double before = written_bytes();
    Database writer = must(Database::open(context, path, AccessMode::kReadWrite));
    const data::RecordBatch batch = rows_of(source.data(), kWide, 0, kMore);
    must(writer.commit({&batch, {}, storage::WriteMode::kInsert}));
    must(writer.close());
    return report("written for 1,000 x 768 more", (written_bytes() - before) / kMega, "MB", 8,
                  true);
}

bool measure_deletes(const Context& context, const std::string& path) {
    Database database = must(Database::open(context, path, AccessMode::kReadWrite));
    storage::WriteBatch batch;
    for (std::size_t row = 0; row < kRows; ++row) {
        if (row % 10 != 0) {
            batch.deletes.push_back(std::to_string(row));
        }
    }
    must(database.commit(batch));
    must(database.optimize());
    const double live = static_cast<double>(database.snapshot().rows() * kDim * sizeof(float));
    must(database.close());
    return report("space after deleting 90 %", size_of(path) / live, "times", 1.25, true);
}

}  // namespace

int main(int argc, char** argv) {
    const Workspace folder(argc, argv);
    const auto fs = real_file_system();
    ThreadPool pool(2);
    Context context;
    context.fs = fs.get();
    const RandomVectors source(kCommit * 4 * kWide);
    const std::string path = folder / "million";
    {
        Database database = create(context, path, kDim);
        fill(database, source, kRows, kDim);
        must(database.close());
    }
    bool met = measure_open(context, path, source);
    met = measure_replay(context, folder / "log", source) && met;
    context.pool = &pool;
    met = measure_verify(context, path) && met;
    met = measure_deletes(context, path) && met;
    met = measure_small_addition(context, folder / "wide", source) && met;
    return met ? EXIT_SUCCESS : EXIT_FAILURE;
}

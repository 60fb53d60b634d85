// The bars of opening and exact search through the whole database: 200,000 x 128 float32, closed
// cleanly, opens in under 50 ms without replaying a log, and its top-10 for one query on one thread
// takes at most 1.3 times as long as reading the mapped vectors. Prints a line for each and exits 1
// when one is missed.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/storage/database.hpp>

#include "random_vectors.hpp"
#include "suites/simd/yardsticks.hpp"

namespace {

using namespace abikit;

constexpr std::size_t kRows = 200'000;
constexpr std::size_t kDim = 128;
constexpr std::size_t kCommit = 8192;
constexpr std::size_t kRounds = 31;
constexpr double kOpenBar = 50.0;
constexpr double kScanBar = 1.30;

double now_ms() {
    return std::chrono::duration<double, std::milli>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

[[noreturn]] void stop(const std::string& what) {
    std::printf("db_scan: %s\n", what.c_str());
    std::exit(EXIT_FAILURE);
}

template <class T>
T must(Result<T> result) {
    if (!result) {
        stop(result.error().describe());
    }
    return *std::move(result);
}

void fill(const Context& context, const std::string& path, storage::Metric metric,
          const bars::RandomVectors& vectors) {
    auto database = must(storage::Database::create(context, path, {kDim, metric, std::nullopt}));
    for (std::size_t first = 0; first < kRows; first += kCommit) {
        data::RecordBatch batch;
        batch.rows = std::min(kCommit, kRows - first);
        batch.dimension = kDim;
        batch.vectors = {vectors.data() + first * kDim, batch.rows * kDim};
        must(database.commit({&batch, {}, storage::WriteMode::kInsert}));
    }
    if (const Status closed = database.close(); !closed) {
        stop(closed.error().describe());
    }
}

bool measure_open(const Context& context, const std::string& path) {
    std::vector<double> times;
    for (std::size_t round = 0; round < kRounds; ++round) {
        const double start = now_ms();
        const auto database =
            must(storage::Database::open(context, path, storage::AccessMode::kRead));
        times.push_back(now_ms() - start);
        const storage::SnapshotStats stats = database.snapshot().stats();
        if (stats.rows != kRows || stats.log_rows != 0 || stats.log_bytes != 0) {
            stop("the database replays a log or lacks rows");
        }
    }
    const double open = median(std::move(times));
    std::printf("db_scan open: %.2f ms, no replay (bar %.0f ms)\n", open, kOpenBar);
    return open < kOpenBar;
}

bool measure_scan(const Context& context, const std::string& path, const char* name,
                  const bars::RandomVectors& vectors) {
    const auto database = must(storage::Database::open(context, path, storage::AccessMode::kRead));
    const storage::Snapshot snapshot = database.snapshot();
    const float* const column = must(snapshot.read(0)).vector.data();
    const std::span<const float> query(vectors.data() + 777 * kDim, kDim);
    must(snapshot.search(context, query, 1, 10));  // the first touch checks the checksums
    std::vector<double> read, scan;
    std::uint64_t seen = 0;
    for (std::size_t round = 0; round < kRounds; ++round) {
        double start = now_ms();
        seen ^= suites::read_memory(column, kRows * kDim * sizeof(float));
        read.push_back(now_ms() - start);
        start = now_ms();
        const auto hits = must(snapshot.search(context, query, 1, 10));
        scan.push_back(now_ms() - start);
        if (hits[0].size() != 10 ||
            (hits[0][0].row != 777 && database.metric() != storage::Metric::kDot)) {
            stop("the nearest row of a stored row is not itself");
        }
    }
    const double reading = median(std::move(read)), scanning = median(std::move(scan));
    const double gigabytes = static_cast<double>(kRows * kDim * sizeof(float)) * 1e-9;
    std::printf("db_scan %s: read %.2f ms (%.1f GB/s), top-10 %.2f ms, ratio %.2f (bar %.2f)%s\n",
                name, reading, gigabytes / reading * 1e3, scanning, scanning / reading, kScanBar,
                seen == 1 ? " " : "");
    return scanning / reading <= kScanBar;
}

}  // namespace

int main() {
    char folder[] = "/tmp/abi-db-scan-XXXXXX";
    if (mkdtemp(folder) == nullptr) {
        stop("cannot make a temporary directory");
    }
    const auto fs = real_file_system();
    Context context;
    context.fs = fs.get();
    const bars::RandomVectors vectors(kRows * kDim);
    bool met = true;
    for (const auto metric :
         {storage::Metric::kL2, storage::Metric::kCosine, storage::Metric::kDot}) {
        const std::string name(storage::metric_name(metric));
        const std::string path = std::string(folder) + "/" + name;
        fill(context, path, metric, vectors);
        met = (metric != storage::Metric::kL2 || measure_open(context, path)) && met;
        met = measure_scan(context, path, name.c_str(), vectors) && met;
    }
    const std::string remove = "rm -rf '" + std::string(folder) + "'";
    met = std::system(remove.c_str()) == 0 && met;
    return met ? EXIT_SUCCESS : EXIT_FAILURE;
}

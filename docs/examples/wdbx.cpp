// A database embedded in a C++ program: makes it, writes three rows, finds the nearest to a query.
// Usage: wdbx FOLDER, where FOLDER is missing or empty. docs/howto/embed-wdbx.md says how to build
// it.
#include <array>
#include <cstdio>
#include <string>

#include <abi/core/fs.hpp>
#include <abi/core/thread_pool.hpp>
#include <abi/storage/database.hpp>

namespace {

constexpr std::array<float, 6> kVectors = {0.0F, 0.0F, 3.0F, 4.0F, 6.0F, 8.0F};
constexpr std::array<float, 2> kQuery = {3.0F, 3.0F};

abikit::Status fill(abikit::storage::Database& database) {
    abikit::data::RecordBatch rows;
    rows.rows = 3;
    rows.dimension = 2;
    rows.vectors = kVectors;
    for (const char* id : {"origin", "middle", "far"}) {
        rows.ids.append(id);
    }
    abikit::storage::WriteBatch batch;
    batch.rows = &rows;
    ABI_TRY(const auto info, database.commit(batch));
    std::printf("%llu rows\n", static_cast<unsigned long long>(info.added));
    return {};
}

abikit::Status print_nearest(const abikit::Context& context,
                             const abikit::storage::Database& database) {
    const abikit::storage::Snapshot snapshot = database.snapshot();
    ABI_TRY(const auto hits, snapshot.search(context, kQuery, 1, 2));
    for (const abikit::storage::Hit& hit : hits.front()) {
        ABI_TRY(const std::string id, snapshot.read_id(hit.row));
        std::printf("%s is at %g\n", id.c_str(), static_cast<double>(hit.distance));
    }
    return {};
}

abikit::Status work(const abikit::Context& context, const std::string& path) {
    abikit::storage::CreateOptions options;
    options.dimension = 2;
    options.metric = abikit::storage::Metric::kL2;
    ABI_TRY(auto database, abikit::storage::Database::create(context, path, options));
    ABI_CHECK(fill(database));
    ABI_CHECK(print_nearest(context, database));
    return database.close();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    const auto files = abikit::real_file_system();
    abikit::ThreadPool pool;
    abikit::Context context;
    context.fs = files.get();
    context.pool = &pool;
    if (const auto status = work(context, argv[1]); !status) {
        std::fprintf(stderr, "wdbx: %s\n", status.error().describe().c_str());
        return 1;
    }
    return 0;
}

// A program of somebody else, built against the installed headers and libraries by pkg-config
// alone: it keeps three vectors in a database, opens it again and finds the nearest. Usage:
// consumer FOLDER

#include <array>
#include <cstdio>
#include <string>
#include <utility>

#include <abi/core/version.h>
#include <abi/simd/distance.hpp>
#include <abi/storage/database.hpp>

namespace {

constexpr std::array<float, 6> kRows = {0.0F, 0.0F, 3.0F, 4.0F, 6.0F, 8.0F};
constexpr std::array<float, 2> kQuery = {3.0F, 3.0F};

abikit::Status fill(const abikit::Context& context, const std::string& path) {
    ABI_TRY(auto database,
            abikit::storage::Database::create(
                context, path, {.dimension = 2, .metric = abikit::storage::Metric::kL2}));
    abikit::data::RecordBatch batch;
    batch.rows = 3;
    batch.dimension = 2;
    batch.vectors = kRows;
    for (const char* id : {"near", "nearest", "far"}) {
        batch.ids.append(id);
        batch.texts.append_null();
        batch.metadata.append_null();
    }
    ABI_TRY(const auto info, database.commit({.rows = &batch}));
    if (info.added != 3) {
        return abikit::fail(abikit::Code::kInternal, "not all rows were added");
    }
    return database.close();
}

abikit::Result<std::string> nearest(const abikit::Context& context, const std::string& path) {
    ABI_TRY(auto database,
            abikit::storage::Database::open(context, path, abikit::storage::AccessMode::kRead));
    const auto snapshot = database.snapshot();
    ABI_TRY(const auto hits, snapshot.search(context, kQuery, 1, 1));
    return snapshot.read_id(hits.at(0).at(0).row);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        return 2;
    }
    const auto files = abikit::real_file_system();
    const abikit::Context context{.fs = files.get()};
    const std::string path = std::string(argv[1]) + "/consumer.wdbx";
    if (auto filled = fill(context, path); !filled) {
        std::fprintf(stderr, "%s\n", filled.error().describe().c_str());
        return 1;
    }
    const auto id = nearest(context, path);
    if (!id) {
        std::fprintf(stderr, "%s\n", id.error().describe().c_str());
        return 1;
    }
    std::array<float, 3> distances{};
    abikit::simd::l2_squared_rows(kQuery.data(), kRows.data(), 2, 3, distances.data());
    std::printf("abi %s: %s at %g\n", ABI_VERSION, id->c_str(), static_cast<double>(distances[1]));
    return *id == "nearest" ? 0 : 1;
}

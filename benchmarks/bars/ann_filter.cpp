// The bars of filtered search over 100,000 x 128: filters that keep from 50 % to 0.01 % of the
// rows, independent of the query, around it, and away from it. Recall at least 0.99; the median
// latency at most 3 times that of a search without filter at that recall, away from the query at
// most 1.2 times an exact scan of the matches; never fewer hits than there are. Prints a line for
// each and exits 1 when one is missed.
#include <cstdio>
#include <optional>
#include <random>

#include <abi/storage/filter.hpp>

#include "ann_tools.hpp"

namespace {

using namespace abikit;

constexpr std::size_t kRows = 100'000;
constexpr std::size_t kDim = 128;
constexpr std::size_t kQueries = 600;
constexpr std::size_t kCommit = 10'000;
constexpr double kRecall = 0.99;
constexpr double kAgainstUnfiltered = 3.0;
constexpr double kAgainstScan = 1.2;
constexpr double kShares[] = {0.5, 0.2, 0.1, 0.04, 0.01, 0.001, 0.0001};

enum class Kind { kUncorrelated, kAround, kAway };

struct Data {
    std::vector<float> rows, queries;
    // Where rows and queries lie along one latent direction, as shares of the rows below.
    std::vector<double> row_places, query_places;
};

// Shares of `places` below each of `asked`.
std::vector<double> ranks(std::vector<float> places, const std::vector<float>& asked) {
    std::sort(places.begin(), places.end());
    std::vector<double> shares;
    for (const float place : asked) {
        const auto below = std::lower_bound(places.begin(), places.end(), place) - places.begin();
        shares.push_back(static_cast<double>(below) / static_cast<double>(places.size()));
    }
    return shares;
}

Data make_data() {
    bars::Manifold manifold(kDim, 11);
    Data data;
    std::vector<float> row_places, query_places;
    manifold.append(kRows, data.rows, row_places);
    manifold.append(kQueries, data.queries, query_places);
    data.row_places = ranks(row_places, row_places);
    data.query_places = ranks(row_places, query_places);
    return data;
}

storage::Database fill(const Context& context, const std::string& path, const Data& data) {
    storage::CreateOptions options;
    options.dimension = kDim;
    options.metric = storage::Metric::kL2;
    auto database = bars::must(storage::Database::create(context, path, options));
    std::mt19937_64 random(5);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    for (std::size_t first = 0; first < kRows; first += kCommit) {
        data::RecordBatch batch = bars::rows_of(data.rows.data(), kDim, first, kCommit);
        for (std::size_t i = first; i < first + kCommit; ++i) {
            char text[80];
            std::snprintf(text, sizeof(text), "{\"u\":%.7f,\"place\":%.7f}", uniform(random),
                          data.row_places[i]);
            batch.metadata.append(text);
        }
        storage::WriteBatch write;
        write.rows = &batch;
        bars::must(database.commit(write));
    }
    bars::must(database.optimize());
    bars::must(database.build_index(context));
    return database;
}

std::string filter_text(Kind kind, double share, double place) {
    char text[120];
    if (kind == Kind::kUncorrelated) {
        std::snprintf(text, sizeof(text), "u < %.7f", share);
    } else if (kind == Kind::kAround) {
        const double low = std::clamp(place - share / 2, 0.0, 1.0 - share);
        std::snprintf(text, sizeof(text), "place >= %.7f AND place < %.7f", low, low + share);
    } else if (place < 0.5) {
        std::snprintf(text, sizeof(text), "place >= %.7f", 1.0 - share);
    } else {
        std::snprintf(text, sizeof(text), "place < %.7f", share);
    }
    return text;
}

struct Measured {
    double recall = 0.0, latency_us = 0.0, exact_us = 0.0, unfiltered_us = 0.0;
    bool too_few = false;
};

// Filters are read before the clock starts: a program that asks again keeps them.
Measured measure(const Context& context, const storage::Snapshot& snapshot, const Data& data,
                 std::optional<std::pair<Kind, double>> filter) {
    std::vector<double> latencies, exact_latencies, unfiltered_latencies;
    std::size_t good = 0, expected = 0;
    Measured measured;
    for (std::size_t q = 0; q < kQueries; ++q) {
        const auto query = std::span(data.queries).subspan(q * kDim, kDim);
        std::optional<storage::Filter> own;
        storage::SearchOptions options;
        options.recall = kRecall;
        if (filter) {
            own = bars::must(storage::Filter::parse(
                filter_text(filter->first, filter->second, data.query_places[q])));
            options.filter = &*own;
        }
        storage::SearchOptions unfiltered = options;
        unfiltered.filter = nullptr;
        storage::SearchOptions exactly = options;
        exactly.recall.reset();
        exactly.mode = storage::SearchMode::kExact;
        // Without a filter another query is asked, whose surroundings no cache holds yet.
        const auto elsewhere =
            std::span(data.queries).subspan((q + kQueries / 3) % kQueries * kDim, kDim);
        std::vector<storage::Hit> hits, truth, ignored;
        // In turns: whoever is later finds the filter's columns in the cache.
        for (std::size_t turn = 0; turn < 3; ++turn) {
            const std::size_t what = (turn + q) % 3;
            const double start = bars::now_s();
            if (what == 0) {
                hits = bars::search_one(context, snapshot, query, options);
            } else {
                const auto& other = what == 1 ? exactly : unfiltered;
                (what == 1 ? truth : ignored) =
                    bars::search_one(context, snapshot, what == 1 ? query : elsewhere, other);
            }
            auto& list = what == 0 ? latencies : what == 1 ? exact_latencies : unfiltered_latencies;
            list.push_back((bars::now_s() - start) * 1e6);
        }
        measured.too_few = measured.too_few || hits.size() < truth.size();
        good += std::min(bars::good_hits(hits, truth), truth.size());
        expected += truth.size();
    }
    measured.recall =
        expected == 0 ? 1.0 : static_cast<double>(good) / static_cast<double>(expected);
    measured.latency_us = bars::median(latencies);
    measured.exact_us = bars::median(exact_latencies);
    measured.unfiltered_us = bars::median(unfiltered_latencies);
    return measured;
}

bool judge(const char* name, Kind kind, double share, const Measured& one) {
    const bool away = kind == Kind::kAway;
    const double ratio = one.latency_us / (away ? one.exact_us : one.unfiltered_us);
    const double bar = away ? kAgainstScan : kAgainstUnfiltered;
    const bool met = one.recall >= kRecall && ratio <= bar && !one.too_few;
    std::printf(
        "ann_filter: %-12s %6.2f %%: recall %.4f (bar %.2f), %.0f us, %.2f times %s (bar "
        "%.1f)%s%s\n",
        name, 100 * share, one.recall, kRecall, one.latency_us, ratio,
        away ? "the exact scan of the matches" : "no filter", bar,
        one.too_few ? ", FEWER HITS THAN ROWS" : "", met ? "" : "  MISSED");
    std::fflush(stdout);
    return met;
}

}  // namespace

int main(int argc, char** argv) {
    const bars::Workspace workspace(argc, argv);
    const auto files = real_file_system();
    ThreadPool pool;
    Context building;
    building.fs = files.get();
    building.pool = &pool;
    Context context;
    context.fs = files.get();
    const Data data = make_data();
    const storage::Database database = fill(building, workspace / "db", data);
    const storage::Snapshot snapshot = database.snapshot();
    const Measured plain = measure(context, snapshot, data, std::nullopt);
    std::printf("ann_filter: no filter: recall %.4f, %.0f us\n", plain.recall, plain.latency_us);
    bool met = true;
    for (const auto& [name, kind] :
         {std::pair{"uncorrelated", Kind::kUncorrelated}, std::pair{"around", Kind::kAround},
          std::pair{"away", Kind::kAway}}) {
        for (const double share : kShares) {
            const Measured one = measure(context, snapshot, data, std::pair{kind, share});
            met = judge(name, kind, share, one) && met;
        }
    }
    return met ? 0 : 1;
}

// Approximate search side by side: builds one index of each library over the same rows with the
// same number of threads, finds for each what recall its efforts reach, and then measures queries
// on one thread in rounds that go over all libraries and efforts in turn. Printed are medians, and
// for each recall the cheapest effort of each library that reaches it. benchmarks/ann_peers
// compiles and starts this; peer.hpp is where a library is added.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "files.hpp"
#include "peer.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kTargets[] = {0.90, 0.95, 0.98, 0.99, 0.999};
// Sweeps end here, and efforts that took this much longer than the cheapest of a target are not
// measured again.
constexpr double kEnoughRecall = 0.9995;
constexpr double kCheapest = 1.15;

struct Options {
    std::string base, query, truth, metric = "l2", cache;
    std::size_t k = 10;
    unsigned threads = 2, rounds = 5;
    std::size_t queries = 1000;
    std::set<std::string> only;
    std::vector<std::string> plugins, rebuild;
    bool prepare = false;
};

struct Point {
    ann::Effort effort;
    double recall = 0;
    double rough_qps = 0;
    std::vector<double> rounds;

    double qps() const {
        if (rounds.empty())
            return rough_qps;
        std::vector<double> sorted = rounds;
        std::sort(sorted.begin(), sorted.end());
        return sorted[sorted.size() / 2];
    }
};

struct Contest {
    std::unique_ptr<ann::Peer> peer;
    double build_seconds = 0;
    std::vector<Point> points;
};

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

void usage() {
    std::cout << "usage: ann_peers --base FILE --query FILE --truth FILE [--metric l2|cosine] [-k "
                 "10] [--build-threads 2]\n"
                 "                 [--rounds 5] [--queries 1000] [--only NAME,...] [--cache DIR] "
                 "[--prepare]\n"
                 "                 [--plugin LIBRARY]...\n"
                 "--cache keeps indexes, build times and recalls; --prepare stops before the "
                 "measurement.\n";
}

Options parse(int argc, char** argv) {
    Options o;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--help") {
            usage();
            std::exit(0);
        }
        if (name == "--prepare") {
            o.prepare = true;
            continue;
        }
        if (i + 1 == argc)
            throw std::runtime_error("'" + name + "' needs a value");
        const std::string value = argv[++i];
        if (name == "--base")
            o.base = value;
        else if (name == "--query")
            o.query = value;
        else if (name == "--truth")
            o.truth = value;
        else if (name == "--metric")
            o.metric = value;
        else if (name == "--cache")
            o.cache = value;
        else if (name == "--plugin")
            o.plugins.push_back(value);
        else if (name == "-k")
            o.k = std::stoul(value);
        else if (name == "--build-threads")
            o.threads = static_cast<unsigned>(std::stoul(value));
        else if (name == "--rounds")
            o.rounds = static_cast<unsigned>(std::stoul(value));
        else if (name == "--queries")
            o.queries = std::stoul(value);
        else if (name == "--only") {
            std::stringstream names(value);
            for (std::string one; std::getline(names, one, ',');)
                o.only.insert(one);
        } else
            throw std::runtime_error("unknown option '" + name + "'");
    }
    if (o.base.empty() || o.query.empty() || o.truth.empty())
        throw std::runtime_error("--base, --query and --truth are needed");
    if (o.metric != "l2" && o.metric != "cosine")
        throw std::runtime_error("the metric is l2 or cosine");
    return o;
}

// Angles are compared as distances of unit vectors.
void normalize(ann::Matrix& matrix) {
    for (std::size_t i = 0; i < matrix.count; ++i) {
        float* row = matrix.values.data() + i * matrix.dim;
        double sum = 0;
        for (std::size_t j = 0; j < matrix.dim; ++j)
            sum += static_cast<double>(row[j]) * row[j];
        const auto factor = sum > 0 ? static_cast<float>(1 / std::sqrt(sum)) : 0.0F;
        for (std::size_t j = 0; j < matrix.dim; ++j)
            row[j] *= factor;
    }
}

double distance(const float* a, const float* b, std::size_t dim) {
    double sum = 0;
    for (std::size_t j = 0; j < dim; ++j) {
        const double d = static_cast<double>(a[j]) - b[j];
        sum += d * d;
    }
    return sum;
}

// How many of the k nearest are found; a row as near as the k-th of the truth counts as one of
// them.
class Judge {
public:
    Judge(ann::Rows base, ann::Rows query, const ann::Truth& truth, std::size_t k)
        : base_(base), query_(query), k_(k) {
        if (truth.count < query.count || truth.width < k)
            throw std::runtime_error("the truth is too small");
        for (std::size_t i = 0; i < query.count; ++i) {
            double farthest = 0;
            for (std::size_t j = 0; j < k; ++j) {
                const auto id = static_cast<std::size_t>(truth.ids[i * truth.width + j]);
                farthest = std::max(farthest, distance(base.row(id), query.row(i), base.dim));
            }
            limits_.push_back(farthest * (1 + 1e-6));
        }
    }

    double recall(const std::vector<std::int64_t>& ids, std::size_t queries) const {
        std::size_t good = 0;
        for (std::size_t i = 0; i < queries; ++i) {
            std::set<std::int64_t> seen;
            for (std::size_t j = 0; j < k_; ++j) {
                const std::int64_t id = ids[i * k_ + j];
                if (id < 0 || static_cast<std::size_t>(id) >= base_.count ||
                    !seen.insert(id).second)
                    continue;
                const double d =
                    distance(base_.row(static_cast<std::size_t>(id)), query_.row(i), base_.dim);
                good += d <= limits_[i] ? 1 : 0;
            }
        }
        return static_cast<double>(good) / static_cast<double>(queries * k_);
    }

private:
    ann::Rows base_, query_;
    std::size_t k_;
    std::vector<double> limits_;
};

double run_queries(ann::Peer& peer, ann::Effort effort, ann::Rows query, const Options& o,
                   std::vector<std::int64_t>& ids) {
    const std::size_t count = std::min(o.queries, query.count);
    ids.resize(count * o.k);
    peer.prepare(effort);
    for (std::size_t i = 0; i < std::min<std::size_t>(count, 20); ++i)
        peer.search(query.row(i), o.k, ids.data() + i * o.k);
    const auto start = Clock::now();
    for (std::size_t i = 0; i < count; ++i)
        peer.search(query.row(i), o.k, ids.data() + i * o.k);
    return static_cast<double>(count) / seconds_since(start);
}

std::string cache_path(const Options& o, const ann::Peer& peer, const char* what) {
    return o.cache + "/" + peer.name() + what;
}

void make_index(Contest& contest, ann::Rows base, const Options& o) {
    if (!o.cache.empty()) {
        std::ifstream kept(cache_path(o, *contest.peer, ".build"));
        if (kept >> contest.build_seconds &&
            contest.peer->load(cache_path(o, *contest.peer, ".index"), base))
            return;
    }
    const auto start = Clock::now();
    contest.peer->build(base, o.threads);
    contest.build_seconds = seconds_since(start);
    std::cout << contest.peer->name() << ": built in " << contest.build_seconds << " s"
              << std::endl;
    if (!o.cache.empty() && contest.peer->save(cache_path(o, *contest.peer, ".index"))) {
        std::ofstream(cache_path(o, *contest.peer, ".build")) << contest.build_seconds << "\n";
    }
}

bool load_sweep(Contest& contest, const Options& o) {
    std::ifstream kept(cache_path(o, *contest.peer, ".sweep"));
    for (Point p; kept >> p.effort.main >> p.effort.second >> p.recall >> p.rough_qps;)
        contest.points.push_back(p);
    return !contest.points.empty();
}

void sweep(Contest& contest, ann::Rows query, const Judge& judge, const Options& o) {
    const bool cached =
        !o.cache.empty() && std::ifstream(cache_path(o, *contest.peer, ".build")).good();
    if (cached && load_sweep(contest, o))
        return;
    std::vector<std::int64_t> ids;
    unsigned skipped = ~0U;
    for (const ann::Effort effort : contest.peer->efforts(o.k)) {
        if (effort.second == skipped)
            continue;
        Point point{effort, 0, 0, {}};
        point.rough_qps = run_queries(*contest.peer, effort, query, o, ids);
        point.recall = judge.recall(ids, std::min(o.queries, query.count));
        if (point.recall >= kEnoughRecall)
            skipped = effort.second;
        contest.points.push_back(point);
    }
    if (!cached)
        return;
    std::ofstream kept(cache_path(o, *contest.peer, ".sweep"));
    kept.precision(9);
    for (const Point& p : contest.points) {
        kept << p.effort.main << " " << p.effort.second << " " << p.recall << " " << p.rough_qps
             << "\n";
    }
}

Point* cheapest(Contest& contest, double target, bool measured) {
    Point* best = nullptr;
    for (Point& point : contest.points) {
        if (point.recall < target || (measured && point.rounds.empty()))
            continue;
        if (best == nullptr || point.qps() > best->qps())
            best = &point;
    }
    return best;
}

void measure(std::vector<Contest>& contests, ann::Rows query, const Options& o) {
    std::vector<std::pair<Contest*, Point*>> turns;
    for (Contest& contest : contests) {
        for (Point& point : contest.points) {
            const bool wanted =
                std::any_of(std::begin(kTargets), std::end(kTargets), [&](double target) {
                    const Point* best = cheapest(contest, target, false);
                    return best != nullptr && point.recall >= target &&
                           point.rough_qps * kCheapest >= best->rough_qps;
                });
            if (wanted)
                turns.emplace_back(&contest, &point);
        }
    }
    std::vector<std::int64_t> ids;
    std::vector<std::pair<Point*, double>> results;
    for (unsigned round = 0; round < o.rounds; ++round) {
        for (const auto& [contest, point] : turns) {
            results.emplace_back(point, run_queries(*contest->peer, point->effort, query, o, ids));
        }
    }
    for (const auto& [point, qps] : results)
        point->rounds.push_back(qps);
}

void print_points(const std::vector<Contest>& contests) {
    std::cout << "\nlibrary           effort   recall      qps\n";
    for (const Contest& contest : contests) {
        for (const Point& point : contest.points) {
            if (point.rounds.empty())
                continue;
            char line[120];
            std::snprintf(line, sizeof(line), "%-16s %5u %3u  %.4f  %8.0f\n",
                          contest.peer->name().c_str(), point.effort.main, point.effort.second,
                          point.recall, point.qps());
            std::cout << line;
        }
    }
}

void print_targets(std::vector<Contest>& contests) {
    std::cout << "\nqueries per second at the cheapest effort that reaches the recall (ratio to "
                 "the first library)\n";
    char line[160];
    std::snprintf(line, sizeof(line), "%-16s %8s", "library", "build s");
    std::cout << line;
    for (const double target : kTargets) {
        std::snprintf(line, sizeof(line), "  %14.3f", target);
        std::cout << line;
    }
    std::cout << "\n";
    for (Contest& contest : contests) {
        std::snprintf(line, sizeof(line), "%-16s %8.1f", contest.peer->name().c_str(),
                      contest.build_seconds);
        std::cout << line;
        for (const double target : kTargets) {
            const Point* own = cheapest(contest, target, true);
            const Point* first = cheapest(contests.front(), target, true);
            if (own == nullptr)
                std::snprintf(line, sizeof(line), "  %14s", "-");
            else if (first == nullptr)
                std::snprintf(line, sizeof(line), "  %14.0f", own->qps());
            else
                std::snprintf(line, sizeof(line), "  %6.0f (%5.2f)", own->qps(),
                              own->qps() / first->qps());
            std::cout << line;
        }
        std::cout << "\n";
    }
}

void add_plugin(const std::string& path, ann::Peers& peers) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
        throw std::runtime_error(dlerror());
    const auto add = reinterpret_cast<decltype(&abi_ann_peers)>(dlsym(library, "abi_ann_peers"));
    if (add == nullptr)
        throw std::runtime_error("'" + path + "' exports no abi_ann_peers");
    add(&peers);
}

ann::Peers all_peers(const Options& o) {
    ann::Peers peers;
#if ABI_ANN_HNSWLIB
    ann::add_hnswlib(peers);
#else
    std::cout << "hnswlib: absent\n";
#endif
#if ABI_ANN_ABI
    ann::add_abi(peers);
#else
    std::cout << "abi: absent\n";
#endif
#if ABI_ANN_FAISS
    ann::add_faiss(peers);
#else
    std::cout << "faiss: absent\n";
#endif
#if ABI_ANN_USEARCH
    ann::add_usearch(peers);
#else
    std::cout << "usearch: absent\n";
#endif
    for (const std::string& plugin : o.plugins)
        add_plugin(plugin, peers);
    return peers;
}

int compare(const Options& o) {
    ann::Matrix base = ann::read_matrix(o.base);
    ann::Matrix query = ann::read_matrix(o.query);
    if (base.dim != query.dim)
        throw std::runtime_error("base and queries differ in dimension");
    if (o.metric == "cosine") {
        normalize(base);
        normalize(query);
    }
    const Judge judge(base.rows(), query.rows(), ann::read_truth(o.truth), o.k);
    std::cout << base.count << " x " << base.dim << ", " << std::min(o.queries, query.count)
              << " queries, k=" << o.k << ", built with " << o.threads
              << " threads, searched with 1, " << o.rounds << " rounds" << std::endl;
    std::vector<Contest> contests;
    for (std::unique_ptr<ann::Peer>& peer : all_peers(o)) {
        if (!o.only.empty() && !o.only.contains(peer->name()))
            continue;
        Contest contest{std::move(peer), 0, {}};
        make_index(contest, base.rows(), o);
        sweep(contest, query.rows(), judge, o);
        contests.push_back(std::move(contest));
    }
    if (o.prepare || contests.empty())
        return 0;
    measure(contests, query.rows(), o);
    print_points(contests);
    print_targets(contests);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return compare(parse(argc, argv));
    } catch (const std::exception& error) {
        std::cerr << "ann_peers: " << error.what() << "\n";
        return 2;
    }
}

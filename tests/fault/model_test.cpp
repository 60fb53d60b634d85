// Random operations on a database and on a plain map, compared after every step. ABI_TEST_SEED runs
// one seed alone.
#include <cmath>
#include <deque>

#include "oracle.hpp"
#include "scale.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr std::uint32_t kDimension = 3;

class Model {
public:
    Model(std::uint64_t seed, Metric metric) : maker_(seed, kDimension), metric_(metric) {
        database_ = store_.create(kDimension, metric);
    }

    void step() {
        const double kind = random().uniform();
        if (kind < 0.62) {
            commit_change();
        } else if (kind < 0.67) {
            commit_bad_row();
        } else if (kind < 0.77) {
            must(database_->checkpoint());
        } else if (kind < 0.81) {
            must(database_->optimize());
        } else if (kind < 0.87) {
            must(database_->close());
            database_ = store_.open();
        } else if (kind < 0.92) {
            database_.reset();  // without close: the log is replayed
            database_ = store_.open();
        } else if (kind < 0.95) {
            compare(store_.open(AccessMode::kRead).snapshot(), oracle_);
        } else {
            kept_.push_back({database_->snapshot(), oracle_});
            if (kept_.size() > 3) {
                kept_.pop_front();
            }
        }
        compare(database_->snapshot(), oracle_);
        for (const auto& [snapshot, oracle] : kept_) {
            REQUIRE(rows_of(snapshot) == oracle.rows());
        }
    }
    void finish() {
        must(database_->close());
        const VerifyInfo info = must(verify(store_.context, store_.path));
        REQUIRE(info.faults_total == 0);
        REQUIRE(info.rows == oracle_.size());
        for (const auto& [snapshot, oracle] : kept_) {
            compare(snapshot, oracle);
        }
    }

private:
    Random& random() { return maker_.random(); }

    void commit_change() {
        const Change change = maker_.change();
        const Oracle::Answer expected = oracle_.apply(change);
        auto done = commit(*database_, change.rows, change.mode, change.deletes);
        if (expected.failure) {
            REQUIRE(code_of(std::move(done)) == *expected.failure);
            return;
        }
        const CommitInfo info = must(std::move(done));
        REQUIRE(info.added == expected.info.added);
        REQUIRE(info.replaced == expected.info.replaced);
        REQUIRE(info.deleted == expected.info.deleted);
        REQUIRE(info.missing == expected.info.missing);
        REQUIRE(info.first_id == expected.info.first_id);
    }
    void commit_bad_row() {
        Change change = maker_.change();
        change.mode = WriteMode::kUpsert;
        Row bad = maker_.row();
        if (random().chance(0.5)) {
            bad.vector[random().below(kDimension)] = std::nanf("");
        } else {
            bad.id = random().chance(0.5) ? "" : "\xff";
        }
        change.rows.push_back(std::move(bad));
        REQUIRE(code_of(commit(*database_, change.rows, change.mode, change.deletes)) ==
                Code::kInvalidData);
    }

    void compare(const Snapshot& snapshot, const Oracle& oracle) {
        const std::vector<Row> expected = oracle.rows();
        REQUIRE(snapshot.rows() == expected.size());
        REQUIRE(rows_of(snapshot) == expected);
        for (int i = 0; i < 4; ++i) {
            const std::string id = maker_.some_id();
            const Row* const row = oracle.find(id);
            const auto found = get(snapshot, id);
            REQUIRE(found.has_value() == (row != nullptr));
            REQUIRE((row == nullptr || *found == *row));
        }
        compare_search(snapshot, expected);
    }
    double distance(const std::vector<float>& a, const std::vector<float>& b) const {
        double dot = 0, aa = 0, bb = 0, l2 = 0;
        for (std::size_t i = 0; i < kDimension; ++i) {
            const double x = double{a[i]}, y = double{b[i]};
            dot += x * y;
            aa += x * x;
            bb += y * y;
            l2 += (x - y) * (x - y);
        }
        if (metric_ != Metric::kCosine) {
            return metric_ == Metric::kL2 ? l2 : -dot;
        }
        return aa * bb == 0 ? 1.0 : 1.0 - dot / std::sqrt(aa * bb);
    }
    void compare_search(const Snapshot& snapshot, const std::vector<Row>& rows) {
        const std::vector<float> query = random_vector(random(), kDimension);
        const std::size_t k = 1 + random().below(12);
        std::vector<double> nearest;
        for (const Row& row : rows) {
            nearest.push_back(distance(query, row.vector));
        }
        std::sort(nearest.begin(), nearest.end());
        const auto hits = must(snapshot.search(store_.context, query, 1, k))[0];
        REQUIRE(hits.size() == std::min(k, rows.size()));
        for (std::size_t i = 0; i < hits.size(); ++i) {
            const double exact = distance(query, read_row(snapshot, hits[i].row).vector);
            const double slack = 1e-5 * (1 + std::abs(exact));
            REQUIRE(std::abs(double{hits[i].distance} - exact) < slack);
            REQUIRE(std::abs(exact - nearest[i]) < 2 * slack);
        }
    }

    struct Kept {
        Snapshot snapshot;
        Oracle oracle;
    };
    ChangeMaker maker_;
    Metric metric_;
    MemoryStore store_;
    std::optional<Database> database_;
    Oracle oracle_;
    std::deque<Kept> kept_;
};

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("model: random operations agree with a map") {
        const bool replay = std::getenv("ABI_TEST_SEED") != nullptr;
        const std::uint64_t first = seed_or(1000);
        const std::size_t seeds = replay ? 1 : scaled(60);
        constexpr std::array kMetrics{Metric::kL2, Metric::kCosine, Metric::kDot};
        for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
            INFO("replay with ABI_TEST_SEED=", seed);
            Model model(seed, kMetrics[seed % 3]);
            for (int step = 0; step < 120; ++step) {
                CAPTURE(step);
                model.step();
            }
            model.finish();
        }
    }
}

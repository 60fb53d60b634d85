// Random work: what a step is, and the books that are kept about it.
#include "workload.hpp"

#include <array>
#include <sstream>

namespace abikit::storage::test {

std::string_view violation_name(Violation::Kind kind) noexcept {
    switch (kind) {
        case Violation::Kind::kUnreadable:
            return "unreadable";
        case Violation::Kind::kLost:
            return "lost";
        case Violation::Kind::kPartial:
            return "partial";
        case Violation::Kind::kDamaged:
            return "damaged";
        case Violation::Kind::kNotWritable:
            return "not_writable";
        case Violation::Kind::kWrongAnswer:
            return "wrong_answer";
    }
    return "unknown";
}

Contents contents_of(const Database& database) {
    return need(load_rows(database.snapshot()), Violation::Kind::kUnreadable, "reading all rows");
}

Profile random_profile(std::uint64_t seed) {
    Random random(seed, 1);
    constexpr std::array<std::uint32_t, 5> kDimensions{1, 2, 3, 8, 17};
    constexpr std::array kMetrics{Metric::kL2, Metric::kCosine, Metric::kDot};
    constexpr std::array kCheckpoints{0.02, 0.1, 0.1, 0.3, 0.5};
    constexpr std::array<std::uint64_t, 6> kRows{1, 8, 8, 8, 40, 300};
    Profile profile;
    profile.seed = seed;
    profile.embedder = random.chance(0.1);
    profile.dimension = profile.embedder ? 64 : kDimensions[random.below(kDimensions.size())];
    profile.metric = kMetrics[random.below(kMetrics.size())];
    profile.checkpoints = kCheckpoints[random.below(kCheckpoints.size())];
    profile.most_rows = profile.embedder ? 8 : kRows[random.below(kRows.size())];
    profile.steps =
        static_cast<int>(profile.most_rows > 8 ? 6 + random.below(8) : 10 + random.below(30));
    return profile;
}

std::string describe(const Profile& profile) {
    std::ostringstream out;
    out << "seed " << profile.seed << ", dimension " << profile.dimension << ", "
        << metric_name(profile.metric) << ", " << profile.steps << " steps, up to "
        << profile.most_rows << " rows a batch, checkpoints " << profile.checkpoints
        << (profile.embedder ? ", embedder" : "");
    return out.str();
}

Workload::Workload(const Profile& profile, FileSystem& fs, Hooks hooks)
    : profile_(profile),
      context_(context_on(fs)),
      hooks_(std::move(hooks)),
      maker_(profile.seed, profile.dimension, profile.most_rows) {}

bool Workload::run() {
    const bool done = run_all();
    database_.reset();
    return done;
}

bool Workload::run_all() {
    CreateOptions options;
    options.dimension = profile_.dimension;
    options.metric = profile_.metric;
    if (profile_.embedder) {
        options.embedder = EmbedderChoice{"hash", profile_.dimension};
    }
    auto made = Database::create(context_, "/db", options);
    if (!made) {
        return false;
    }
    database_ = *std::move(made);
    acknowledge();
    for (int step = 0; step < profile_.steps; ++step) {
        if (!run_step()) {
            return false;
        }
    }
    return database_->close().has_value();
}

void Workload::acknowledge() {
    hooks_.acknowledge();
    moments_.push_back({hooks_.clock(), oracle_.rows()});
}

bool Workload::run_step() {
    if (maker_.random().chance(profile_.checkpoints)) {
        return database_->checkpoint().has_value();
    }
    const double kind = maker_.random().uniform();
    if (profile_.embedder && (kind < 0.06 || moments_.size() == 1)) {
        return run_embedding(moments_.size() == 1);
    }
    if (kind < 0.04) {
        return database_->optimize().has_value();
    }
    return kind < 0.11 ? reopen(kind) : run_change();
}

// Some are closed, others dropped, so that the next one replays the log.
bool Workload::reopen(double kind) {
    if (kind < 0.08 && !database_->close()) {
        return false;
    }
    database_.reset();
    auto opened = Database::open(context_, "/db", AccessMode::kReadWrite);
    if (!opened) {
        return false;
    }
    database_ = *std::move(opened);
    return true;
}

// Steps that give rows new vectors: what these are is taken from the database, everything else is
// not.
bool Workload::run_embedding(bool learn) {
    constexpr std::array<std::string_view, 3> kTexts{"some words", "some other words", "aaaa bbbb"};
    const bool done =
        learn ? database_->learn_if_new(kTexts).has_value() : database_->optimize().has_value();
    if (!done) {
        return false;
    }
    const Contents now = contents_of(*database_);
    oracle_.take_vectors(now);
    if (oracle_.rows() != now) {
        throw Violation(Violation::Kind::kWrongAnswer, "optimize changed more than vectors");
    }
    acknowledge();
    return true;
}

bool Workload::run_change() {
    Change change = maker_.change();
    if (profile_.embedder) {
        data::RecordBatch batch = batch_of(change.rows, profile_.dimension);
        for (Row& row : change.rows) {
            row.text = row.text.value_or("words of its own");
        }
        batch = batch_of(change.rows, profile_.dimension);
        need(database_->embed(batch), Violation::Kind::kWrongAnswer, "embedding");
        for (std::size_t i = 0; i < change.rows.size(); ++i) {
            const auto vector = batch.vectors.subspan(i * profile_.dimension, profile_.dimension);
            change.rows[i].vector.assign(vector.begin(), vector.end());
        }
    }
    const Oracle::Answer expected = oracle_.apply(change);
    if (!expected.failure) {
        in_flight_ = oracle_.rows();
    }
    const auto done = commit(*database_, change.rows, change.mode, change.deletes);
    if (expected.failure) {
        if (done) {
            throw Violation(Violation::Kind::kWrongAnswer, "a commit passed that must be refused");
        }
        return done.error().code() == *expected.failure;
    }
    if (!done) {
        return false;
    }
    acknowledge();
    return true;
}

}  // namespace abikit::storage::test

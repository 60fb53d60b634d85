// Random work: what a step is, and the books that are kept about it.
#include "workload.hpp"

#include <array>
#include <limits>
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

std::size_t rows_in(const Contents& contents) {
    std::size_t rows = 0;
    for (const auto& [name, list] : contents) {
        rows += name.find('/') == std::string::npos ? list.size() : 0;
    }
    return rows;
}

namespace {
void add_collections(const Database& database, const std::string& prefix, Contents& contents) {
    std::vector<std::string> names;
    for (const CollectionInfo& info : database.collections()) {
        names.push_back(info.name);
    }
    const auto snapshots =
        need(database.snapshots_of(names), Violation::Kind::kUnreadable, "taking snapshots");
    for (std::size_t i = 0; i < names.size(); ++i) {
        contents[prefix + names[i]] =
            need(load_rows(snapshots[i]), Violation::Kind::kUnreadable, "reading all rows");
    }
}
}  // namespace

Contents contents_of(const Context& context, const Database& database) {
    Contents contents;
    add_collections(database, "", contents);
    for (const SnapshotInfo& info : database.snapshots()) {
        OpenOptions options;
        options.snapshot = info.name;
        const Database named =
            need(Database::open(context, database.path(), AccessMode::kRead, options),
                 Violation::Kind::kUnreadable, "opening a named snapshot");
        add_collections(named, info.name + "/", contents);
    }
    return contents;
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
    // Numbers of its own, so that a seed's work is the same in every mode.
    constexpr std::array kSyncs{SyncMode::kFull, SyncMode::kFull, SyncMode::kNormal,
                                SyncMode::kOff};
    Random more(seed, 4);
    profile.sync = kSyncs[more.below(kSyncs.size())];
    profile.management = more.chance(0.5) ? 0.12 : 0;
    profile.auto_merge = more.chance(0.8);
    return profile;
}

std::string describe(const Profile& profile) {
    std::ostringstream out;
    out << "seed " << profile.seed << ", dimension " << profile.dimension << ", "
        << metric_name(profile.metric) << ", " << profile.steps << " steps, up to "
        << profile.most_rows << " rows a batch, checkpoints " << profile.checkpoints
        << (profile.embedder ? ", embedder" : "")
        << (profile.management > 0 ? ", collections and snapshots" : "") << ", sync "
        << sync_mode_name(profile.sync) << (profile.auto_merge ? "" : ", no merging");
    return out.str();
}

Workload::Workload(const Profile& profile, FileSystem& fs, Hooks hooks, std::string path)
    : profile_(profile),
      context_(context_on(fs)),
      hooks_(std::move(hooks)),
      path_(std::move(path)),
      maker_(profile.seed, profile.dimension, profile.most_rows) {}

bool Workload::run() {
    const bool done = run_all(std::numeric_limits<std::size_t>::max());
    database_.reset();
    return done;
}

bool Workload::run_until(std::size_t moments) {
    const bool done = run_all(moments);
    database_.reset();
    return done && moments_.size() == moments;
}

bool Workload::move_to(FileSystem& fs, const std::string& path, Hooks hooks) {
    context_ = context_on(fs);
    path_ = path;
    hooks_ = std::move(hooks);
    return open();
}

bool Workload::create() {
    CollectionOptions options;
    options.dimension = profile_.dimension;
    options.metric = profile_.metric;
    if (profile_.embedder) {
        options.embedder = EmbedderChoice{"hash", profile_.dimension};
    }
    auto made = Database::create(context_, path_, options);
    if (!made) {
        return false;
    }
    database_ = *std::move(made);
    collections_[options.name].options = options;
    return settle_durably(true, true) && open();
}

bool Workload::open() {
    database_.reset();
    auto opened = Database::open(context_, path_, AccessMode::kReadWrite,
                                 {.sync = profile_.sync, .auto_merge = profile_.auto_merge});
    if (!opened) {
        return false;
    }
    database_ = *std::move(opened);
    return true;
}

bool Workload::run_all(std::size_t moments) {
    if (moments_.empty() && !create()) {
        return false;
    }
    for (; step_ < profile_.steps && moments_.size() < moments; ++step_) {
        if (!run_step()) {
            return false;
        }
    }
    return moments_.size() >= moments || settle_durably(database_->close().has_value(), false);
}

Contents Workload::expected() const {
    Contents contents;
    for (const auto& [name, collection] : collections_) {
        contents[name] = collection.oracle.rows();
    }
    for (const auto& [name, kept] : snapshots_) {
        for (const auto& [collection, rows] : kept) {
            contents[name + "/" + collection] = rows;
        }
    }
    return contents;
}

// Called with the books as the step would leave them.
void Workload::plan() {
    in_flight_ = expected();
}

bool Workload::settle(bool done) {
    if (done) {
        hooks_.acknowledge();
        moments_.push_back({hooks_.clock(), expected()});
        if (profile_.sync == SyncMode::kFull) {
            durable_.push_back({moments_.back().sequence, moments_.size()});
        }
    }
    return done;
}

bool Workload::settle_durably(bool done, bool moment) {
    if (done && moment) {
        settle(true);
    }
    if (done) {
        durable_.push_back({hooks_.clock(), moments_.size()});
    }
    return done;
}

bool Workload::run_step() {
    Random& random = maker_.random();
    if (random.chance(profile_.checkpoints)) {
        return settle_durably(database_->checkpoint().has_value(), false);
    }
    if (random.chance(profile_.management)) {
        return random.chance(0.5) ? run_collections() : run_snapshots();
    }
    const double kind = random.uniform();
    if (profile_.embedder && (kind < 0.06 || moments_.size() == 1)) {
        return run_embedding(moments_.size() == 1);
    }
    if (kind < 0.04) {
        return settle_durably(database_->optimize({.purge = kind < 0.02}).has_value(), false);
    }
    return kind < 0.11 ? reopen(kind) : run_commit();
}

// Some are closed, others dropped, so that the next one replays the log.
bool Workload::reopen(double kind) {
    if (kind < 0.08 && !settle_durably(database_->close().has_value(), false)) {
        return false;
    }
    return open();
}

// Makes one of three collections, or drops it when it is there.
bool Workload::run_collections() {
    constexpr std::array kElements{ElementType::kFloat32, ElementType::kFloat16,
                                   ElementType::kBFloat16, ElementType::kInt8, ElementType::kBits};
    Random& random = maker_.random();
    CollectionOptions options;
    options.name = "c" + std::to_string(random.below(3));
    options.dimension = static_cast<std::uint32_t>(1 + random.below(9));
    options.element = kElements[random.below(kElements.size())];
    options.metric = options.element == ElementType::kBits ? Metric::kHamming : profile_.metric;
    if (collections_.erase(options.name) != 0) {
        plan();
        return settle_durably(database_->drop_collection(options.name).has_value(), true);
    }
    collections_[options.name].options = options;
    plan();
    return settle_durably(database_->create_collection(options).has_value(), true);
}

// The same with one of two named snapshots.
bool Workload::run_snapshots() {
    const std::string name = "s" + std::to_string(maker_.random().below(2));
    if (snapshots_.erase(name) != 0) {
        plan();
        return settle_durably(database_->drop_snapshot(name).has_value(), true);
    }
    Contents kept;
    for (const auto& [collection, held] : collections_) {
        kept[collection] = held.oracle.rows();
    }
    snapshots_[name] = std::move(kept);
    plan();
    return settle_durably(database_->create_snapshot(name).has_value(), true);
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
    Contents now = contents_of(context_, *database_);
    collections_.at(std::string(kDefaultCollection)).oracle.take_vectors(default_rows(now));
    if (expected() != now) {
        throw Violation(Violation::Kind::kWrongAnswer, "optimize changed more than vectors");
    }
    return settle_durably(true, true);
}

void Workload::embed(Change& change) {
    for (Row& row : change.rows) {
        row.text = row.text.value_or("words of its own");
    }
    data::RecordBatch batch = batch_of(change.rows, profile_.dimension);
    need(database_->embed(batch), Violation::Kind::kWrongAnswer, "embedding");
    for (std::size_t i = 0; i < change.rows.size(); ++i) {
        const auto vector = batch.vectors.subspan(i * profile_.dimension, profile_.dimension);
        change.rows[i].vector.assign(vector.begin(), vector.end());
    }
}

Change Workload::make_change(const std::string& collection) {
    const CollectionOptions& options = collections_.at(collection).options;
    maker_.set_shape(options.dimension, options.element);
    Change change = maker_.change();
    if (options.embedder) {
        embed(change);
    }
    return change;
}

// One batch, or one for each of several collections, which the disk gets all or none of.
bool Workload::run_commit() {
    std::map<std::string, Change> changes;
    for (const auto& [name, collection] : collections_) {
        if (maker_.random().chance(0.5)) {
            changes[name] = make_change(name);
        }
    }
    if (changes.empty()) {
        const std::string name(kDefaultCollection);
        changes[name] = make_change(name);
    }
    const auto before = collections_;
    std::optional<Code> refused;
    std::vector<data::RecordBatch> rows;
    std::vector<WriteBatch> batches;
    rows.reserve(changes.size());
    for (const auto& [name, change] : changes) {
        Collection& collection = collections_.at(name);
        refused = refused ? refused : collection.oracle.apply(change).failure;
        rows.push_back(batch_of(change.rows, collection.options.dimension));
        batches.push_back({&rows.back(), change.deletes, change.mode, name});
    }
    if (refused) {
        collections_ = before;
    } else {
        plan();
    }
    const auto done =
        batches.size() == 1 ? database_->commit(batches[0]) : database_->commit_all(batches);
    if (!refused) {
        return settle(done.has_value());
    }
    if (done) {
        throw Violation(Violation::Kind::kWrongAnswer, "a commit passed that must be refused");
    }
    return done.error().code() == *refused;
}

}  // namespace abikit::storage::test

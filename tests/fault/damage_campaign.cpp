// Damage: a database in which every kind of file holds something, and what becomes of it.
#include "damage_campaign.hpp"

#include <algorithm>
#include <array>

#include <abi/core/fs_memory.hpp>
#include <abi/storage/repair.hpp>

#include "frozen_files.hpp"

namespace abikit::storage::test {

namespace {

using Kind = Violation::Kind;

constexpr std::uint32_t kDimension = 64;

struct Damage {
    enum class What { kFlip, kCut, kGrow, kRemove };
    What what = What::kFlip;
    std::string file;
    std::uint64_t at = 0;  // the bit; the new size; how many bytes more

    std::uint64_t offset() const { return what == What::kFlip ? at / 8 : at; }
    std::string describe() const {
        switch (what) {
            case What::kFlip:
                return file + ": bit " + std::to_string(at % 8) + " of byte " +
                       std::to_string(at / 8) + " flipped";
            case What::kCut:
                return file + ": cut to " + std::to_string(at) + " bytes";
            case What::kGrow:
                return file + ": " + std::to_string(at) + " zeros appended";
            case What::kRemove:
                return file + ": removed";
        }
        return file;
    }
};

// Calls visit(number, damage) for every damage there is to do.
template <class Visit>
std::uint64_t for_each_damage(const FrozenFiles& fs, const DamageOptions& options, Visit&& visit) {
    std::uint64_t number = 0;
    const auto next = [&](const Damage& damage) {
        if (number % options.step == options.first) {
            visit(number, damage);
        }
        ++number;
    };
    std::vector<std::pair<std::string, std::uint64_t>> sizes;
    for (const auto& [name, bytes] : fs.files()) {
        sizes.emplace_back(name, bytes.size());
    }
    for (const auto& [name, size] : sizes) {
        for (std::uint64_t bit = 0; bit < size * 8; ++bit) {
            next({Damage::What::kFlip, name, bit});
        }
        for (std::uint64_t length = 0; length < size; ++length) {
            next({Damage::What::kCut, name, length});
        }
        for (const std::uint64_t more : {1U, 8U, 40U, 4096U}) {
            next({Damage::What::kGrow, name, more});
        }
        next({Damage::What::kRemove, name, 0});
    }
    return number;
}

// Puts the damage in, and everything back when it goes.
class Damaged {
public:
    Damaged(FrozenFiles& fs, const Damage& damage) : fs_(fs), damage_(damage) {
        FrozenFiles::Bytes& bytes = fs_.file(damage.file);
        if (damage.what == Damage::What::kFlip) {
            flip(bytes);
            return;
        }
        before_ = bytes;
        FrozenFiles::Bytes changed = bytes;
        if (damage.what == Damage::What::kRemove) {
            fs_.take_away(damage.file);
            return;
        }
        changed.resize(damage.what == Damage::What::kCut ? damage.at : bytes.size() + damage.at);
        changed.shrink_to_fit();
        fs_.put(damage.file, std::move(changed));
    }
    ~Damaged() {
        if (damage_.what == Damage::What::kFlip) {
            flip(fs_.file(damage_.file));
        } else {
            fs_.put(damage_.file, std::move(before_));
        }
    }
    Damaged(const Damaged&) = delete;
    Damaged& operator=(const Damaged&) = delete;

private:
    void flip(FrozenFiles::Bytes& bytes) const {
        bytes[damage_.at / 8] ^= static_cast<std::byte>(1U << (damage_.at % 8));
    }

    FrozenFiles& fs_;
    const Damage damage_;
    FrozenFiles::Bytes before_;
};

// What must be served: rows in order, ids that must not be found, an answer to a query.
constexpr const char* kOther = "other";  // the second collection

struct Truth {
    std::vector<Row> rows;
    std::vector<Row> other, kept;  // of the second collection, of the named snapshot
    std::vector<Row> ever;         // of the first collection: also those that were deleted
    std::vector<std::string> gone;
    std::vector<float> query;
    std::vector<Hit> hits;
};

class DamageCampaign {
public:
    explicit DamageCampaign(const DamageOptions& options) : options_(options) {}

    DamageTally run() {
        build();
        FrozenFiles frozen(source_, "/db");
        for (const auto& [name, bytes] : frozen.files()) {
            tally_.bytes += bytes.size();
            tally_.by_file[kind_of(name)] += bytes.size();
        }
        expect_whole(frozen);
        tally_.cases_total =
            for_each_damage(frozen, options_, [&](std::uint64_t number, const Damage& damage) {
                const Damaged damaged(frozen, damage);
                try_one(frozen, number, damage);
            });
        return std::move(tally_);
    }

private:
    static std::string kind_of(const std::string& name) { return name.substr(0, name.find('-')); }

    // Two segments (strings and integers as ids), deleted rows, a learned embedder, and a log whose
    // writer did not close.
    void build() {
        const Context context = context_on(source_);
        CreateOptions create;
        create.metric = Metric::kCosine;
        create.embedder = EmbedderChoice{"hash", kDimension};
        Database database =
            need(Database::create(context, "/db", create), Kind::kWrongAnswer, "creating");
        constexpr std::array<std::string_view, 2> kTexts{"words to learn", "more words"};
        need(database.learn_if_new(kTexts), Kind::kWrongAnswer, "learning");
        Random random(options_.seed);
        const auto add = [&](int rows, std::string_view prefix, std::vector<std::string> deletes) {
            std::vector<Row> made;
            for (int i = 0; i < rows; ++i) {
                Row row;
                row.vector = random_vector(random, kDimension);
                if (!prefix.empty()) {
                    row.id = std::string(prefix) + std::to_string(i);
                    row.text = std::string(random.below(40), 'x') + "text";
                    row.metadata = "{\"n\":" + std::to_string(i) + "}";
                }
                made.push_back(std::move(row));
            }
            need(commit(database, made, WriteMode::kUpsert, std::move(deletes)), Kind::kWrongAnswer,
                 "committing");
            const std::vector<Row> now =
                need(load_rows(database.snapshot()), Kind::kWrongAnswer, "reading");
            truth_.ever.insert(truth_.ever.end(), now.begin(), now.end());
        };
        add(30, "first-", {});
        need(database.create_snapshot("kept"), Kind::kWrongAnswer, "making a snapshot");
        truth_.kept = need(load_rows(database.snapshot()), Kind::kWrongAnswer, "reading");
        CollectionOptions small;
        small.name = kOther;
        small.dimension = 8;
        small.metric = Metric::kL2;
        small.element = ElementType::kInt8;
        need(database.create_collection(small), Kind::kWrongAnswer, "making a collection");
        Database other = need(database.collection(kOther), Kind::kWrongAnswer, "taking it");
        std::vector<Row> few(10);
        for (Row& row : few) {
            row.vector.assign(8, static_cast<float>(random.between(-100, 100)));
        }
        need(commit(other, few), Kind::kWrongAnswer, "committing");
        add(20, "", {"first-3", "first-7"});
        need(database.checkpoint(), Kind::kWrongAnswer, "checkpoint");
        need(commit(other, {few[0]}), Kind::kWrongAnswer, "committing");
        truth_.other = need(load_rows(other.snapshot()), Kind::kWrongAnswer, "reading");
        add(3, "logged-", {"first-9", "4"});
        add(1, "", {});
        add(2, "later-", {"first-11"});
        truth_.gone = {"first-3", "first-7", "first-9", "first-11", "4", "never"};
        truth_.rows = need(load_rows(database.snapshot()), Kind::kWrongAnswer, "reading");
        truth_.query = random_vector(random, kDimension);
        truth_.hits = need(database.snapshot().search(context, truth_.query, 1, 10),
                           Kind::kWrongAnswer, "searching")[0];
    }
    void expect_whole(FrozenFiles& frozen) {
        if (!served_right(frozen) || verdict(frozen).faults_total != 0) {
            throw Violation(Kind::kWrongAnswer, "the database is not sound before any damage");
        }
    }

    void try_one(FrozenFiles& frozen, std::uint64_t number, const Damage& damage) {
        ++tally_.cases;
        ++(damage.what == Damage::What::kFlip  ? tally_.flips
           : damage.what == Damage::What::kCut ? tally_.cuts
                                               : tally_.others);
        try {
            judge(frozen, damage);
            if (number % options_.write_every == 0) {
                ++tally_.writers;
                give_to_writer(frozen, number / options_.write_every % 3);
                give_to_repair(frozen);
            }
        } catch (const Violation& violation) {
            tally_.failures.push_back({number, std::string(violation_name(violation.kind())),
                                       damage.describe(), violation.what()});
        }
    }

    // An error that damage may cause. It names the file.
    static void expect_told(const Error& error, const Damage* damage) {
        const bool code = error.code() == Code::kCorrupt || error.code() == Code::kIncompatible;
        const bool missing = damage != nullptr && damage->what == Damage::What::kRemove &&
                             error.code() == Code::kInputMissing;
        if (!code && !missing) {
            throw Violation(Kind::kWrongAnswer, "damage is told as: " + error.describe());
        }
        if (damage != nullptr && error.describe().find(damage->file) == std::string::npos) {
            throw Violation(Kind::kWrongAnswer, "the wrong file is named: " + error.describe());
        }
    }

    void judge(FrozenFiles& frozen, const Damage& damage) {
        const bool whole = served_right(frozen, &damage);
        const auto checked = verify(context_on(frozen), "/db");
        if (!checked) {
            expect_told(checked.error(), &damage);
            ++tally_.refused;
            return;
        }
        if (checked->faults_total == 0) {
            if (!whole) {
                throw Violation(Kind::kDamaged, "verify finds nothing");
            }
            ++tally_.harmless;
            ++tally_.harmless_by_file[kind_of(damage.file)];
            return;
        }
        const auto& faults = checked->faults;
        if (std::none_of(faults.begin(), faults.end(),
                         [&](const Fault& fault) { return fault.file == damage.file; })) {
            throw Violation(Kind::kWrongAnswer, "verify names '" + faults.at(0).file +
                                                    "' instead: " + faults.at(0).what);
        }
        ++tally_.found;
    }

    VerifyInfo verdict(FileSystem& fs) const {
        return need(verify(context_on(fs), "/db"), Kind::kDamaged, "verifying");
    }

    // Whether everything that was asked for came, and came right. What came wrong is a violation;
    // so is an error that is none of damage.
    bool served_right(FileSystem& fs, const Damage* damage = nullptr) const {
        const Context context = context_on(fs);
        const auto opened = Database::open(context, "/db", AccessMode::kRead);
        if (!opened) {
            expect_told(opened.error(), damage);
            return false;
        }
        const Snapshot snapshot = opened->snapshot();
        const bool rows = rows_right(snapshot, truth_.rows, damage);
        const bool found = found_right(snapshot, damage);
        const bool searched = searched_right(context, snapshot, damage);
        const auto other = opened->collection(kOther);
        if (!other) {
            throw Violation(Kind::kLost, "a collection is gone: " + other.error().describe());
        }
        const bool others = rows_right(other->snapshot(), truth_.other, damage);
        return rows && found && searched && others && kept_right(context, damage);
    }
    bool kept_right(const Context& context, const Damage* damage) const {
        OpenOptions options;
        options.snapshot = "kept";
        const auto kept = Database::open(context, "/db", AccessMode::kRead, options);
        if (!kept) {
            expect_told(kept.error(), damage);
            return false;
        }
        return rows_right(kept->snapshot(), truth_.kept, damage);
    }
    // One row with an error does not stop the others.
    bool rows_right(const Snapshot& snapshot, const std::vector<Row>& truth,
                    const Damage* damage) const {
        bool whole = snapshot.rows() == truth.size();
        std::size_t at = 0;
        const Status scanned = snapshot.scan(0, [&](RowNumber number) -> Result<bool> {
            const auto row = load_row(snapshot, number);
            if (!row) {
                expect_told(row.error(), damage);
                whole = false;
            } else if (at >= truth.size() || *row != truth[at]) {
                throw Violation(Kind::kWrongAnswer, "row " + std::to_string(at) + " is wrong");
            }
            ++at;
            return true;
        });
        if (!scanned) {
            expect_told(scanned.error(), damage);
            return false;
        }
        if (at < truth.size()) {
            throw Violation(Kind::kLost, "only " + std::to_string(at) + " of " +
                                             std::to_string(truth.size()) + " rows are there");
        }
        return whole;
    }
    bool found_right(const Snapshot& snapshot, const Damage* damage) const {
        bool whole = true;
        const auto find = [&](const std::string& id, const Row* expected) {
            const auto number = snapshot.find(id);
            if (!number) {
                expect_told(number.error(), damage);
                whole = false;
                return;
            }
            if (number->has_value() != (expected != nullptr)) {
                throw Violation(Kind::kWrongAnswer, "id '" + id + "' is found or not, wrongly");
            }
            if (expected != nullptr) {
                const auto row = load_row(snapshot, **number);
                whole = whole && row.has_value();
                if (row && *row != *expected) {
                    throw Violation(Kind::kWrongAnswer, "id '" + id + "' leads to another row");
                }
            }
        };
        for (const Row& row : truth_.rows) {
            find(*row.id, &row);
        }
        for (const std::string& id : truth_.gone) {
            find(id, nullptr);
        }
        return whole;
    }
    bool searched_right(const Context& context, const Snapshot& snapshot,
                        const Damage* damage) const {
        const auto hits = snapshot.search(context, truth_.query, 1, truth_.hits.size());
        if (!hits) {
            expect_told(hits.error(), damage);
            return false;
        }
        const auto same = [](const Hit& a, const Hit& b) {
            return a.row == b.row && a.distance == b.distance;
        };
        if (!std::equal(hits->at(0).begin(), hits->at(0).end(), truth_.hits.begin(),
                        truth_.hits.end(), same)) {
            throw Violation(Kind::kWrongAnswer, "the nearest rows are others");
        }
        return true;
    }

    // A writer opens it, commits, and checkpoints or optimizes: it may refuse, but must neither
    // lose a row nor write damage again under a good checksum.
    void give_to_writer(const FrozenFiles& frozen, std::uint64_t what) const {
        MemoryFileSystem disk;
        copy_to(frozen, disk);
        const Context context = context_on(disk);
        std::vector<Row> expected = truth_.rows;
        {
            auto opened = Database::open(context, "/db", AccessMode::kReadWrite);
            if (!opened) {
                expect_told(opened.error(), nullptr);
                return;
            }
            const Row extra{"extra", std::vector<float>(kDimension, 1.0F), "text", {}};
            const auto done = commit(*opened, {extra}, WriteMode::kUpsert, {"first-1"});
            if (done) {
                std::erase_if(expected, [](const Row& row) { return row.id == "first-1"; });
                expected.push_back(extra);
            } else {
                expect_told(done.error(), nullptr);
            }
            const Status closed = what == 0   ? opened->close()
                                  : what == 1 ? opened->checkpoint()
                                              : Status();
            if (!closed) {
                expect_told(closed.error(), nullptr);
            }
        }
        const VerifyInfo info = verdict(disk);
        if (info.faults_total != 0) {
            return;
        }
        const Database after = need(Database::open(context, "/db", AccessMode::kRead),
                                    Kind::kUnreadable, "verify finds nothing, but opening");
        const std::vector<Row> rows = need(load_rows(after.snapshot()), Kind::kUnreadable,
                                           "verify finds nothing, but reading");
        if (rows != expected) {
            throw Violation(Kind::kLost, "a writer made " + std::to_string(rows.size()) +
                                             " rows of " + std::to_string(expected.size()));
        }
    }
    // What repair makes is sound, holds no row that never was, and tells when one is missing.
    void give_to_repair(const FrozenFiles& frozen) const {
        MemoryFileSystem disk;
        copy_to(frozen, disk);
        const Context context = context_on(disk);
        const auto info = repair(context, "/db", "/repaired");
        if (!info) {
            if (info.error().code() != Code::kCorrupt) {
                throw Violation(Kind::kUnreadable, "repair: " + info.error().describe());
            }
            return;
        }
        const VerifyInfo sound = need(verify(context, "/repaired"), Kind::kDamaged, "repaired");
        if (sound.faults_total != 0) {
            throw Violation(Kind::kDamaged, "what was repaired: " + sound.faults.at(0).what);
        }
        // A manifest that is made of the files alone cannot know what a collection was called.
        const auto made = Database::open(context, "/repaired", AccessMode::kRead);
        if (!made) {
            if (info->findings_total == 0 || made.error().code() != Code::kNotFound) {
                throw Violation(Kind::kUnreadable, "repaired: " + made.error().describe());
            }
            return;
        }
        const std::vector<Row> rows =
            need(load_rows(made->snapshot()), Kind::kUnreadable, "reading what was repaired");
        for (const Row& row : rows) {
            if (std::find(truth_.ever.begin(), truth_.ever.end(), row) == truth_.ever.end() &&
                std::find(truth_.other.begin(), truth_.other.end(), row) == truth_.other.end()) {
                throw Violation(Kind::kWrongAnswer, "repair made up row '" + *row.id + "'");
            }
        }
        if (info->findings_total == 0 && rows != truth_.rows) {
            throw Violation(Kind::kLost, "repair says nothing of what it lost");
        }
    }
    static void copy_to(const FrozenFiles& frozen, FileSystem& disk) {
        static_cast<void>(disk.create_directory("/db"));
        for (const auto& [name, bytes] : frozen.files()) {
            const auto file = need(disk.open(join_path("/db", name), OpenMode::kTruncate),
                                   Kind::kWrongAnswer, "copying");
            need(file->write_at(0, bytes), Kind::kWrongAnswer, "copying");
            need(file->sync(), Kind::kWrongAnswer, "copying");
        }
    }

    DamageOptions options_;
    MemoryFileSystem source_;
    Truth truth_;
    DamageTally tally_;
};

}  // namespace

DamageTally damage_everything(const DamageOptions& options) {
    return DamageCampaign(options).run();
}

}  // namespace abikit::storage::test

// Random work on a database, repeatable from its seed, with what the database must hold after each
// step: the common ground of the campaigns. Read crash_campaign.hpp next.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <abi/core/fs.hpp>

#include "oracle.hpp"

namespace abikit::storage::test {

// What must never happen, and happened.
class Violation : public std::runtime_error {
public:
    enum class Kind { kUnreadable, kLost, kPartial, kDamaged, kNotWritable, kWrongAnswer };
    Violation(Kind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
    Kind kind() const noexcept { return kind_; }

private:
    Kind kind_;
};
// "lost", "partial", ...
std::string_view violation_name(Violation::Kind kind) noexcept;

// Everything that readers can see, in order of insertion: by collection, and by snapshot and
// collection ("snapshot/collection").
using Contents = std::map<std::string, std::vector<Row>>;
// Rows of the collections themselves.
std::size_t rows_in(const Contents& contents);
inline std::vector<Row>& default_rows(Contents& contents) {
    return contents[std::string(kDefaultCollection)];
}

// The value of a result, or a violation of this kind.
template <class T>
T need(Result<T> result, Violation::Kind kind, std::string_view doing) {
    if (!result) {
        throw Violation(kind, std::string(doing) + ": " + result.error().describe());
    }
    return *std::move(result);
}
inline void need(const Status& status, Violation::Kind kind, std::string_view doing) {
    if (!status) {
        throw Violation(kind, std::string(doing) + ": " + status.error().describe());
    }
}

// All of an open database.
Contents contents_of(const Context& context, const Database& database);

// What kind of work: everything that is drawn once.
struct Profile {
    std::uint64_t seed = 1;
    std::uint32_t dimension = 3;  // odd ones leave padding behind records
    Metric metric = Metric::kCosine;
    int steps = 20;
    double checkpoints = 0.1;  // how probable one is at each step
    std::uint64_t most_rows = 8;
    bool embedder = false;  // rows bring texts; vectors are made of them
    double management = 0;  // how probable making and dropping collections and snapshots is
    SyncMode sync = SyncMode::kFull;  // of the writing handle
    bool auto_merge = true;
};
// Drawn from the seed.
Profile random_profile(std::uint64_t seed);
std::string describe(const Profile& profile);

// Does it, and tells what was acknowledged when. On a file system that fails for ever from some
// call on, it is a process that dies there.
class Workload {
public:
    // A state that was acknowledged when the clock stood there.
    struct Moment {
        std::uint64_t sequence = 0;
        Contents contents;
    };
    // `clock` numbers what happens to the file system; `acknowledge` is called first at each
    // moment.
    struct Hooks {
        std::function<std::uint64_t()> clock;
        std::function<void()> acknowledge;
    };
    // When the clock stood there, the first `moments` of them were on the disk for certain.
    struct Durable {
        std::uint64_t sequence = 0;
        std::size_t moments = 0;
    };
    Workload(const Profile& profile, FileSystem& fs, Hooks hooks, std::string path = "/db");

    // False when it was stopped by a failure. Afterwards nothing is open: a lock goes with its
    // process.
    bool run();
    // Stops once there are that many moments, so that another database can take over: one that
    // holds the last of them, at `path` of `fs`.
    bool run_until(std::size_t moments);
    bool move_to(FileSystem& fs, const std::string& path, Hooks hooks);
    const std::vector<Moment>& moments() const { return moments_; }
    const std::vector<Durable>& durable() const { return durable_; }
    // What the commit that failed would have made of it.
    const std::optional<Contents>& in_flight() const { return in_flight_; }

private:
    bool run_all(std::size_t moments);
    bool create();
    bool open();
    bool run_step();
    bool run_commit();
    bool run_embedding(bool learn);
    bool run_collections();
    bool run_snapshots();
    bool reopen(double kind);
    Change make_change(const std::string& collection);
    void embed(Change& change);
    // Takes note of a step that is about to be tried, and of how it ended.
    void plan();
    bool settle(bool done);
    // The same for a step that reaches for the disk in every sync mode, moment or not.
    bool settle_durably(bool done, bool moment);
    Contents expected() const;

    Profile profile_;
    Context context_;
    Hooks hooks_;
    std::string path_;
    int step_ = 0;
    struct Collection {
        CollectionOptions options;
        Oracle oracle;
    };

    ChangeMaker maker_;
    std::map<std::string, Collection> collections_;
    std::map<std::string, Contents> snapshots_;
    std::optional<Database> database_;
    std::vector<Moment> moments_;
    std::vector<Durable> durable_;
    std::optional<Contents> in_flight_;
};

}  // namespace abikit::storage::test

// The program behind the campaign scripts: does one seed's share and prints it as a line of JSON.
//   crash --seed N                    cuts the power everywhere in the workload of that seed
//   damage --seed N --step M          every M-th damage to the files of a database, from number N
//   on kill --seed N --directory EMPTY   kills the writer of that seed's workload until it is done
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "crash_campaign.hpp"
#include "damage_campaign.hpp"
#include "kill_campaign.hpp"

namespace {

using namespace abikit::storage::test;
using abikit::storage::SyncMode;
using Json = nlohmann::json;

// "--name VALUE" pairs.
class Arguments {
public:
    Arguments(int argc, char** argv) {
        for (int i = 2; i + 1 < argc; i += 2) {
            values_[argv[i]] = argv[i + 1];
        }
    }
    std::uint64_t get(const std::string& name, std::uint64_t otherwise) const {
        const auto found = values_.find(name);
        return found == values_.end() ? otherwise
                                      : std::strtoull(found->second.c_str(), nullptr, 10);
    }
    std::string text(const std::string& name) const {
        const auto found = values_.find(name);
        return found == values_.end() ? std::string() : found->second;
    }
    bool has(const std::string& name) const { return values_.contains(name); }

private:
    std::map<std::string, std::string> values_;
};

Json failures_of(const CrashTally& tally, const char* mode) {
    Json failures = Json::array();
    for (const CrashFailure& failure : tally.failures) {
        failures.push_back({{"mode", mode},
                            {"state", failure.state},
                            {"kind", failure.kind},
                            {"where", failure.where},
                            {"what", failure.what}});
    }
    return failures;
}

// Every fourth seed lets processes die instead, which makes more than one workload; every eighth
// has threads that commit at once.
Json crash(const Arguments& arguments) {
    CrashOptions options;
    options.profile = random_profile(arguments.get("--seed", 1));
    options.plans = arguments.get("--plans", 2);
    if (arguments.has("--state")) {
        options.only_state = arguments.get("--state", 0);
    }
    const bool dead = options.profile.seed % 4 == 0 && !options.profile.embedder;
    const bool threads = options.profile.seed % 8 == 1;
    const CrashTally tally = threads ? cut_threads(options)
                             : dead  ? cut_after_dead_processes(options)
                                     : cut_everywhere(options);
    return {{"seed", options.profile.seed},
            {"profile", describe(options.profile)},
            {"states", tally.states},
            {"recovery_states", tally.recovery_states},
            {"dead_states", tally.dead_states},
            {"thread_states", threads ? tally.states : 0},
            {"thread_commits", tally.thread_commits},
            {"thread_log_syncs", tally.thread_log_syncs},
            {"states_not_full", options.profile.sync == SyncMode::kFull ? 0 : tally.states},
            {"by_plan", tally.by_plan},
            {"failures", failures_of(tally, threads ? "threads"
                                            : dead  ? "dead"
                                                    : "cut")}};
}

Json damage(const Arguments& arguments) {
    DamageOptions options;
    options.step = arguments.get("--step", 1);
    options.first = arguments.get("--seed", 0) % options.step;
    options.write_every = arguments.get("--write-every", options.write_every);
    const DamageTally tally = damage_everything(options);
    Json failures = Json::array();
    for (const DamageFailure& failure : tally.failures) {
        failures.push_back({{"number", failure.number},
                            {"kind", failure.kind},
                            {"where", failure.where},
                            {"what", failure.what}});
    }
    return {{"seed", arguments.get("--seed", 0)},
            {"cases", tally.cases},
            {"flips", tally.flips},
            {"cuts", tally.cuts},
            {"others", tally.others},
            {"refused", tally.refused},
            {"found", tally.found},
            {"harmless", tally.harmless},
            {"harmless_by_file", tally.harmless_by_file},
            {"writers", tally.writers},
            {"database",
             {{"bytes", tally.bytes}, {"cases", tally.cases_total}, {"by_file", tally.by_file}}},
            {"failures", failures}};
}

// More steps than a crash workload has, and larger batches: each child does a few of them.
Json kill(const Arguments& arguments) {
    KillOptions options;
    options.profile = random_profile(arguments.get("--seed", 1));
    options.profile.steps *= 4;
    if (options.profile.most_rows == 300) {
        options.profile.most_rows = 2000;
    }
    options.directory = arguments.text("--directory");
    // Every fourth seed has threads that commit at once.
    const std::uint64_t seed = options.profile.seed;
    const KillTally tally =
        seed % 4 == 0 ? kill_threads(options, 2 + seed / 4 % 7) : kill_again_and_again(options);
    Json failures = Json::array();
    for (const KillFailure& failure : tally.failures) {
        failures.push_back(
            {{"cycle", failure.cycle}, {"kind", failure.kind}, {"what", failure.what}});
    }
    return {{"seed", options.profile.seed},
            {"profile", describe(options.profile)},
            {"cycles", tally.cycles},
            {"killed", tally.killed},
            {"in_flight", tally.in_flight},
            {"lost_in_flight", tally.lost_in_flight},
            {"unborn", tally.unborn},
            {"acknowledged", tally.acknowledged},
            {"reads", tally.reads},
            {"follows", tally.follows},
            {"cycles_not_full", options.profile.sync == SyncMode::kFull ? 0 : tally.cycles},
            {"failures", failures}};
}

}  // namespace

int main(int argc, char** argv) try {
    const std::string what = argc > 1 ? argv[1] : "";
    const Arguments arguments(argc, argv);
    Json done;
    if (what == "crash") {
        done = crash(arguments);
    } else if (what == "damage") {
        done = damage(arguments);
    } else if (what == "kill" && arguments.has("--directory")) {
        done = kill(arguments);
    } else {
        std::cerr << "usage: fault_campaign crash --seed N [--plans N] [--state N]\n"
                     "       fault_campaign damage --seed N --step N [--write-every N]\n"
                     "       fault_campaign kill --seed N --directory EMPTY\n";
        return 2;
    }
    std::cout << done.dump() << '\n';
    return done["failures"].empty() ? 0 : 1;
} catch (const std::exception& error) {
    std::cerr << "fault_campaign: " << error.what() << '\n';
    return 3;
}

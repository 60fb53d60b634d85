// The program behind the campaign scripts: does one seed's share and prints it as a line of JSON.
// 'fault_campaign crash --seed N' cuts the power everywhere in the workload of that seed.
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "crash_campaign.hpp"

namespace {

using namespace abikit::storage::test;
using Json = nlohmann::json;

// "--name NUMBER" pairs.
class Arguments {
public:
    Arguments(int argc, char** argv) {
        for (int i = 2; i + 1 < argc; i += 2) {
            values_[argv[i]] = std::strtoull(argv[i + 1], nullptr, 10);
        }
    }
    std::uint64_t get(const std::string& name, std::uint64_t otherwise) const {
        const auto found = values_.find(name);
        return found == values_.end() ? otherwise : found->second;
    }
    bool has(const std::string& name) const { return values_.contains(name); }

private:
    std::map<std::string, std::uint64_t> values_;
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

// Every fourth seed lets processes die instead, which makes more than one workload.
Json crash(const Arguments& arguments) {
    CrashOptions options;
    options.profile = random_profile(arguments.get("--seed", 1));
    options.plans = arguments.get("--plans", 2);
    if (arguments.has("--state")) {
        options.only_state = arguments.get("--state", 0);
    }
    const bool dead = options.profile.seed % 4 == 0 && !options.profile.embedder;
    const CrashTally tally = dead ? cut_after_dead_processes(options) : cut_everywhere(options);
    return {{"seed", options.profile.seed},
            {"profile", describe(options.profile)},
            {"states", tally.states},
            {"recovery_states", tally.recovery_states},
            {"dead_states", tally.dead_states},
            {"by_plan", tally.by_plan},
            {"failures", failures_of(tally, dead ? "dead" : "cut")}};
}

}  // namespace

int main(int argc, char** argv) try {
    const std::string what = argc > 1 ? argv[1] : "";
    const Arguments arguments(argc, argv);
    if (what != "crash") {
        std::cerr << "usage: fault_campaign crash --seed N [--plans N] [--state N]\n";
        return 2;
    }
    const Json done = crash(arguments);
    std::cout << done.dump() << '\n';
    return done["failures"].empty() ? 0 : 1;
} catch (const std::exception& error) {
    std::cerr << "fault_campaign: " << error.what() << '\n';
    return 3;
}

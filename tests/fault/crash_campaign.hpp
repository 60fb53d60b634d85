// Power cuts at every operation of a workload, under every plan: what is left must be a state of
// its history that holds everything acknowledged, sound and writable. crash_test.cpp runs a part of
// it in every test run, scripts/crash_campaign as much as one likes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <abi/core/fs_memory.hpp>

#include "workload.hpp"

namespace abikit::storage::test {

struct CrashOptions {
    Profile profile;
    std::size_t plans = 2;             // seeds of the plans that have one
    std::size_t recovery_every = 401;  // one state in so many is cut again during its recovery
    // Where the workload's disk drops syncs and says nothing (lying_files.hpp); "" : nowhere.
    std::string liar = {};
    std::uint64_t state_every = 1;                 // tries one state in so many
    std::optional<std::uint64_t> only_state = {};  // runs this one alone, by its number
    bool first_failure = false;  // cut_everywhere ends with it: enough to see that there is one
};

struct CrashFailure {
    std::uint64_t state = 0;
    std::string kind;   // violation_name
    std::string where;  // after which operation, which plan
    std::string what;
};

struct CrashTally {
    std::uint64_t states = 0;           // all of them
    std::uint64_t recovery_states = 0;  // of these: cut again during the recovery
    std::uint64_t dead_states = 0;      // of these: after the commit of a dead process's successor
    // Of the threads' run itself: less syncs than commits where some shared one.
    std::uint64_t thread_commits = 0, thread_log_syncs = 0;
    std::map<std::string, std::uint64_t> by_plan;
    std::vector<CrashFailure> failures;
};

// Cuts the power everywhere in one workload. `dead` says of the other kind: the workload's process
// dies at each call in turn, a successor commits, and then the power goes.
CrashTally cut_everywhere(const CrashOptions& options);
CrashTally cut_after_dead_processes(const CrashOptions& options);
// The power goes while several threads commit. In which order they come is up to the
// machine; a state is numbered within its run.
CrashTally cut_threads(const CrashOptions& options);

// The numbers of the operations that change something, above `after`.
std::vector<std::uint64_t> crash_points(const MemoryFileSystem& fs, std::uint64_t after = 0);

}  // namespace abikit::storage::test

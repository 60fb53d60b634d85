// Processes that write a workload and are killed at random moments, again and again on the same
// database, on the real file system. What was acknowledged stands in shared memory. Read
// workload.hpp first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workload.hpp"

namespace abikit::storage::test {

struct KillOptions {
    Profile profile;
    std::string directory;  // an empty one; the database is made in it
};

struct KillFailure {
    std::uint64_t cycle = 0;
    std::string kind;  // violation_name
    std::string what;
};

struct KillTally {
    std::uint64_t cycles = 0;  // a child that ran until it was killed, or to its end
    std::uint64_t killed = 0;
    std::uint64_t in_flight = 0;       // times that the unacknowledged commit was there
    std::uint64_t lost_in_flight = 0;  // times that it was not
    std::uint64_t unborn = 0;          // times that there was no database yet
    std::uint64_t acknowledged = 0;
    std::uint64_t reads = 0;    // of a reader beside the living child
    std::uint64_t follows = 0;  // of these: by one that was there already
    std::vector<KillFailure> failures;
};

// Until the workload is done.
KillTally kill_again_and_again(const KillOptions& options);
// The same with `threads` of them committing at once; of the profile only the seed counts.
KillTally kill_threads(const KillOptions& options, std::size_t threads);

}  // namespace abikit::storage::test

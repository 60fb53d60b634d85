// Damage to the files of a closed or abandoned database: every bit flipped, every length cut to,
// bytes appended, files gone. What is served must be right, what is damaged must be found. Read
// frozen_files.hpp next.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "workload.hpp"

namespace abikit::storage::test {

struct DamageOptions {
    std::uint64_t seed = 1;
    // Cases are numbered; those whose number leaves `first` when divided by `step` are done.
    std::uint64_t first = 0, step = 1;
    std::uint64_t write_every = 16;  // one in so many is given to a writer as well
};

struct DamageFailure {
    std::uint64_t number = 0;
    std::string kind;   // violation_name
    std::string where;  // which damage
    std::string what;
};

struct DamageTally {
    std::uint64_t bytes = 0;        // the database's size
    std::uint64_t cases_total = 0;  // all that there are, done or not
    std::uint64_t cases = 0;
    std::uint64_t flips = 0, cuts = 0, others = 0;  // of the cases done
    std::uint64_t refused = 0;                      // opening said so, with the file
    std::uint64_t found = 0;                        // verify said so, with the file
    std::uint64_t harmless = 0;                     // nothing said, and every row as it was
    std::uint64_t writers = 0;
    std::map<std::string, std::uint64_t> by_file, harmless_by_file;
    std::vector<DamageFailure> failures;
};

DamageTally damage_everything(const DamageOptions& options);

}  // namespace abikit::storage::test

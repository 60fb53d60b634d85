// Damaged files, as many as fit into an ordinary test run; scripts/damage_campaign does the rest.
#include <iostream>

#include "damage_campaign.hpp"
#include "scale.hpp"
#include "support.hpp"

using namespace abikit::storage::test;

TEST_SUITE("fault") {
    TEST_CASE("damage: flipped bits, cut and missing files are found, and never served") {
        DamageOptions options;
        // A prime, so that every bit of a byte and every part of a file gets its turn.
        options.step = std::max<std::uint64_t>(1, 47 * 1'000'000 / scaled(1'000'000));
        options.first = seed_or(1) % options.step;
        const DamageTally tally = damage_everything(options);
        for (const DamageFailure& failure : tally.failures) {
            FAIL_CHECK("case ", failure.number, ", ", failure.where, ": ", failure.kind, ": ",
                       failure.what);
        }
        std::cout << "damage: " << tally.cases << " of " << tally.cases_total << " cases, "
                  << tally.found << " found, " << tally.harmless << " harmless\n";
        CHECK(tally.cases * options.step + options.step > tally.cases_total);
        CHECK(tally.found * 3 > tally.cases);
    }
}

// What the tests of the suites share: running something on every instruction set.
#pragma once

#include <string>

#include <doctest/doctest.h>

#include <abi/simd/targets.hpp>

namespace abikit::suites::test {

// Lifts a forced target even when a check throws.
struct RestoreTarget {
    RestoreTarget() = default;
    RestoreTarget(const RestoreTarget&) = delete;
    RestoreTarget& operator=(const RestoreTarget&) = delete;
    ~RestoreTarget() { static_cast<void>(simd::force_target("auto").has_value()); }
};

// Runs `body` once on each target that this machine has.
template <class Body>
void on_every_target(Body body) {
    const RestoreTarget restore;
    for (const simd::TargetInfo& target : simd::targets()) {
        if (target.supported) {
            CAPTURE(target.name);
            REQUIRE(simd::force_target(target.name).has_value());
            body();
        }
    }
}

}  // namespace abikit::suites::test

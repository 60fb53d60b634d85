// How much the random tests do; main.cpp decides.
#pragma once

#include <cstddef>
#include <cstdint>

namespace abikit::storage::test {

// The count of an ordinary run, scaled by --scale; at least 1.
std::size_t scaled(std::size_t ordinary);

// For tests that go through all places where something can fail: the step from one to the next. 1,
// `reduced` in a run that is scaled down far, about a sixth of it from a scale of 0.2 on.
std::uint64_t stride(std::uint64_t reduced);

}  // namespace abikit::storage::test

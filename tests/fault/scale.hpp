// How much the random tests do; main.cpp decides.
#pragma once

#include <cstddef>

namespace abikit::storage::test {

// The count of an ordinary run, scaled by --scale; at least 1.
std::size_t scaled(std::size_t ordinary);

}  // namespace abikit::storage::test

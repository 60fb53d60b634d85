// How a check compares and remembers. Read check.hpp for the contract.
#include "check.hpp"

#include <cmath>
#include <cstdio>
#include <utility>

namespace abikit::suites {

bool Checker::is_close(double value, double expected, double bound) noexcept {
    if (std::isnan(value) || std::isnan(expected)) {
        return std::isnan(value) && std::isnan(expected);
    }
    return value == expected || std::abs(value - expected) <= bound;
}

std::string Checker::difference(double value, double expected, double bound) {
    char text[128];
    std::snprintf(text, sizeof(text), "%.9g instead of %.9g, error bound %.3g", value, expected,
                  bound);
    return text;
}

void Checker::note_failure(std::string message) {
    ++failures_;
    if (messages_.size() < kMaxMessages) {
        messages_.push_back(std::move(message));
    }
}

}  // namespace abikit::suites

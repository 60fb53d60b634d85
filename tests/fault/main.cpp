// Runs the fault tests. '--scale F' does F times as much as the ordinary run (doctest's own options
// work as well); programs built with a sanitizer do a fiftieth unless told otherwise.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <string_view>

#include "scale.hpp"

namespace {

#if defined(__SANITIZE_THREAD__)
double factor = 0.01;  // these campaigns run on one thread: there are no races to find
#elif defined(__SANITIZE_ADDRESS__)
double factor = 0.02;
#else
double factor = 1.0;
#endif

}  // namespace

namespace abikit::storage::test {

std::size_t scaled(std::size_t ordinary) {
    const double wanted = static_cast<double>(ordinary) * factor;
    return wanted < 1.0 ? 1 : static_cast<std::size_t>(wanted);
}

std::uint64_t stride(std::uint64_t reduced) {
    constexpr double kSome = 0.2;  // of all places, about
    constexpr std::uint64_t kOftener = 6;
    if (factor >= 1.0) {
        return 1;
    }
    return factor < kSome ? reduced : (reduced / kOftener) | 1U;
}

}  // namespace abikit::storage::test

int main(int argc, char** argv) {
    for (int i = 1; i + 1 < argc; ++i) {
        if (std::string_view(argv[i]) == "--scale") {
            factor = std::strtod(argv[i + 1], nullptr);
        }
    }
    doctest::Context context(argc, argv);
    return context.run();
}

// The seeded generator. Built with -ffp-contract=off, so that no compiler fuses what is written as
// two operations here.
#include <bit>
#include <cmath>

#include <abi/core/random.hpp>

namespace abikit {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t mix(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

// Natural logarithm of a normal positive number from basic operations alone: ln(m * 2^e) with m in
// [sqrt(1/2), sqrt(2)), ln m = 2 atanh((m-1)/(m+1)). Error below 2 units in the last place.
double portable_log(double x) noexcept {
    constexpr double kLn2High = 0x1.62e42fee00000p-1;  // the upper bits of ln 2: e * high is exact
    constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
    const auto bits = std::bit_cast<std::uint64_t>(x);
    auto exponent = static_cast<int>(bits >> 52) - 1023;
    auto m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000);
    if (m > 0x1.6a09e667f3bcdp+0) {  // sqrt(2)
        m *= 0.5;
        ++exponent;
    }
    const double s = (m - 1.0) / (m + 1.0);
    const double s2 = s * s;  // at most 0.0295: eleven terms reach 1e-17
    double series = 0;
    for (int k = 23; k >= 3; k -= 2) {
        series = (series + 1.0 / k) * s2;
    }
    const double e = exponent;
    return e * kLn2High + (2.0 * s + (2.0 * s * series + e * kLn2Low));
}

}  // namespace

std::uint64_t splitmix64(std::uint64_t& state) noexcept {
    state += 0x9E3779B97F4A7C15;
    return mix(state);
}

Random::Random(std::uint64_t seed, std::uint64_t stream) noexcept {
    // mix(0) is 0: stream 0 is the generator of the plain seed. Mixing keeps the splitmix sequences
    // of neighbouring streams from overlapping.
    std::uint64_t state = seed ^ mix(stream);
    for (std::uint64_t& word : state_) {
        word = splitmix64(state);
    }
}

std::uint64_t Random::next_u64() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

std::uint64_t Random::below(std::uint64_t bound) noexcept {
    ABI_ASSERT(bound > 0);
    Wide product = Wide{next_u64()} * bound;
    if (static_cast<std::uint64_t>(product) < bound) {
        // 2^64 mod bound low halves would be hit once too often; draw again for those.
        const std::uint64_t threshold = (0 - bound) % bound;
        while (static_cast<std::uint64_t>(product) < threshold) {
            product = Wide{next_u64()} * bound;
        }
    }
    return static_cast<std::uint64_t>(product >> 64);
}

std::int64_t Random::between(std::int64_t low, std::int64_t high) noexcept {
    ABI_ASSERT(low <= high);
    const std::uint64_t count =
        static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    // A count of 0 is all 2^64 values.
    const std::uint64_t offset = count == 0 ? next_u64() : below(count);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
}

double Random::uniform() noexcept {
    return static_cast<double>(next_u64() >> 11) * 0x1p-53;
}

double Random::normal() noexcept {
    if (has_spare_) {
        has_spare_ = false;
        return spare_normal_;
    }
    double x = 0;
    double y = 0;
    double square = 0;
    do {
        x = 2.0 * uniform() - 1.0;
        y = 2.0 * uniform() - 1.0;
        square = x * x + y * y;
    } while (square >= 1.0 || square == 0.0);
    const double factor = std::sqrt(-2.0 * portable_log(square) / square);  // sqrt rounds correctly
    spare_normal_ = y * factor;
    has_spare_ = true;
    return x * factor;
}

}  // namespace abikit

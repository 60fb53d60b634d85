// Random numbers of two kinds: a seeded generator whose numbers are the same on every machine, for
// sampling, shuffling and initialising; and bytes from the operating system for identifiers and
// secrets. Never use the first for the second.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit {

// xoshiro256** 1.0 (Blackman, Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021) with
// its 256-bit state filled by splitmix64 from the seed. Period 2^256 - 1; passes BigCrush; not
// secure. Every function uses integers and correctly rounded IEEE operations only, so the same
// seed gives the same numbers, to the last bit, on every machine and compiler. Also a standard
// UniformRandomBitGenerator; but the standard's distributions differ between libraries, so use the
// members below. Cheap to copy; a copy continues with the same numbers. Single thread.
class ABI_API Random {
public:
    using result_type = std::uint64_t;

    // Streams of one seed are independent: give each task the number of its piece, not of its
    // thread, and the result does not depend on the thread count.
    explicit Random(std::uint64_t seed, std::uint64_t stream = 0) noexcept;

    static constexpr result_type min() noexcept { return 0; }
    static constexpr result_type max() noexcept { return ~std::uint64_t{0}; }
    result_type operator()() noexcept { return next_u64(); }

    // All 64 bits uniform.
    std::uint64_t next_u64() noexcept;
    // Uniform in [0, bound), without bias (Lemire, "Fast Random Integer Generation in an Interval",
    // 2019). bound > 0.
    std::uint64_t below(std::uint64_t bound) noexcept;
    // Uniform in [low, high], both included. low <= high.
    std::int64_t between(std::int64_t low, std::int64_t high) noexcept;
    // Uniform in [0, 1): a multiple of 2^-53.
    double uniform() noexcept;
    // Standard normal (mean 0, deviation 1): Marsaglia's polar method with a logarithm of our own,
    // because those of C libraries differ in the last bit. Absolute value below 13.
    double normal() noexcept;
    // True with probability p (never for p <= 0, always for p >= 1).
    bool chance(double p) noexcept { return uniform() < p; }

    // Fisher-Yates: each of the n! orders with equal probability.
    template <class T>
    void shuffle(std::span<T> items) noexcept {
        for (std::size_t i = items.size(); i > 1; --i) {
            const auto j = static_cast<std::size_t>(below(i));
            using std::swap;
            swap(items[i - 1], items[j]);
        }
    }

private:
    std::array<std::uint64_t, 4> state_;
    double spare_normal_ = 0;  // the polar method makes two at a time
    bool has_spare_ = false;
};

// One step of splitmix64 (Steele, Lea, Flood, OOPSLA 2014): advances `state`, returns a well-mixed
// number. For making many seeds of one.
ABI_API std::uint64_t splitmix64(std::uint64_t& state) noexcept;

// Fills `out` from the operating system's generator (getrandom on Linux), waiting at most for its
// first initialisation after boot. kUnavailable when the system has none. Thread-safe.
ABI_API Status fill_secure(std::span<std::byte> out);

}  // namespace abikit

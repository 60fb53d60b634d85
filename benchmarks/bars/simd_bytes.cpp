// The bar of the byte kernels: at 64 KiB (second-level cache) and 10 MB each is at least as fast as
// what a program would use instead: memchr in a loop and std::count for lines, memmem for
// substrings, simdjson for UTF-8, XXH3 for hashes where it is installed. Prints one line for each
// and exits 1 when one is slower. Passes alternate and medians are compared.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#ifdef ABI_BARS_HAVE_XXHASH
#include <xxhash.h>
#endif

#include <abi/simd/bytes.hpp>
#include <abi/simd/targets.hpp>

#include "timing.hpp"

namespace {

using abikit::bars::median;

namespace simd = abikit::simd;
using Pass = std::uint64_t (*)(std::string_view);

constexpr double kBar = 1.0;
constexpr int kRounds = 41;
constexpr double kSecondsOfRound = 0.5e-3;

std::uint64_t lines_by_memchr(std::string_view text) {
    std::uint64_t lines = 0;
    const char* at = text.data();
    const char* const end = at + text.size();
    while ((at = static_cast<const char*>(
                std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) != nullptr) {
        ++lines;
        ++at;
    }
    return lines;
}

std::uint64_t lines_by_count(std::string_view text) {
    return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

std::uint64_t lines_by_kernel(std::string_view text) {
    return simd::count_byte(text, '\n');
}

// Made of letters that the text holds; where it holds the words themselves, they are broken up.
constexpr std::string_view kShort = "that";
constexpr std::string_view kMedium = "international";
constexpr std::string_view kLong =
    "the quick brown fox jumps over the lazy dog and is never seen again";

std::uint64_t memmem_of(std::string_view text, std::string_view needle) {
    return memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr ? 1 : 0;
}

std::uint64_t kernel_of(std::string_view text, std::string_view needle) {
    return simd::find_substring(text, needle) != simd::kNotFound ? 1 : 0;
}

template <const std::string_view& kNeedle>
std::uint64_t find_by_memmem(std::string_view text) {
    return memmem_of(text, kNeedle);
}

template <const std::string_view& kNeedle>
std::uint64_t find_by_kernel(std::string_view text) {
    return kernel_of(text, kNeedle);
}

std::uint64_t utf8_by_simdjson(std::string_view text) {
    return simdjson::validate_utf8(text) ? 1 : 0;
}

std::uint64_t utf8_by_kernel(std::string_view text) {
    return simd::valid_utf8_prefix(text) == text.size() ? 1 : 0;
}

std::uint64_t hash_by_kernel(std::string_view text) {
    return simd::hash_bytes(text, 1);
}

#ifdef ABI_BARS_HAVE_XXHASH
std::uint64_t hash_by_xxh3(std::string_view text) {
    return XXH3_64bits_withSeed(text.data(), text.size(), 1);
}
#endif

// Seconds of one pass, from a round of as many as take some time together.
double seconds_of(Pass pass, std::string_view text, std::uint64_t& seen) {
    const int passes =
        static_cast<int>(std::max(1.0, kSecondsOfRound * 20e9 / static_cast<double>(text.size())));
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < passes; ++i) {
        seen += pass(text);
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    return elapsed.count() / passes;
}

bool compare(const char* what, const char* rival, std::string_view text, Pass ours, Pass theirs) {
    std::vector<double> our_times;
    std::vector<double> their_times;
    std::uint64_t seen = 0;
    for (int round = 0; round < kRounds; ++round) {
        our_times.push_back(seconds_of(ours, text, seen));
        their_times.push_back(seconds_of(theirs, text, seen));
    }
    const double our = median(our_times);
    const double their = median(their_times);
    const double gigabytes = static_cast<double>(text.size()) * 1e-9;
    std::printf(
        "simd_bytes %-24s %8zu bytes: %6.1f GB/s, %-9s %6.1f GB/s, ratio %5.2f (bar %.2f)%s%s\n",
        what, text.size(), gigabytes / our, rival, gigabytes / their, their / our, kBar,
        their / our >= kBar ? "" : " MISSED", seen == 0 ? " " : "");
    return their / our >= kBar;
}

// Characters drawn from a list, in proportion to how often they stand there.
std::string drawn(std::size_t size, const std::vector<std::string_view>& characters) {
    std::mt19937 random(7);
    std::string text;
    text.reserve(size);
    while (text.size() + 4 <= size) {
        text += characters[random() % characters.size()];
    }
    text.resize(size, ' ');
    return text;
}

// Letters by their frequency in English, in lines of some 80 bytes.
std::string english(std::size_t size) {
    constexpr std::string_view kLetters =
        "eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddlllluuucccmmmwwff"
        "ggyyppbbvkxjqz                    ..,TA";
    std::mt19937 random(7);
    std::string text(size, '\n');
    for (char& byte : text) {
        const auto draw = random();
        byte = draw % 80 == 0 ? '\n' : kLetters[draw / 80 % kLetters.size()];
    }
    return text;
}

void break_up(std::string& text, std::string_view word) {
    for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at)) {
        text[at] = ' ';
    }
}

bool measure(std::size_t size) {
    std::string ascii = english(size);
    for (const std::string_view word : {kShort, kMedium, kLong}) {
        break_up(ascii, word);
    }
    const std::string latin =
        drawn(size, {"e", "n", "i", "s", "r", "a", "t", "d", "h", "u",
                     " ", "l", "c", "g", "m", "o", "b", "w", "f", "\xC3\xBC"});
    const std::string cyrillic = drawn(size, {"\xD0\xBE", "\xD0\xB5", "\xD0\xB0", "\xD0\xB8",
                                              "\xD0\xBD", "\xD1\x82", "\xD1\x81", " "});
    const std::string chinese =
        drawn(size, {"\xE4\xB8\xAD", "\xE6\x96\x87", "\xE7\x9A\x84", "\xE3\x80\x82"});
    const std::string emoji =
        drawn(size, {"\xF0\x9F\x98\x80", "\xF0\x9F\x9A\x80", "e", "\xE4\xB8\xAD", "\xC3\xBC"});
    bool met = true;
    const auto check = [&](const char* what, const char* rival, const std::string& text, Pass ours,
                           Pass theirs) { met = compare(what, rival, text, ours, theirs) && met; };
    check("lines", "memchr", ascii, lines_by_kernel, lines_by_memchr);
    check("lines", "std::count", ascii, lines_by_kernel, lines_by_count);
    check("substring of 4", "memmem", ascii, find_by_kernel<kShort>, find_by_memmem<kShort>);
    check("substring of 13", "memmem", ascii, find_by_kernel<kMedium>, find_by_memmem<kMedium>);
    check("substring of 67", "memmem", ascii, find_by_kernel<kLong>, find_by_memmem<kLong>);
    check("utf8 ascii", "simdjson", ascii, utf8_by_kernel, utf8_by_simdjson);
    check("utf8 latin", "simdjson", latin, utf8_by_kernel, utf8_by_simdjson);
    check("utf8 cyrillic", "simdjson", cyrillic, utf8_by_kernel, utf8_by_simdjson);
    check("utf8 chinese", "simdjson", chinese, utf8_by_kernel, utf8_by_simdjson);
    check("utf8 emoji", "simdjson", emoji, utf8_by_kernel, utf8_by_simdjson);
#ifdef ABI_BARS_HAVE_XXHASH
    check("hash", "XXH3", ascii, hash_by_kernel, hash_by_xxh3);
#else
    std::uint64_t seen = 0;
    const double gigabytes = static_cast<double>(size) * 1e-9;
    std::printf("simd_bytes hash %zu bytes: %.1f GB/s; XXH3 (libxxhash) is not installed%s\n", size,
                gigabytes / seconds_of(hash_by_kernel, ascii, seen), seen == 0 ? " " : "");
#endif
    return met;
}

}  // namespace

// An argument forces a vector target: the bar holds for the best of the machine.
int main(int argc, char** argv) {
    if (argc > 1 && !simd::force_target(argv[1]).has_value()) {
        std::printf("simd_bytes: this machine has no vector target '%s'\n", argv[1]);
        return EXIT_FAILURE;
    }
    std::printf("simd_bytes: one thread, medians of %d alternating rounds, target %s\n", kRounds,
                simd::chosen_target().c_str());
    const bool cache = measure(std::size_t{64} << 10);
    const bool memory = measure(10'000'000);
    return cache && memory ? EXIT_SUCCESS : EXIT_FAILURE;
}

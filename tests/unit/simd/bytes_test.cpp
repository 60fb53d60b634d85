// Byte kernels beyond the comparison with their references: sets as values, the edges of the
// contracts, and the linear bound of the substring search.
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <abi/simd/bytes.hpp>
#include <abi/simd/reference_bytes.hpp>

#include "simd/two_way.hpp"
#include "support.hpp"

namespace abikit::simd::test {

TEST_SUITE("simd") {
    TEST_CASE("a byte set is a value that is built at compile time") {
        constexpr ByteSet kDigits = ByteSet::range('0', '9');
        static_assert(kDigits.contains('0') && kDigits.contains('9') && !kDigits.contains('a'));
        constexpr ByteSet kHex = kDigits | ByteSet("abcdefABCDEF");
        static_assert(kHex.contains('F') && !kHex.contains('G') && (~kHex).contains('G'));
        CHECK(~~kHex == kHex);
        CHECK((kHex | ~kHex) == ByteSet::range('\0', '\xFF'));
        for (int byte = 0; byte < 256; ++byte) {
            ByteSet one;
            one.insert(static_cast<char>(byte));
            for (int other = 0; other < 256; ++other) {
                CHECK(one.contains(static_cast<char>(other)) == (byte == other));
            }
        }
    }

    TEST_CASE("empty views need no memory") {
        on_every_target([] {
            const std::string_view none;
            CHECK(count_byte(none, 'a') == 0);
            CHECK(find_in(none, ~ByteSet()) == 0);
            CHECK(find_not_in(none, ByteSet()) == 0);
            CHECK(count_in(none, ~ByteSet()) == 0);
            mark_in(none, ~ByteSet(), nullptr);
            CHECK(offsets_in(none, ~ByteSet(), nullptr) == 0);
            CHECK(find_substring(none, none) == 0);
            CHECK(find_substring(none, "a") == kNotFound);
            CHECK(find_substring("a", none) == 0);
            CHECK(count_substring(none, none) == 1);
            CHECK(count_substring("abc", none) == 4);
            CHECK(count_substring("abc", "abcd") == 0);
            CHECK(find_substrings("abc", "a", 0, {}) == 0);
            CHECK(valid_utf8_prefix(none) == 0);
            CHECK(hash_bytes(none) == hash_bytes(""));
        });
    }

    TEST_CASE("a search that starts past the end finds nothing") {
        std::size_t places[4];
        CHECK(find_substrings("aaaa", "a", 4, places) == 0);
        CHECK(find_substrings("aaaa", "a", 400, places) == 0);
        CHECK(find_substrings("aaaa", "", 4, places) == 1);
        CHECK(places[0] == 4);
        CHECK(find_substrings("aaaa", "", 5, places) == 0);
    }

    TEST_CASE("the linear search alone finds what the obvious loop finds") {
        // All needles of up to seven letters of two in all texts of up to ten.
        const auto word = [](unsigned bits, std::size_t size) {
            std::string letters(size, 'a');
            for (std::size_t i = 0; i < size; ++i) {
                letters[i] = (bits >> i & 1U) != 0 ? 'b' : 'a';
            }
            return letters;
        };
        const auto bytes = [](const std::string& text) {
            return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
        };
        for (std::size_t size = 1; size <= 7; ++size) {
            for (unsigned bits = 0; bits < 1U << size; ++bits) {
                const std::string needle = word(bits, size);
                const TwoWay searcher(bytes(needle));
                for (unsigned text_bits = 0; text_bits < 1024; ++text_bits) {
                    const std::string text = word(text_bits, 10);
                    std::size_t found = 0;
                    bool right = true;
                    searcher.search(bytes(text), 0, [&](std::size_t at) {
                        right = right && text.compare(at, size, needle) == 0;
                        ++found;
                        return true;
                    });
                    REQUIRE(right);
                    REQUIRE(found == reference::count_substring(text, needle));
                }
            }
        }
    }

    TEST_CASE("hostile texts end in time") {
        // 4 MB and a needle of 64 KiB: comparing at every place would take some 10^11 steps.
        constexpr std::size_t kHalf = std::size_t{32} << 10;
        const std::string text(std::size_t{4} << 20, 'a');
        const std::string needle = std::string(kHalf, 'a') + 'b' + std::string(kHalf, 'a');
        on_every_target([&] {
            CHECK(find_substring(text, needle) == kNotFound);
            CHECK(count_substring(text, std::string(kHalf, 'a')) == text.size() - kHalf + 1);
        });
    }
}

}  // namespace abikit::simd::test

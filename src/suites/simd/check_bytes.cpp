// Checks of the byte kernels. Read check.hpp for how a check reports.
#include <random>
#include <string>
#include <vector>

#include <abi/simd/bytes.hpp>
#include <abi/simd/reference_bytes.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

namespace reference = simd::reference;

constexpr std::size_t kLongest = 3 * 64 + 1;  // three of the widest vectors, and one

using Random = std::mt19937_64;

std::string_view view_of(const ExactBuffer<char>& text) {
    return {text.data(), text.size()};
}

// Random bytes of an alphabet, misaligned, that end with their allocation.
ExactBuffer<char> random_text(std::size_t size, std::string_view alphabet, Random& random) {
    ExactBuffer<char> text(size, size % 5);
    for (char& byte : text) {
        byte =
            alphabet.empty() ? static_cast<char>(random()) : alphabet[random() % alphabet.size()];
    }
    return text;
}

// Every size up to three vectors, then some that go through several rounds of every loop.
std::vector<std::size_t> sizes() {
    std::vector<std::size_t> all;
    for (std::size_t size = 0; size <= kLongest; ++size) {
        all.push_back(size);
    }
    all.insert(all.end(), {255, 256, 257, 511, 1023, 1024, 1025, 2049, 5000, 17000});
    return all;
}

std::string at_size(std::size_t size) {
    return "size " + std::to_string(size);
}

void expect_equal(Checker& checker, std::uint64_t value, std::uint64_t expected, std::size_t size) {
    checker.expect(value == expected, [&] {
        return at_size(size) + ": " + std::to_string(value) + " instead of " +
               std::to_string(expected);
    });
}

void check_count_byte(Checker& checker) {
    Random random(1);
    for (const std::size_t size : sizes()) {
        for (const std::string_view alphabet : {"\n", "ab\n", "ab\xFF", ""}) {
            const ExactBuffer<char> text = random_text(size, alphabet, random);
            for (const char byte : {'\n', '\0', '\xFF'}) {
                expect_equal(checker, simd::count_byte(view_of(text), byte),
                             reference::count_byte(view_of(text), byte), size);
            }
        }
    }
}

// Sets that use each part of the table: none, all, one byte, ranges, halves, anything.
std::vector<simd::ByteSet> sets() {
    Random random(2);
    simd::ByteSet odd;
    for (int byte = 1; byte < 256; byte += 2) {
        odd.insert(static_cast<char>(byte));
    }
    simd::ByteSet any;
    for (int i = 0; i < 100; ++i) {
        any.insert(static_cast<char>(random()));
    }
    const std::string_view nul("\0", 1);
    return {simd::ByteSet(),
            ~simd::ByteSet(),
            simd::ByteSet(nul),
            simd::ByteSet(",\"\r\n"),
            simd::ByteSet::range('\x80', '\xFF'),
            ~simd::ByteSet(" "),
            odd,
            any};
}

template <class Compare>
void with_texts_and_sets(Compare compare) {
    Random random(3);
    for (const std::size_t size : sizes()) {
        const ExactBuffer<char> anything = random_text(size, "", random);
        const ExactBuffer<char> rare =
            random_text(size, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,", random);
        for (const simd::ByteSet& set : sets()) {
            compare(view_of(anything), set);
            compare(view_of(rare), set);
        }
    }
}

void check_find_in(Checker& checker) {
    with_texts_and_sets([&](std::string_view text, const simd::ByteSet& set) {
        expect_equal(checker, simd::find_in(text, set), reference::find_in(text, set), text.size());
    });
    // A lone member at each place, which the first of several loops must not pass over.
    const simd::ByteSet comma(",");
    for (std::size_t at = 0; at < 2 * kLongest; ++at) {
        ExactBuffer<char> text(2 * kLongest, at % 3);
        text[at] = ',';
        expect_equal(checker, simd::find_in(view_of(text), comma), at, text.size());
    }
}

void check_find_not_in(Checker& checker) {
    with_texts_and_sets([&](std::string_view text, const simd::ByteSet& set) {
        expect_equal(checker, simd::find_not_in(text, set), reference::find_not_in(text, set),
                     text.size());
    });
}

void check_count_in(Checker& checker) {
    with_texts_and_sets([&](std::string_view text, const simd::ByteSet& set) {
        expect_equal(checker, simd::count_in(text, set), reference::count_in(text, set),
                     text.size());
    });
    // Each byte value against each single-byte set.
    ExactBuffer<char> all(256);
    for (std::size_t byte = 0; byte < 256; ++byte) {
        all[byte] = static_cast<char>(byte);
    }
    for (std::size_t byte = 0; byte < 256; ++byte) {
        simd::ByteSet one;
        one.insert(static_cast<char>(byte));
        expect_equal(checker, simd::count_in(view_of(all), one), 1, 256);
        expect_equal(checker, simd::find_in(view_of(all), one), byte, 256);
    }
}

void check_mark_in(Checker& checker) {
    with_texts_and_sets([&](std::string_view text, const simd::ByteSet& set) {
        const std::size_t words = (text.size() + 63) / 64;
        ExactBuffer<std::uint64_t> masks(words);
        ExactBuffer<std::uint64_t> expected(words);
        simd::mark_in(text, set, masks.data());
        reference::mark_in(text, set, expected.data());
        for (std::size_t i = 0; i < words; ++i) {
            expect_equal(checker, masks[i], expected[i], text.size());
        }
        checker.expect(true, [] { return ""; });
    });
}

void check_offsets_in(Checker& checker) {
    with_texts_and_sets([&](std::string_view text, const simd::ByteSet& set) {
        ExactBuffer<std::uint32_t> offsets(text.size());
        ExactBuffer<std::uint32_t> expected(text.size());
        const std::size_t count = simd::offsets_in(text, set, offsets.data());
        expect_equal(checker, count, reference::offsets_in(text, set, expected.data()),
                     text.size());
        checker.expect(std::equal(offsets.data(), offsets.data() + count, expected.data()),
                       [&] { return at_size(text.size()) + ": wrong offsets"; });
    });
}

void compare_search(Checker& checker, std::string_view text, std::string_view needle) {
    const auto where = [&] {
        return at_size(text.size()) + ", needle of " + std::to_string(needle.size());
    };
    checker.expect(simd::find_substring(text, needle) == reference::find_substring(text, needle),
                   [&] { return where() + ": found elsewhere"; });
    const std::size_t expected = reference::count_substring(text, needle);
    checker.expect(simd::count_substring(text, needle) == expected,
                   [&] { return where() + ": wrong count"; });
    // Few at a time, so that the search starts anew within the text.
    std::size_t offsets[7];
    std::size_t from = 0;
    std::size_t found = 0;
    for (std::size_t got = std::size(offsets); got == std::size(offsets);) {
        got = simd::find_substrings(text, needle, from, offsets);
        for (std::size_t i = 0; i < got; ++i) {
            checker.expect(offsets[i] >= from && text.substr(offsets[i], needle.size()) == needle,
                           [&] { return where() + ": no match at " + std::to_string(offsets[i]); });
            from = offsets[i] + 1;
        }
        found += got;
    }
    checker.expect(found == expected, [&] { return where() + ": wrong number of places"; });
}

// Small alphabets, so that needles nearly match everywhere, and needles from the text itself.
void check_substring(Checker& checker) {
    Random random(4);
    for (const std::size_t size : sizes()) {
        if (size > 2100) {
            continue;
        }
        for (const std::string_view alphabet : {"a", "ab", "aaaaaaab", "etaoin \nq"}) {
            const ExactBuffer<char> text = random_text(size, alphabet, random);
            for (const std::size_t length : {0, 1, 2, 3, 5, 8, 17, 40, 130}) {
                const ExactBuffer<char> other = random_text(length, alphabet, random);
                compare_search(checker, view_of(text), view_of(other));
                if (length <= size) {
                    const std::size_t at = random() % (size - length + 1);
                    compare_search(checker, view_of(text), view_of(text).substr(at, length));
                }
            }
        }
    }
}

// What makes a plain filter quadratic: it must go over to the linear algorithm, and lose nothing.
void check_hard_needles(Checker& checker) {
    constexpr std::size_t kSize = 6000;
    for (const std::size_t period : {1, 2, 3, 7, 64, 65}) {
        std::string text(kSize, 'a');
        for (std::size_t i = period - 1; i < kSize; i += period) {
            text[i] = period == 1 ? 'a' : 'b';
        }
        for (const std::size_t length : {4, 64, 200, 1000}) {
            const std::string piece = text.substr(period / 2, length);
            std::string broken = piece;
            broken[length / 2] = 'c';
            std::string late = text;
            late.replace(kSize - length - 3, length, broken);
            compare_search(checker, text, piece);
            compare_search(checker, text, broken);
            compare_search(checker, late, broken);
        }
    }
}

// One character of each length and the edges of each range, then everything that is just outside.
const std::vector<std::string>& characters() {
    static const std::vector<std::string> kAll = {std::string(1, '\0'),
                                                  "a",
                                                  "\x7F",
                                                  "\xC2\x80",
                                                  "\xDF\xBF",
                                                  "\xE0\xA0\x80",
                                                  "\xE1\x80\x80",
                                                  "\xED\x9F\xBF",
                                                  "\xEE\x80\x80",
                                                  "\xEF\xBF\xBF",
                                                  "\xF0\x90\x80\x80",
                                                  "\xF3\xBF\xBF\xBF",
                                                  "\xF4\x8F\xBF\xBF"};
    return kAll;
}
const std::vector<std::string>& mistakes() {
    static const std::vector<std::string> kAll = {"\x80",
                                                  "\xBF",
                                                  "\xC0\x80",
                                                  "\xC1\xBF",
                                                  "\xC2",
                                                  "\xC2\x41",
                                                  "\xC2\xC2",
                                                  "\xE0\x9F\xBF",
                                                  "\xE0\xA0",
                                                  "\xE1\x80\x41",
                                                  "\xED\xA0\x80",
                                                  "\xED\xBF\xBF",
                                                  "\xF0\x8F\xBF\xBF",
                                                  "\xF0\x90",
                                                  "\xF1\x80\x80",
                                                  "\xF1\x80\x80\x41",
                                                  "\xF4\x90\x80\x80",
                                                  "\xF5\x80\x80\x80",
                                                  "\xF8\x88\x80\x80",
                                                  "\xFE",
                                                  "\xFF",
                                                  "\xC2\x80\x80",
                                                  "\xE1\x80\x80\x80",
                                                  "\xF1\x80\x80\x80\x80"};
    return kAll;
}

void compare_utf8(Checker& checker, std::string_view text) {
    ExactBuffer<char> exact(text.size(), text.size() % 3);
    std::copy(text.begin(), text.end(), exact.begin());
    expect_equal(checker, simd::valid_utf8_prefix(view_of(exact)),
                 reference::valid_utf8_prefix(text), text.size());
}

void check_utf8(Checker& checker) {
    Random random(5);
    for (const std::size_t size : sizes()) {
        std::string ascii(size, 'x');
        compare_utf8(checker, ascii);
        std::string mixed;
        while (mixed.size() < size) {
            mixed += random() % 4 == 0 ? "abc" : characters()[random() % characters().size()];
        }
        compare_utf8(checker, mixed);
        compare_utf8(checker, std::string_view(mixed).substr(0, size));  // cut anywhere
        for (int i = 0; i < 4 && size != 0; ++i) {
            std::string broken = mixed;
            broken[random() % broken.size()] = static_cast<char>(random());
            compare_utf8(checker, broken);
        }
    }
    // Each character and each mistake at each place of a vector, in ASCII and in longer characters.
    for (std::size_t at = 0; at <= 140; ++at) {
        for (const auto* list : {&characters(), &mistakes()}) {
            for (const std::string& bytes : *list) {
                const std::string ascii(at, 'x');
                compare_utf8(checker, ascii + bytes);
                compare_utf8(checker, ascii + bytes + std::string(300, 'y'));
                std::string others;
                while (others.size() < at) {
                    others += "\xD0\x96";
                }
                compare_utf8(checker, others + bytes + others);
            }
        }
    }
}

// All sequences of two bytes, and of three and four where those around the edges are taken.
void check_utf8_pairs(Checker& checker) {
    const std::string_view edges =
        "\x00\x41\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC"
        "\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xF7\xF8\xFF";
    std::string text;
    for (unsigned pair = 0; pair < 0x10000; ++pair) {
        text.assign({static_cast<char>(pair >> 8U), static_cast<char>(pair)});
        compare_utf8(checker, text);
    }
    for (const char a : edges) {
        for (const char b : edges) {
            for (const char c : edges) {
                for (const char d : edges) {
                    if (static_cast<unsigned char>(a) >= 0xE0) {
                        text.assign({a, b, c, d});
                        compare_utf8(checker, text);
                    }
                }
            }
        }
    }
}

void check_hash(Checker& checker) {
    Random random(6);
    for (const std::size_t size : sizes()) {
        const ExactBuffer<char> bytes = random_text(size, "", random);
        for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, random()}) {
            expect_equal(checker, simd::hash_bytes(view_of(bytes), seed),
                         reference::hash_bytes(view_of(bytes), seed), size);
        }
    }
    // Words for which a factor or a sum could vanish.
    for (const std::size_t size : {8, 16, 64, 256, 300, 2048, 4000}) {
        for (const char fill : {'\0', '\xFF'}) {
            const std::string bytes(size, fill);
            expect_equal(checker, simd::hash_bytes(bytes), reference::hash_bytes(bytes), size);
        }
    }
}

}  // namespace

std::span<const KernelCheck> bytes_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"count_byte", "bytes", check_count_byte},
        {"find_in", "bytes", check_find_in},
        {"find_not_in", "bytes", check_find_not_in},
        {"count_in", "bytes", check_count_in},
        {"mark_in", "bytes", check_mark_in},
        {"offsets_in", "bytes", check_offsets_in},
        {"find_substring", "bytes", check_substring},
        {"find_substring/hard", "bytes", check_hard_needles},
        {"valid_utf8_prefix", "bytes", check_utf8},
        {"valid_utf8_prefix/pairs", "bytes", check_utf8_pairs},
        {"hash_bytes", "bytes", check_hash},
    };
    return kChecks;
}

}  // namespace abikit::suites

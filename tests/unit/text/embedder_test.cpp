// The embedder: properties of its vectors, its features, and its integer arithmetic.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <abi/text/hash_embedder.hpp>

#include "text/features.hpp"
#include "text/fixed_point.hpp"

using namespace abikit;
using namespace abikit::text;

namespace {

std::vector<float> embedded(const HashEmbedder& embedder, std::string_view text) {
    // Poisoned, so that an element which is not written shows.
    std::vector<float> out(embedder.dimension(), std::numeric_limits<float>::quiet_NaN());
    embedder.embed(text, out);
    return out;
}

double dot(const std::vector<float>& left, const std::vector<float>& right) {
    double sum = 0;
    for (std::size_t index = 0; index < left.size(); ++index) {
        sum += double{left[index]} * double{right[index]};
    }
    return sum;
}

double cosine(const HashEmbedder& embedder, std::string_view left, std::string_view right) {
    return dot(embedded(embedder, left), embedded(embedder, right));
}

std::vector<std::string> tokens(std::string_view folded) {
    std::vector<std::string> result;
    for_each_word(folded, [&](const Word& word) {
        CHECK(word.hash == hash_bytes(word.bytes, kWordSeed));
        result.push_back(std::string(word.bytes) + (word.has_ngrams ? "" : "*"));
    });
    return result;
}

std::vector<std::uint64_t> ngram_hashes(std::string_view word) {
    std::vector<std::uint64_t> result;
    for_each_ngram(word, [&](std::uint64_t hash) { result.push_back(hash); });
    return result;
}

std::vector<std::uint64_t> hashes(std::initializer_list<std::string_view> ngrams) {
    std::vector<std::uint64_t> result;
    for (const std::string_view ngram : ngrams) {
        result.push_back(hash_bytes(ngram, kNgramSeed));
    }
    return result;
}

}  // namespace

TEST_SUITE("text") {
    TEST_CASE("vectors have unit length in every dimension") {
        for (const std::uint32_t dimension : {64U, 65U, 100U, 384U, 1000U, 1536U, 16384U}) {
            const HashEmbedder embedder(dimension, {});
            CHECK(embedder.dimension() == dimension);
            const auto vector = embedded(embedder, "The quick brown fox");
            CHECK(std::abs(dot(vector, vector) - 1) < 1e-6);
        }
    }

    TEST_CASE("text without any feature gives zeros") {
        const HashEmbedder embedder(64, {});
        for (const std::string_view text : {"", " \n\t", "... --- !!!", "\xF0\x9F\x98\x80"}) {
            const auto vector = embedded(embedder, text);
            CHECK(std::all_of(vector.begin(), vector.end(), [](float x) { return x == 0; }));
        }
    }

    TEST_CASE("invalid UTF-8 is embedded by its valid words") {
        const HashEmbedder embedder(256, {});
        CHECK(embedded(embedder,
                       "alpha\xFF"
                       "beta\xC3") == embedded(embedder, "alpha beta"));
    }

    TEST_CASE("case, spelling of accents and order do not matter") {
        const HashEmbedder embedder(256, {});
        CHECK(embedded(embedder, "Caf\xC3\xA9 STRASSE") == embedded(embedder,
                                                                    "stra\xC3\x9F"
                                                                    "e, cafe\xCC\x81!"));
    }

    TEST_CASE("related words are near, unrelated ones are not") {
        const HashEmbedder embedder(1536, {});
        CHECK(cosine(embedder, "installation", "installations") > 0.3);
        CHECK(cosine(embedder, "recieve", "receive") > 0.05);
        CHECK(std::abs(cosine(embedder, "installation", "purple")) < 0.1);
        CHECK(cosine(embedder, "a text of words", "words of a text") > 0.999);
        CHECK(cosine(embedder, "alpha beta", "alpha gamma") > 0.3);
    }

    TEST_CASE("repetition counts, but less and less") {
        const HashEmbedder embedder(1536, {});
        const double once = cosine(embedder, "alpha", "alpha omega");
        const double twice = cosine(embedder, "alpha", "alpha alpha omega");
        const double often = cosine(embedder, "alpha", "alpha alpha alpha alpha omega");
        CHECK(once < twice);
        CHECK(twice < often);
        CHECK(often - twice < 2 * (twice - once));
    }

    TEST_CASE("rare words outweigh common ones once frequencies are learned") {
        DocumentFrequencies frequencies;
        for (int document = 0; document < 100; ++document) {
            frequencies.learn(document == 7 ? "common zebra" : "common");
        }
        const HashEmbedder learned(1536, std::move(frequencies));
        const HashEmbedder blank(1536, {});
        CHECK(cosine(learned, "common zebra", "zebra") > 0.99);
        CHECK(cosine(learned, "common zebra", "common") < 0.1);
        CHECK(cosine(blank, "common zebra", "common") > 0.5);
        CHECK(learned.frequencies().documents() == 100);
    }

    TEST_CASE("one document weighs its words alike") {
        DocumentFrequencies frequencies;
        frequencies.learn("alpha beta");
        const HashEmbedder one(256, std::move(frequencies));
        const HashEmbedder none(256, {});
        CHECK(embedded(one, "alpha beta gamma") == embedded(none, "alpha beta gamma"));
    }

    TEST_CASE("an embedder gives the same from every thread and after other texts") {
        const HashEmbedder embedder(512, {});
        const auto expected = embedded(embedder, "some text to embed");
        std::string large;
        for (int word = 0; word < 20000; ++word) {
            large += "w" + std::to_string(word) + " ";
        }
        std::vector<std::vector<float>> found(4);
        {
            std::vector<std::jthread> threads;
            for (auto& out : found) {
                threads.emplace_back([&] {
                    embedded(embedder, large);
                    out = embedded(embedder, "some text to embed");
                });
            }
        }
        for (const auto& out : found) {
            CHECK(out == expected);
        }
    }

    TEST_CASE("moving an embedder keeps it") {
        HashEmbedder first(64, {});
        const auto expected = embedded(first, "text");
        HashEmbedder second(std::move(first));
        CHECK(embedded(second, "text") == expected);
        first = std::move(second);
        CHECK(embedded(first, "text") == expected);
    }

    TEST_CASE("a large text keeps all of its words") {
        const HashEmbedder embedder(1536, {});
        std::string large;
        for (int word = 0; word < 3000; ++word) {
            large += "w" + std::to_string(word) + " ";
        }
        const auto vector = embedded(embedder, large + large);
        CHECK(std::abs(dot(vector, vector) - 1) < 1e-6);
        // Each word occurs twice; the direction is that of each occurring once.
        CHECK(dot(vector, embedded(embedder, large)) > 0.9999);
    }

    TEST_CASE("words are runs of letters, marks and digits") {
        CHECK(tokens("foo bar_baz qux-2") ==
              std::vector<std::string>{"foo", "bar", "baz", "qux", "2"});
        CHECK(tokens("don't utf8") == std::vector<std::string>{"don", "t", "utf8"});
        CHECK(tokens("na\xC3\xAFve,\xD0\xB6\xD0\xB6!") ==
              std::vector<std::string>{"na\xC3\xAFve", "\xD0\xB6\xD0\xB6"});
        CHECK(tokens(" .,; ").empty());
    }

    TEST_CASE("scripts without spaces give characters and pairs") {
        CHECK(tokens("\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD") ==
              std::vector<std::string>{"\xE6\x9D\xB1*", "\xE4\xBA\xAC*",
                                       "\xE6\x9D\xB1\xE4\xBA\xAC*", "\xE9\x83\xBD*",
                                       "\xE4\xBA\xAC\xE9\x83\xBD*"});
        CHECK(tokens("a\xE6\x9D\xB1"
                     "b") == std::vector<std::string>{"a", "\xE6\x9D\xB1*", "b"});
        CHECK(tokens("\xE0\xB9\x84\xE0\xB8\x97").size() == 3);
        CHECK(tokens("\xEA\xB0\x80\xEB\x82\x98").size() == 3);
    }

    TEST_CASE("long runs are cut at 64 bytes, never inside a character") {
        const std::string run(150, 'x');
        CHECK(tokens(run) == std::vector<std::string>{std::string(64, 'x'), std::string(64, 'x'),
                                                      std::string(22, 'x')});
        std::string accents = "x";
        for (int count = 0; count < 40; ++count) {
            accents += "\xC3\xA9";
        }
        const auto pieces = tokens(accents);
        REQUIRE(pieces.size() == 2);
        CHECK(pieces[0].size() == 63);
        CHECK(pieces[0] + pieces[1] == accents);
    }

    TEST_CASE("trigrams know the borders of the word") {
        CHECK(ngram_hashes("a").empty());
        CHECK(ngram_hashes("\xC3\xA9").empty());
        CHECK(ngram_hashes("ab") == hashes({"<ab", "ab>"}));
        CHECK(ngram_hashes("word") == hashes({"<wo", "wor", "ord", "rd>"}));
        CHECK(ngram_hashes("\xC3\xA9t\xC3\xA9") ==
              hashes({"<\xC3\xA9t", "\xC3\xA9t\xC3\xA9", "t\xC3\xA9>"}));
        CHECK(ngram_hashes(std::string(64, 'x')).size() == 64);
        CHECK(ngram_hashes("\xF0\x90\x90\xA8\xF0\x90\x90\xA9\xF0\x90\x90\xAA").size() == 3);
    }

    TEST_CASE("the hash depends on length, order, kind and every byte") {
        CHECK(hash_bytes("a", kWordSeed) != hash_bytes("a", kNgramSeed));
        CHECK(hash_bytes("a", kWordSeed) != hash_bytes(std::string_view("a\0", 2), kWordSeed));
        std::string bytes = "0123456789abcdefghi";
        const std::uint64_t hash = hash_bytes(bytes, kWordSeed);
        for (char& byte : bytes) {
            ++byte;
            CHECK(hash_bytes(bytes, kWordSeed) != hash);
            --byte;
        }
        CHECK(hash_bytes("abcdefgh12345678", kWordSeed) !=
              hash_bytes("12345678abcdefgh", kWordSeed));
    }

    TEST_CASE("the logarithm is exact at powers of two and close elsewhere") {
        for (unsigned bit = 0; bit < 64; ++bit) {
            CHECK(log2_q16(std::uint64_t{1} << bit) == bit * kOne);
        }
        std::uint64_t previous = 0;
        for (std::uint64_t value = 1; value < 100000; ++value) {
            const std::uint64_t log = log2_q16(value);
            REQUIRE(log >= previous);
            REQUIRE(std::abs(static_cast<double>(log) - std::log2(double(value)) * 65536) < 2);
            previous = log;
        }
        CHECK(log2_q16(std::numeric_limits<std::uint64_t>::max()) == 64 * kOne - 1);
    }

    TEST_CASE("the square root is the floor") {
        for (std::uint64_t root = 0; root < 70000; ++root) {
            REQUIRE(floor_sqrt(root * root) == root);
            REQUIRE(floor_sqrt(root * root + 2 * root) == root);
        }
        CHECK(floor_sqrt(std::numeric_limits<std::uint64_t>::max()) == 0xFFFFFFFFU);
    }
}

// TopK against a full sort: any split, any order, any merge, with ties and dead rows.
#include <abi/simd/topk.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "support.hpp"

namespace abikit::simd {
namespace {

using test::on_every_target;
using test::Sizes;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

using Pairs = std::vector<std::pair<float, std::uint64_t>>;

Pairs pairs_of(const std::vector<Neighbour>& neighbours) {
    Pairs pairs;
    for (const Neighbour& neighbour : neighbours) {
        pairs.emplace_back(neighbour.distance, neighbour.row);
    }
    return pairs;
}

Pairs sorted_prefix(const std::vector<float>& distances, std::size_t k,
                    const std::vector<bool>& dead = {}) {
    Pairs pairs;
    for (std::size_t i = 0; i < distances.size(); ++i) {
        if (!std::isnan(distances[i]) && (dead.empty() || !dead[i])) {
            pairs.emplace_back(distances[i], i);
        }
    }
    std::sort(pairs.begin(), pairs.end());
    pairs.resize(std::min(k, pairs.size()));
    return pairs;
}

// Few distinct values make ties; some NaN and infinities are mixed in.
std::vector<float> random_distances(std::size_t count, std::mt19937& random) {
    const bool many_ties = random() % 2 == 0;
    std::vector<float> distances(count);
    for (float& distance : distances) {
        const auto draw = random();
        distance = many_ties ? static_cast<float>(draw % 7) : static_cast<float>(draw) * 1e-6F;
        if (random() % 50 == 0) {
            distance = random() % 2 == 0 ? kNan : kInfinity;
        }
    }
    return distances;
}

// The blocks of a random split, in random order.
std::vector<std::pair<std::size_t, std::size_t>> random_blocks(std::size_t count,
                                                               std::mt19937& random) {
    std::vector<std::pair<std::size_t, std::size_t>> blocks;
    for (std::size_t first = 0; first < count;) {
        const std::size_t size = std::min<std::size_t>(count - first, 1 + random() % 3000);
        blocks.emplace_back(first, size);
        first += size;
    }
    std::shuffle(blocks.begin(), blocks.end(), random);
    return blocks;
}

std::uint32_t property_seed() {
    const char* text = std::getenv("ABI_TEST_SEED");
    return text == nullptr ? 20240607U
                           : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

std::vector<std::uint64_t> bitmap_of(const std::vector<bool>& dead, std::size_t first_bit) {
    std::vector<std::uint64_t> words((dead.size() + first_bit + 63) / 64, 0);
    for (std::size_t i = 0; i < dead.size(); ++i) {
        if (dead[i]) {
            words[(i + first_bit) / 64] |= std::uint64_t{1} << ((i + first_bit) % 64);
        }
    }
    return words;
}

}  // namespace

TEST_SUITE("simd") {
    TEST_CASE("topk equals a full sort for any split, order and merge") {
        const std::uint32_t seed = property_seed();
        CAPTURE(seed);
        on_every_target([seed] {
            std::mt19937 random(seed);
            const std::size_t ks[] = {1, 2, 10, 100, 1000, 5000, 20000};
            for (std::size_t round = 0; round < 28; ++round) {
                const std::size_t k = ks[round % 7];
                const std::size_t count = random() % 12000;
                const auto distances = random_distances(count, random);
                std::vector<TopK> parts(1 + random() % 4, TopK(k));
                for (const auto& [first, size] : random_blocks(count, random)) {
                    TopK& part = parts[random() % parts.size()];
                    part.offer(distances.data() + first, size, first);
                }
                std::shuffle(parts.begin(), parts.end(), random);
                for (std::size_t i = 1; i < parts.size(); ++i) {
                    parts[0].merge(std::move(parts[i]));
                }
                CAPTURE(k);
                CAPTURE(count);
                CHECK(pairs_of(parts[0].take_sorted()) == sorted_prefix(distances, k));
            }
        });
    }

    TEST_CASE("topk leaves out dead rows and fills up with live ones") {
        const std::uint32_t seed = property_seed();
        CAPTURE(seed);
        on_every_target([seed] {
            std::mt19937 random(seed);
            for (const std::size_t first_bit : Sizes{0, 1, 63, 64, 777}) {
                const std::size_t count = 3000 + random() % 3000;
                const auto distances = random_distances(count, random);
                std::vector<bool> dead(count);
                for (std::size_t i = 0; i < count; ++i) {
                    dead[i] = random() % 4 != 0;
                }
                const auto words = bitmap_of(dead, first_bit);
                TopK topk(50);
                for (const auto& [first, size] : random_blocks(count, random)) {
                    topk.offer_masked(distances.data() + first, size, first,
                                      {words.data(), first_bit + first});
                }
                CAPTURE(first_bit);
                CHECK(pairs_of(topk.take_sorted()) == sorted_prefix(distances, 50, dead));
            }
        });
    }

    TEST_CASE("topk of nothing, of k = 0, and of k above the count") {
        const std::vector<float> distances = {3.0F, 1.0F, 2.0F};
        TopK none(0);
        none.offer(distances.data(), 3, 0);
        none.offer_one(-kInfinity, 9);
        CHECK(none.threshold() == -kInfinity);
        CHECK(none.take_sorted().empty());

        TopK all(std::numeric_limits<std::size_t>::max());
        CHECK(all.take_sorted().empty());
        all.offer(distances.data(), 0, 0);
        all.offer(distances.data(), 3, 7);
        CHECK(all.threshold() == kInfinity);
        CHECK(pairs_of(all.take_sorted()) == Pairs{{1.0F, 8}, {2.0F, 9}, {3.0F, 7}});
        CHECK(all.take_sorted().empty());
    }

    TEST_CASE("topk prefers the lower row of equal distances, whichever comes first") {
        const std::vector<float> equal(4000, 1.5F);
        TopK topk(3);
        topk.offer(equal.data(), 1000, 3000);
        topk.offer(equal.data(), 1000, 0);
        topk.offer(equal.data(), 2000, 1000);
        CHECK(pairs_of(topk.take_sorted()) == Pairs{{1.5F, 0}, {1.5F, 1}, {1.5F, 2}});
    }

    TEST_CASE("the threshold of topk never rises and never cuts off a nearest row") {
        std::mt19937 random(5);
        std::vector<float> distances(20000);
        for (float& distance : distances) {
            distance = static_cast<float>(random() % 100000);
        }
        TopK topk(10);
        float previous = kInfinity;
        for (std::size_t first = 0; first < distances.size(); first += 100) {
            topk.offer(distances.data() + first, 100, first);
            CHECK(topk.threshold() <= previous);
            previous = topk.threshold();
            std::vector<float> seen(distances.begin(),
                                    distances.begin() + static_cast<std::ptrdiff_t>(first + 100));
            std::nth_element(seen.begin(), seen.begin() + 9, seen.end());
            CHECK(topk.threshold() >= seen[9]);
        }
        CHECK(previous < 100000.0F);
    }

    TEST_CASE("topk takes single rows, refuses NaN, keeps infinities and can be used again") {
        TopK topk(4);
        topk.offer_one(kNan, 1);
        topk.offer_one(kInfinity, 2);
        topk.offer_one(-kInfinity, 3);
        topk.offer_one(0.0F, 5);
        topk.offer_one(-0.0F, 4);
        const Pairs expected = {{-kInfinity, 3}, {0.0F, 4}, {0.0F, 5}, {kInfinity, 2}};
        CHECK(pairs_of(topk.take_sorted()) == expected);
        CHECK(topk.threshold() == kInfinity);
        topk.offer_one(1.0F, 6);
        CHECK(pairs_of(topk.take_sorted()) == Pairs{{1.0F, 6}});
    }

    TEST_CASE("topk of a million of four million") {
        constexpr std::size_t kCount = 4'000'000;
        constexpr std::size_t kNearest = 1'000'000;
        std::vector<float> distances(kCount);
        // A permutation, largest values first, so that nearly every block has rows that enter.
        for (std::size_t i = 0; i < kCount; ++i) {
            distances[i] = static_cast<float>(kCount - 1 - i);
        }
        TopK topk(kNearest);
        topk.offer(distances.data(), kCount, 0);
        const std::vector<Neighbour> nearest = topk.take_sorted();
        REQUIRE(nearest.size() == kNearest);
        bool right = true;
        for (std::size_t i = 0; i < kNearest; ++i) {
            right = right && nearest[i].row == kCount - 1 - i;
        }
        CHECK(right);
    }
}

}  // namespace abikit::simd

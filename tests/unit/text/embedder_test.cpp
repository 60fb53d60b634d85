#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <abi/text/hash_embedder.hpp>

using namespace abikit;
using namespace abikit::text;

TEST_SUITE("text") {
    TEST_CASE("an embedding has unit length") {
        HashEmbedder embedder(256, {});
        std::vector<float> out(256);
        embedder.embed("The quick brown fox", out);
        double sum = 0;
        for (const float value : out) {
            sum += double{value} * value;
        }
        CHECK(std::abs(sum - 1) < 1e-6);
    }
}

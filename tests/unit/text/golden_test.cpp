// Golden vectors: the bytes that every machine, compiler and optimisation level must give. They
// were computed by an independent program that follows docs/formats/hash-embedder.md, not by the
// code under test. A change here is a new feature scheme.
#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <abi/text/hash_embedder.hpp>

using namespace abikit::text;

namespace {

struct Golden {
    std::string_view text;
    std::string_view unlearned;          // 64 dimensions, no frequencies: little-endian float32
    std::string_view learned;            // 64 dimensions, frequencies of kDocuments
    std::uint64_t learned_checksum = 0;  // FNV-1a of the bytes of 1536 dimensions
};

constexpr std::array<std::string_view, 6> kDocuments{
    "how to install the package",
    "the package is installed with a package manager",
    "the lazy dog sleeps",
    "a quick start",
    "\xE6\x9D\xB1\xE4\xBA\xAC and the \xE6\x9D\xB1 of \xE4\xBA\xAC",
    ""};

constexpr std::array<Golden, 3> kGolden{{
    {.text = "The quick brown fox jumps over the lazy dog.",
     .unlearned = "58063d3d7dc74cbe7dc74cbe397860bee7859d3ce7859d3d1309fc3da188dcbde7851d3eaad6483e"
                  "41a495bd2ec74cbeeb0afc3c1309fcbd00000000c986dc3c7abd8f3e4d127cbc0000000000000000"
                  "e7859dbd73c40d3e1309fc3de7859d3d969d973e5806bdbdeb0afc3c00000000a6e485be9f476c3d"
                  "60e7c43d1d053dbceb0afc3c0000000021f4013eeb0a7c3d58063d3d2c1978be9f476c3d60e7c4bd"
                  "60e7c43d89037c3ce7859dbdce06bdbe6f68e43de7859d3de7859d3d69c84c3d7508fc3d89037c3c"
                  "1309fcbd58063dbd58063dbdf8d648be1309fc3d0000000058063dbdeb0afc3c60e7c43dfba6d43d"
                  "11c50dbd60e7c43d5806bdbde7859dbd",
     .learned = "447d563dfa5d68befa5d68be2e3920be984990bda9beb23da5fe0e3eb03efabda9be323e32342b3e"
                "61ace1bc3160a2bd0e000f3da5fe0ebe000000003a88fb3d35b9673eb2058fbc0000000000000000"
                "a9beb2bd11011b3ca5fe0e3ea9beb23d8298793e447dd6bd0e000f3d000000004cee97beee63253c"
                "44d4893c48242d3d0e000f3d000000008ce4533d0e008f3d447d563debd460beee63253c44d489bc"
                "44d4893c6afa8e3ca9beb2bdf87dd6beb7473a3ea9beb23da9beb23d229311bdc3f302bc6afa8e3c"
                "a5fe0ebe447d56bd447d56bd0a31a1bea5fe0e3e00000000447d56bd0e000f3d44d4893c3fd67f3d"
                "c6d0c1bd44d4893c447dd6bda9beb2bd",
     .learned_checksum = 0xD2262D4C64EB0F9CU},
    {.text =
         "Stra\xC3\x9F"
         "e, CAF\xC3\x89 e\xCC\x81t\xC3\xA9 and \xD0\x96\xD1\x83\xD1\x80\xD0\xBD\xD0\xB0\xD0\xBB: "
         "\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD \xE0\xB9\x84\xE0\xB8\x97\xE0\xB8\xA2 "
         "\xE3\x82\xAB\xE3\x82\xBF\xE3\x82\xAB\xE3\x83\x8A 2024",
     .unlearned = "b3adfa3dd22621bece0e33bc0000000039b9933d8d1a2a3ee23f8f3cce0e333dd63e8f3dbaddd63c"
                  "ce0e333eb72750bec7ded63d51f7c4bd6364d23dce0e333d39ae7abea6ac7abcbaddd6bcf8c48abe"
                  "d63e0f3e1b4b06bef8b971bdbfae7abd98b942be3dc668bebfae7a3dd63e0fbe44f6c43d1b4b063d"
                  "131b2a3e1b4b06be15440f3cbaddd6bcd63e8fbd6f036b3ebaddd63c3dc6e8bd3dc6e83da870c9bd"
                  "c7ded6bdce0eb3bdafa0a53d1733183e4c26a13d15440f3cc7de563eb7d081bd1b4b063e3289b73d"
                  "00000000e23f0f3dce0e333dbb3f3ebe3dc6e8bdce0e33bdb727503e131b2abebaddd63cbfae7abd"
                  "1b4b063e44f6c4bd6f036bbe40de563e",
     .learned = "82adfa3dcd2621be610e33bc0000000042b9933d761a2a3e31408f3cd40e333dc73e8f3d76ddd63c"
                "d40e333ec02750bee0ded63d8ff7c4bd6564d23dd40e333d37ae7abe8bac7abc76ddd6bcf3c48abe"
                "c73e0f3e1f4b06bef6b971bdecae7abd9cb942be31c668beecae7a3dc73e0fbe25f6c43d3b4b063d"
                "2b1b2a3e1f4b06bed8450f3c76ddd6bcc73e8fbd6f036b3e76ddd63c31c6e8bd31c6e83da070c9bd"
                "e0ded6bdd40eb3bd94a0a53d2533183e1926a13dd8450f3ce0de563e87d081bd1f4b063e4e89b73d"
                "0000000031400f3dd40e333dba3f3ebe31c6e8bdd40e33bdc027503e2b1b2abe76ddd63cecae7abd"
                "1f4b063e25f6c4bd6f036bbe2bde563e",
     .learned_checksum = 0x3A39A1282D6821D6U},
    {.text = "install installed Installing install install, and a b c",
     .unlearned = "33d1303e05c1eb3d3ddf763d60bbcdbdc51113bedb5893bd8a83973ebfc2eb3c05c1eb3d56d030bd"
                  "0fc3ffbc0f5442bedb5893bdbfc2ebbcabec313dfa1f163edb5813bea64a10bebfc2eb3cdb5893bd"
                  "bb2a8eb919e7983d3ddf763d9814223e28093d3d56d030bd6abc943e05c16bbef08c3f3e56d030bd"
                  "60bbcd3d000000001d9d043e148ae93c19e7983de2493f3c05d43f3edb5893bd00000000db58933d"
                  "ddfd003d6fddf1bd05c1ebbd19e798bd148ae93c05c1ebbddb58933d05c1ebbd60bbcdbdbfc2eb3c"
                  "56d0b03d981422be3ddf763d8a49cebd2d2d70bc31f6babedb58933ddb5813be000000001d8a303e"
                  "48055d3e05c1ebbd00000000446245be",
     .learned = "64e85d3ec6ef133eb9e99a3da6cba8bdc89238be15ecb8bd876b7f3d4eddf6bbc6ef133eeee65dbd"
                "b96dc83b28cc18be15ecb8bd3cf113bdf6fc313cd8a4c23d15ec38be381688be4eddf6bb15ecb8bd"
                "b167313d338c9b3bb9e99a3d82694b3e0235febceee65dbd488b6d3ec6ef93be97b2433eeee65dbd"
                "5a492c3e00000000de76f33d078c123d338c9b3be312703c1ebf703e15ecb8bd00000000450b3f3d"
                "4f9bbbbda9bd72bd1a79cebd338c9bbb76aca23dc6ef13be15ecb83dc6ef13be0c1901be3cf1133d"
                "eee6dd3dc24087bdb2105abc597201befce3ce3c718d8fbe450b3f3d15ec38be00000000178f5d3e"
                "e6ae683ec6ef13be00000000f2dbb2bc",
     .learned_checksum = 0x59A258464D3B39FBU},
}};

std::string bytes_of(const std::vector<float>& vector) {
    std::string bytes;
    for (const float value : vector) {
        const auto bits = std::bit_cast<std::uint32_t>(value);
        for (unsigned shift = 0; shift < 32; shift += 8) {
            bytes.push_back(static_cast<char>(bits >> shift));
        }
    }
    return bytes;
}

std::string hex_of(const std::string& bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    for (const char byte : bytes) {
        const auto value = static_cast<std::uint8_t>(byte);
        hex += kDigits[value >> 4];
        hex += kDigits[value & 15];
    }
    return hex;
}

std::uint64_t fnv1a(const std::string& bytes) {
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const char byte : bytes) {
        hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001B3U;
    }
    return hash;
}

std::string embedded(const HashEmbedder& embedder, std::string_view text) {
    std::vector<float> out(embedder.dimension());
    embedder.embed(text, out);
    return bytes_of(out);
}

DocumentFrequencies learned() {
    DocumentFrequencies frequencies;
    for (const std::string_view document : kDocuments) {
        frequencies.learn(document);
    }
    return frequencies;
}

}  // namespace

TEST_SUITE("text") {
    TEST_CASE("vectors without frequencies are golden") {
        const HashEmbedder embedder(64, {});
        for (const Golden& golden : kGolden) {
            CAPTURE(golden.text);
            CHECK(hex_of(embedded(embedder, golden.text)) == golden.unlearned);
        }
    }

    TEST_CASE("vectors with learned frequencies are golden") {
        const HashEmbedder embedder(64, learned());
        for (const Golden& golden : kGolden) {
            CAPTURE(golden.text);
            CHECK(hex_of(embedded(embedder, golden.text)) == golden.learned);
        }
    }

    TEST_CASE("vectors of the default dimension are golden") {
        static_assert(HashEmbedder::kDefaultDimension == 1536);
        const HashEmbedder embedder(HashEmbedder::kDefaultDimension, learned());
        for (const Golden& golden : kGolden) {
            CAPTURE(golden.text);
            CHECK(fnv1a(embedded(embedder, golden.text)) == golden.learned_checksum);
        }
    }

    TEST_CASE("sums that need more than 24 bits are golden") {
        std::string text;
        for (int word = 0; word < 40000; ++word) {
            text += "w" + std::to_string(word) + " ";
        }
        CHECK(fnv1a(embedded(HashEmbedder(64, learned()), text)) == 0xDF0DA72A1CE4AF37U);
    }

    TEST_CASE("a state that was stored gives the same golden vectors") {
        auto stored = DocumentFrequencies::deserialize(learned().serialize());
        REQUIRE(stored.has_value());
        const HashEmbedder embedder(64, std::move(*stored));
        for (const Golden& golden : kGolden) {
            CHECK(hex_of(embedded(embedder, golden.text)) == golden.learned);
        }
    }
}

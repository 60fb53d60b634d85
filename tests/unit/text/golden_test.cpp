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
     .unlearned = "0180dc3ceb5153beeb5153be284a6abeebc1b73cebc1b73debe1ee3deb311cbeebc1373e0148ea3d"
                  "413d133b33dd30beeba1803debe1eebd0000000059f8923b0976b53ed523cabd0000000000000000"
                  "ebc1b7bd22ed403debe1ee3debc1b73d8f15a33e01805cbdeba1803d00000000f6204abe01d0093d"
                  "66b2e53d0180dcbbeba1803d00000000225d253deba1003e0180dc3c70438dbe01d0093d66b2e5bd"
                  "66b2e53dd50313bdebc1b7bd7029b3beeb19e13debc1b73debc1b73d6592ae3d7bf8a93dd50313bd"
                  "ebe1eebd0180dcbc0180dcbcb89817beebe1ee3d000000000180dcbceba1803d66b2e53d0110783d"
                  "0160a5bc66b2e53d01805cbdebc1b7bd",
     .learned = "541bf73cbfd16cbebfd16cbeefb319be9f3ba6bd54eecd3d95da053eea0a2fbe54ee4d3e0d3dc53d"
                "38f00c3d31c462bd7f27903d95da05be000000007402e43db7ed943e2a88e2bd0000000000000000"
                "54eecdbde6ecaebd95da053e54eecd3d8d55803e541b77bd7f27903d00000000d48462bee488be3b"
                "d5ca9e3c1b79c73c7f27903d000000003f1d7abd7f27103e541bf73c2efb8dbee488be3bd5ca9ebc"
                "d5ca9e3c55c124bd54eecdbddfc7c8beb8c91e3e54eecd3d54eecd3dfea030bc781839bd55c124bd"
                "95da05be541bf7bc541bf7bc9d5f8bbe95da053e00000000541bf7bc7f27903dd5ca9e3cc65e133d"
                "374a5fbdd5ca9e3c541b77bd54eecdbd",
     .learned_checksum = 0xAAC667B25508E3BBU},
    {.text =
         "Stra\xC3\x9F"
         "e, CAF\xC3\x89 e\xCC\x81t\xC3\xA9 and \xD0\x96\xD1\x83\xD1\x80\xD0\xBD\xD0\xB0\xD0\xBB: "
         "\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD \xE0\xB9\x84\xE0\xB8\x97\xE0\xB8\xA2 "
         "\xE3\x82\xAB\xE3\x82\xBF\xE3\x82\xAB\xE3\x83\x8A 2024",
     .unlearned = "2de4ad3d630317be090c37bc00000000d278b23d19b5043e9922003d090c373d7af56d3dc1a55b3c"
                  "090c373e708562be561df73df5dc0dbe409fbb3d090c373d688972bee06612bbc1a55bbce22180be"
                  "7af5ed3d074909be773240bd51979bbda55539bec28052be51979b3d7af5edbd756f923d0749093d"
                  "545a493e074909bec25b493dc1a55bbc7af56dbdcc3f703ec1a55b3cc280d2bdc280d23d8bedcdbd"
                  "561df7bd090cb7bd3edc8d3dad51293e51bc243dc25b493d561d773ee3951bbd0749093e1f8af23d"
                  "000000009922803d090c373dca7c42bec280d2bd090c37bd7085623e545a49bec1a55b3c51979bbd"
                  "0749093e756f92bdcc3f70be1b78323e",
     .learned = "27e4ad3d630317be960b37bc00000000c878b23d16b5043ea022003d0b0c373d77f56d3daea55b3c"
                "0b0c373e6c8562be5b1df73dfadc0dbe4e9fbb3d0b0c373d698972be606812bbaea55bbce22180be"
                "77f5ed3d084909be913240bd55979bbdad5539bec18052be55979b3d77f5edbd716f923d2549093d"
                "585a493e084909bed35b493daea55bbc77f56dbdc73f703eaea55b3cc180d2bdc180d23d7eedcdbd"
                "5b1df7bd0b0cb7bd2edc8d3db051293e43bc243dd35b493d5b1d773ebd951bbd0849093e188af23d"
                "00000000a022803d0b0c373dc47c42bec180d2bd0b0c37bd6c85623e585a49beaea55b3c55979bbd"
                "0849093e716f92bdc73f70be1978323e",
     .learned_checksum = 0x96DE793702DD52A6U},
    {.text = "install installed Installing install install, and a b c",
     .unlearned = "d0ca783e0a93ef3d81611a3d07a800be774c1cbe2a4ab8bd2bb3c23d4b01813d0a93ef3d7f23ddbc"
                  "e497573d600bf3bd2a4ab8bd4b0181bd8f885e3d80c2bb3d2a4a38be61b576be4b01813d2a4ab8bd"
                  "9eeddfbc6015de3a81611a3df56d133e1b1b0bbd7f23ddbcb5158b3e0a936fbe9aee533e7f23ddbc"
                  "07a8003e0000000060265d3ec60b123d6015de3ad432563d4eec6f3e2a4ab8bd000000002a4ab83d"
                  "2942cfbc3a7965bd0a93efbd6015debac60b123d0a93efbd2a4ab83d0a93efbd07a800be4b01813d"
                  "7f235d3df56d13be81611a3dbba51cbe1ce80d3ccbf38bbe2a4ab83d2a4a38be000000001ccd5c3e"
                  "a0378a3e0a93efbd00000000e5696cbd",
     .learned = "b9f8873e07ef023e10bf283d13dfb7bdb8d72abe3d70c9bd44e383bd857fae3c07ef023e47b7f1bc"
                "02536f3de070a6bd3d70c9bd6b028dbd93e2413c1d06543d3d7049be37a39fbe857fae3c3d70c9bd"
                "fdc5903c5dda3ebd10bf283df025213e8f3eafbd47b7f1bc7fc04d3e07ef82bee1f5363e47b7f1bc"
                "c926243e000000004509413ec1a21f3d5dda3ebd6a216a3dd61f833e3d70c9bd00000000661b503d"
                "f6e6cabd6f8d51bc847ba4bd5dda3e3deb33b13d07ef02be3d70c93d07ef02becfa00cbe6b028d3d"
                "47b7713d72627bbd5089edbb54392bbe328c693d2dbb4ebe661b503d3d7049be00000000ed58713e"
                "16777d3e07ef02be00000000ec8e683d",
     .learned_checksum = 0x66A4EC51B407B220U},
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

    TEST_CASE("a state that was stored gives the same golden vectors") {
        auto stored = DocumentFrequencies::deserialize(learned().serialize());
        REQUIRE(stored.has_value());
        const HashEmbedder embedder(64, std::move(*stored));
        for (const Golden& golden : kGolden) {
            CHECK(hex_of(embedded(embedder, golden.text)) == golden.learned);
        }
    }
}

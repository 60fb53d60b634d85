// Base64: the vectors of RFC 4648 section 10, round trips, and each way to be malformed.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <abi/core/base64.hpp>
#include <abi/core/random.hpp>

using namespace abikit;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

std::string text_of(const std::vector<std::byte>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_SUITE("core/base64") {
    TEST_CASE("the vectors of the RFC") {
        const std::pair<std::string, std::string> rows[] = {{"", ""},
                                                            {"f", "Zg=="},
                                                            {"fo", "Zm8="},
                                                            {"foo", "Zm9v"},
                                                            {"foob", "Zm9vYg=="},
                                                            {"fooba", "Zm9vYmE="},
                                                            {"foobar", "Zm9vYmFy"}};
        for (const auto& [plain, coded] : rows) {
            CHECK(base64_encode(bytes_of(plain)) == coded);
            CHECK(text_of(base64_decode(coded).value()) == plain);
            std::string bare = coded;
            bare.resize(std::min(bare.find('='), bare.size()));
            CHECK(base64url_encode(bytes_of(plain)) == bare);
            CHECK(text_of(base64url_decode(bare).value()) == plain);
            CHECK(text_of(base64url_decode(coded).value()) == plain);
        }
    }

    TEST_CASE("the alphabets differ in two characters") {
        const std::vector<std::byte> bytes = {std::byte{0xFB}, std::byte{0xEF}, std::byte{0xFF}};
        CHECK(base64_encode(bytes) == "++//");
        CHECK(base64url_encode(bytes) == "--__");
        CHECK(base64_decode("++//").value() == bytes);
        CHECK(base64url_decode("--__").value() == bytes);
        CHECK_FALSE(base64_decode("--__"));
        CHECK_FALSE(base64url_decode("++//"));
    }

    TEST_CASE("every byte and many lengths make the round trip") {
        Random random(8);
        for (std::size_t size = 0; size < 300; ++size) {
            std::vector<std::byte> bytes(size);
            for (std::byte& byte : bytes) {
                byte = static_cast<std::byte>(random());
            }
            REQUIRE(base64_decode(base64_encode(bytes)).value() == bytes);
            REQUIRE(base64url_decode(base64url_encode(bytes)).value() == bytes);
            REQUIRE(base64_encode(bytes).size() == (size + 2) / 3 * 4);
        }
    }

    TEST_CASE("malformed texts are refused with the offset") {
        struct Row {
            const char* text;
            const char* message;
        };
        for (const Row& row :
             {Row{"Zm9v!mFy", "invalid base64: unexpected character at offset 4"},
              Row{"Zm9vYmF\n", "invalid base64: unexpected character at offset 7"},
              Row{"Zm 9v", "invalid base64: unexpected character at offset 2"},
              Row{"Z=g=", "invalid base64: unexpected character at offset 1"},
              Row{"Z===", "invalid base64: unexpected character at offset 1"},
              Row{"====", "invalid base64: unexpected character at offset 0"},
              Row{"Zm9vY", "invalid base64: a lone last character at offset 4"},
              Row{"Zh==", "invalid base64: unused bits that are not zero at offset 1"},
              Row{"Zm9=", "invalid base64: unused bits that are not zero at offset 2"},
              Row{"Zg", "invalid base64: wrong padding at offset 2"},
              Row{"Zg=", "invalid base64: wrong padding at offset 2"},
              Row{"Zm8==", "invalid base64: wrong padding at offset 3"},
              Row{"Zm9v=", "invalid base64: wrong padding at offset 4"},
              Row{"=", "invalid base64: wrong padding at offset 0"}}) {
            const auto result = base64_decode(row.text);
            REQUIRE_MESSAGE(!result, row.text);
            CHECK(result.error().code() == Code::kInvalidData);
            CHECK(result.error().message() == row.message);
        }
        CHECK_FALSE(base64_decode(std::string_view("Zg=\0", 4)));
        CHECK_FALSE(base64_decode("Z\xC3\xA9=="));
        CHECK_FALSE(base64url_decode("Zg="));
        CHECK_FALSE(base64url_decode("Zh"));
    }
}

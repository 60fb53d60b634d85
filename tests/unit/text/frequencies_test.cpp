// Document frequencies: counting, merging, and stored bytes that are read strictly.
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <abi/text/hash_embedder.hpp>

#include "text/features.hpp"
#include "text/frequency_table.hpp"

using namespace abikit;
using namespace abikit::text;

namespace {

std::uint32_t count_of(const DocumentFrequencies& frequencies, std::uint32_t key) {
    for (const auto& slot : frequencies.table().slots) {
        if (slot.count != 0 && slot.key == key) {
            return slot.count;
        }
    }
    return 0;
}

std::uint32_t count_of(const DocumentFrequencies& frequencies, std::string_view word) {
    return count_of(frequencies, feature_key(hash_bytes(word, kWordSeed)));
}

DocumentFrequencies learned(const std::vector<std::string>& documents) {
    DocumentFrequencies frequencies;
    for (const std::string& document : documents) {
        frequencies.learn(document);
    }
    return frequencies;
}

Code code_of(std::string_view bytes) {
    auto result = DocumentFrequencies::deserialize(bytes);
    REQUIRE_FALSE(result.has_value());
    CHECK_FALSE(result.error().message().empty());
    return result.error().code();
}

void put_le(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t count) {
    for (std::size_t index = 0; index < count; ++index) {
        bytes[at + index] = static_cast<char>(value >> (8 * index));
    }
}

constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kSchemeAt = 12;
constexpr std::size_t kDocumentsAt = 16;
constexpr std::size_t kEntriesAt = 24;
constexpr std::size_t kHeader = 32;

// A state with the given encoded entries behind a header that fits them.
std::string state(std::uint64_t documents, std::uint64_t entries, std::string_view body) {
    std::string bytes = DocumentFrequencies().serialize();
    put_le(bytes, kDocumentsAt, documents, 8);
    put_le(bytes, kEntriesAt, entries, 8);
    return bytes.append(body);
}

}  // namespace

TEST_SUITE("text") {
    TEST_CASE("a document counts each of its features once") {
        const auto frequencies = learned({"apple apple Apple", "APPLE pear", "plum"});
        CHECK(frequencies.documents() == 3);
        CHECK(count_of(frequencies, "apple") == 2);
        CHECK(count_of(frequencies, "pear") == 1);
        CHECK(count_of(frequencies, "plum") == 1);
        CHECK(count_of(frequencies, "fig") == 0);
    }

    TEST_CASE("empty documents count as documents") {
        const auto frequencies = learned({"", " ... "});
        CHECK(frequencies.documents() == 2);
        CHECK(frequencies.table().used == 0);
    }

    TEST_CASE("merging is exact and blind to order") {
        std::vector<std::string> documents;
        std::mt19937 random(5);
        for (int document = 0; document < 60; ++document) {
            std::string text;
            for (int word = 0; word < 50; ++word) {
                text += "w" + std::to_string(random() % 300) + " ";
            }
            documents.push_back(text);
        }
        const std::string together = learned(documents).serialize();
        const auto half = documents.begin() + 23;
        auto first = learned({documents.begin(), half});
        auto second = learned({half, documents.end()});
        auto reversed = learned({half, documents.end()});
        reversed.merge(first);
        first.merge(second);
        CHECK(first.serialize() == together);
        CHECK(reversed.serialize() == together);
        CHECK(first.documents() == 60);
    }

    TEST_CASE("learning goes on after a merge") {
        auto frequencies = learned({"apple", "pear"});
        frequencies.merge(learned({"apple fig", "plum", "apple"}));
        frequencies.learn("apple fig");
        CHECK(frequencies.documents() == 6);
        CHECK(count_of(frequencies, "apple") == 4);
        CHECK(count_of(frequencies, "fig") == 2);
        CHECK(count_of(frequencies, "plum") == 1);
    }

    TEST_CASE("merging with itself doubles the counts") {
        auto frequencies = learned({"apple pear", "apple"});
        frequencies.merge(frequencies);
        CHECK(frequencies.documents() == 4);
        CHECK(count_of(frequencies, "apple") == 4);
        CHECK(count_of(frequencies, "pear") == 2);
    }

    TEST_CASE("serialising keeps what occurs in two documents or more") {
        const auto frequencies = learned({"apple pear", "apple plum", "apple fig pear"});
        const std::string bytes = frequencies.serialize();
        auto back = DocumentFrequencies::deserialize(bytes);
        REQUIRE(back.has_value());
        CHECK(back->documents() == 3);
        CHECK(count_of(*back, "apple") == 3);
        CHECK(count_of(*back, "pear") == 2);
        CHECK(count_of(*back, "plum") == 0);
        CHECK(back->serialize() == bytes);
    }

    TEST_CASE("the empty state's bytes are as documented") {
        const std::string expected("ABIDF\r\n\x1A\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                                   32);
        CHECK(DocumentFrequencies().serialize() == expected);
        auto back = DocumentFrequencies::deserialize(expected);
        REQUIRE(back.has_value());
        CHECK(back->documents() == 0);
    }

    TEST_CASE("entries are gaps and counts in varints") {
        // Keys 5 (in 2 documents) and 305 (in 300): 5, 0, then 305 - 6 = 299, 298.
        const std::string bytes = state(300, 2, std::string("\x05\x00\xAB\x02\xAA\x02", 6));
        auto back = DocumentFrequencies::deserialize(bytes);
        REQUIRE(back.has_value());
        CHECK(back->table().used == 2);
        CHECK(count_of(*back, 5) == 2);
        CHECK(count_of(*back, 305) == 300);
        CHECK(back->serialize() == bytes);
    }

    TEST_CASE("the largest key and count are accepted, larger ones are not") {
        const std::string max("\xFF\xFF\xFF\xFF\x0F", 5);
        const std::string max_count("\xFD\xFF\xFF\xFF\x0F", 5);
        const std::uint64_t many = std::uint64_t{1} << 40;
        const std::string bytes = state(many, 1, max + max_count);
        auto back = DocumentFrequencies::deserialize(bytes);
        REQUIRE(back.has_value());
        CHECK(back->serialize() == bytes);
        CHECK(code_of(state(many, 1, max + max)) == Code::kCorrupt);
        CHECK(code_of(state(many, 2, max + std::string(3, '\0'))) == Code::kCorrupt);
        CHECK(code_of(state(many, 1, std::string("\xFF\xFF\xFF\xFF\x1F\x00", 6))) ==
              Code::kCorrupt);
    }

    TEST_CASE("every cut and every byte behind the end is noticed") {
        const auto frequencies = learned({"apple pear", "apple pear fig", "fig"});
        const std::string bytes = frequencies.serialize();
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CHECK(code_of(bytes.substr(0, size)) == Code::kCorrupt);
        }
        CHECK(code_of(bytes + '\0') == Code::kCorrupt);
    }

    TEST_CASE("impossible values are noticed") {
        const std::string one_entry("\x05\x00", 2);
        CHECK(DocumentFrequencies::deserialize(state(2, 1, one_entry)).has_value());
        CHECK(code_of(state(1, 1, one_entry)) == Code::kCorrupt);  // 2 of 1 documents
        CHECK(code_of(state(2, 2, one_entry)) == Code::kCorrupt);  // fewer entries than said
        CHECK(code_of(state(2, 0, one_entry)) == Code::kCorrupt);  // more entries than said
        CHECK(code_of(state(9, 1, std::string("\x85\x00\x00", 3))) == Code::kCorrupt);  // long form
        CHECK(code_of(state(2, std::uint64_t{1} << 60, one_entry)) == Code::kCorrupt);
        CHECK(code_of(state(~std::uint64_t{0}, 1, one_entry)) == Code::kCorrupt);
        std::string bytes = state(2, 1, one_entry);
        bytes[0] = 'X';
        CHECK(code_of(bytes) == Code::kCorrupt);
    }

    TEST_CASE("other versions and schemes are incompatible, not corrupt") {
        std::string bytes = learned({"apple", "apple"}).serialize();
        std::string newer = bytes;
        put_le(newer, kVersionAt, 2, 4);
        CHECK(code_of(newer) == Code::kIncompatible);
        std::string other = bytes;
        put_le(other, kSchemeAt, 99, 4);
        CHECK(code_of(other) == Code::kIncompatible);
        CHECK_FALSE(DocumentFrequencies::deserialize(other).error().hint().empty());
        CHECK(bytes.size() > kHeader);
    }

    TEST_CASE("counts stop at the largest 32-bit number") {
        DocumentFrequencies::Table table;
        table.add(7, 0xFFFFFFF0U);
        table.add(7, 0x20U);
        CHECK(table.slot_for(7).count == 0xFFFFFFFFU);
    }

    TEST_CASE("stamps survive their wrap-around") {
        DocumentFrequencies::Table table;
        table.stamp = 0xFFFFFFFEU;
        table.begin_document();
        CHECK(table.count_once(1));
        CHECK_FALSE(table.count_once(1));
        table.begin_document();
        CHECK(table.stamp == 1);
        CHECK(table.count_once(1));
        CHECK_FALSE(table.count_once(1));
        CHECK(table.slot_for(1).count == 2);
        CHECK(table.documents == 2);
    }
}

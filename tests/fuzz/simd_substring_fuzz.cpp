// Substring search against std::string_view::find, on every instruction set. The first byte is the
// needle's length; needle and text follow. The text is also searched for its own middle, and for
// the needle many times over, which makes the search change its way.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <abi/simd/bytes.hpp>

#include "simd_fuzz.hpp"

namespace {

using namespace abikit;

std::vector<std::size_t> places_by_find(std::string_view text, std::string_view needle) {
    std::vector<std::size_t> places;
    for (std::size_t at = text.find(needle); at != text.npos; at = text.find(needle, at + 1)) {
        places.push_back(at);
    }
    return places;
}

void check(std::string_view text, std::string_view needle) {
    const fuzz::MovedCopy text_copy(text, text.size() % 3);
    const fuzz::MovedCopy needle_copy(needle, text.size() % 5);
    const std::vector<std::size_t> expected = places_by_find(text, needle);
    fuzz::on_every_target([&] {
        const std::string_view in = text_copy.view();
        const std::string_view wanted = needle_copy.view();
        fuzz::require(simd::find_substring(in, wanted) ==
                      (expected.empty() ? simd::kNotFound : expected.front()));
        fuzz::require(simd::count_substring(in, wanted) == expected.size());
        std::vector<std::size_t> places(text.size() + 2);
        places.resize(simd::find_substrings(in, wanted, 0, places));
        fuzz::require(places == expected);
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::string_view needle = rest.substr(0, data[0]);
    const std::string_view text = rest.substr(needle.size());
    check(text, needle);
    check(text, text.substr(text.size() / 3, text.size() / 3));
    std::string repeated;
    while (needle.size() > 1 && repeated.size() < 3000) {
        repeated += needle;
        repeated += needle.substr(0, needle.size() / 2);
    }
    check(repeated, needle);
    return 0;
}

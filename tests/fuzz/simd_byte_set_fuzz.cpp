// Scans for sets of bytes against a loop over bool[256], on every instruction set. The first byte
// is the number of members, which follow; the rest is the text.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <abi/simd/bytes.hpp>

#include "simd_fuzz.hpp"

namespace {

using namespace abikit;

void check(std::string_view text, const simd::ByteSet& set, const bool (&is_member)[256]) {
    const auto holds = [&](std::size_t at) {
        return is_member[static_cast<unsigned char>(text[at])];
    };
    std::vector<std::uint32_t> offsets(text.size());
    offsets.resize(simd::offsets_in(text, set, offsets.data()));
    std::vector<std::uint64_t> masks((text.size() + 63) / 64);
    simd::mark_in(text, set, masks.data());
    std::size_t members = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        fuzz::require((masks[at / 64] >> (at % 64) & 1U) == (holds(at) ? 1U : 0U));
        if (holds(at)) {
            fuzz::require(members < offsets.size() && offsets[members] == at);
            ++members;
        }
    }
    fuzz::require(members == offsets.size() && members == simd::count_in(text, set));
    fuzz::require(text.size() % 64 == 0 || masks.back() >> (text.size() % 64) == 0);
    const std::size_t first = simd::find_in(text, set);
    fuzz::require(first == (members == 0 ? text.size() : offsets.front()));
    std::size_t other = 0;
    while (other < text.size() && holds(other)) {
        ++other;
    }
    fuzz::require(simd::find_not_in(text, set) == other);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::string_view members = rest.substr(0, data[0]);
    const simd::ByteSet set(members);
    bool is_member[256] = {};
    for (const char byte : members) {
        is_member[static_cast<unsigned char>(byte)] = true;
    }
    const fuzz::MovedCopy text(rest.substr(members.size()), size % 7);
    fuzz::on_every_target([&] { check(text.view(), set, is_member); });
    return 0;
}

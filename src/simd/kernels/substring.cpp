// Substring search, once per instruction set: two bytes of the needle are compared at 64 places at
// a time, and what passes is compared in full (W. Mula, "SIMD-friendly algorithms for substring
// searching", 2016). Read abi/simd/bytes.hpp for the contract, two_way.hpp for what takes over
// where too much passes.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <abi/simd/bytes.hpp>

#include "two_way.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/substring.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

#include "bytes-inl.h"

#ifndef ABI_SIMD_SUBSTRING_TYPES
#define ABI_SIMD_SUBSTRING_TYPES
namespace abikit::simd {
namespace {

// A search under way: what to look for, and what has come of it. Needles have 1 byte at least.
struct Search {
    std::span<const std::uint8_t> text;
    std::span<const std::uint8_t> needle;
    std::size_t filter_a = 0;  // offsets of the two bytes that filter, equal for one byte
    std::size_t filter_b = 0;
    std::size_t from = 0;        // where to start, and after a scan: up to where all is known
    std::size_t* out = nullptr;  // offsets go here, unless null
    std::size_t limit = 0;       // stop after so many
    std::size_t found = 0;

    std::size_t places() const noexcept {
        return needle.size() > text.size() ? 0 : text.size() - needle.size() + 1;
    }
    // False when the limit is reached.
    bool take(std::size_t place) noexcept {
        if (out != nullptr) {
            out[found] = place;
        }
        return ++found < limit;
    }
};

}  // namespace
}  // namespace abikit::simd
#endif  // ABI_SIMD_SUBSTRING_TYPES

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR
// Without vectors there is nothing to filter with.
void scan(Search& /*search*/) {}
#else

// Compares words of eight bytes and counts them in `work`. Reads nothing outside the two ranges.
HWY_INLINE bool equal(const std::uint8_t* HWY_RESTRICT a, const std::uint8_t* HWY_RESTRICT b,
                      std::size_t size, std::size_t& work) {
    std::size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        std::uint64_t word_a;
        std::uint64_t word_b;
        hwy::CopyBytes<8>(a + i, &word_a);
        hwy::CopyBytes<8>(b + i, &word_b);
        ++work;
        if (word_a != word_b) {
            return false;
        }
    }
    ++work;
    for (; i < size; ++i) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

// The places of 64, as bits, at which both filter bytes stand. a and b point to where those would
// be for the first place.
HWY_INLINE std::uint64_t candidates(const std::uint8_t* HWY_RESTRICT a,
                                    const std::uint8_t* HWY_RESTRICT b, ByteVec wanted_a,
                                    ByteVec wanted_b) {
    const Bytes d;
    const std::size_t lanes = hn::Lanes(d);
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < kBlock; i += lanes) {
        const ByteMask both =
            hn::And(hn::Eq(hn::LoadU(d, a + i), wanted_a), hn::Eq(hn::LoadU(d, b + i), wanted_b));
        bits |= bits_of(both) << i;
    }
    return bits;
}

// Compares at the places `first` + each bit. False when the search is to stop.
HWY_INLINE bool take_matches(Search& search, std::uint64_t bits, std::size_t first,
                             std::size_t& work) {
    const std::uint8_t* const text = search.text.data();
    const std::uint8_t* const needle = search.needle.data();
    for (; bits != 0; bits &= bits - 1) {
        const std::size_t place = first + static_cast<std::size_t>(std::countr_zero(bits));
        const bool matches =
            search.needle.size() <= 2 || equal(text + place, needle, search.needle.size(), work);
        if (matches && !search.take(place)) {
            return false;
        }
    }
    return true;
}

// The places from `i` on, fewer than 64 of them.
HWY_INLINE void scan_tail(Search& search, std::size_t i, ByteVec wanted_a, ByteVec wanted_b,
                          std::size_t& work) {
    const std::size_t places = search.places();
    const std::size_t rest = places - i;
    const std::uint8_t* const a = search.text.data() + search.filter_a;
    const std::uint8_t* const b = search.text.data() + search.filter_b;
    HWY_ALIGN std::uint8_t padded_a[kBlock] = {};
    HWY_ALIGN std::uint8_t padded_b[kBlock] = {};
    const LastBlock last_a = last_block(a, places, rest, padded_a);
    const LastBlock last_b = last_block(b, places, rest, padded_b);
    const std::uint64_t bits = candidates(last_a.p, last_b.p, wanted_a, wanted_b) >> last_a.drop;
    static_cast<void>(take_matches(search, bits & low_bits(rest), i, work));
}

// Goes through the text until all is known, the limit is reached, or the filter has let so much
// pass that Two-Way is the better way to go on: a word compared for each byte passed over, as much
// as that would take itself. search.from tells how far it came.
void scan(Search& search) {
    constexpr std::size_t kPatience = 1024;
    const Bytes d;
    const std::uint8_t* HWY_RESTRICT a = search.text.data() + search.filter_a;
    const std::uint8_t* HWY_RESTRICT b = search.text.data() + search.filter_b;
    const ByteVec wanted_a = hn::Set(d, search.needle[search.filter_a]);
    const ByteVec wanted_b = hn::Set(d, search.needle[search.filter_b]);
    const std::size_t places = search.places();
    const std::size_t start = search.from;
    std::size_t work = 0;
    std::size_t i = start;
    for (; i < places && places - i >= kBlock; i += kBlock) {
        const std::uint64_t bits = candidates(a + i, b + i, wanted_a, wanted_b);
        if (bits != 0) {
            if (!take_matches(search, bits, i, work)) {
                return;
            }
            if (work > i - start + kPatience) {
                search.from = i + kBlock;
                return;
            }
        }
    }
    if (i < places) {
        scan_tail(search, i, wanted_a, wanted_b, work);
    }
    search.from = places;
}
#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(scan);

// How common a byte is where people search: 0 for those hardly seen.
constexpr std::array<std::uint8_t, 256> make_commonness() {
    // English text and source code, the most common first.
    constexpr std::string_view kOrder =
        " etaoinsrlhdcumfpg\nywb,.v()_k-=\";0'1T/*:AS2I{}xCE>M<NRLPDFBjOqz#+H3GUW[]4V&586";
    std::array<std::uint8_t, 256> ranks{};
    for (std::size_t byte = 0x80; byte < 256; ++byte) {
        ranks[byte] = byte < 0xC0 ? 120 : 190;  // few scripts have a lead byte for each text
    }
    ranks[0] = 250;  // binary data
    for (std::size_t i = 0; i < kOrder.size(); ++i) {
        ranks[static_cast<unsigned char>(kOrder[i])] = static_cast<std::uint8_t>(255 - 2 * i);
    }
    return ranks;
}
constexpr std::array<std::uint8_t, 256> kCommonness = make_commonness();

// The two least common bytes of the needle's front; different ones where it has such.
void choose_filter(Search& search) {
    constexpr std::size_t kFront = 256;
    const std::span<const std::uint8_t> front =
        search.needle.first(std::min(search.needle.size(), kFront));
    std::size_t a = 0;
    for (std::size_t i = 1; i < front.size(); ++i) {
        a = kCommonness[front[i]] < kCommonness[front[a]] ? i : a;
    }
    std::size_t b = a == front.size() - 1 ? 0 : front.size() - 1;
    for (std::size_t i = 0; i < front.size(); ++i) {
        const bool better = front[b] == front[a] || kCommonness[front[i]] < kCommonness[front[b]];
        b = front[i] != front[a] && better ? i : b;
    }
    search.filter_a = a;
    search.filter_b = b;
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void run(Search& search) {
    if (search.from >= search.places()) {
        return;
    }
    choose_filter(search);
    HWY_DYNAMIC_DISPATCH(scan)(search);
    if (search.found < search.limit && search.from < search.places()) {
        TwoWay(search.needle).search(search.text, search.from, [&](std::size_t place) {
            return search.take(place);
        });
    }
}

}  // namespace

std::size_t find_substring(std::string_view text, std::string_view needle) noexcept {
    std::size_t place = kNotFound;
    static_cast<void>(find_substrings(text, needle, 0, {&place, 1}));
    return place;
}

std::size_t count_substring(std::string_view text, std::string_view needle) noexcept {
    if (needle.empty()) {
        return text.size() + 1;
    }
    if (needle.size() == 1) {
        return count_byte(text, needle.front());
    }
    Search search{.text = bytes_of(text), .needle = bytes_of(needle), .limit = kNotFound};
    run(search);
    return search.found;
}

std::size_t find_substrings(std::string_view text, std::string_view needle, std::size_t from,
                            std::span<std::size_t> offsets) noexcept {
    if (offsets.empty()) {
        return 0;
    }
    if (needle.empty()) {
        std::size_t count = 0;
        for (; count < offsets.size() && from + count <= text.size(); ++count) {
            offsets[count] = from + count;
        }
        return count;
    }
    Search search{.text = bytes_of(text),
                  .needle = bytes_of(needle),
                  .from = from,
                  .out = offsets.data(),
                  .limit = offsets.size()};
    run(search);
    return search.found;
}

}  // namespace abikit::simd
#endif  // HWY_ONCE

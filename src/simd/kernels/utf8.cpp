// UTF-8 validation by table lookups, once per instruction set: J. Keiser, D. Lemire, "Validating
// UTF-8 in less than one instruction per byte", Software: Practice and Experience 51 (2021). Read
// abi/simd/bytes.hpp for the contract.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <abi/simd/bytes.hpp>
#include <abi/simd/reference_bytes.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/utf8.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

#include "bytes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR
std::size_t valid_prefix(std::string_view text) {
    return reference::valid_utf8_prefix(text);
}
#else

// Vectors of unknown width have no cheap shift across their blocks: there, one block at a time.
#if HWY_HAVE_SCALABLE
using Units = hn::CappedTag<std::uint8_t, 16>;
#else
using Units = Bytes;
#endif
using UnitVec = hn::Vec<Units>;

// What can be wrong with two bytes in a row. Each kind needs the first byte's high nibble, its low
// nibble and the second byte's high nibble to agree; a pair is wrong when the three tables below
// share a bit. Both nibbles of F0 80..8F and of F5.. 80..8F differ, so that they share one.
enum Wrong : std::uint8_t {
    kTooShort = 1,     // a first byte, then no continuation
    kTooLong = 2,      // ASCII, then a continuation
    kOverlong3 = 4,    // E0 80..9F
    kTooLarge = 8,     // F4 90..BF, F5.. 90..BF
    kSurrogate = 16,   // ED A0..BF
    kOverlong2 = 32,   // C0, C1
    kOverlong4 = 64,   // F0 80..8F
    kTooLarge80 = 64,  // F5.. 80..8F
    kTwoFollow = 128,  // two continuations: right only as the end of three or four bytes
    kAnyLow = kTooShort | kTooLong | kTwoFollow,  // for these the low nibble does not count
};
constexpr std::uint8_t kFrom5 = kAnyLow | kTooLarge | kTooLarge80;

HWY_ALIGN constexpr std::uint8_t kFirstHigh[16] = {
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTwoFollow,
    kTwoFollow,
    kTwoFollow,
    kTwoFollow,
    kTooShort | kOverlong2,
    kTooShort,
    kTooShort | kOverlong3 | kSurrogate,
    kTooShort | kTooLarge | kTooLarge80 | kOverlong4};
HWY_ALIGN constexpr std::uint8_t kFirstLow[16] = {kAnyLow | kOverlong3 | kOverlong2 | kOverlong4,
                                                  kAnyLow | kOverlong2,
                                                  kAnyLow,
                                                  kAnyLow,
                                                  kAnyLow | kTooLarge,
                                                  kFrom5,
                                                  kFrom5,
                                                  kFrom5,
                                                  kFrom5,
                                                  kFrom5,
                                                  kFrom5,
                                                  kFrom5,
                                                  kFrom5,
                                                  kFrom5 | kSurrogate,
                                                  kFrom5,
                                                  kFrom5};
HWY_ALIGN constexpr std::uint8_t kSecondHigh[16] = {
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooLong | kOverlong2 | kTwoFollow | kOverlong3 | kTooLarge80 | kOverlong4,
    kTooLong | kOverlong2 | kTwoFollow | kOverlong3 | kTooLarge,
    kTooLong | kOverlong2 | kTwoFollow | kSurrogate | kTooLarge,
    kTooLong | kOverlong2 | kTwoFollow | kSurrogate | kTooLarge,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort};

// Within each block of 16 bytes of `now`, the block before it: what the shifts below take in.
HWY_INLINE UnitVec block_before(UnitVec now, UnitVec before) {
#if HWY_HAVE_SCALABLE
    static_cast<void>(now);
    return before;
#else
    const Units d;
    if constexpr (hn::MaxLanes(d) == 64) {
#if HWY_CAP_GE512
        return UnitVec{_mm512_alignr_epi32(now.raw, before.raw, 12)};
#endif
    } else if constexpr (hn::MaxLanes(d) == 32) {
        return hn::ConcatLowerUpper(d, now, before);
    } else {
        static_cast<void>(now);
        return before;
    }
#endif
}

// Not zero in each lane whose byte cannot follow the three before it.
HWY_INLINE UnitVec wrong_lanes(UnitVec now, UnitVec before) {
    const Units d;
    const UnitVec shifted_in = block_before(now, before);
    const UnitVec one_before = hn::CombineShiftRightBytes<15>(d, now, shifted_in);
    const UnitVec two_before = hn::CombineShiftRightBytes<14>(d, now, shifted_in);
    const UnitVec three_before = hn::CombineShiftRightBytes<13>(d, now, shifted_in);
    const UnitVec first_high =
        hn::TableLookupBytes(hn::LoadDup128(d, kFirstHigh), hn::ShiftRight<4>(one_before));
    const UnitVec first_low =
        hn::TableLookupBytes(hn::LoadDup128(d, kFirstLow), hn::And(one_before, hn::Set(d, 0x0F)));
    const UnitVec second_high =
        hn::TableLookupBytes(hn::LoadDup128(d, kSecondHigh), hn::ShiftRight<4>(now));
    const UnitVec wrong = hn::And(hn::And(first_high, first_low), second_high);
    // Two continuations in a row are right where the lead byte of three or four bytes asks for the
    // second of them, and only there: the top bit, kTwoFollow, must agree.
    const UnitVec third = hn::SaturatedSub(two_before, hn::Set(d, 0xE0 - 0x80));
    const UnitVec fourth = hn::SaturatedSub(three_before, hn::Set(d, 0xF0 - 0x80));
    return hn::Xor(hn::And(hn::Or(third, fourth), hn::Set(d, 0x80)), wrong);
}

HWY_INLINE bool all_ascii(UnitVec bytes) {
    const hn::RebindToSigned<Units> ints;
    return hn::AllFalse(ints, hn::Lt(hn::BitCast(ints, bytes), hn::Zero(ints)));
}

HWY_INLINE bool any(UnitVec wrong) {
    const Units d;
    return !hn::AllTrue(d, hn::Eq(wrong, hn::Zero(d)));
}

// Whether a character that begins before p goes on at p. At least 3 bytes before p may be read.
HWY_INLINE bool is_inside_character(const std::uint8_t* p) {
    return p[-1] >= 0xC0 || p[-2] >= 0xE0 || p[-3] >= 0xF0;
}

// The exact place. Everything before `at` is known to be right, apart from a character that begins
// at most three bytes before it and goes on, so that the search starts with the character there.
std::size_t locate(std::string_view text, std::size_t at) {
    at -= std::min<std::size_t>(at, 3);
    while (at > 0 && (static_cast<std::uint8_t>(text[at]) & 0xC0) == 0x80) {
        --at;
    }
    return at + reference::valid_utf8_prefix(text.substr(at));
}

std::size_t valid_prefix(std::string_view text) {
    const auto* HWY_RESTRICT p = reinterpret_cast<const std::uint8_t*>(text.data());
    const std::size_t size = text.size();
    const Units d;
    const std::size_t lanes = hn::Lanes(d);
    UnitVec before = hn::Zero(d);
    std::size_t i = 0;
    for (; i + 4 * lanes <= size; i += 4 * lanes) {
        const UnitVec v0 = hn::LoadU(d, p + i);
        const UnitVec v1 = hn::LoadU(d, p + i + lanes);
        const UnitVec v2 = hn::LoadU(d, p + i + 2 * lanes);
        const UnitVec v3 = hn::LoadU(d, p + i + 3 * lanes);
        if (all_ascii(hn::Or(hn::Or(v0, v1), hn::Or(v2, v3)))) {
            if (i != 0 && HWY_UNLIKELY(is_inside_character(p + i))) {
                return locate(text, i);
            }
        } else {
            const UnitVec wrong01 = hn::Or(wrong_lanes(v0, before), wrong_lanes(v1, v0));
            const UnitVec wrong23 = hn::Or(wrong_lanes(v2, v1), wrong_lanes(v3, v2));
            if (HWY_UNLIKELY(any(hn::Or(wrong01, wrong23)))) {
                return locate(text, i);
            }
        }
        before = v3;
    }
    for (; i + lanes <= size; i += lanes) {
        const UnitVec now = hn::LoadU(d, p + i);
        if (HWY_UNLIKELY(any(wrong_lanes(now, before)))) {
            return locate(text, i);
        }
        before = now;
    }
    // At least one zero follows the last byte, which a character that is cut off cannot go on with.
    HWY_ALIGN std::uint8_t padded[kBlock] = {};
    std::copy_n(p + i, size - i, padded);
    return any(wrong_lanes(hn::Load(d, padded), before)) ? locate(text, i) : size;
}
#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(valid_prefix);

// Short texts, nearly all of them ASCII, are not worth a padded copy.
constexpr std::size_t kShort = 64;

bool is_ascii(std::string_view text) {
    std::uint64_t bits = 0;
    std::size_t i = 0;
    for (; i + sizeof(bits) <= text.size(); i += sizeof(bits)) {
        std::uint64_t word;
        std::memcpy(&word, text.data() + i, sizeof(word));
        bits |= word;
    }
    for (; i < text.size(); ++i) {
        bits |= std::uint64_t{static_cast<std::uint8_t>(text[i])};
    }
    return (bits & 0x8080808080808080U) == 0;
}

}  // namespace

std::size_t valid_utf8_prefix(std::string_view text) noexcept {
    if (text.size() < kShort && is_ascii(text)) {
        return text.size();
    }
    return HWY_DYNAMIC_DISPATCH(valid_prefix)(text);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE

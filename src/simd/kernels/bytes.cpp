// Counting a byte and scanning for sets of bytes, once per instruction set. Read abi/simd/bytes.hpp
// for the contract, bytes-inl.h for blocks of 64 bytes, substring.cpp and utf8.cpp for the other
// byte kernels.
#include <bit>
#include <cstddef>
#include <cstdint>

#include <abi/core/error.hpp>
#include <abi/simd/bytes.hpp>
#include <abi/simd/reference_bytes.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/bytes.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

#include "bytes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR
std::size_t count_equal(std::string_view text, char byte) {
    return reference::count_byte(text, byte);
}
std::size_t first_in(std::string_view text, const ByteSet& set) {
    return reference::find_in(text, set);
}
std::size_t first_not_in(std::string_view text, const ByteSet& set) {
    return reference::find_not_in(text, set);
}
std::size_t members(std::string_view text, const ByteSet& set) {
    return reference::count_in(text, set);
}
void mark(std::string_view text, const ByteSet& set, std::uint64_t* masks) {
    reference::mark_in(text, set, masks);
}
std::size_t offsets(std::string_view text, const ByteSet& set, std::uint32_t* out) {
    return reference::offsets_in(text, set, out);
}
#else

// What a byte is compared with: two vectors whose meaning is the predicate's own. They are passed
// from call to call rather than kept in it, because vectors of unknown width cannot be members.
struct Equal {
    static HWY_INLINE ByteMask test(ByteVec bytes, ByteVec wanted, ByteVec /*same*/) {
        return hn::Eq(bytes, wanted);
    }
};

// Member bits of each byte's low nibble, from the half of the table that its top bit chooses: a
// lookup gives zero for indices with that bit set. Then the bit of its high nibble.
struct Inside {
    static HWY_INLINE ByteMask test(ByteVec bytes, ByteVec low_half, ByteVec high_half) {
        const Bytes d;
        HWY_ALIGN static constexpr std::uint8_t kBits[16] = {1, 2, 4, 8, 16, 32, 64, 128,
                                                             1, 2, 4, 8, 16, 32, 64, 128};
#if HWY_ARCH_X86
        const ByteVec index = bytes;  // bits 4 to 6 do not count
#else
        const ByteVec index = hn::And(bytes, hn::Set(d, 0x8F));
#endif
        const ByteVec members =
            hn::Or(hn::TableLookupBytesOr0(low_half, index),
                   hn::TableLookupBytesOr0(high_half, hn::Xor(index, hn::Set(d, 0x80))));
        const ByteVec bit =
            hn::TableLookupBytes(hn::LoadDup128(d, kBits), hn::ShiftRight<4>(bytes));
        return hn::TestBit(members, bit);
    }
};

struct Outside {
    static HWY_INLINE ByteMask test(ByteVec bytes, ByteVec low_half, ByteVec high_half) {
        return hn::Not(Inside::test(bytes, low_half, high_half));
    }
};

// The bits of 64 bytes.
template <class Predicate>
HWY_INLINE std::uint64_t block_bits(const std::uint8_t* HWY_RESTRICT p, ByteVec a, ByteVec b) {
    const Bytes d;
    const std::size_t lanes = hn::Lanes(d);
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < kBlock; i += lanes) {
        bits |= bits_of(Predicate::test(hn::LoadU(d, p + i), a, b)) << i;
    }
    return bits;
}

// The bits of the last `rest` bytes, 0 < rest < 64.
template <class Predicate>
HWY_INLINE std::uint64_t tail_bits(const std::uint8_t* HWY_RESTRICT p, std::size_t size,
                                   std::size_t rest, ByteVec a, ByteVec b) {
    HWY_ALIGN std::uint8_t padded[kBlock] = {};
    const LastBlock last = last_block(p, size, rest, padded);
    return (block_bits<Predicate>(last.p, a, b) >> last.drop) & low_bits(rest);
}

template <class Predicate>
HWY_INLINE std::size_t find(const std::uint8_t* HWY_RESTRICT p, std::size_t size, ByteVec a,
                            ByteVec b) {
    std::size_t i = 0;
    for (; i + kBlock <= size; i += kBlock) {
        const std::uint64_t bits = block_bits<Predicate>(p + i, a, b);
        if (bits != 0) {
            return i + static_cast<std::size_t>(std::countr_zero(bits));
        }
    }
    if (i < size) {
        const std::uint64_t bits = tail_bits<Predicate>(p, size, size - i, a, b);
        return bits == 0 ? size : i + static_cast<std::size_t>(std::countr_zero(bits));
    }
    return size;
}

HWY_INLINE std::size_t ones(std::uint64_t bits) {
    return static_cast<std::size_t>(std::popcount(bits));
}

// Whole blocks from the front; returns how many bytes were passed over and adds to `count`.
template <class Predicate>
HWY_INLINE std::size_t count_blocks(const std::uint8_t* HWY_RESTRICT p, std::size_t size, ByteVec a,
                                    ByteVec b, std::size_t& count) {
    std::size_t i = 0;
#if HWY_CAP_GE512
    // Masks are words here already.
    for (; i + 4 * kBlock <= size; i += 4 * kBlock) {
        count += (ones(block_bits<Predicate>(p + i, a, b)) +
                  ones(block_bits<Predicate>(p + i + kBlock, a, b))) +
                 (ones(block_bits<Predicate>(p + i + 2 * kBlock, a, b)) +
                  ones(block_bits<Predicate>(p + i + 3 * kBlock, a, b)));
    }
    for (; i + kBlock <= size; i += kBlock) {
        count += ones(block_bits<Predicate>(p + i, a, b));
    }
#else
    // A lane that passed counts as -1. Lanes hold up to 255.
    const Bytes d;
    const hn::Repartition<std::uint64_t, Bytes> wide;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t step = 2 * lanes;
    while (i + step <= size) {
        const std::size_t rounds = std::min<std::size_t>((size - i) / step, 255);
        ByteVec even = hn::Zero(d);
        ByteVec odd = hn::Zero(d);
        for (std::size_t round = 0; round < rounds; ++round, i += step) {
            const ByteMask first = Predicate::test(hn::LoadU(d, p + i), a, b);
            const ByteMask second = Predicate::test(hn::LoadU(d, p + i + lanes), a, b);
            even = hn::Sub(even, hn::VecFromMask(d, first));
            odd = hn::Sub(odd, hn::VecFromMask(d, second));
        }
        const auto sums = hn::Add(hn::SumsOf8(even), hn::SumsOf8(odd));
        count += hn::GetLane(hn::SumOfLanes(wide, sums));
    }
#endif
    return i;
}

template <class Predicate>
HWY_INLINE std::size_t count(const std::uint8_t* HWY_RESTRICT p, std::size_t size, ByteVec a,
                             ByteVec b) {
    std::size_t total = 0;
    std::size_t i = count_blocks<Predicate>(p, size, a, b, total);
    for (; i + kBlock <= size; i += kBlock) {
        total += ones(block_bits<Predicate>(p + i, a, b));
    }
    if (i < size) {
        total += ones(tail_bits<Predicate>(p, size, size - i, a, b));
    }
    return total;
}

// Takes the lowest bit out of `bits`.
HWY_INLINE std::uint32_t take_offset(std::uint64_t& bits, std::size_t first) {
    const auto offset = first + static_cast<std::size_t>(std::countr_zero(bits));
    bits &= bits - 1;
    return static_cast<std::uint32_t>(offset);
}

// Writes the offset of each bit. Eight at a time, of which the surplus is written over by the next:
// that costs fewer mispredicted branches than one by one. `room` words may be written from `out`
// on.
HWY_INLINE std::size_t write_offsets(std::uint64_t bits, std::size_t first,
                                     std::uint32_t* HWY_RESTRICT out, std::size_t room) {
    const std::size_t found = ones(bits);
    const std::size_t at_once = room < kBlock ? 1 : 8;
    for (std::size_t i = 0; i < found; i += at_once) {
        for (std::size_t k = 0; k < at_once; ++k) {
            out[i + k] = take_offset(bits, first);
        }
    }
    return found;
}

HWY_INLINE const std::uint8_t* begin_of(std::string_view text) {
    return reinterpret_cast<const std::uint8_t*>(text.data());
}
HWY_INLINE ByteVec low_half_of(const ByteSet& set) {
    return hn::LoadDup128(Bytes(), set.table().data());
}
HWY_INLINE ByteVec high_half_of(const ByteSet& set) {
    return hn::LoadDup128(Bytes(), set.table().data() + 16);
}

std::size_t count_equal(std::string_view text, char byte) {
    const ByteVec wanted = hn::Set(Bytes(), static_cast<std::uint8_t>(byte));
    return count<Equal>(begin_of(text), text.size(), wanted, wanted);
}

std::size_t first_in(std::string_view text, const ByteSet& set) {
    return find<Inside>(begin_of(text), text.size(), low_half_of(set), high_half_of(set));
}

std::size_t first_not_in(std::string_view text, const ByteSet& set) {
    return find<Outside>(begin_of(text), text.size(), low_half_of(set), high_half_of(set));
}

std::size_t members(std::string_view text, const ByteSet& set) {
    return count<Inside>(begin_of(text), text.size(), low_half_of(set), high_half_of(set));
}

void mark(std::string_view text, const ByteSet& set, std::uint64_t* HWY_RESTRICT masks) {
    const std::uint8_t* p = begin_of(text);
    const std::size_t size = text.size();
    const ByteVec low = low_half_of(set);
    const ByteVec high = high_half_of(set);
    std::size_t i = 0;
    for (; i + kBlock <= size; i += kBlock) {
        masks[i / kBlock] = block_bits<Inside>(p + i, low, high);
    }
    if (i < size) {
        masks[i / kBlock] = tail_bits<Inside>(p, size, size - i, low, high);
    }
}

std::size_t offsets(std::string_view text, const ByteSet& set, std::uint32_t* HWY_RESTRICT out) {
    const std::uint8_t* p = begin_of(text);
    const std::size_t size = text.size();
    const ByteVec low = low_half_of(set);
    const ByteVec high = high_half_of(set);
    std::size_t found = 0;
    std::size_t i = 0;
    for (; i + kBlock <= size; i += kBlock) {
        const std::uint64_t bits = block_bits<Inside>(p + i, low, high);
        if (bits != 0) {
            found += write_offsets(bits, i, out + found, size - found);
        }
    }
    if (i < size) {
        const std::uint64_t bits = tail_bits<Inside>(p, size, size - i, low, high);
        found += write_offsets(bits, i, out + found, size - found);
    }
    return found;
}
#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(count_equal);
HWY_EXPORT(first_in);
HWY_EXPORT(first_not_in);
HWY_EXPORT(members);
HWY_EXPORT(mark);
HWY_EXPORT(offsets);
}  // namespace

std::size_t count_byte(std::string_view text, char byte) noexcept {
    return HWY_DYNAMIC_DISPATCH(count_equal)(text, byte);
}

std::size_t find_in(std::string_view text, const ByteSet& set) noexcept {
    return HWY_DYNAMIC_DISPATCH(first_in)(text, set);
}

std::size_t find_not_in(std::string_view text, const ByteSet& set) noexcept {
    return HWY_DYNAMIC_DISPATCH(first_not_in)(text, set);
}

std::size_t count_in(std::string_view text, const ByteSet& set) noexcept {
    return HWY_DYNAMIC_DISPATCH(members)(text, set);
}

void mark_in(std::string_view text, const ByteSet& set, std::uint64_t* masks) noexcept {
    HWY_DYNAMIC_DISPATCH(mark)(text, set, masks);
}

std::size_t offsets_in(std::string_view text, const ByteSet& set, std::uint32_t* offsets) noexcept {
    ABI_ASSERT(text.size() <= std::size_t{UINT32_MAX} + 1);
    return HWY_DYNAMIC_DISPATCH(offsets)(text, set, offsets);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE

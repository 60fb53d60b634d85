// One unrolled loop for each width, chosen by a table.
#include "bit_pack.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace abikit::storage::fulltext {

namespace {
constexpr std::size_t kLanes = 4;
constexpr std::size_t kSteps = kBlockPostings / kLanes;

using Lanes = std::array<std::uint32_t, kLanes>;

Lanes load(const std::byte* from, std::size_t word) noexcept {
    Lanes lanes;
    std::memcpy(lanes.data(), from + word * sizeof lanes, sizeof lanes);
    return lanes;
}

// The numbers 4 * kStep to 4 * kStep + 3.
template <unsigned kBits, std::size_t kStep>
void unpack_step(const std::byte* from, std::uint32_t* values) noexcept {
    constexpr std::size_t kWord = kStep * kBits / 32;
    constexpr unsigned kShift = kStep * kBits % 32;
    constexpr std::uint32_t kMask = kBits == 32 ? 0xFFFFFFFFU : (1U << kBits) - 1;
    Lanes lanes = load(from, kWord);
    for (std::uint32_t& lane : lanes) {
        lane >>= kShift;
    }
    if constexpr (kShift + kBits > 32) {
        const Lanes next = load(from, kWord + 1);
        for (std::size_t i = 0; i < kLanes; ++i) {
            lanes[i] |= next[i] << (32 - kShift);
        }
    }
    for (std::uint32_t& lane : lanes) {
        lane &= kMask;
    }
    std::memcpy(values + kStep * kLanes, lanes.data(), sizeof lanes);
}

template <unsigned kBits>
void unpack(const std::byte* from, std::uint32_t* values) noexcept {
    if constexpr (kBits == 0) {
        std::memset(values, 0, kBlockPostings * sizeof *values);
    } else {
        [&]<std::size_t... kStep>(std::index_sequence<kStep...>) {
            (unpack_step<kBits, kStep>(from, values), ...);
        }
        (std::make_index_sequence<kSteps>());
    }
}

using Unpack = void (*)(const std::byte*, std::uint32_t*) noexcept;
constexpr std::array<Unpack, 33> kUnpack = []<std::size_t... kBits>(std::index_sequence<kBits...>) {
    return std::array<Unpack, 33>{&unpack<static_cast<unsigned>(kBits)>...};
}
(std::make_index_sequence<33>());
}  // namespace

unsigned bits_needed(std::span<const std::uint32_t> values) noexcept {
    std::uint32_t all = 0;
    for (const std::uint32_t value : values) {
        all |= value;
    }
    return static_cast<unsigned>(std::bit_width(all));
}

void pack_block(std::span<const std::uint32_t, kBlockPostings> values, unsigned bits,
                std::string& out) {
    std::array<std::uint32_t, kBlockPostings> words{};
    for (std::size_t i = 0; bits != 0 && i < kBlockPostings; ++i) {
        const std::size_t bit = i / kLanes * bits;
        const std::size_t word = bit / 32 * kLanes + i % kLanes;
        words[word] |= values[i] << (bit % 32);
        if (bit % 32 + bits > 32) {
            words[word + kLanes] |= values[i] >> (32 - bit % 32);
        }
    }
    out.append(reinterpret_cast<const char*>(words.data()), packed_bytes(bits));
}

void unpack_block(const std::byte* from, unsigned bits, std::uint32_t* values) noexcept {
    kUnpack[bits](from, values);
}

}  // namespace abikit::storage::fulltext

// Weighs hashed features and adds them up to unit vectors. Features are found in features.hpp,
// counted in frequencies.cpp; the arithmetic is specified in docs/formats/hash-embedder.md.
#include <abi/text/hash_embedder.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

#include "features.hpp"
#include "fixed_point.hpp"
#include "frequency_table.hpp"
#include "word_set.hpp"

namespace abikit::text {
namespace {

// What a trigram is worth in relation to a word of the same rarity, Q16. Trigrams find misspelt and
// inflected words without outweighing exact ones.
constexpr std::uint64_t kNgramWeight = kOne * 6 / 10;

// A feature is added at several places, one in each of as many equal parts of the vector (the block
// construction of Kane, Nelson 2014): one unlucky collision then costs a fraction of its weight.
constexpr unsigned kWordPlaces = 16;
constexpr unsigned kNgramPlaces = 4;
constexpr unsigned kPlacesPerHash = 4;
constexpr std::uint64_t kPlaceStep = 0x9E3779B97F4A7C15U;

// What a feature that occurs in `count` of `documents` documents is worth, Q16:
// log2((documents + 1) / count) to the power of 1.5.
std::uint64_t rarity(std::uint64_t count, std::uint64_t documents) noexcept {
    if (documents == 0) {
        return kOne;
    }
    const std::uint64_t all = log2_q16(documents + 1);
    const std::uint64_t bits = all - std::min(log2_q16(count), all);
    return (bits * floor_sqrt(bits << kQ)) >> kQ;
}

// What `count` occurrences in one text are worth, Q16: 1 + log2(count) / 4.
std::uint64_t damped(std::uint32_t count) noexcept {
    return count == 1 ? kOne : kOne + log2_q16(count) / 4;
}

}  // namespace

struct HashEmbedder::Impl {
    struct Weight {
        std::uint32_t key = 0;
        std::uint32_t rarity = 0;  // Q16; 0: the slot is free
    };

    std::uint32_t dimension = 0;
    DocumentFrequencies frequencies;
    std::uint32_t rarest = 0;  // of a feature that is not in the table
    std::size_t mask = 0;
    std::vector<Weight> weights;

    std::uint64_t rarity_of(std::uint32_t key) const noexcept {
        for (std::size_t at = key & mask;; at = (at + 1) & mask) {
            const Weight& weight = weights[at];
            if (weight.rarity == 0) {
                return rarest;
            }
            if (weight.key == key) {
                return weight.rarity;
            }
        }
    }

    // Adds `weight` at the feature's places, with the signs that its hash chooses.
    template <unsigned kPlaces>
    void scatter(std::uint64_t hash, std::uint64_t weight, std::int64_t* sums) const noexcept {
        std::uint64_t bits = 0;
        for (unsigned place = 0; place < kPlaces; ++place, bits >>= 16U) {
            if (place % kPlacesPerHash == 0) {
                hash += kPlaceStep;
                bits = mix64(hash);
            }
            const std::uint64_t first = std::uint64_t{place} * dimension / kPlaces;
            const std::uint64_t end = (std::uint64_t{place} + 1) * dimension / kPlaces;
            const std::uint64_t at = first + (((bits & 0x7FFFU) * (end - first)) >> 15U);
            const auto value = static_cast<std::int64_t>(weight);
            sums[at] += (bits & 0x8000U) != 0 ? value : -value;
        }
    }

    void accumulate(const WordSet& set, std::int64_t* sums) const noexcept {
        for (const auto& [word, count] : set.words()) {
            const std::uint64_t times = damped(count);
            scatter<kWordPlaces>(word.hash, (times * rarity_of(feature_key(word.hash))) >> kQ,
                                 sums);
            if (!word.has_ngrams) {
                continue;
            }
            const std::uint64_t share = (times * kNgramWeight) >> kQ;
            for_each_ngram(word.bytes, [&](std::uint64_t hash) {
                scatter<kNgramPlaces>(hash, (share * rarity_of(feature_key(hash))) >> kQ, sums);
            });
        }
    }
};

namespace {

constexpr unsigned kSumBits = 24;
constexpr std::size_t kKeptTextBytes = std::size_t{1} << 18U;

// Everything embed() needs besides its arguments, kept from call to call.
struct Scratch {
    WordSet words;
    std::vector<std::int64_t> sums;
};

// Shifts the sums to at most 24 bits and returns the sum of their squares, which then fits into 64
// bits for any dimension: integers are exact, whatever the order or the instructions.
std::uint64_t normalise_sums(std::vector<std::int64_t>& sums) noexcept {
    std::uint64_t any = 0;
    for (const std::int64_t sum : sums) {
        any |= static_cast<std::uint64_t>(sum < 0 ? -sum : sum);
    }
    const auto width = static_cast<unsigned>(std::bit_width(any));
    const unsigned shift = width > kSumBits ? width - kSumBits : 0;
    std::uint64_t squares = 0;
    for (std::int64_t& sum : sums) {
        sum >>= shift;
        squares += static_cast<std::uint64_t>(sum * sum);
    }
    return squares;
}

}  // namespace

HashEmbedder::HashEmbedder(std::uint32_t dimension, DocumentFrequencies frequencies)
    : impl_(std::make_unique<Impl>()) {
    ABI_ASSERT(dimension >= kMinDimension && dimension <= kMaxDimension);
    const DocumentFrequencies::Table& table = frequencies.table();
    Impl& impl = *impl_;
    impl.dimension = dimension;
    impl.weights.resize(std::max<std::size_t>(table.slots.size(), 1));
    impl.mask = impl.weights.size() - 1;
    impl.rarest = static_cast<std::uint32_t>(rarity(1, table.documents));
    for (const auto& slot : table.slots) {
        if (slot.count < 2) {
            continue;
        }
        std::size_t at = slot.key & impl.mask;
        while (impl.weights[at].rarity != 0) {
            at = (at + 1) & impl.mask;
        }
        const std::uint64_t worth = std::max<std::uint64_t>(1, rarity(slot.count, table.documents));
        impl.weights[at] = {.key = slot.key, .rarity = static_cast<std::uint32_t>(worth)};
    }
    impl.frequencies = std::move(frequencies);
}

HashEmbedder::~HashEmbedder() = default;
HashEmbedder::HashEmbedder(HashEmbedder&&) noexcept = default;
HashEmbedder& HashEmbedder::operator=(HashEmbedder&&) noexcept = default;

std::uint32_t HashEmbedder::dimension() const noexcept {
    return impl_->dimension;
}

const DocumentFrequencies& HashEmbedder::frequencies() const noexcept {
    return impl_->frequencies;
}

void HashEmbedder::embed(std::string_view text, std::span<float> out) const {
    ABI_ASSERT(out.size() == impl_->dimension);
    thread_local Scratch scratch;
    scratch.words.fill(text);
    scratch.sums.assign(impl_->dimension, 0);
    impl_->accumulate(scratch.words, scratch.sums.data());
    const std::uint64_t squares = normalise_sums(scratch.sums);
    // IEEE 754 rounds each of these operations exactly, on every machine.
    const double scale = squares > 0 ? 1 / std::sqrt(static_cast<double>(squares)) : 0;
    for (std::size_t index = 0; index < out.size(); ++index) {
        out[index] = static_cast<float>(static_cast<double>(scratch.sums[index]) * scale);
    }
    if (text.size() > kKeptTextBytes) {
        scratch.words = WordSet();
    }
}

}  // namespace abikit::text

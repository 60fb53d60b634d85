// The embedder that needs no model: words and character n-grams are hashed into a signed vector
// (Weinberger et al. 2009), weighted by learned document frequencies, and normalised. Integer
// arithmetic decides every weight, so that the same text and state give the same vector on every
// machine. The state's bytes are documented in docs/formats/hash-embedder.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <abi/core/error.hpp>

namespace abikit::text {

// Document frequencies of hashed features. Append-only while learning. Thread-compatible.
class DocumentFrequencies {
public:
    DocumentFrequencies();
    ~DocumentFrequencies();
    DocumentFrequencies(DocumentFrequencies&&) noexcept;
    DocumentFrequencies& operator=(DocumentFrequencies&&) noexcept;

    // Counts each distinct feature of one document once.
    void learn(std::string_view text);
    // Adds the counts of another set learned elsewhere (order does not matter: sums are exact).
    void merge(const DocumentFrequencies& other);
    std::uint64_t documents() const noexcept;

    // Little-endian bytes with a version; equal counts give equal bytes.
    std::string serialize() const;
    // kCorrupt for anything that serialize() cannot have written, kIncompatible for a newer
    // version.
    static Result<DocumentFrequencies> deserialize(std::string_view bytes);

    struct Table;
    const Table& table() const noexcept { return *table_; }

private:
    std::unique_ptr<Table> table_;
};

// Turns text into unit vectors. embed() is const and thread-safe.
class HashEmbedder {
public:
    static constexpr std::uint32_t kDefaultDimension = 1536;
    static constexpr std::uint32_t kMinDimension = 64;
    static constexpr std::uint32_t kMaxDimension = 16384;

    // Frequencies with documents() == 0 weigh every feature alike.
    HashEmbedder(std::uint32_t dimension, DocumentFrequencies frequencies);
    ~HashEmbedder();
    HashEmbedder(HashEmbedder&&) noexcept;
    HashEmbedder& operator=(HashEmbedder&&) noexcept;

    std::uint32_t dimension() const noexcept;
    const DocumentFrequencies& frequencies() const noexcept;
    // out.size() == dimension(). Unit length; text without any feature gives zeros.
    void embed(std::string_view text, std::span<float> out) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace abikit::text

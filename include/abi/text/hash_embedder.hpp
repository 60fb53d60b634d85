// The embedder that needs no model: words and character trigrams are hashed into a signed vector
// (Weinberger et al. 2009), weighted by learned document frequencies, and normalised. Integer
// arithmetic decides every weight, so that the same text and state give the same vector on every
// machine. The scheme, the state's bytes and what they were measured to do are in
// docs/formats/hash-embedder.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <abi/core/error.hpp>

namespace abikit::text {

// Document frequencies of hashed features. Append-only while learning. Thread-compatible. One that
// was moved from can only be destroyed or assigned to.
class DocumentFrequencies {
public:
    DocumentFrequencies();
    ~DocumentFrequencies();
    DocumentFrequencies(DocumentFrequencies&&) noexcept;
    DocumentFrequencies& operator=(DocumentFrequencies&&) noexcept;

    // Counts each distinct feature of one document once. What a document is, a file or a chunk of
    // it, is the caller's choice; only be consistent. Linear in the text; some twelve bytes of
    // memory for each feature that is new.
    void learn(std::string_view text);
    // Adds the counts of another set learned elsewhere (order does not matter: sums are exact, up
    // to 2^32 - 1 for a feature).
    void merge(const DocumentFrequencies& other);
    std::uint64_t documents() const noexcept;

    // Little-endian bytes with a version; equal counts give equal bytes. Features of a single
    // document are left out, because a feature that is unknown is taken to occur in one: vectors
    // are the same, but what is learned on top of a state that was read back counts those features
    // anew. Learn from the texts again for exact counts.
    std::string serialize() const;
    // kCorrupt for anything that serialize() cannot have written, kIncompatible for another version
    // or feature scheme. Safe for any bytes: memory is bounded by their number.
    static Result<DocumentFrequencies> deserialize(std::string_view bytes);

    // The counts themselves; private to the library (src/text/frequency_table.hpp).
    struct Table;
    const Table& table() const noexcept { return *table_; }

private:
    std::unique_ptr<Table> table_;
};

// Turns text into unit vectors. embed() is const and thread-safe. One that was moved from can only
// be destroyed or assigned to.
class HashEmbedder {
public:
    // The smallest measured dimension that finds at least 95 of 100 documents by six of their rare
    // words with a margin, even where documents are long.
    static constexpr std::uint32_t kDefaultDimension = 1536;
    static constexpr std::uint32_t kMinDimension = 64;
    static constexpr std::uint32_t kMaxDimension = 16384;

    // Frequencies with documents() == 0 weigh every feature alike. `dimension` must lie within the
    // limits above. Linear in the number of features learned.
    HashEmbedder(std::uint32_t dimension, DocumentFrequencies frequencies);
    ~HashEmbedder();
    HashEmbedder(HashEmbedder&&) noexcept;
    HashEmbedder& operator=(HashEmbedder&&) noexcept;

    std::uint32_t dimension() const noexcept;
    const DocumentFrequencies& frequencies() const noexcept;
    // out.size() == dimension(). Unit length; text without any feature gives zeros. Invalid UTF-8
    // is embedded by its valid words. Linear in the text and the dimension; keeps at most a few
    // megabytes of scratch memory per thread. Throws only std::bad_alloc.
    void embed(std::string_view text, std::span<float> out) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace abikit::text

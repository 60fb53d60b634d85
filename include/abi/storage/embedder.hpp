// The abstract embedder: turns text into vectors. A database stores which one it was made with and
// refuses another.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit::storage {

// embed() is const and thread-safe; the rest is single thread.
class Embedder {
public:
    virtual ~Embedder() = default;
    // Which algorithm: "hash". Stored in the manifest and compared on open.
    virtual std::string_view kind() const noexcept = 0;
    virtual std::uint32_t dimension() const noexcept = 0;
    // out.size() == dimension(). A text without any feature gives zeros.
    virtual void embed(std::string_view text, std::span<float> out) const = 0;
    // How many documents its weights were learned from; 0: none yet.
    virtual std::uint64_t learned_documents() const noexcept = 0;
    // The state to be stored beside the rows; equal states give equal vectors on every machine.
    virtual std::string serialize() const = 0;
    // A new embedder of the same kind and dimension whose weights are learned from these texts
    // alone.
    virtual std::unique_ptr<Embedder> relearn(std::span<const std::string_view> texts) const = 0;
};

// An embedder by kind, dimension and stored state ("" = fresh). kUnavailable for an unknown kind,
// kCorrupt for a broken state.
ABI_API Result<std::unique_ptr<Embedder>> make_embedder(std::string_view kind,
                                                        std::uint32_t dimension,
                                                        std::string_view state);
// Parses "hash" or "hash:DIM" into kind and dimension (the kind's default when absent).
struct EmbedderChoice {
    std::string kind;
    std::uint32_t dimension = 0;
};
ABI_API Result<EmbedderChoice> parse_embedder(std::string_view text);

}  // namespace abikit::storage

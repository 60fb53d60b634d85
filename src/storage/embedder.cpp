// The embedders there are: today the hash embedder of the text room behind the abstract interface.
#include <charconv>

#include <fmt/format.h>

#include <abi/storage/embedder.hpp>
#include <abi/text/hash_embedder.hpp>

namespace abikit::storage {

namespace {
constexpr std::string_view kHash = "hash";

class HashTextEmbedder : public Embedder {
public:
    explicit HashTextEmbedder(text::HashEmbedder embedder) : embedder_(std::move(embedder)) {}
    std::string_view kind() const noexcept override { return kHash; }
    std::uint32_t dimension() const noexcept override { return embedder_.dimension(); }
    void embed(std::string_view text, std::span<float> out) const override {
        embedder_.embed(text, out);
    }
    std::uint64_t learned_documents() const noexcept override {
        return embedder_.frequencies().documents();
    }
    std::string serialize() const override { return embedder_.frequencies().serialize(); }
    std::unique_ptr<Embedder> relearn(std::span<const std::string_view> texts) const override {
        text::DocumentFrequencies frequencies;
        for (const std::string_view text : texts) {
            frequencies.learn(text);
        }
        // Through its stored form, so that vectors do not depend on whether the database was
        // reopened in between.
        auto stored = text::DocumentFrequencies::deserialize(frequencies.serialize());
        ABI_ASSERT(stored);
        return std::make_unique<HashTextEmbedder>(
            text::HashEmbedder(dimension(), *std::move(stored)));
    }

private:
    text::HashEmbedder embedder_;
};

Status check_dimension(std::uint32_t dimension) {
    if (dimension < text::HashEmbedder::kMinDimension ||
        dimension > text::HashEmbedder::kMaxDimension) {
        return fail(
            Code::kInvalidArgument,
            fmt::format("the hash embedder has no dimension {} ({} to {})", dimension,
                        text::HashEmbedder::kMinDimension, text::HashEmbedder::kMaxDimension));
    }
    return {};
}
}  // namespace

Result<std::unique_ptr<Embedder>> make_embedder(std::string_view kind, std::uint32_t dimension,
                                                std::string_view state) {
    if (kind != kHash) {
        return fail(Code::kUnavailable, fmt::format("this abi has no embedder '{}'", kind),
                    "valid embedders are hash");
    }
    ABI_CHECK(check_dimension(dimension));
    text::DocumentFrequencies frequencies;
    if (!state.empty()) {
        ABI_TRY(frequencies, text::DocumentFrequencies::deserialize(state));
    }
    return std::make_unique<HashTextEmbedder>(
        text::HashEmbedder(dimension, std::move(frequencies)));
}

Result<EmbedderChoice> parse_embedder(std::string_view text) {
    const std::size_t colon = text.find(':');
    EmbedderChoice choice{std::string(text.substr(0, colon)),
                          text::HashEmbedder::kDefaultDimension};
    if (choice.kind != kHash) {
        return fail(Code::kInvalidArgument, fmt::format("unknown embedder '{}'", choice.kind),
                    "valid embedders are hash and hash:DIM");
    }
    if (colon != std::string_view::npos) {
        const std::string_view digits = text.substr(colon + 1);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), choice.dimension);
        if (error != std::errc() || end != digits.data() + digits.size()) {
            return fail(Code::kInvalidArgument, fmt::format("'{}' is no dimension", digits),
                        "write hash:1024, say");
        }
    }
    ABI_CHECK(check_dimension(choice.dimension));
    return choice;
}

}  // namespace abikit::storage

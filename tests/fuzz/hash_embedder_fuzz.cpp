// The embedder's state and its vectors on arbitrary bytes: a state that is accepted writes the same
// bytes again, learning and merging agree whatever the order, and every vector is a unit vector or
// zero, the same before and after the state is stored.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <abi/text/hash_embedder.hpp>

namespace {

using namespace abikit;
using namespace abikit::text;

constexpr std::uint32_t kDimension = 96;

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

std::vector<float> embedded(const HashEmbedder& embedder, std::string_view text) {
    std::vector<float> out(kDimension);
    embedder.embed(text, out);
    double squares = 0;
    for (const float value : out) {
        squares += double{value} * double{value};
    }
    require(squares == 0 || std::abs(squares - 1) < 1e-5);
    return out;
}

void check_state(std::string_view bytes) {
    auto state = DocumentFrequencies::deserialize(bytes);
    if (!state) {
        require(state.error().code() == Code::kCorrupt ||
                state.error().code() == Code::kIncompatible);
        return;
    }
    require(state->serialize() == bytes);
    embedded(HashEmbedder(kDimension, std::move(*state)), "what any state makes of some words");
}

void check_text(std::string_view text) {
    const std::string_view head = text.substr(0, text.size() / 2);
    const std::string_view tail = text.substr(text.size() / 2);
    DocumentFrequencies together;
    together.learn(head);
    together.learn(tail);
    DocumentFrequencies first;
    DocumentFrequencies second;
    first.learn(head);
    second.learn(tail);
    second.merge(first);
    const std::string bytes = together.serialize();
    require(second.serialize() == bytes);
    auto stored = DocumentFrequencies::deserialize(bytes);
    require(stored.has_value() && stored->documents() == 2);
    const auto before = embedded(HashEmbedder(kDimension, std::move(together)), text);
    require(embedded(HashEmbedder(kDimension, std::move(*stored)), text) == before);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_state(bytes);
    check_text(bytes);
    return 0;
}

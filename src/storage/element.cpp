// The element types: names, sizes, and the metrics they go with.
#include <abi/storage/element.hpp>

#include <array>
#include <string>

namespace abikit::storage {

namespace {
constexpr std::array<std::string_view, kElementTypes> kNames{"f32", "f16", "bf16", "int8", "bits"};
}  // namespace

std::string_view element_name(ElementType element) noexcept {
    const auto number = static_cast<std::size_t>(element);
    return number < kNames.size() ? kNames[number] : "unknown";
}

Result<ElementType> parse_element(std::string_view name) {
    for (std::size_t number = 0; number < kNames.size(); ++number) {
        if (kNames[number] == name) {
            return static_cast<ElementType>(number);
        }
    }
    return fail(Code::kInvalidArgument, "unknown element type '" + std::string(name) + "'",
                "valid types are f32, f16, bf16, int8 and bits");
}

std::size_t vector_bytes(ElementType element, std::uint32_t dimension) noexcept {
    const std::size_t count = dimension;
    switch (element) {
        case ElementType::kFloat32:
            return count * 4;
        case ElementType::kFloat16:
        case ElementType::kBFloat16:
            return count * 2;
        case ElementType::kInt8:
            return count;
        case ElementType::kBits:
            return (count + 7) / 8;
    }
    return 0;
}

bool metric_fits(Metric metric, ElementType element) noexcept {
    const bool of_bits = metric == Metric::kHamming || metric == Metric::kJaccard;
    return of_bits == (element == ElementType::kBits);
}

}  // namespace abikit::storage

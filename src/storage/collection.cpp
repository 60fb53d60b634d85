// What collections and named snapshots may be called and be, and how they are found.
#include <algorithm>

#include <fmt/format.h>

#include <abi/text/utf8.hpp>

#include "database_impl.hpp"

namespace abikit::storage {

Status check_name(std::string_view what, std::string_view name) {
    const bool sound = !name.empty() && name.size() <= kMaxNameBytes && text::utf8_valid(name) &&
                       std::none_of(name.begin(), name.end(), [](char c) {
                           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/';
                       });
    if (!sound) {
        return fail(Code::kInvalidArgument, fmt::format("'{}' is no name of a {}", name, what),
                    fmt::format("a name is 1 to {} bytes of UTF-8 without '/' and control "
                                "characters",
                                kMaxNameBytes));
    }
    return {};
}

Error no_collection(const std::string& path, std::string_view name) {
    return Error(Code::kNotFound, fmt::format("database '{}' has no collection '{}'", path, name))
        .with_hint(fmt::format("'abi db collection list {}' names them", path));
}

Result<CollectionEntry> make_collection_entry(const CollectionOptions& options) {
    ABI_CHECK(check_name("collection", options.name));
    CollectionEntry entry;
    entry.name = options.name;
    entry.metric = options.metric;
    entry.shape = {options.dimension, options.element};
    if (options.embedder) {
        if (options.dimension != 0 && options.dimension != options.embedder->dimension) {
            return fail(Code::kInvalidArgument,
                        fmt::format("dimension {} does not fit the embedder's {}",
                                    options.dimension, options.embedder->dimension),
                        "leave --dim out: the embedder decides");
        }
        if (options.element == ElementType::kInt8 || options.element == ElementType::kBits) {
            return fail(Code::kInvalidArgument,
                        fmt::format("an embedder's vectors cannot be stored as {}",
                                    element_name(options.element)),
                        "use f32, f16 or bf16");
        }
        entry.embedder_kind = options.embedder->kind;
        entry.shape.dimension = options.embedder->dimension;
        ABI_TRY(const auto probe,
                make_embedder(options.embedder->kind, options.embedder->dimension, {}));
        static_cast<void>(probe);
    }
    if (entry.shape.dimension == 0 || entry.shape.dimension > kMaxDimension) {
        return fail(Code::kInvalidArgument, fmt::format("dimension {} is out of range (1 to {})",
                                                        entry.shape.dimension, kMaxDimension));
    }
    if (!metric_fits(options.metric, options.element)) {
        return fail(Code::kInvalidArgument,
                    fmt::format("metric {} does not fit elements of type {}",
                                metric_name(options.metric), element_name(options.element)),
                    "bits go with hamming and jaccard, numbers with l2, cosine and dot");
    }
    return entry;
}

Result<std::size_t> Database::Impl::core_of(std::uint32_t collection) const {
    for (std::size_t i = 0; i < cores_.size(); ++i) {
        if (cores_[i].entry->id == collection) {
            return i;
        }
    }
    return fail(Code::kNotFound, fmt::format("the collection is no longer in '{}'", path_));
}

Result<std::size_t> Database::Impl::core_of(std::string_view name) const {
    for (std::size_t i = 0; i < cores_.size(); ++i) {
        if (cores_[i].entry->name == name) {
            return i;
        }
    }
    return fail(no_collection(path_, name));
}

}  // namespace abikit::storage

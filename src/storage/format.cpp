// Names of files, wording of damage, ids.
#include "format.hpp"

#include <charconv>

#include <fmt/format.h>

namespace abikit::storage {

namespace {
struct NamePattern {
    std::string_view prefix, suffix;
    FileRole role;
};
constexpr std::array<NamePattern, 5> kNamePatterns{{
    {"log-", ".wal", FileRole::kLog},
    {"seg-", ".wds", FileRole::kSegment},
    {"del-", ".wdd", FileRole::kDeletes},
    {"emb-", ".wde", FileRole::kEmbedder},
    {"ann-", ".wdx", FileRole::kIndex},
}};
std::string numbered(const NamePattern& pattern, std::uint64_t number) {
    return fmt::format("{}{:010}{}", pattern.prefix, number, pattern.suffix);
}
}  // namespace

std::string log_name(std::uint64_t number) {
    return numbered(kNamePatterns[0], number);
}
std::string segment_name(std::uint64_t number) {
    return numbered(kNamePatterns[1], number);
}
std::string deletes_name(std::uint64_t number) {
    return numbered(kNamePatterns[2], number);
}
std::string embedder_name(std::uint64_t number) {
    return numbered(kNamePatterns[3], number);
}

std::string index_name(std::uint64_t segment_number) {
    return numbered(kNamePatterns[4], segment_number);
}

FileName parse_file_name(std::string_view name) {
    if (name == kManifestName) {
        return {FileRole::kManifest, 0};
    }
    if (name == kLockName) {
        return {FileRole::kLock, 0};
    }
    if (name == kPurgeMarkName) {
        return {FileRole::kPurgeMark, 0};
    }
    if (name.ends_with(kPurgeSuffix)) {
        name.remove_suffix(kPurgeSuffix.size());
        const FileRole role = parse_file_name(name).role;
        const bool ours = role == FileRole::kLog || role == FileRole::kSegment ||
                          role == FileRole::kDeletes || role == FileRole::kEmbedder ||
                          role == FileRole::kIndex || role == FileRole::kTemporary;
        return {ours ? FileRole::kPurge : FileRole::kForeign, 0};
    }
    if (name == "MANIFEST.tmp" ||
        (name.starts_with(kNamePatterns[4].prefix) && name.ends_with(".wdx.tmp"))) {
        return {FileRole::kTemporary, 0};
    }
    for (const NamePattern& pattern : kNamePatterns) {
        if (name.size() <= pattern.prefix.size() + pattern.suffix.size() ||
            !name.starts_with(pattern.prefix) || !name.ends_with(pattern.suffix)) {
            continue;
        }
        name.remove_prefix(pattern.prefix.size());
        name.remove_suffix(pattern.suffix.size());
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error == std::errc() && end == name.data() + name.size() && name.size() >= 10) {
            return {pattern.role, number};
        }
        return {};
    }
    return {};
}

Error corruption(std::string_view path, std::uint64_t offset, std::string_view what) {
    return Error(Code::kCorrupt, fmt::format("'{}' is damaged at byte {}: {}", path, offset, what))
        .with_hint("'abi db verify' lists every fault of the database");
}

std::uint64_t corruption_offset(const Error& error) {
    constexpr std::string_view kMarker = "' is damaged at byte ";
    const std::string_view text = error.message();
    const std::size_t at = text.find(kMarker);
    std::uint64_t offset = 0;
    if (at != std::string_view::npos) {
        const std::string_view digits = text.substr(at + kMarker.size());
        std::from_chars(digits.data(), digits.data() + digits.size(), offset);
    }
    return offset;
}

Error newer_format(std::string_view path, std::uint32_t version) {
    return Error(Code::kIncompatible,
                 fmt::format("'{}' has format version {}, newer than this abi reads ({})", path,
                             version, kFormatVersion))
        .with_hint("use a newer abi");
}

std::optional<std::uint64_t> canonical_integer(std::string_view id) {
    if (id.empty() || id.size() > 20 || (id[0] == '0' && id.size() > 1)) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), value);
    if (error != std::errc() || end != id.data() + id.size()) {
        return std::nullopt;
    }
    return value;
}

std::uint64_t hash_id(std::string_view id) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : id) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
    return hash ^ (hash >> 31);
}

}  // namespace abikit::storage

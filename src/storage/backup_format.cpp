// Coding of backup files. Layout as the manifest's: magic, version, features, length, checksums,
// body.
#include "backup_format.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>

namespace abikit::storage {

namespace {
constexpr std::string_view kMagic = "WDBXBAK1";
constexpr std::size_t kHeaderBytes = 40;
constexpr std::size_t kLeastFileBytes = 20;  // of an entry: two lengths and two checksums
constexpr std::string_view kPrefix = "backup-", kSuffix = ".wdk";

std::string encode_body(const BackupRecord& record) {
    Encoder body;
    body.put(record.number);
    body.put(record.uuid);
    body.put(record.lsn);
    body.put(record.time_ns);
    body.put_string(record.manifest);
    body.put(static_cast<std::uint32_t>(record.files.size()));
    for (const BackupFile& file : record.files) {
        body.put_string(file.name);
        body.put(file.length);
        body.put(file.crc);
        body.put(file.binding);
    }
    return body.take();
}

bool decode_files(Decoder& body, BackupRecord& record) {
    const auto count = body.get<std::uint32_t>();
    if (count > body.remaining() / kLeastFileBytes) {
        return false;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        BackupFile file;
        file.name = body.get_string();
        file.length = body.get<std::uint64_t>();
        file.crc = body.get<std::uint32_t>();
        file.binding = body.get<std::uint32_t>();
        record.files.push_back(std::move(file));
    }
    return body.ok();
}

// The names come from the manifest, so none of them leads out of the directory.
bool files_are_those_of(const Manifest& manifest, const BackupRecord& record) {
    const std::vector<std::string> names = backup_file_names(manifest);
    return std::equal(
        record.files.begin(), record.files.end(), names.begin(), names.end(),
        [](const BackupFile& file, const std::string& name) { return file.name == name; });
}

std::optional<std::uint64_t> parse_number(std::string_view digits, int base = 10) {
    std::uint64_t number = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    const bool whole =
        !digits.empty() && error == std::errc() && end == digits.data() + digits.size();
    return whole ? std::optional(number) : std::nullopt;
}
}  // namespace

std::uint64_t BackupRecord::bytes() const noexcept {
    std::uint64_t sum = manifest.size();
    for (const BackupFile& file : files) {
        sum += file.length;
    }
    return sum;
}

std::string encode_backup(const BackupRecord& record) {
    const std::string body = encode_body(record);
    Encoder out;
    out.put_bytes(kMagic);
    out.put(kBackupVersion);
    out.put(std::uint32_t{0x01020304});
    out.put(std::uint64_t{0});  // required features
    out.put(static_cast<std::uint64_t>(body.size()));
    out.put(crc32c(as_bytes(body)));
    out.put(crc32c(as_bytes(out.bytes())));  // of the header before it
    out.put_bytes(body);
    return out.take();
}

Result<BackupRecord> decode_backup(std::string_view bytes, std::string_view path) {
    if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) {
        return fail(corruption(
            path, 0, bytes.size() < kHeaderBytes ? "it is cut short" : "it is no wdbx backup"));
    }
    Decoder header(bytes);
    header.get_bytes(kMagic.size());
    const auto version = header.get<std::uint32_t>();
    header.get<std::uint32_t>();
    const auto features = header.get<std::uint64_t>();
    const auto length = header.get<std::uint64_t>();
    const auto body_crc = header.get<std::uint32_t>();
    const std::uint32_t expected = crc32c(as_bytes(bytes.substr(0, header.position())));
    if (header.get<std::uint32_t>() != expected) {
        return fail(corruption(path, 0, "the header does not match its checksum"));
    }
    if (version > kBackupVersion || features != 0) {
        return fail(Code::kIncompatible,
                    fmt::format("'{}' has backup format {}, newer than this abi reads ({})", path,
                                version, kBackupVersion),
                    "use a newer abi");
    }
    const std::string_view rest = bytes.substr(kHeaderBytes);
    if (rest.size() != length || crc32c(as_bytes(rest)) != body_crc) {
        return fail(corruption(path, kHeaderBytes, "the content does not match its checksum"));
    }
    Decoder body(rest);
    BackupRecord record;
    record.number = body.get<std::uint64_t>();
    record.uuid = body.get<Uuid>();
    record.lsn = body.get<std::uint64_t>();
    record.time_ns = body.get<std::int64_t>();
    record.manifest = body.get_string();
    if (!decode_files(body, record) || body.remaining() != 0) {
        return fail(corruption(path, kHeaderBytes, "the content has an impossible value"));
    }
    ABI_TRY(const Manifest manifest, decode_manifest(record.manifest, path));
    if (manifest.uuid != record.uuid || !files_are_those_of(manifest, record)) {
        return fail(corruption(path, kHeaderBytes, "its files are not those of its manifest"));
    }
    return record;
}

std::vector<std::string> backup_file_names(const Manifest& manifest) {
    std::vector<std::string> names = files_of(manifest);
    names.push_back(log_name(manifest.log_number));
    std::sort(names.begin(), names.end());
    return names;
}

std::string backup_name(std::uint64_t number) {
    return fmt::format("{}{:010}{}", kPrefix, number, kSuffix);
}

std::optional<std::uint64_t> parse_backup_name(std::string_view name) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) ||
        name.size() < kPrefix.size() + kSuffix.size()) {
        return std::nullopt;
    }
    const auto number =
        parse_number(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
    return number && backup_name(*number) == name ? number : std::nullopt;
}

std::string stored_name(const BackupFile& file) {
    return fmt::format("{}.{}.{:08x}", file.name, file.length, file.crc);
}

bool is_stored_name(std::string_view name) {
    const std::size_t crc_at = name.rfind('.');
    const std::size_t length_at = crc_at == std::string_view::npos || crc_at == 0
                                      ? std::string_view::npos
                                      : name.rfind('.', crc_at - 1);
    if (length_at == std::string_view::npos) {
        return false;
    }
    const auto crc = parse_number(name.substr(crc_at + 1), 16);
    const auto length = parse_number(name.substr(length_at + 1, crc_at - length_at - 1));
    const FileRole role = parse_file_name(name.substr(0, length_at)).role;
    return crc && length && name.size() - crc_at == 9 &&
           (role == FileRole::kLog || role == FileRole::kSegment || role == FileRole::kDeletes ||
            role == FileRole::kEmbedder);
}

}  // namespace abikit::storage

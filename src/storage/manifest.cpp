// Coding of the manifest. Layout: magic, version, feature flags, body length, body CRC, body
// (docs/formats/wdbx.md).
#include "manifest.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>
#include <abi/storage/database.hpp>

namespace abikit::storage {

namespace {
constexpr std::string_view kMagic = "WDBXMAN1";
constexpr std::size_t kHeaderBytes = 40;
constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{256} << 20;

std::string encode_body(const Manifest& m) {
    Encoder body;
    body.put(m.generation);
    body.put(m.uuid);
    body.put(m.created_ns);
    body.put(m.checkpoint_ns);
    body.put(m.dimension);
    body.put(static_cast<std::uint32_t>(m.metric));
    body.put(m.next_file);
    body.put(m.next_ordinal);
    body.put(m.lsn);
    body.put(m.log_number);
    body.put(m.log_salt);
    body.put_string(m.embedder_kind);
    body.put(m.embedder_number);
    body.put(m.embedder_crc);
    body.put(static_cast<std::uint32_t>(m.segments.size()));
    for (const SegmentEntry& segment : m.segments) {
        body.put(segment.number);
        body.put(segment.rows);
        body.put(segment.size_bytes);
        body.put(segment.header_crc);
        body.put(segment.deletes_number);
        body.put(segment.deleted_rows);
    }
    return body.take();
}

bool decode_segments(Decoder& body, Manifest& m) {
    const auto count = body.get<std::uint32_t>();
    if (count > body.remaining() / 44) {
        return false;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        SegmentEntry segment;
        segment.number = body.get<std::uint64_t>();
        segment.rows = body.get<std::uint64_t>();
        segment.size_bytes = body.get<std::uint64_t>();
        segment.header_crc = body.get<std::uint32_t>();
        segment.deletes_number = body.get<std::uint64_t>();
        segment.deleted_rows = body.get<std::uint64_t>();
        m.segments.push_back(segment);
    }
    return body.ok();
}

// Each number is given out once and lies below the next.
bool file_numbers_make_sense(const Manifest& m) {
    std::vector<std::uint64_t> numbers{m.log_number};
    if (m.embedder_number != 0) {
        numbers.push_back(m.embedder_number);
    }
    for (const SegmentEntry& segment : m.segments) {
        numbers.push_back(segment.number);
        if (segment.deletes_number != 0) {
            numbers.push_back(segment.deletes_number);
        }
        if (segment.rows > 0xffffffffu || segment.deleted_rows > segment.rows) {
            return false;
        }
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers.front() != 0 && numbers.back() < m.next_file &&
           std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end();
}

// The body has passed its checksum: what fails here was written by a bug or an attacker, not by a
// disk.
bool decode_body(std::string_view bytes, Manifest& m) {
    Decoder body(bytes);
    m.generation = body.get<std::uint64_t>();
    m.uuid = body.get<Uuid>();
    m.created_ns = body.get<std::int64_t>();
    m.checkpoint_ns = body.get<std::int64_t>();
    m.dimension = body.get<std::uint32_t>();
    const auto metric = body.get<std::uint32_t>();
    m.next_file = body.get<std::uint64_t>();
    m.next_ordinal = body.get<std::uint64_t>();
    m.lsn = body.get<std::uint64_t>();
    m.log_number = body.get<std::uint64_t>();
    m.log_salt = body.get<std::uint64_t>();
    m.embedder_kind = body.get_string();
    m.embedder_number = body.get<std::uint64_t>();
    m.embedder_crc = body.get<std::uint32_t>();
    if (metric < 1 || metric > 3 || m.dimension == 0 || m.dimension > kMaxDimension ||
        !decode_segments(body, m) || !file_numbers_make_sense(m)) {
        return false;
    }
    m.metric = static_cast<Metric>(metric);
    return body.ok() && body.remaining() == 0;
}
}  // namespace

std::string encode_manifest(const Manifest& manifest) {
    const std::string body = encode_body(manifest);
    Encoder out;
    out.put_bytes(kMagic);
    out.put(kFormatVersion);
    out.put(std::uint32_t{0x01020304});
    out.put(std::uint64_t{0});  // required features
    out.put(static_cast<std::uint64_t>(body.size()));
    out.put(crc32c(as_bytes(body)));
    out.put(crc32c(as_bytes(out.bytes())));  // of the header before it
    out.put_bytes(body);
    return out.take();
}

Result<Manifest> decode_manifest(std::string_view bytes, std::string_view path) {
    if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) {
        return fail(corruption(
            path, 0, bytes.size() < kHeaderBytes ? "it is cut short" : "it is no wdbx manifest"));
    }
    Decoder header(bytes);
    header.get_bytes(kMagic.size());
    const auto version = header.get<std::uint32_t>();
    header.get<std::uint32_t>();
    const auto features = header.get<std::uint64_t>();
    const auto length = header.get<std::uint64_t>();
    const auto body_crc = header.get<std::uint32_t>();
    const std::uint32_t expected = crc32c(as_bytes(bytes.substr(0, header.position())));
    const bool intact = header.get<std::uint32_t>() == expected;
    if (version > kFormatVersion || (intact && (features & ~kKnownRequiredFeatures) != 0)) {
        return fail(newer_format(path, version));
    }
    if (!intact) {
        return fail(corruption(path, 0, "the header does not match its checksum"));
    }
    const std::string_view body = bytes.substr(kHeaderBytes);
    if (body.size() != length || crc32c(as_bytes(body)) != body_crc) {
        return fail(corruption(path, kHeaderBytes, "the content does not match its checksum"));
    }
    Manifest manifest;
    if (!decode_body(body, manifest)) {
        return fail(corruption(path, kHeaderBytes, "the content has an impossible value"));
    }
    return manifest;
}

Result<Manifest> read_manifest(FileSystem& fs, const std::string& directory) {
    const std::string path = join_path(directory, kManifestName);
    ABI_TRY(const auto info, fs.stat(path));
    if (!info) {
        ABI_TRY(const auto parent, fs.stat(directory));
        if (!parent) {
            return fail(
                Code::kInputMissing,
                fmt::format("cannot open database '{}': no such file or directory", directory),
                fmt::format("create it with 'abi db init {} --dim N' or '--embedder hash'",
                            directory));
        }
        return fail(Code::kCorrupt,
                    fmt::format("'{}' is not a wdbx database: it has no MANIFEST", directory),
                    "give the directory that 'abi db init' made");
    }
    ABI_TRY(const std::string bytes, fs.read_file(path, kMaxManifestBytes));
    return decode_manifest(bytes, path);
}

Status write_manifest(FileSystem& fs, const std::string& directory, const Manifest& manifest) {
    return fs.replace_file(join_path(directory, kManifestName),
                           as_bytes(encode_manifest(manifest)));
}

}  // namespace abikit::storage

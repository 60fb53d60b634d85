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

// The shortest forms, so that a count is checked before anything is made of it.
constexpr std::size_t kSegmentBytes = 44, kCollectionBytes = 48, kSnapshotBytes = 24;

void encode_segments(Encoder& body, const std::vector<SegmentEntry>& segments) {
    body.put(static_cast<std::uint32_t>(segments.size()));
    for (const SegmentEntry& segment : segments) {
        body.put(segment.number);
        body.put(segment.rows);
        body.put(segment.size_bytes);
        body.put(segment.header_crc);
        body.put(segment.deletes_number);
        body.put(segment.deleted_rows);
    }
}

void encode_collections(Encoder& body, const std::vector<CollectionEntry>& collections) {
    body.put(static_cast<std::uint32_t>(collections.size()));
    for (const CollectionEntry& collection : collections) {
        body.put(collection.id);
        body.put_string(collection.name);
        body.put(collection.shape.dimension);
        body.put(static_cast<std::uint32_t>(collection.metric));
        body.put(static_cast<std::uint32_t>(collection.shape.element));
        body.put(collection.next_ordinal);
        body.put_string(collection.embedder_kind);
        body.put(collection.embedder_number);
        body.put(collection.embedder_crc);
        encode_segments(body, collection.segments);
    }
}

std::string encode_body(const Manifest& m) {
    Encoder body;
    body.put(m.generation);
    body.put(m.uuid);
    body.put(m.created_ns);
    body.put(m.checkpoint_ns);
    body.put(m.next_file);
    body.put(m.next_collection);
    body.put(m.lsn);
    body.put(m.log_number);
    body.put(m.log_salt);
    encode_collections(body, m.collections);
    body.put(static_cast<std::uint32_t>(m.snapshots.size()));
    for (const SnapshotEntry& snapshot : m.snapshots) {
        body.put_string(snapshot.name);
        body.put(snapshot.time_ns);
        body.put(snapshot.lsn);
        encode_collections(body, snapshot.collections);
    }
    return body.take();
}

bool decode_segments(Decoder& body, std::vector<SegmentEntry>& segments) {
    const auto count = body.get<std::uint32_t>();
    if (count > body.remaining() / kSegmentBytes) {
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
        if (segment.rows > 0xffffffffu || segment.deleted_rows > segment.rows) {
            return false;
        }
        segments.push_back(segment);
    }
    return body.ok();
}

bool decode_shape(Decoder& body, CollectionEntry& collection, bool with_element) {
    collection.shape.dimension = body.get<std::uint32_t>();
    const auto metric = body.get<std::uint32_t>();
    const auto element = with_element ? body.get<std::uint32_t>() : 0;
    if (metric < 1 || metric > kMetrics || element >= kElementTypes ||
        collection.shape.dimension == 0 || collection.shape.dimension > kMaxDimension) {
        return false;
    }
    collection.metric = static_cast<Metric>(metric);
    collection.shape.element = static_cast<ElementType>(element);
    return metric_fits(collection.metric, collection.shape.element);
}

bool decode_collections(Decoder& body, std::uint32_t next_id,
                        std::vector<CollectionEntry>& collections) {
    const auto count = body.get<std::uint32_t>();
    if (count > body.remaining() / kCollectionBytes) {
        return false;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        CollectionEntry collection;
        collection.id = body.get<std::uint32_t>();
        collection.name = body.get_string();
        if (!decode_shape(body, collection, true)) {
            return false;
        }
        collection.next_ordinal = body.get<std::uint64_t>();
        collection.embedder_kind = body.get_string();
        collection.embedder_number = body.get<std::uint64_t>();
        collection.embedder_crc = body.get<std::uint32_t>();
        const bool twice =
            std::any_of(collections.begin(), collections.end(), [&](const CollectionEntry& other) {
                return other.id == collection.id || other.name == collection.name;
            });
        if (twice || collection.id >= next_id || !decode_segments(body, collection.segments)) {
            return false;
        }
        collections.push_back(std::move(collection));
    }
    return body.ok();
}

bool decode_snapshots(Decoder& body, Manifest& m) {
    const auto count = body.get<std::uint32_t>();
    if (count > body.remaining() / kSnapshotBytes) {
        return false;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        SnapshotEntry snapshot;
        snapshot.name = body.get_string();
        snapshot.time_ns = body.get<std::int64_t>();
        snapshot.lsn = body.get<std::uint64_t>();
        if (m.find_snapshot(snapshot.name) != nullptr ||
            !decode_collections(body, m.next_collection, snapshot.collections)) {
            return false;
        }
        m.snapshots.push_back(std::move(snapshot));
    }
    return body.ok();
}

void numbers_of(const std::vector<CollectionEntry>& collections,
                std::vector<std::uint64_t>& numbers) {
    for (const CollectionEntry& collection : collections) {
        if (collection.embedder_number != 0) {
            numbers.push_back(collection.embedder_number);
        }
        for (const SegmentEntry& segment : collection.segments) {
            numbers.push_back(segment.number);
            if (segment.deletes_number != 0) {
                numbers.push_back(segment.deletes_number);
            }
        }
    }
}

// Each number is given out once and lies below the next. A named snapshot may share files with
// what is there now.
bool file_numbers_make_sense(const Manifest& m) {
    const auto sound = [&](const std::vector<CollectionEntry>& collections, std::uint64_t log) {
        std::vector<std::uint64_t> numbers;
        if (log != 0) {
            numbers.push_back(log);
        }
        numbers_of(collections, numbers);
        std::sort(numbers.begin(), numbers.end());
        return numbers.empty() ||
               (numbers.front() != 0 && numbers.back() < m.next_file &&
                std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end());
    };
    return m.log_number != 0 && sound(m.collections, m.log_number) &&
           std::all_of(m.snapshots.begin(), m.snapshots.end(), [&](const SnapshotEntry& snapshot) {
               return sound(snapshot.collections, 0);
           });
}

// Version 1 knew one collection of float32 and no named snapshots.
bool decode_body_1(Decoder& body, Manifest& m) {
    CollectionEntry collection;
    m.generation = body.get<std::uint64_t>();
    m.uuid = body.get<Uuid>();
    m.created_ns = body.get<std::int64_t>();
    m.checkpoint_ns = body.get<std::int64_t>();
    if (!decode_shape(body, collection, false)) {
        return false;
    }
    m.next_file = body.get<std::uint64_t>();
    collection.next_ordinal = body.get<std::uint64_t>();
    m.lsn = body.get<std::uint64_t>();
    m.log_number = body.get<std::uint64_t>();
    m.log_salt = body.get<std::uint64_t>();
    collection.embedder_kind = body.get_string();
    collection.embedder_number = body.get<std::uint64_t>();
    collection.embedder_crc = body.get<std::uint32_t>();
    m.next_collection = 2;
    const bool sound = decode_segments(body, collection.segments);
    m.collections.push_back(std::move(collection));
    return sound;
}

bool decode_body_2(Decoder& body, Manifest& m) {
    m.generation = body.get<std::uint64_t>();
    m.uuid = body.get<Uuid>();
    m.created_ns = body.get<std::int64_t>();
    m.checkpoint_ns = body.get<std::int64_t>();
    m.next_file = body.get<std::uint64_t>();
    m.next_collection = body.get<std::uint32_t>();
    m.lsn = body.get<std::uint64_t>();
    m.log_number = body.get<std::uint64_t>();
    m.log_salt = body.get<std::uint64_t>();
    return decode_collections(body, m.next_collection, m.collections) && decode_snapshots(body, m);
}

// The body has passed its checksum: what fails here was written by a bug or an attacker, not by a
// disk.
bool decode_body(std::string_view bytes, Manifest& m) {
    Decoder body(bytes);
    return (m.version == 1 ? decode_body_1(body, m) : decode_body_2(body, m)) && body.ok() &&
           body.remaining() == 0 && file_numbers_make_sense(m);
}
}  // namespace

const CollectionEntry* Manifest::find_collection(std::string_view name) const noexcept {
    const auto found =
        std::find_if(collections.begin(), collections.end(),
                     [name](const CollectionEntry& collection) { return collection.name == name; });
    return found == collections.end() ? nullptr : &*found;
}

const SnapshotEntry* Manifest::find_snapshot(std::string_view name) const noexcept {
    const auto found =
        std::find_if(snapshots.begin(), snapshots.end(),
                     [name](const SnapshotEntry& snapshot) { return snapshot.name == name; });
    return found == snapshots.end() ? nullptr : &*found;
}

std::vector<std::string> files_of(const Manifest& manifest) {
    std::vector<std::string> names;
    const auto add = [&names](const std::vector<CollectionEntry>& collections) {
        for (const CollectionEntry& collection : collections) {
            if (collection.embedder_number != 0) {
                names.push_back(embedder_name(collection.embedder_number));
            }
            for (const SegmentEntry& segment : collection.segments) {
                names.push_back(segment_name(segment.number));
                if (segment.deletes_number != 0) {
                    names.push_back(deletes_name(segment.deletes_number));
                }
            }
        }
    };
    add(manifest.collections);
    for (const SnapshotEntry& snapshot : manifest.snapshots) {
        add(snapshot.collections);
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

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
    if (!intact) {
        return fail(corruption(path, 0, "the header does not match its checksum"));
    }
    if (version > kFormatVersion || (features & ~kKnownRequiredFeatures) != 0) {
        return fail(newer_format(path, version));
    }
    const std::string_view body = bytes.substr(kHeaderBytes);
    if (body.size() != length || crc32c(as_bytes(body)) != body_crc) {
        return fail(corruption(path, kHeaderBytes, "the content does not match its checksum"));
    }
    Manifest manifest;
    manifest.version = version;
    if (version == 0 || !decode_body(body, manifest)) {
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

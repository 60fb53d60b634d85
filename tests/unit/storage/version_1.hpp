// Databases as format version 1 wrote them, byte by byte.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/crc32c.hpp>

#include "storage/manifest.hpp"

namespace abikit::storage::test {

// Puts the CRC-32C of `covered` at `at`.
inline void put_crc(std::string& bytes, std::size_t at, std::string_view covered) {
    const std::uint32_t crc = crc32c(std::as_bytes(std::span(covered)));
    std::memcpy(bytes.data() + at, &crc, sizeof crc);
}

// A manifest as format version 1 wrote it: one collection with metric l2, log 1.
inline std::string manifest_of_version_1(const Uuid& uuid, std::uint32_t dimension,
                                         const std::vector<SegmentEntry>& segments,
                                         std::uint64_t salt = 99) {
    Encoder body;
    body.put(std::uint64_t{12});  // generation
    body.put(uuid);
    body.put(std::int64_t{1});  // created
    body.put(std::int64_t{2});  // checkpoint
    body.put(dimension);
    body.put(std::uint32_t{1});    // l2
    body.put(std::uint64_t{9});    // next file
    body.put(std::uint64_t{500});  // next ordinal
    body.put(std::uint64_t{0});    // lsn
    body.put(std::uint64_t{1});    // log
    body.put(salt);
    body.put_string("");  // no embedder
    body.put(std::uint64_t{0});
    body.put(std::uint32_t{0});
    body.put(static_cast<std::uint32_t>(segments.size()));
    for (const SegmentEntry& segment : segments) {
        body.put(segment.number);
        body.put(segment.rows);
        body.put(segment.size_bytes);
        body.put(segment.header_crc);
        body.put(segment.deletes_number);
        body.put(segment.deleted_rows);
    }
    Encoder out;
    out.put_bytes("WDBXMAN1");
    out.put(std::uint32_t{1});
    out.put(std::uint32_t{0x01020304});
    out.put(std::uint64_t{0});
    out.put(std::uint64_t{body.size()});
    out.put(crc32c(as_bytes(body.bytes())));
    out.put(crc32c(as_bytes(out.bytes())));
    out.put_bytes(body.bytes());
    return out.take();
}

}  // namespace abikit::storage::test

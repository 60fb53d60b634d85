// The table of contents of a ZIP file that lies in memory: members, where their bytes are, and what
// they must be. Zip64 included. The bytes themselves are zip_member.hpp's.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <abi/core/error.hpp>

namespace abikit::data {

enum class ZipMethod : std::uint16_t { kStored = 0, kDeflated = 8 };

struct ZipMember {
    std::string name;
    ZipMethod method = ZipMethod::kStored;
    std::uint32_t crc32 = 0;
    std::uint64_t size_bytes = 0;
    std::uint64_t offset = 0;           // of the first packed byte in the file
    std::span<const std::byte> packed;  // within the file
};

// More members than this are taken for an attack: each costs work before the first row.
inline constexpr std::uint64_t kMaxZipMembers = 10'000;

// Members in the order of the table. kCorrupt with the byte offset, kIncompatible for encrypted or
// otherwise packed members, kLimit for too many. Every `packed` lies inside `file`; sizes that
// cannot be true are refused (deflate packs at most 1 : 1032).
Result<std::vector<ZipMember>> read_zip_directory(std::span<const std::byte> file);

}  // namespace abikit::data

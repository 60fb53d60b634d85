// The list of a backup. The first byte says whether the checksums are made right before decoding,
// so that what lies behind them is reached as well.
#include <abi/core/crc32c.hpp>

#include "storage/backup_format.hpp"
#include "storage_fuzz.hpp"

using namespace abikit;
using namespace abikit::storage;
using abikit::storage::fuzz::require;

namespace {

constexpr std::size_t kHeaderBytes = 40, kLengthAt = 24, kBodyCrcAt = 32, kHeaderCrcAt = 36;

void seal(std::string& bytes) {
    if (bytes.size() < kHeaderBytes) {
        return;
    }
    const auto put = [&bytes](std::size_t at, const auto& value) {
        std::memcpy(bytes.data() + at, &value, sizeof value);
    };
    const std::string_view body = std::string_view(bytes).substr(kHeaderBytes);
    put(kLengthAt, std::uint64_t{body.size()});
    put(kBodyCrcAt, crc32c(as_bytes(body)));
    put(kHeaderCrcAt, crc32c(as_bytes(std::string_view(bytes).substr(0, kHeaderCrcAt))));
}

void check_names(std::string_view name) {
    if (const auto number = parse_backup_name(name)) {
        require(backup_name(*number) == name);
    }
    if (is_stored_name(name)) {
        require(!name.contains('/') && !name.starts_with('.'));
        require(!parse_backup_name(name));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    std::string bytes(fuzz::text_of(data + 1, size - 1));
    check_names(bytes);
    if ((data[0] & 1U) != 0) {
        seal(bytes);
    }
    const auto record = decode_backup(bytes, "b");
    if (!record) {
        const Code code = record.error().code();
        require(code == Code::kCorrupt || code == Code::kIncompatible);
        return 0;
    }
    // Everything of the body is meaning: it comes back byte for byte.
    require(encode_backup(*record).substr(kHeaderBytes) == bytes.substr(kHeaderBytes));
    // What is restored from it stays in its directory, and is what the manifest names.
    const auto manifest = decode_manifest(record->manifest, "m");
    require(manifest && manifest->uuid == record->uuid);
    for (const BackupFile& file : record->files) {
        const FileRole role = parse_file_name(file.name).role;
        require(role != FileRole::kForeign && role != FileRole::kManifest);
        require(is_stored_name(stored_name(file)));
    }
    return 0;
}

// The manifest. The first byte says whether the checksums are made right before decoding, so that
// what lies behind them is reached as well.
#include <algorithm>
#include <set>

#include <abi/core/crc32c.hpp>

#include "storage/manifest.hpp"
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    std::string bytes(fuzz::text_of(data + 1, size - 1));
    if ((data[0] & 1U) != 0) {
        seal(bytes);
    }
    const auto manifest = decode_manifest(bytes, "m");
    if (!manifest) {
        const Code code = manifest.error().code();
        require(code == Code::kCorrupt || code == Code::kIncompatible);
        return 0;
    }
    // Everything of the body is meaning: it comes back byte for byte, from version 1 by meaning.
    const std::string again = encode_manifest(*manifest);
    if (manifest->version == kFormatVersion) {
        require(again.substr(kHeaderBytes) == bytes.substr(kHeaderBytes));
    }
    auto copy = decode_manifest(again, "m");
    require(copy.has_value());
    copy->version = manifest->version;
    require(*copy == *manifest);
    std::set<std::uint64_t> numbers{manifest->log_number};
    std::set<std::string> names;
    for (const CollectionEntry& collection : manifest->collections) {
        require(collection.shape.dimension >= 1 && collection.shape.dimension <= 65536);
        require(collection.id < manifest->next_collection);
        require(names.insert(collection.name).second);
        for (const SegmentEntry& segment : collection.segments) {
            require(segment.deleted_rows <= segment.rows);
            require(segment.number < manifest->next_file);
            require(numbers.insert(segment.number).second);
        }
    }
    return 0;
}

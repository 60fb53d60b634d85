// Approximate indexes. The first byte says whether the checksums are made right before parsing, so
// that what lies behind them is reached as well. Whatever parses can be searched.
#include <abi/core/crc32c.hpp>
#include <abi/storage/ann_index.hpp>

#include "storage/format.hpp"
#include "storage_fuzz.hpp"

using namespace abikit;
using namespace abikit::storage;
using abikit::storage::fuzz::require;

namespace {

constexpr std::size_t kHeaderBytes = 4096, kSectionsAt = 72, kSections = 6, kSectionBytes = 20;

template <class T>
T get(const std::string& bytes, std::size_t at) {
    T value{};
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

void put(std::string& bytes, std::size_t at, std::uint32_t value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
}

void seal(std::string& bytes) {
    if (bytes.size() < kHeaderBytes) {
        return;
    }
    for (std::size_t i = 0; i < kSections; ++i) {
        const std::size_t at = kSectionsAt + i * kSectionBytes;
        const auto offset = get<std::uint64_t>(bytes, at);
        const auto length = get<std::uint64_t>(bytes, at + 8);
        if (offset <= bytes.size() && length <= bytes.size() - offset) {
            put(bytes, at + 16, crc32c(as_bytes(std::string_view(bytes).substr(offset, length))));
        }
    }
    put(bytes, kHeaderBytes - 4,
        crc32c(as_bytes(std::string_view(bytes).substr(0, kHeaderBytes - 4))));
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
    const auto index = AnnIndex::parse(nullptr, std::as_bytes(std::span(bytes)));
    if (!index) {
        require(index.error().code() == Code::kCorrupt ||
                index.error().code() == Code::kIncompatible);
        return 0;
    }
    const AnnInfo& info = index->info();
    AnnScratch scratch;
    for (const float value : {0.0F, -3.5F, 3e38F}) {
        const std::vector<float> query(info.dimension, value);
        const auto found = index->candidates(query.data(), 20, scratch);
        require(found.size() <= 20);
        for (const AnnCandidate& candidate : found) {
            require(candidate.row < info.rows);
        }
    }
    static_cast<void>(index->effort_for(0.9, 10));
    return 0;
}

// Document frequencies: counting, merging, and their stored bytes. What a feature is, is decided in
// features.hpp; what a count is worth, in hash_embedder.cpp.
#include <abi/text/hash_embedder.hpp>

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <utility>

#include <abi/text/utf8.hpp>

#include "features.hpp"
#include "frequency_table.hpp"

namespace abikit::text {
namespace {

constexpr std::size_t kMinSlots = 64;

// The stored bytes; docs/formats/hash-embedder.md describes them.
constexpr std::string_view kMagic = "ABIDF\r\n\x1A";
constexpr std::uint32_t kFormatVersion = 1;
constexpr std::size_t kHeaderBytes = 8 + 4 + 4 + 8 + 8;
constexpr std::size_t kMinEntryBytes = 2;
constexpr std::uint64_t kMaxDocuments = std::uint64_t{1} << 48U;
constexpr std::uint64_t kMaxCount = std::numeric_limits<std::uint32_t>::max();

void append_le(std::string& out, std::uint64_t value, std::size_t bytes) {
    for (std::size_t index = 0; index < bytes; ++index) {
        out.push_back(static_cast<char>(value >> (8 * index)));
    }
}

// LEB128: seven bits a byte, the lowest first, the high bit set on all but the last.
void append_varint(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) {
        out.push_back(static_cast<char>(value | 0x80U));
    }
    out.push_back(static_cast<char>(value));
}

std::uint64_t take_le(std::string_view& bytes, std::size_t count) noexcept {
    const std::uint64_t value = load_le(bytes.substr(0, count).data(), count);
    bytes.remove_prefix(count);
    return value;
}

// Reads a varint of at most 32 bits in its shortest form; false for anything else.
bool take_varint(std::string_view& bytes, std::uint64_t& value) noexcept {
    value = 0;
    for (std::size_t index = 0; index < bytes.size() && index < 5; ++index) {
        const std::uint64_t byte = byte_at(bytes, index);
        value |= (byte & 0x7FU) << (7 * index);
        if (byte < 0x80) {
            bytes.remove_prefix(index + 1);
            return (byte != 0 || index == 0) && value <= kMaxCount;
        }
    }
    return false;
}

std::unexpected<Error> corrupt(std::string message) {
    return fail(Code::kCorrupt, "document frequencies are damaged: " + std::move(message));
}

}  // namespace

void DocumentFrequencies::Table::reserve(std::size_t features) {
    const std::size_t wanted = std::bit_ceil(std::max(kMinSlots, features + features / 2));
    if (wanted <= slots.size()) {
        return;
    }
    std::vector<Slot> old(wanted);
    old.swap(slots);
    for (const Slot& slot : old) {
        if (slot.count != 0) {
            slot_for(slot.key) = slot;
        }
    }
}

DocumentFrequencies::Table::Slot& DocumentFrequencies::Table::slot_for(std::uint32_t key) noexcept {
    const std::size_t mask = slots.size() - 1;
    std::size_t at = key & mask;
    while (slots[at].count != 0 && slots[at].key != key) {
        at = (at + 1) & mask;
    }
    return slots[at];
}

DocumentFrequencies::Table::Slot& DocumentFrequencies::Table::add(std::uint32_t key,
                                                                  std::uint32_t count) {
    reserve(used + 1);
    Slot& slot = slot_for(key);
    if (slot.count == 0) {
        slot.key = key;
        ++used;
    }
    slot.count += std::min(count, std::numeric_limits<std::uint32_t>::max() - slot.count);
    return slot;
}

bool DocumentFrequencies::Table::count_once(std::uint32_t key) {
    reserve(used + 1);
    Slot& slot = slot_for(key);
    if (slot.count != 0 && slot.stamp == stamp) {
        return false;
    }
    add(key, 1).stamp = stamp;
    return true;
}

void DocumentFrequencies::Table::begin_document() {
    ++documents;
    if (++stamp == 0) {  // 2^32 documents later the stamps start over
        for (Slot& slot : slots) {
            slot.stamp = 0;
        }
        stamp = 1;
    }
}

DocumentFrequencies::DocumentFrequencies() : table_(std::make_unique<Table>()) {}
DocumentFrequencies::~DocumentFrequencies() = default;
DocumentFrequencies::DocumentFrequencies(DocumentFrequencies&&) noexcept = default;
DocumentFrequencies& DocumentFrequencies::operator=(DocumentFrequencies&&) noexcept = default;

std::uint64_t DocumentFrequencies::documents() const noexcept {
    return table_->documents;
}

void DocumentFrequencies::learn(std::string_view text) {
    const std::string folded = fold(text);
    table_->begin_document();
    for_each_word(folded, [this](const Word& word) {
        if (table_->count_once(feature_key(word.hash)) && word.has_ngrams) {
            for_each_ngram(word.bytes,
                           [this](std::uint64_t hash) { table_->count_once(feature_key(hash)); });
        }
    });
}

void DocumentFrequencies::merge(const DocumentFrequencies& other) {
    // A copy of its own slots is needed when a set is merged with itself.
    const std::vector<Table::Slot> slots = other.table_->slots;
    table_->documents += other.table_->documents;
    table_->reserve(table_->used + other.table_->used);
    for (const Table::Slot& slot : slots) {
        if (slot.count != 0) {
            table_->add(slot.key, slot.count);
        }
    }
}

std::string DocumentFrequencies::serialize() const {
    std::vector<Table::Slot> kept;
    for (const Table::Slot& slot : table_->slots) {
        if (slot.count > 1) {
            kept.push_back(slot);
        }
    }
    std::sort(kept.begin(), kept.end(),
              [](const auto& left, const auto& right) { return left.key < right.key; });
    std::string out(kMagic);
    append_le(out, kFormatVersion, 4);
    append_le(out, kFeatureScheme, 4);
    append_le(out, table_->documents, 8);
    append_le(out, kept.size(), 8);
    std::uint64_t next = 0;  // the smallest key that may follow
    for (const Table::Slot& slot : kept) {
        append_varint(out, slot.key - next);
        append_varint(out, slot.count - 2);
        next = std::uint64_t{slot.key} + 1;
    }
    return out;
}

Result<DocumentFrequencies> DocumentFrequencies::deserialize(std::string_view bytes) {
    if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) {
        return corrupt("no header");
    }
    bytes.remove_prefix(kMagic.size());
    if (take_le(bytes, 4) != kFormatVersion || take_le(bytes, 4) != kFeatureScheme) {
        return fail(Code::kIncompatible,
                    "document frequencies were written by another version of the hash embedder",
                    "open the database with the version of abi that wrote it");
    }
    DocumentFrequencies result;
    result.table_->documents = take_le(bytes, 8);
    const std::uint64_t entries = take_le(bytes, 8);
    if (result.table_->documents > kMaxDocuments) {
        return corrupt("more documents than can be counted");
    }
    if (entries > bytes.size() / kMinEntryBytes) {
        return corrupt("more entries than bytes");
    }
    result.table_->reserve(entries);
    std::uint64_t next = 0;
    for (std::uint64_t index = 0; index < entries; ++index) {
        std::uint64_t gap = 0;
        std::uint64_t above_two = 0;
        if (!take_varint(bytes, gap) || !take_varint(bytes, above_two)) {
            return corrupt("an entry is cut or not in its shortest form");
        }
        const std::uint64_t key = next + gap;
        const std::uint64_t count = above_two + 2;
        if (key > kMaxCount || count > std::min(kMaxCount, result.table_->documents)) {
            return corrupt("an entry is out of range");
        }
        result.table_->add(static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(count));
        next = key + 1;
    }
    if (!bytes.empty()) {
        return corrupt("bytes behind the last entry");
    }
    return result;
}

}  // namespace abikit::text

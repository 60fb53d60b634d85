// Segments. The first byte says whether the checksums are made right before opening, so that what
// lies behind them is reached as well. Whatever opens can be read everywhere: sound or kCorrupt.
#include <abi/core/crc32c.hpp>
#include <abi/core/fs_memory.hpp>
#include <abi/storage/filter.hpp>

#include "storage/filter/columns.hpp"
#include "storage/segment.hpp"
#include "storage_fuzz.hpp"

using namespace abikit;
using namespace abikit::storage;
using abikit::storage::fuzz::require;

namespace {

constexpr std::size_t kHeaderCrcAt = kSegmentHeaderBytes - 4;

void seal_header(std::string& bytes) {
    const std::uint32_t crc = crc32c(as_bytes(std::string_view(bytes).substr(0, kHeaderCrcAt)));
    std::memcpy(bytes.data() + kHeaderCrcAt, &crc, sizeof crc);
}

// Makes the checksums of the header, the table and every block right.
void seal(std::string& bytes) {
    if (bytes.size() < kSegmentHeaderBytes) {
        return;
    }
    seal_header(bytes);
    auto header = decode_segment_header(bytes, bytes.size(), "s");
    if (!header) {
        return;
    }
    std::vector<std::uint32_t> table;
    for (const Section& section : header->sections) {
        for (std::uint64_t block = 0; block < section.blocks(); ++block) {
            const std::uint64_t begin = block << section.block_shift;
            const std::uint64_t length =
                std::min(section.length - begin, std::uint64_t{1} << section.block_shift);
            table.push_back(
                crc32c(as_bytes(std::string_view(bytes).substr(section.offset + begin, length))));
        }
    }
    const std::string_view raw = as_text(std::as_bytes(std::span<const std::uint32_t>(table)));
    if (!raw.empty()) {
        std::memcpy(bytes.data() + header->checksums_offset, raw.data(), raw.size());
    }
    header->checksums_crc = crc32c(as_bytes(raw));
    const std::string head = encode_segment_header(*header);
    std::memcpy(bytes.data(), head.data(), head.size());
}

template <class T>
bool sound(const Result<T>& result) {
    require(result.has_value() || result.error().code() == Code::kCorrupt);
    return result.has_value();
}

void inside(const Segment& segment, const std::optional<std::string_view>& text) {
    require(!text || text->size() <= segment.size_bytes());
    std::uint32_t sum = 0;
    for (const char c : text.value_or(std::string_view())) {
        sum += static_cast<unsigned char>(c);
    }
    static_cast<void>(*const_cast<volatile std::uint32_t*>(&sum));
}

// Columns that open answer, whatever they say, or are kCorrupt.
void ask_columns(const Segment& segment) {
    static const auto filter = Filter::parse(
        "year NOT BETWEEN 2019 AND 2020.5 OR lang STARTS WITH 'e' AND tags CONTAINS 'db' OR lang "
        "IS "
        "NULL AND NOT home WITHIN BOX(1, 1, 50, 50)");
    const auto columns = SegmentColumns::open(segment);
    if (!sound(columns) || !*columns) {
        return;
    }
    const Status whole = (*columns)->check();
    require(whole.has_value() || whole.error().code() == Code::kCorrupt);
    sound((*columns)->types(filter->program(), nullptr));
    if (const auto matches = (*columns)->match(filter->program()); sound(matches)) {
        require(matches->words.size() == (segment.rows() + 63) / 64);
    }
}

void read_everything(const Segment& segment) {
    ask_columns(segment);
    const std::uint64_t rows = std::min<std::uint64_t>(segment.rows(), 300);
    sound(segment.vectors(0, segment.rows()));
    if (segment.header().metric == Metric::kCosine) {
        sound(segment.inverse_norms(0, segment.rows()));
    }
    for (std::uint64_t row = 0; row < rows; ++row) {
        if (const auto text = segment.text(row); sound(text)) {
            inside(segment, *text);
        }
        if (const auto metadata = segment.metadata(row); sound(metadata)) {
            inside(segment, *metadata);
        }
        if (const auto id = segment.id(row); sound(id)) {
            if (const auto found = segment.find(*id); sound(found) && *found) {
                require(**found < segment.rows());
                const auto again = segment.id(**found);
                require(again.has_value() && *again == *id);
            }
        }
    }
    sound(segment.find("absent"));
    sound(segment.find("7"));
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
    const auto header = decode_segment_header(bytes, bytes.size(), "s");
    if (!header) {
        require(header.error().code() == Code::kCorrupt ||
                header.error().code() == Code::kIncompatible);
        return 0;
    }
    // The manifest that would name it.
    const SegmentOwner owner{header->uuid, header->shape, header->metric};
    SegmentEntry entry;
    entry.number = header->number;
    entry.rows = header->rows;
    entry.size_bytes = bytes.size();
    entry.header_crc = segment_header_crc(bytes);
    MemoryFileSystem fs;
    require(fs.create_directory("/d").has_value());
    const auto file = fs.open(join_path("/d", segment_name(entry.number)), OpenMode::kTruncate);
    require((*file)->write_at(0, as_bytes(bytes)).has_value());
    if (const auto segment = Segment::open(fs, "/d", owner, entry); sound(segment)) {
        read_everything(**segment);
    }
    return 0;
}

// Headers are built as text; packed bytes go straight to the sink.
#include "zip_writer.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <zlib.h>

namespace abikit::data {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;
// Deflate may make hopeless input a little longer; from here on sizes get 64 bits.
constexpr std::uint64_t kLargeBytes = 0xFF000000;
constexpr std::uint16_t kVersion = 20, kVersion64 = 45;
constexpr std::uint16_t kSizesFollow = 1 << 3, kNameIsUtf8 = 1 << 11;
constexpr std::uint16_t kFirstDay = 0x0021;  // 1 January 1980: no file says when it was made
constexpr std::uint16_t kZip64Field = 1, kPaddingField = 0xD935;
constexpr std::size_t kLocalBytes = 30, kZip64LocalBytes = 20, kPaddingHeadBytes = 6;
constexpr std::size_t kMaxStep = std::numeric_limits<uInt>::max() / 2;

class Fields {
public:
    Fields& u16(std::uint64_t value) { return put(value, 2); }
    Fields& u32(std::uint64_t value) { return put(value, 4); }
    Fields& u64(std::uint64_t value) { return put(value, 8); }
    Fields& text(std::string_view value) {
        out_ += value;
        return *this;
    }
    Fields& zeros(std::size_t count) {
        out_.append(count, '\0');
        return *this;
    }
    const std::string& bytes() const { return out_; }
    std::size_t size() const { return out_.size(); }

private:
    Fields& put(std::uint64_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) {
            out_ += static_cast<char>(value >> (8 * i) & 0xFF);
        }
        return *this;
    }
    std::string out_;
};

std::uint64_t in32(std::uint64_t value, bool elsewhere) {
    return elsewhere ? kIn64 : value;
}

// Fields between the name and the bytes; padding brings stored bytes to a multiple of kAlignment.
std::string local_extra(bool is_large, bool align, std::uint64_t bytes_before) {
    Fields extra;
    if (is_large) {
        extra.u16(kZip64Field).u16(16).u64(0).u64(0);
    }
    if (align) {
        const std::uint64_t begin = bytes_before + extra.size() + kPaddingHeadBytes;
        const auto padding =
            static_cast<std::size_t>((kAlignment - begin % kAlignment) % kAlignment);
        extra.u16(kPaddingField).u16(2 + padding).u16(kAlignment).zeros(padding);
    }
    return extra.bytes();
}

}  // namespace

// A raw deflate stream with its buffer.
class ZipWriter::Deflater {
public:
    Deflater() : piece_(std::size_t{256} << 10) {
        constexpr int kRawDeflate = -MAX_WBITS;
        constexpr int kMemoryLevel = 8;
        ready_ = deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kRawDeflate, kMemoryLevel,
                              Z_DEFAULT_STRATEGY) == Z_OK;
    }
    ~Deflater() {
        if (ready_) {
            deflateEnd(&stream_);
        }
    }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;

    bool ready() const { return ready_; }
    void restart() { deflateReset(&stream_); }
    void feed(std::span<const std::byte> bytes) {
        stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
    }
    // Packed bytes that are ready; fewer than the buffer holds mean that more must be fed.
    std::span<const std::byte> drain(bool last) {
        stream_.next_out = reinterpret_cast<Bytef*>(piece_.data());
        stream_.avail_out = static_cast<uInt>(piece_.size());
        deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
        return std::span(piece_).first(piece_.size() - stream_.avail_out);
    }
    std::size_t capacity() const { return piece_.size(); }

private:
    z_stream stream_{};
    bool ready_ = false;
    std::vector<std::byte> piece_;
};

ZipWriter::ZipWriter(ByteSink& sink) : sink_(sink) {}
ZipWriter::~ZipWriter() = default;

Status ZipWriter::emit(std::span<const std::byte> bytes) {
    offset_ += bytes.size();
    return sink_.write(bytes);
}

Status ZipWriter::begin(std::string_view name, ZipMethod method, std::uint64_t size_bytes) {
    Entry entry;
    entry.name = name;
    entry.method = method;
    entry.offset = offset_;
    entry.announced_bytes = size_bytes;
    entry.is_large = size_bytes >= kLargeBytes;
    if (method == ZipMethod::kDeflated) {
        if (deflater_ == nullptr) {
            deflater_ = std::make_unique<Deflater>();
        }
        if (!deflater_->ready()) {
            return fail(Code::kLimit, "no memory to deflate a zip file");
        }
        deflater_->restart();
    }
    const std::string extra = local_extra(entry.is_large, method == ZipMethod::kStored,
                                          offset_ + kLocalBytes + name.size());
    Fields header;
    header.u32(0x04034B50).u16(entry.is_large ? kVersion64 : kVersion);
    header.u16(kSizesFollow | kNameIsUtf8).u16(static_cast<std::uint16_t>(method));
    header.u16(0).u16(kFirstDay).u32(0);  // the CRC-32 and the sizes follow the bytes
    header.u32(in32(0, entry.is_large)).u32(in32(0, entry.is_large));
    header.u16(name.size()).u16(extra.size()).text(name).text(extra);
    entries_.push_back(std::move(entry));
    return emit(header.bytes());
}

Status ZipWriter::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(bytes.size(), kMaxStep));
        Entry& entry = entries_.back();
        entry.crc32 = static_cast<std::uint32_t>(
            crc32_z(entry.crc32, reinterpret_cast<const Bytef*>(piece.data()), piece.size()));
        entry.size_bytes += piece.size();
        if (entry.method == ZipMethod::kDeflated) {
            ABI_CHECK(pack(piece, false));
        } else {
            entry.packed_bytes += piece.size();
            ABI_CHECK(emit(piece));
        }
        bytes = bytes.subspan(piece.size());
    }
    return {};
}

Status ZipWriter::pack(std::span<const std::byte> bytes, bool last) {
    deflater_->feed(bytes);
    while (true) {
        const auto packed = deflater_->drain(last);
        entries_.back().packed_bytes += packed.size();
        ABI_CHECK(emit(packed));
        if (packed.size() < deflater_->capacity()) {
            return {};
        }
    }
}

Status ZipWriter::end() {
    if (entries_.back().method == ZipMethod::kDeflated) {
        ABI_CHECK(pack({}, true));
    }
    const Entry& entry = entries_.back();
    if (entry.size_bytes != entry.announced_bytes) {
        return fail(Code::kInvalidArgument,
                    fmt::format("{} bytes were announced for '{}', {} given", entry.announced_bytes,
                                entry.name, entry.size_bytes));
    }
    Fields sizes;
    sizes.u32(0x08074B50).u32(entry.crc32);
    if (entry.is_large) {
        sizes.u64(entry.packed_bytes).u64(entry.size_bytes);
    } else {
        sizes.u32(entry.packed_bytes).u32(entry.size_bytes);
    }
    return emit(sizes.bytes());
}

Status ZipWriter::finish() {
    const std::uint64_t begin = offset_;
    for (const Entry& entry : entries_) {
        const bool far = entry.offset >= kIn64;
        Fields extra;
        if (entry.is_large || far) {
            extra.u16(kZip64Field).u16((entry.is_large ? 16U : 0U) + (far ? 8U : 0U));
            if (entry.is_large) {
                extra.u64(entry.size_bytes).u64(entry.packed_bytes);
            }
            if (far) {
                extra.u64(entry.offset);
            }
        }
        const std::uint16_t version = extra.size() > 0 ? kVersion64 : kVersion;
        Fields record;
        record.u32(0x02014B50).u16(version).u16(version).u16(kSizesFollow | kNameIsUtf8);
        record.u16(static_cast<std::uint16_t>(entry.method)).u16(0).u16(kFirstDay);
        record.u32(entry.crc32);
        record.u32(in32(entry.packed_bytes, entry.is_large));
        record.u32(in32(entry.size_bytes, entry.is_large));
        record.u16(entry.name.size()).u16(extra.size());
        record.zeros(2 + 2 + 2 + 4);  // comment, disk, attributes
        record.u32(in32(entry.offset, far)).text(entry.name).text(extra.bytes());
        ABI_CHECK(emit(record.bytes()));
    }
    const std::uint64_t end = offset_;
    const bool is_large = end >= kIn64;
    Fields tail;
    if (is_large) {
        tail.u32(0x06064B50).u64(44).u16(kVersion64).u16(kVersion64).u32(0).u32(0);
        tail.u64(entries_.size()).u64(entries_.size()).u64(end - begin).u64(begin);
        tail.u32(0x07064B50).u32(0).u64(end).u32(1);
    }
    tail.u32(0x06054B50).u16(0).u16(0).u16(entries_.size()).u16(entries_.size());
    tail.u32(end - begin).u32(in32(begin, is_large)).u16(0);
    ABI_CHECK(emit(tail.bytes()));
    return sink_.flush();
}

}  // namespace abikit::data

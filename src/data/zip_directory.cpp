// Found from the end: the end record, its zip64 twin, then the central directory. Local headers are
// read only for where the bytes of a member begin; the directory is the truth.
#include "zip_directory.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "reader_base.hpp"

namespace abikit::data {
namespace {

constexpr std::uint32_t kLocalMark = 0x04034B50;
constexpr std::uint32_t kCentralMark = 0x02014B50;
constexpr std::uint32_t kEndMark = 0x06054B50;
constexpr std::uint32_t kEnd64Mark = 0x06064B50;
constexpr std::uint32_t kLocator64Mark = 0x07064B50;
constexpr std::size_t kLocalBytes = 30;
constexpr std::size_t kCentralBytes = 46;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kEnd64Bytes = 56;
constexpr std::size_t kLocator64Bytes = 20;
constexpr std::size_t kMaxComment = 65'535;
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;  // the value stands in the zip64 field
constexpr std::uint16_t kZip64Field = 1;
constexpr std::uint16_t kEncrypted = 1;
constexpr std::uint64_t kMaxRatio = 1032;

std::unexpected<Error> damaged(std::uint64_t offset, std::string_view what) {
    return fail(Code::kCorrupt, fmt::format("damaged at byte {}: {}", offset, what));
}

// Little-endian numbers at offsets that the caller has checked.
class View {
public:
    explicit View(std::span<const std::byte> bytes) : bytes_(bytes) {}
    std::uint64_t size() const { return bytes_.size(); }
    bool holds(std::uint64_t offset, std::uint64_t count) const {
        return offset <= bytes_.size() && count <= bytes_.size() - offset;
    }
    std::uint16_t u16(std::uint64_t at) const { return static_cast<std::uint16_t>(number(at, 2)); }
    std::uint32_t u32(std::uint64_t at) const { return static_cast<std::uint32_t>(number(at, 4)); }
    std::uint64_t u64(std::uint64_t at) const { return number(at, 8); }
    std::span<const std::byte> sub(std::uint64_t at, std::uint64_t count) const {
        return bytes_.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
    }

private:
    std::uint64_t number(std::uint64_t at, std::size_t count) const {
        std::uint64_t value = 0;
        for (std::size_t i = count; i > 0; --i) {
            value = value << 8 |
                    std::to_integer<std::uint64_t>(bytes_[static_cast<std::size_t>(at) + i - 1]);
        }
        return value;
    }
    std::span<const std::byte> bytes_;
};

// Where the central directory is and how many members it lists.
struct Directory {
    std::uint64_t offset = 0;
    std::uint64_t size_bytes = 0;
    std::uint64_t members = 0;
};

// The last end record whose comment reaches the end of the file.
std::optional<std::uint64_t> find_end(View file) {
    if (file.size() < kEndBytes) {
        return std::nullopt;
    }
    const std::uint64_t last = file.size() - kEndBytes;
    const std::uint64_t first = last - std::min<std::uint64_t>(last, kMaxComment);
    for (std::uint64_t at = last + 1; at-- > first;) {
        if (file.u32(at) == kEndMark && at + kEndBytes + file.u16(at + 20) == file.size()) {
            return at;
        }
    }
    return std::nullopt;
}

Result<Directory> find_directory(View file) {
    const auto end = find_end(file);
    if (!end) {
        const bool begins = file.size() >= 4 && file.u32(0) == kLocalMark;
        return damaged(file.size(), begins ? "the file ends before its table of contents"
                                           : "no zip file: its end record is missing");
    }
    Directory directory{file.u32(*end + 16), file.u32(*end + 12), file.u16(*end + 10)};
    const bool has_locator =
        *end >= kLocator64Bytes && file.u32(*end - kLocator64Bytes) == kLocator64Mark;
    if (has_locator) {
        const std::uint64_t at = file.u64(*end - kLocator64Bytes + 8);
        if (!file.holds(at, kEnd64Bytes) || file.u32(at) != kEnd64Mark) {
            return damaged(*end - kLocator64Bytes,
                           "the zip64 end record is not where it should be");
        }
        directory = {file.u64(at + 48), file.u64(at + 40), file.u64(at + 32)};
    }
    if (!file.holds(directory.offset, directory.size_bytes) ||
        directory.offset + directory.size_bytes > *end) {
        return damaged(*end, "the table of contents does not fit into the file");
    }
    return directory;
}

// The sizes and the offset that do not fit into 32 bits, in this order, stand in field 1.
bool read_zip64(View file, std::uint64_t at, std::uint64_t end, std::uint64_t& size,
                std::uint64_t& packed, std::uint64_t& local) {
    const bool needed = size == kIn64 || packed == kIn64 || local == kIn64;
    while (end - at >= 4) {
        const std::uint16_t kind = file.u16(at);
        const std::uint64_t field_end = at + 4 + file.u16(at + 2);
        at += 4;
        if (field_end > end) {
            return false;
        }
        if (kind == kZip64Field) {
            for (std::uint64_t* value : {&size, &packed, &local}) {
                if (*value != kIn64) {
                    continue;
                }
                if (field_end - at < 8) {
                    return false;
                }
                *value = file.u64(at);
                at += 8;
            }
            return true;
        }
        at = field_end;
    }
    return !needed;
}

// Points `member` at its bytes, which follow its local header.
Status locate(View file, std::uint64_t local, std::uint64_t packed_bytes, ZipMember& member) {
    if (!file.holds(local, kLocalBytes) || file.u32(local) != kLocalMark) {
        return damaged(local, fmt::format("no header of {}", quote(member.name)));
    }
    member.offset = local + kLocalBytes + file.u16(local + 26) + file.u16(local + 28);
    if (!file.holds(member.offset, packed_bytes)) {
        return damaged(local, fmt::format("{} goes past the end of the file", quote(member.name)));
    }
    member.packed = file.sub(member.offset, packed_bytes);
    return {};
}

// Reads the entry at `at` and steps behind it.
Result<ZipMember> read_entry(View file, std::uint64_t& at, std::uint64_t end) {
    const std::uint64_t begin = at;
    if (end - at < kCentralBytes || file.u32(at) != kCentralMark) {
        return damaged(begin, "no entry of the table of contents");
    }
    const std::uint64_t name_bytes = file.u16(at + 28);
    const std::uint64_t extra_bytes = file.u16(at + 30);
    const std::uint64_t total = kCentralBytes + name_bytes + extra_bytes + file.u16(at + 32);
    if (total > end - at) {
        return damaged(begin, "an entry goes past the end of the table of contents");
    }
    ZipMember member;
    const auto name = file.sub(at + kCentralBytes, name_bytes);
    member.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
    member.crc32 = file.u32(at + 16);
    std::uint64_t packed = file.u32(at + 20);
    member.size_bytes = file.u32(at + 24);
    std::uint64_t local = file.u32(at + 42);
    const std::uint64_t extra = at + kCentralBytes + name_bytes;
    if (!read_zip64(file, extra, extra + extra_bytes, member.size_bytes, packed, local)) {
        return damaged(begin, fmt::format("the zip64 sizes of {} are broken", quote(member.name)));
    }
    if ((file.u16(at + 8) & kEncrypted) != 0) {
        return fail(Code::kIncompatible, fmt::format("{} is encrypted", quote(member.name)));
    }
    member.method = static_cast<ZipMethod>(file.u16(at + 10));
    const bool stored = member.method == ZipMethod::kStored;
    if (!stored && member.method != ZipMethod::kDeflated) {
        return fail(Code::kIncompatible,
                    fmt::format("{} is packed by method {}, which is not known", quote(member.name),
                                file.u16(at + 10)),
                    "stored and deflated members can be read");
    }
    if (stored ? packed != member.size_bytes : member.size_bytes / kMaxRatio > packed) {
        return damaged(begin, fmt::format("the sizes of {} cannot be true", quote(member.name)));
    }
    ABI_CHECK(locate(file, local, packed, member));
    at += total;
    return member;
}

}  // namespace

Result<std::vector<ZipMember>> read_zip_directory(std::span<const std::byte> bytes) {
    const View file(bytes);
    ABI_TRY(const Directory directory, find_directory(file));
    if (directory.members > kMaxZipMembers) {
        return fail(Code::kLimit, fmt::format("{} members are more than the {} that are looked at",
                                              directory.members, kMaxZipMembers));
    }
    std::vector<ZipMember> members;
    std::uint64_t at = directory.offset;
    const std::uint64_t end = directory.offset + directory.size_bytes;
    for (std::uint64_t i = 0; i < directory.members; ++i) {
        ABI_TRY(ZipMember member, read_entry(file, at, end));
        members.push_back(std::move(member));
    }
    if (at != end) {
        return damaged(at, "the table of contents has more than its entries");
    }
    return members;
}

}  // namespace abikit::data

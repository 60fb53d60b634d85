// Inflating with zlib. More bytes than the table of contents promises are never given.
#include "zip_member.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include <fmt/format.h>
#include <zlib.h>

#include "reader_base.hpp"

namespace abikit::data {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr std::size_t kMaxStep = std::numeric_limits<uInt>::max() / 2;  // zlib counts in uInt

std::unexpected<Error> damaged(const ZipMember& member, std::string_view what) {
    return fail(Code::kCorrupt,
                fmt::format("{} at byte {} {}", quote(member.name), member.offset, what));
}

class StoredSource final : public ByteSource {
public:
    explicit StoredSource(const ZipMember& member) : whole_(member.packed), rest_(whole_) {}
    Result<std::size_t> read(std::span<std::byte> out) override {
        const std::size_t count = std::min(out.size(), rest_.size());
        std::copy_n(rest_.begin(), count, out.begin());
        rest_ = rest_.subspan(count);
        return count;
    }
    std::optional<std::uint64_t> size() const override { return whole_.size(); }
    std::optional<std::span<const std::byte>> mapped() const override { return whole_; }

private:
    std::span<const std::byte> whole_;
    std::span<const std::byte> rest_;
};

class DeflatedSource final : public ByteSource {
public:
    explicit DeflatedSource(const ZipMember& member) : member_(member), rest_(member.packed) {
        constexpr int kRawDeflate = -MAX_WBITS;
        ready_ = inflateInit2(&stream_, kRawDeflate) == Z_OK;
    }
    ~DeflatedSource() override {
        if (ready_) {
            inflateEnd(&stream_);
        }
    }
    DeflatedSource(const DeflatedSource&) = delete;
    DeflatedSource& operator=(const DeflatedSource&) = delete;

    Result<std::size_t> read(std::span<std::byte> out) override {
        if (!ready_) {
            return fail(Code::kLimit, "no memory to inflate a zip file");
        }
        std::size_t given = 0;
        while (given == 0 && !ended_ && !out.empty()) {
            ABI_TRY(given, step(out.first(std::min(out.size(), kMaxStep))));
        }
        given_ += given;
        if (given_ > member_.size_bytes || (ended_ && given_ < member_.size_bytes)) {
            return damaged(member_, fmt::format("inflates to {} bytes instead of {}",
                                                given_ > member_.size_bytes ? "more" : "fewer",
                                                member_.size_bytes));
        }
        return given;
    }
    std::optional<std::uint64_t> size() const override { return member_.size_bytes; }
    std::optional<std::span<const std::byte>> mapped() const override { return std::nullopt; }

private:
    Result<std::size_t> step(std::span<std::byte> out) {
        const std::size_t offered = std::min(rest_.size(), kMaxStep);
        // zlib does not write through next_in; its type predates const.
        stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(rest_.data()));
        stream_.avail_in = static_cast<uInt>(offered);
        stream_.next_out = reinterpret_cast<Bytef*>(out.data());
        stream_.avail_out = static_cast<uInt>(out.size());
        const int outcome = inflate(&stream_, Z_NO_FLUSH);
        const std::size_t taken = offered - stream_.avail_in;
        rest_ = rest_.subspan(taken);
        const std::size_t given = out.size() - stream_.avail_out;
        ended_ = outcome == Z_STREAM_END;
        if (outcome == Z_MEM_ERROR) {
            return fail(Code::kLimit, "no memory to inflate a zip file");
        }
        if ((outcome != Z_OK && !ended_) || (taken == 0 && given == 0 && !ended_)) {
            return damaged(
                member_, fmt::format("does not inflate: {} after {} of {} packed bytes",
                                     stream_.msg != nullptr ? stream_.msg : "it is cut short",
                                     member_.packed.size() - rest_.size(), member_.packed.size()));
        }
        return given;
    }

    const ZipMember& member_;
    std::span<const std::byte> rest_;
    z_stream stream_{};
    bool ready_ = false;
    bool ended_ = false;
    std::uint64_t given_ = 0;
};

std::uint32_t crc_of(std::span<const std::byte> bytes, std::uint32_t seed) {
    return static_cast<std::uint32_t>(
        crc32_z(seed, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

Status check_zip_member(const ZipMember& member) {
    std::uint32_t crc = 0;
    if (member.method == ZipMethod::kStored) {
        crc = crc_of(member.packed, crc);
    } else {
        DeflatedSource source(member);
        std::vector<std::byte> piece(kPieceBytes);
        while (true) {
            ABI_TRY(const std::size_t got, source.read(piece));
            if (got == 0) {
                break;
            }
            crc = crc_of(std::span(piece).first(got), crc);
        }
    }
    if (crc != member.crc32) {
        return damaged(member, "does not match its CRC-32");
    }
    return {};
}

std::unique_ptr<ByteSource> open_zip_member(const ZipMember& member) {
    if (member.method == ZipMethod::kStored) {
        return std::make_unique<StoredSource>(member);
    }
    return std::make_unique<DeflatedSource>(member);
}

}  // namespace abikit::data

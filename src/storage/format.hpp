// The bytes of WDBX that several files share: numbers, little-endian coding, file names.
// docs/formats/wdbx.md tells all.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <abi/core/error.hpp>
#include <abi/core/uuid.hpp>

namespace abikit::storage {

static_assert(std::endian::native == std::endian::little,
              "the vector column is mapped as it is: a big-endian port needs a converting reader");

// Raised only for a change that an older reader would misread; additions use feature flags.
inline constexpr std::uint32_t kFormatVersion = 2;
// Feature bits an older reader must refuse when it does not know them. None is defined so far.
inline constexpr std::uint64_t kKnownRequiredFeatures = 0;

// What a file in the database directory is, by its name.
enum class FileRole {
    kManifest,
    kLock,
    kLog,
    kSegment,
    kDeletes,
    kEmbedder,
    kIndex,
    kTemporary,
    kPurge,      // waits to be overwritten and removed
    kPurgeMark,  // left-overs are to be overwritten, not only removed
    kForeign
};
struct FileName {
    FileRole role = FileRole::kForeign;
    std::uint64_t number = 0;
};

inline constexpr std::string_view kManifestName = "MANIFEST";
inline constexpr std::string_view kLockName = "LOCK";
inline constexpr std::string_view kPurgeMarkName = "PURGE";
inline constexpr std::string_view kPurgeSuffix = ".purge";  // behind the name that a file had
std::string log_name(std::uint64_t number);
std::string segment_name(std::uint64_t number);
std::string deletes_name(std::uint64_t number);
std::string embedder_name(std::uint64_t number);
std::string index_name(std::uint64_t segment_number);
FileName parse_file_name(std::string_view name);

// Appends fixed-width little-endian numbers and length-prefixed strings.
class Encoder {
public:
    template <class T>
    requires std::is_trivially_copyable_v<T>
    void put(T value) { out_.append(reinterpret_cast<const char*>(&value), sizeof value); }
    void put_bytes(std::string_view bytes) { out_.append(bytes); }
    void put_string(std::string_view text) {
        put(static_cast<std::uint32_t>(text.size()));
        out_.append(text);
    }
    void pad_to(std::size_t multiple) {
        out_.resize((out_.size() + multiple - 1) / multiple * multiple);
    }
    std::size_t size() const noexcept { return out_.size(); }
    const std::string& bytes() const noexcept { return out_; }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

// Reads them back from untrusted bytes. After the first read past the end ok() is false and
// everything reads as zero.
class Decoder {
public:
    explicit Decoder(std::string_view bytes) : bytes_(bytes) {}
    template <class T>
    requires std::is_trivially_copyable_v<T> T get() {
        T value{};
        const std::string_view raw = get_bytes(sizeof value);
        if (ok_) {
            std::memcpy(&value, raw.data(), sizeof value);
        }
        return value;
    }
    std::string_view get_bytes(std::size_t count) {
        if (!ok_ || count > bytes_.size() - position_) {
            ok_ = false;
            return {};
        }
        const std::string_view raw = bytes_.substr(position_, count);
        position_ += count;
        return raw;
    }
    std::string_view get_string() { return get_bytes(get<std::uint32_t>()); }
    void align(std::size_t multiple) {
        get_bytes((position_ + multiple - 1) / multiple * multiple - position_);
    }
    bool ok() const noexcept { return ok_; }
    std::size_t position() const noexcept { return position_; }
    std::size_t remaining() const noexcept { return bytes_.size() - position_; }

private:
    std::string_view bytes_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

inline std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::span<const std::byte> as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

// "'dir/file' is damaged at byte 4096: what". The one wording of every corruption.
Error corruption(std::string_view path, std::uint64_t offset, std::string_view what);
// The byte that such an error names; 0 for any other error.
std::uint64_t corruption_offset(const Error& error);
// kIncompatible for a file of a newer format.
Error newer_format(std::string_view path, std::uint32_t version);

// The id as an unsigned integer when it is its canonical decimal form ("0", "17", never "007").
std::optional<std::uint64_t> canonical_integer(std::string_view id);
// Hash of an id: 64-bit FNV-1a with a final mix (Steele et al.'s splitmix64 finaliser). On disk, so
// it never changes.
std::uint64_t hash_id(std::string_view id) noexcept;

}  // namespace abikit::storage

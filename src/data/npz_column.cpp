// Elements to strings. Whatever numpy may have saved is checked value by value: code points, UTF-8,
// ends that ascend.
#include "npz_column.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "json_text.hpp"
#include "npy_header.hpp"
#include "reader_base.hpp"
#include "utf8.hpp"
#include "zip_member.hpp"

namespace abikit::data {
namespace {

std::unexpected<Error> unfit(const std::string& name, std::string_view what,
                             std::string_view hint) {
    return fail(Code::kIncompatible, fmt::format("{} {}", quote(name), what), std::string(hint));
}

std::unexpected<Error> damaged(const std::string& name, std::string_view what) {
    return fail(Code::kCorrupt, fmt::format("{} {}", quote(name), what));
}

std::uint64_t load(std::span<const std::byte> bytes, bool is_big_endian) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const std::size_t at = is_big_endian ? i : bytes.size() - 1 - i;
        value = value << 8 | std::to_integer<std::uint64_t>(bytes[at]);
    }
    return value;
}

std::string_view noun(ColumnUse use) {
    return use == ColumnUse::kId ? "id" : use == ColumnUse::kText ? "text" : "metadata";
}

// Appends values to a column by the rules of its use.
class Taker {
public:
    Taker(ColumnUse use, StringColumn& out, std::vector<ColumnFault>& faults)
        : use_(use), out_(out), faults_(faults) {}

    void take(std::size_t row, std::string_view value) {
        if (use_ != ColumnUse::kText && value.empty()) {
            out_.append_null();
        } else if (!is_utf8(value)) {
            refuse(row, "is not valid UTF-8");
        } else if (use_ != ColumnUse::kMetadata) {
            out_.append(value);
        } else {
            compact_.clear();
            if (const Status status = append_compact_object(compact_, value); !status) {
                refuse(row, "is no JSON object: " + status.error().message());
            } else {
                out_.append(compact_);
            }
        }
    }
    void take_absent() { out_.append_null(); }
    void refuse(std::size_t row, std::string_view why) {
        out_.append_null();
        faults_.push_back({row, fmt::format("{} {}", noun(use_), why)});
    }

private:
    ColumnUse use_;
    StringColumn& out_;
    std::vector<ColumnFault>& faults_;
    std::string compact_;
};

bool is_absent(std::span<const std::byte> present, std::size_t row) {
    return !present.empty() && present[row] == std::byte{0};
}

void append_code_point(std::string& out, std::uint32_t point) {
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    const auto follow = [&](int shift) { put(0x80U | (point >> shift & 0x3FU)); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xC0U | point >> 6);
        follow(0);
    } else if (point < 0x10000) {
        put(0xE0U | point >> 12);
        follow(6);
        follow(0);
    } else {
        put(0xF0U | point >> 18);
        follow(12);
        follow(6);
        follow(0);
    }
}

class FixedColumn final : public NpzColumn {
public:
    FixedColumn(NpzArray array, ColumnUse use) : array_(std::move(array)), use_(use) {}

    std::uint64_t rows() const noexcept override { return array_.rows; }
    Result<std::size_t> fit(std::size_t rows) override {
        const std::uint64_t limit =
            std::max<std::uint64_t>(1, kMaxBatchBytes / std::max<std::uint64_t>(array_.width, 1));
        return static_cast<std::size_t>(std::min<std::uint64_t>(rows, limit));
    }
    Status read(std::size_t rows, std::span<const std::byte> present, StringColumn& out,
                std::vector<ColumnFault>& faults) override {
        ABI_TRY(const auto bytes, array_.take(rows));
        Taker taker(use_, out, faults);
        const auto width = static_cast<std::size_t>(array_.width);
        for (std::size_t row = 0; row < rows; ++row) {
            const auto element = bytes.subspan(row * width, width);
            if (is_absent(present, row)) {
                taker.take_absent();
            } else if (const char* const reason = decode(element); reason != nullptr) {
                taker.refuse(row, reason);
            } else {
                taker.take(row, value_);
            }
        }
        return {};
    }

private:
    // Fills value_, or says why not.
    const char* decode(std::span<const std::byte> element) {
        value_.clear();
        switch (array_.kind) {
            case 'U':
                return decode_text(element);
            case 'S':
                value_.assign(reinterpret_cast<const char*>(element.data()), element.size());
                value_.resize(value_.find_last_not_of('\0') + 1);
                return nullptr;
            default:
                decode_integer(element);
                return nullptr;
        }
    }

    // UTF-32; zeros at the end are padding.
    const char* decode_text(std::span<const std::byte> element) {
        constexpr std::size_t kPointBytes = 4;
        std::size_t end = element.size();
        while (end > 0 && element[end - 1] == std::byte{0} && is_zero_point(element, end)) {
            end -= kPointBytes;
        }
        for (std::size_t at = 0; at < end; at += kPointBytes) {
            const auto point = static_cast<std::uint32_t>(
                load(element.subspan(at, kPointBytes), array_.is_big_endian));
            if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
                return "holds a code point that is no character";
            }
            append_code_point(value_, point);
        }
        return nullptr;
    }
    static bool is_zero_point(std::span<const std::byte> element, std::size_t end) {
        return element[end - 2] == std::byte{0} && element[end - 3] == std::byte{0} &&
               element[end - 4] == std::byte{0};
    }

    void decode_integer(std::span<const std::byte> element) {
        const std::uint64_t bits = load(element, array_.is_big_endian);
        const auto unused = static_cast<unsigned>(64 - 8 * element.size());
        if (array_.kind == 'i') {
            const auto number = static_cast<std::int64_t>(bits << unused) >> unused;
            value_ = std::to_string(number);
        } else {
            value_ = std::to_string(bits);
        }
    }

    NpzArray array_;
    ColumnUse use_;
    std::string value_;
};

class Utf8Column final : public NpzColumn {
public:
    Utf8Column(NpzArray bytes, NpzArray ends, ColumnUse use)
        : bytes_(std::move(bytes)), ends_(std::move(ends)), use_(use) {}

    std::uint64_t rows() const noexcept override { return ends_.rows; }

    Result<std::size_t> fit(std::size_t rows) override {
        constexpr std::size_t kMostEnds = kMaxBatchBytes / sizeof(std::uint64_t);
        rows = std::min(rows, kMostEnds);
        ABI_TRY(const auto ends, ends_.input->peek(rows * kEndBytes));
        if (ends.size() < rows * kEndBytes) {
            return damaged(ends_.name, "ends early");
        }
        std::uint64_t before = end_;
        for (std::size_t row = 0; row < rows; ++row) {
            const std::uint64_t end =
                load(ends.subspan(row * kEndBytes, kEndBytes), ends_.is_big_endian);
            if (end < before || end > bytes_.rows || end - before > kMaxRecordBytes) {
                return damaged(ends_.name, fmt::format("gives row {} the bytes {} to {} of {}",
                                                       row_ + row, before, end, bytes_.rows));
            }
            if (row > 0 && end - end_ > kMaxBatchBytes) {
                return row;
            }
            before = end;
        }
        return rows;
    }

    Status read(std::size_t rows, std::span<const std::byte> present, StringColumn& out,
                std::vector<ColumnFault>& faults) override {
        ABI_TRY(const auto ends, ends_.take(rows));
        Taker taker(use_, out, faults);
        for (std::size_t row = 0; row < rows; ++row) {
            const std::uint64_t end =
                load(ends.subspan(row * kEndBytes, kEndBytes), ends_.is_big_endian);
            ABI_TRY(const auto value, bytes_.take(static_cast<std::size_t>(end - end_)));
            end_ = end;
            if (is_absent(present, row)) {
                taker.take_absent();
            } else {
                taker.take(row, {reinterpret_cast<const char*>(value.data()), value.size()});
            }
        }
        row_ += rows;
        return {};
    }

private:
    static constexpr std::size_t kEndBytes = sizeof(std::uint64_t);
    NpzArray bytes_;
    NpzArray ends_;
    ColumnUse use_;
    std::uint64_t end_ = 0;  // of the row before
    std::uint64_t row_ = 0;
};

// The kind and size of an element: '<U12', '|S3', '>i8', '|b1'.
bool parse_descr(std::string_view descr, NpzArray& array) {
    if (descr.size() < 3 || std::string_view("<>=|").find(descr[0]) == std::string_view::npos) {
        return false;
    }
    array.is_big_endian = descr[0] == '>';
    array.kind = descr[1];
    const auto [end, error] =
        std::from_chars(descr.data() + 2, descr.data() + descr.size(), array.width);
    if (error != std::errc() || end != descr.data() + descr.size()) {
        return false;
    }
    const bool is_integer = array.kind == 'i' || array.kind == 'u';
    if (is_integer && array.width != 1 && array.width != 2 && array.width != 4 &&
        array.width != 8) {
        return false;
    }
    if (array.kind == 'U') {
        constexpr std::uint64_t kPointBytes = 4;
        if (array.width > std::numeric_limits<std::uint32_t>::max()) {
            return false;
        }
        array.width *= kPointBytes;
    }
    return is_integer || array.kind == 'U' || array.kind == 'S' ||
           (array.kind == 'b' && array.width == 1);
}

}  // namespace

Result<std::span<const std::byte>> NpzArray::take(std::size_t count) {
    const std::size_t wanted = count * static_cast<std::size_t>(width);
    ABI_TRY(const auto bytes, input->peek(wanted));
    if (bytes.size() < wanted) {
        return damaged(name, "ends early");
    }
    input->consume(wanted);
    return bytes.first(wanted);
}

Result<NpzArray> open_npz_array(const ZipMember& member) {
    NpzArray array;
    array.name = member.name;
    array.source = open_zip_member(member);
    array.input = std::make_unique<InputBuffer>(*array.source);
    auto header = read_npy_header(*array.input);
    if (!header) {
        return fail(std::move(header).error().with_context(quote(member.name)));
    }
    if (header->shape.size() != 1) {
        return unfit(array.name, fmt::format("has {} axes, expected 1", header->shape.size()),
                     "give each row one element");
    }
    array.rows = header->shape[0];
    if (!parse_descr(header->descr, array)) {
        return unfit(array.name, fmt::format("has elements of dtype {}", quote(header->descr)),
                     "save text as 'U' or 'S', numbers as integers");
    }
    std::uint64_t payload = 0;
    if (__builtin_mul_overflow(array.rows, array.width, &payload) ||
        member.size_bytes - header->size_bytes != payload) {
        return damaged(array.name,
                       fmt::format("promises {} elements of {} bytes and has {} bytes", array.rows,
                                   array.width, member.size_bytes - header->size_bytes));
    }
    return array;
}

Result<std::unique_ptr<NpzColumn>> open_npz_array_column(const ZipMember& member, ColumnUse use) {
    ABI_TRY(NpzArray array, open_npz_array(member));
    const bool is_text = array.kind == 'U' || array.kind == 'S';
    const bool is_integer = array.kind == 'i' || array.kind == 'u';
    if (!is_text && !(is_integer && use == ColumnUse::kId)) {
        return unfit(array.name, "holds no text", "save an array of 'U' or 'S'");
    }
    if (array.width > kMaxRecordBytes * 4) {
        return unfit(array.name, fmt::format("has elements of {} bytes", array.width),
                     "a text may have 64 MiB");
    }
    return std::unique_ptr<NpzColumn>(std::make_unique<FixedColumn>(std::move(array), use));
}

Result<std::unique_ptr<NpzColumn>> open_npz_utf8_column(const ZipMember& bytes,
                                                        const ZipMember& ends, ColumnUse use) {
    ABI_TRY(NpzArray byte_array, open_npz_array(bytes));
    ABI_TRY(NpzArray end_array, open_npz_array(ends));
    if (byte_array.width != 1 || byte_array.kind != 'u') {
        return unfit(bytes.name, "holds no bytes", "save an array of uint8");
    }
    if (end_array.width != 8 || end_array.kind != 'u') {
        return unfit(ends.name, "holds no ends", "save an array of uint64");
    }
    return std::unique_ptr<NpzColumn>(
        std::make_unique<Utf8Column>(std::move(byte_array), std::move(end_array), use));
}

}  // namespace abikit::data

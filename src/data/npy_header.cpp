// A small strict parser of the Python literal in .npy headers; nothing of it is evaluated.
#include "npy_header.hpp"

#include <charconv>

#include <fmt/format.h>

#include "reader_base.hpp"

namespace abikit::data {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeaderBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxRank = 32;  // numpy's own limit
constexpr std::string_view kSpace = " \t\r\n\f\v";

class DictionaryParser {
public:
    explicit DictionaryParser(std::string_view text) : text_(text) {}

    Result<NpyHeader> parse() {
        ABI_CHECK(expect('{'));
        while (!take('}')) {
            ABI_CHECK(entry());
            if (!take(',')) {
                ABI_CHECK(expect('}'));
                break;
            }
        }
        skip_space();
        if (pos_ != text_.size()) {
            return broken("the end of the header");
        }
        if (!has_descr_ || !has_order_ || !has_shape_) {
            return fail(Code::kCorrupt,
                        fmt::format("header lacks the key '{}'", !has_descr_   ? "descr"
                                                                 : !has_order_ ? "fortran_order"
                                                                               : "shape"));
        }
        return std::move(header_);
    }

private:
    std::unexpected<Error> broken(std::string_view expected) const {
        return fail(Code::kCorrupt,
                    fmt::format("broken header: expected {} at byte {} of it", expected, pos_));
    }
    void skip_space() { pos_ = std::min(text_.find_first_not_of(kSpace, pos_), text_.size()); }
    bool take(char c) {
        skip_space();
        if (pos_ >= text_.size() || text_[pos_] != c) {
            return false;
        }
        ++pos_;
        return true;
    }
    Status expect(char c) {
        if (!take(c)) {
            return broken(fmt::format("'{}'", c));
        }
        return {};
    }
    bool take_word(std::string_view word) {
        skip_space();
        if (text_.substr(pos_, word.size()) != word) {
            return false;
        }
        pos_ += word.size();
        return true;
    }

    Status entry() {
        ABI_TRY(const std::string_view key, string());
        ABI_CHECK(expect(':'));
        if (key == "descr" && !has_descr_) {
            has_descr_ = true;
            return descr();
        }
        if (key == "fortran_order" && !has_order_) {
            has_order_ = true;
            return order();
        }
        if (key == "shape" && !has_shape_) {
            has_shape_ = true;
            return shape();
        }
        return fail(Code::kCorrupt,
                    fmt::format("header has an unexpected or repeated key {}", quote(key)));
    }

    // Type strings and keys need no escapes.
    Result<std::string_view> string() {
        skip_space();
        const char quote = pos_ < text_.size() ? text_[pos_] : '\0';
        if (quote != '\'' && quote != '"') {
            return broken("a string");
        }
        const std::size_t begin = pos_ + 1;
        const std::size_t end = text_.find_first_of("'\"\\\n", begin);
        if (end == std::string_view::npos || text_[end] != quote) {
            return broken("a plain string");
        }
        pos_ = end + 1;
        return text_.substr(begin, end - begin);
    }

    Status descr() {
        skip_space();
        if (pos_ < text_.size() && text_[pos_] == '[') {
            return fail(Code::kIncompatible, "structured dtype holds records, not plain numbers",
                        "save one field of it: numpy.save(path, a['field'])");
        }
        ABI_TRY(const std::string_view name, string());
        header_.descr = name;
        return {};
    }

    Status order() {
        if (take_word("True")) {
            header_.fortran_order = true;
            return {};
        }
        if (!take_word("False")) {
            return broken("True or False");
        }
        return {};
    }

    Status shape() {
        ABI_CHECK(expect('('));
        while (!take(')')) {
            if (header_.shape.size() == kMaxRank) {
                return broken("at most 32 axes");
            }
            ABI_TRY(const std::uint64_t length, length_of_axis());
            header_.shape.push_back(length);
            if (!take(',')) {
                if (header_.shape.size() == 1) {
                    return broken("','");  // "(3)" is a number to Python, not a tuple
                }
                return expect(')');
            }
        }
        return {};
    }

    Result<std::uint64_t> length_of_axis() {
        skip_space();
        std::uint64_t length = 0;
        const char* end = text_.data() + text_.size();
        const auto parsed = std::from_chars(text_.data() + pos_, end, length);
        if (parsed.ec != std::errc()) {
            return broken(parsed.ec == std::errc::result_out_of_range ? "a length below 2^64"
                                                                      : "a non-negative integer");
        }
        pos_ = static_cast<std::size_t>(parsed.ptr - text_.data());
        if (pos_ < text_.size() && text_[pos_] == 'L') {
            ++pos_;  // Python 2 wrote long integers so
        }
        return length;
    }

    std::string_view text_;
    std::size_t pos_ = 0;
    NpyHeader header_;
    bool has_descr_ = false;
    bool has_order_ = false;
    bool has_shape_ = false;
};

Result<std::string_view> peek_text(InputBuffer& input, std::size_t count, std::string_view what) {
    ABI_TRY(const auto bytes, input.peek(count));
    if (bytes.size() < count) {
        return fail(Code::kCorrupt,
                    fmt::format("truncated inside its {}: {} bytes promised, {} found", what, count,
                                bytes.size()));
    }
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), count);
}

std::uint64_t little_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i > 0; --i) {
        value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
    }
    return value;
}

}  // namespace

Result<NpyHeader> parse_npy_dictionary(std::string_view text) {
    return DictionaryParser(text).parse();
}

Result<NpyHeader> read_npy_header(InputBuffer& input) {
    ABI_TRY(const auto begin, input.peek(kMagic.size() + 2));
    const std::string_view magic(reinterpret_cast<const char*>(begin.data()),
                                 std::min(begin.size(), kMagic.size()));
    if (magic != kMagic) {
        return fail(Code::kCorrupt,
                    begin.empty() ? "empty, no .npy header" : "not a .npy file: wrong magic bytes");
    }
    ABI_TRY(const std::string_view start, peek_text(input, kMagic.size() + 2, "header"));
    const unsigned major = static_cast<unsigned char>(start[kMagic.size()]);
    const unsigned minor = static_cast<unsigned char>(start[kMagic.size() + 1]);
    if (major < 1 || major > 3 || minor != 0) {
        return fail(Code::kIncompatible,
                    fmt::format("format version {}.{} is not known", major, minor),
                    "versions 1.0, 2.0 and 3.0 can be read");
    }
    const std::size_t length_bytes = major == 1 ? 2 : 4;
    const std::size_t prefix = start.size() + length_bytes;
    ABI_TRY(const std::string_view prefix_text, peek_text(input, prefix, "header"));
    const std::uint64_t length = little_endian(prefix_text.substr(start.size()));
    if (length > kMaxHeaderBytes) {
        return fail(Code::kCorrupt, fmt::format("header of {} bytes is longer than any", length));
    }
    const std::size_t total = prefix + static_cast<std::size_t>(length);
    ABI_TRY(const std::string_view text, peek_text(input, total, "header"));
    ABI_TRY(NpyHeader header, parse_npy_dictionary(text.substr(prefix)));
    header.size_bytes = total;
    input.consume(total);
    return header;
}

std::string make_npy_header(std::string_view descr, const std::vector<std::uint64_t>& shape) {
    constexpr std::size_t kAlignment = 64;
    constexpr std::size_t kPrefix = 10;  // magic, version, length
    std::string axes;
    for (const std::uint64_t length : shape) {
        axes += fmt::format("{}{}", axes.empty() ? "" : ", ", length);
    }
    axes += shape.size() == 1 ? "," : "";  // a tuple of one, not a number in brackets
    std::string text =
        fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, axes);
    const std::size_t unpadded = kPrefix + text.size() + 1;
    text.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
    text += '\n';
    std::string header(kMagic);
    header += '\x01';
    header += '\0';
    header += static_cast<char>(text.size() & 0xFF);
    header += static_cast<char>(text.size() >> 8);
    return header + text;
}

}  // namespace abikit::data

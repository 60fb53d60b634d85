// Reading the columns of a segment: the directory, single values, sets of rows. What a filter makes
// of them is in columns_match.cpp.
#include "columns.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "../format.hpp"

namespace abikit::storage {

Error SegmentColumns::damaged(std::string_view what) const {
    return corruption(segment_->path(), segment_->section_offset(SectionKind::kColumns), what);
}

Result<std::optional<SegmentColumns>> SegmentColumns::open(const Segment& segment) {
    if (segment.section_bytes(SectionKind::kColumns) == 0) {
        return std::nullopt;
    }
    SegmentColumns columns(segment);
    ABI_CHECK(columns.read_directory());
    return std::optional(std::move(columns));
}

Status SegmentColumns::read_directory() {
    ABI_TRY(const auto head, segment_->read_section(SectionKind::kColumns, 0, kColumnsHeaderBytes));
    Decoder header(as_text(head));
    const auto version = header.get<std::uint32_t>();
    const auto flags = header.get<std::uint32_t>();
    const auto count = header.get<std::uint32_t>();
    header.get<std::uint32_t>();
    data_at_ = header.get<std::uint64_t>();
    if (version != kColumnsVersion || data_at_ < kColumnsHeaderBytes || data_at_ % 8 != 0 ||
        data_at_ > segment_->section_bytes(SectionKind::kColumns)) {
        return fail(damaged("the directory of columns has no possible size"));
    }
    some_missing_ = (flags & kSomeFieldsMissing) != 0;
    ABI_TRY(const auto bytes, segment_->read_section(SectionKind::kColumns, kColumnsHeaderBytes,
                                                     data_at_ - kColumnsHeaderBytes));
    Decoder in(as_text(bytes));
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        ColumnEntry entry;
        entry.kind = in.get<ColumnKind>();
        entry.flags = in.get<std::uint32_t>();
        const auto keys = in.get<std::uint32_t>();
        for (std::uint32_t key = 0; key < keys && in.ok(); ++key) {
            entry.keys.emplace_back(in.get_string());
        }
        for (std::uint64_t ColumnEntry::*const member :
             {&ColumnEntry::values, &ColumnEntry::pairs, &ColumnEntry::known_rows,
              &ColumnEntry::known_at, &ColumnEntry::ends_at, &ColumnEntry::postings_at,
              &ColumnEntry::values_at, &ColumnEntry::text_at}) {
            entry.*member = in.get<std::uint64_t>();
        }
        if (static_cast<std::uint32_t>(entry.kind) >= kColumnKinds) {
            return fail(damaged("a column is of an unknown kind"));
        }
        entries_.push_back(std::move(entry));
    }
    return in.ok() ? Status() : fail(damaged("the directory of columns is cut short"));
}

// `count` items of `size` bytes, checked to lie in the data.
Result<std::span<const std::byte>> SegmentColumns::data(std::uint64_t at, std::uint64_t count,
                                                        std::uint64_t size) const {
    const std::uint64_t all = segment_->section_bytes(SectionKind::kColumns) - data_at_;
    if (at > all || count > (all - at) / size) {
        return fail(damaged("a column lies outside its section"));
    }
    return segment_->read_section(SectionKind::kColumns, data_at_ + at, count * size);
}

template <class T>
Result<T> SegmentColumns::number(std::uint64_t at, std::uint64_t index) const {
    if (index > std::numeric_limits<std::uint32_t>::max()) {
        return fail(damaged("a column has more values than a segment can"));
    }
    ABI_TRY(const auto bytes, data(at + index * sizeof(T), 1, sizeof(T)));
    T value{};
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}
template Result<std::uint64_t> SegmentColumns::number<std::uint64_t>(std::uint64_t,
                                                                     std::uint64_t) const;
template Result<std::uint32_t> SegmentColumns::number<std::uint32_t>(std::uint64_t,
                                                                     std::uint64_t) const;
template Result<double> SegmentColumns::number<double>(std::uint64_t, std::uint64_t) const;
template Result<std::uint8_t> SegmentColumns::number<std::uint8_t>(std::uint64_t,
                                                                   std::uint64_t) const;

const ColumnEntry* SegmentColumns::find(const FieldPath& path, ColumnKind kind) const noexcept {
    const auto found = std::find_if(
        entries_.begin(), entries_.end(),
        [&](const ColumnEntry& entry) { return entry.kind == kind && entry.keys == path.keys; });
    return found == entries_.end() ? nullptr : &*found;
}

bool SegmentColumns::has_any(const FieldPath& path) const noexcept {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const ColumnEntry& entry) { return entry.keys == path.keys; });
}

SegmentColumns::Words SegmentColumns::everything() const {
    Words words((segment_->rows() + 63) / 64, ~std::uint64_t{0});
    if (segment_->rows() % 64 != 0) {
        words.back() = (std::uint64_t{1} << (segment_->rows() % 64)) - 1;
    }
    return words;
}

Result<std::string_view> SegmentColumns::text(const ColumnEntry& entry, std::uint64_t index) const {
    std::uint64_t begin = 0;
    if (index != 0) {
        ABI_TRY(begin, number<std::uint64_t>(entry.values_at, index - 1));
    }
    ABI_TRY(const std::uint64_t end, number<std::uint64_t>(entry.values_at, index));
    if (begin > end) {
        return fail(damaged("the strings of a column are out of order"));
    }
    ABI_TRY(const auto bytes, data(entry.text_at + begin, end - begin, 1));
    return as_text(bytes);
}

Result<int> SegmentColumns::compare_value(const ColumnEntry& entry, std::uint64_t index,
                                          const Literal& literal) const {
    if (const auto* const wanted = std::get_if<std::string>(&literal)) {
        ABI_TRY(const std::string_view found, text(entry, index));
        return found.compare(*wanted);
    }
    ABI_TRY(const auto bits, number<std::uint64_t>(entry.values_at, index));
    ABI_TRY(const auto form, number<std::uint8_t>(entry.values_at + entry.values * 8, index));
    if (form > static_cast<std::uint8_t>(Number::Form::kDouble)) {
        return fail(damaged("a column holds a number of no form"));
    }
    const bool* const truth = std::get_if<bool>(&literal);
    const Number wanted =
        truth != nullptr ? Number(std::int64_t{*truth}) : *std::get_if<Number>(&literal);
    return Number::compare(Number::of_bits(static_cast<Number::Form>(form), bits), wanted);
}

// Adds the rows of one posting.
Status SegmentColumns::add_posting(std::uint64_t place, std::uint64_t rows, Words& words) const {
    if ((place & kPlainBits) != 0) {
        ABI_TRY(const auto bytes, data(place & ~kPlainBits, words.size(), sizeof(std::uint64_t)));
        for (std::size_t i = 0; i < words.size(); ++i) {
            std::uint64_t bits = 0;
            std::memcpy(&bits, bytes.data() + i * sizeof bits, sizeof bits);
            words[i] |= bits;
        }
        if (segment_->rows() % 64 != 0 && (words.back() >> (segment_->rows() % 64)) != 0) {
            return fail(damaged("a column names rows that are not there"));
        }
        return {};
    }
    ABI_TRY(const auto bytes, data(place, rows, sizeof(std::uint32_t)));
    const auto at = [&](std::uint64_t i) {
        std::uint32_t row = 0;
        std::memcpy(&row, bytes.data() + i * sizeof row, sizeof row);
        return row;
    };
    std::uint32_t largest = 0;  // looked for ahead, many at a time
    for (std::uint64_t i = 0; i < rows; ++i) {
        largest = std::max(largest, at(i));
    }
    if (rows != 0 && largest >= segment_->rows()) {
        return fail(damaged("a column names rows that are not there"));
    }
    for (std::uint64_t i = 0; i < rows; ++i) {
        const std::uint32_t row = at(i);
        words[row / 64] |= std::uint64_t{1} << (row % 64);
    }
    return {};
}

// Adds the rows of some values: lists that lie behind each other are read as one.
Status SegmentColumns::add_values(const ColumnEntry& entry, Range range, Words& words) const {
    if (range.first >= range.last) {
        return {};
    }
    const std::uint64_t count = range.last - range.first;
    ABI_TRY(const auto ends, data(entry.ends_at + range.first * 8, count, 8));
    ABI_TRY(const auto places, data(entry.postings_at + range.first * 8, count, 8));
    const auto at = [](std::span<const std::byte> numbers, std::uint64_t index) {
        std::uint64_t value = 0;
        std::memcpy(&value, numbers.data() + index * sizeof value, sizeof value);
        return value;
    };
    std::uint64_t begin = 0;
    if (range.first != 0) {
        ABI_TRY(begin, number<std::uint64_t>(entry.ends_at, range.first - 1));
    }
    // Commonly they all do, and no list is one of plain bits, which would leave a gap.
    const std::uint64_t last_begin = count == 1 ? begin : at(ends, count - 2);
    const std::uint64_t all = at(ends, count - 1) - begin;
    if (((at(places, 0) | at(places, count - 1)) & kPlainBits) == 0 && begin <= last_begin &&
        all <= entry.pairs &&
        at(places, count - 1) == at(places, 0) + (last_begin - begin) * sizeof(std::uint32_t)) {
        return add_posting(at(places, 0), all, words);
    }
    std::uint64_t list = 0, listed = 0;  // the run of lists so far
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t end = at(ends, i), place = at(places, i);
        if (end < begin || end > entry.pairs) {
            return fail(damaged("the counts of a column are out of order"));
        }
        const bool plain = (place & kPlainBits) != 0;
        if (listed != 0 && (plain || place != list + listed * sizeof(std::uint32_t))) {
            ABI_CHECK(add_posting(list, listed, words));
            listed = 0;
        }
        if (plain) {
            ABI_CHECK(add_posting(place, end - begin, words));
        } else {
            list = listed == 0 ? place : list;
            listed += end - begin;
        }
        begin = end;
    }
    return listed == 0 ? Status() : add_posting(list, listed, words);
}

Status SegmentColumns::check() const {
    for (const ColumnEntry& entry : entries_) {
        Words words = nothing(), known = nothing();
        ABI_CHECK(add_posting(entry.known_at, entry.known_rows, known));
        if (entry.kind == ColumnKind::kGeo || entry.values == 0) {
            continue;
        }
        ABI_CHECK(add_values(entry, {0, entry.values}, words));
        for (std::size_t i = 0; i < words.size(); ++i) {
            if ((words[i] & ~known[i]) != 0) {
                return fail(damaged("a column has values in rows that do not hold its type"));
            }
        }
    }
    return {};
}

Result<std::vector<TypeMask>> SegmentColumns::types(const FilterProgram& program,
                                                    const Bitmap* deleted) const {
    std::vector<TypeMask> seen(program.fields.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
        if (program.fields[i].is_id) {
            seen[i] = field_type::kString;
            continue;
        }
        for (const ColumnEntry& entry : entries_) {
            if (entry.keys != program.fields[i].keys) {
                continue;
            }
            bool alive = deleted == nullptr && entry.known_rows != 0;
            Words known = nothing();
            if (deleted != nullptr) {
                ABI_CHECK(add_posting(entry.known_at, entry.known_rows, known));
            }
            for (std::size_t word = 0; deleted != nullptr && word < known.size() && !alive;
                 ++word) {
                const bool any = word < deleted->words().size();
                alive = (known[word] & ~(any ? deleted->words()[word] : 0)) != 0;
            }
            seen[i] |= alive ? mask_of(entry.kind) : TypeMask{0};
        }
    }
    return seen;
}

}  // namespace abikit::storage

// Values are gathered by field and type, then sorted: the rows of one value come out in order
// because they came in in order.
#include "columns_writer.hpp"

#include <algorithm>

#include "../format.hpp"

namespace abikit::storage {

namespace {
// What one more entry of each sort takes, about.
constexpr std::uint64_t kKnownBytes = 4, kNumberBytes = 24, kTextPairBytes = 8, kPointBytes = 24;
constexpr std::uint64_t kNewTextBytes = 80;

ColumnKind element_kind(const data::Value& value) noexcept {
    return value.is_bool()     ? ColumnKind::kArrayOfBool
           : value.is_number() ? ColumnKind::kArrayOfNumber
           : value.is_string() ? ColumnKind::kArrayOfString
                               : ColumnKind::kArrayOfOther;
}

Number number_of(const data::Value& value) noexcept {
    return value.is_bool() ? Number(std::int64_t{value.as_bool()}) : Number::of(value);
}
}  // namespace

Status ColumnsWriter::add(std::uint32_t row, std::string_view metadata) {
    auto document = data::parse_json(metadata);
    if (!document && document.error().code() != Code::kInvalidData) {
        return fail(std::move(document).error());
    }
    if (document && document->is_object()) {
        row_ = row;
        add_object(root_, *document, 0);
    }
    return {};
}

void ColumnsWriter::add_object(Field& field, const data::Value& object, std::size_t depth) {
    for (const auto& [key, value] : object.as_object()) {
        const auto found = field.children.find(key);
        if (found != field.children.end()) {
            add_value(*found->second, value, depth + 1);
            continue;
        }
        if (fields_ == kMaxColumnFields || depth == kMaxColumnDepth) {
            some_missing_ = true;
            continue;
        }
        ++fields_;
        Field& made = *field.children.emplace(key, std::make_unique<Field>()).first->second;
        add_value(made, value, depth + 1);
    }
}

void ColumnsWriter::add_value(Field& field, const data::Value& value, std::size_t depth) {
    if (value.is_null()) {
        known(field, ColumnKind::kNull);
    } else if (value.is_bool()) {
        put_number(known(field, ColumnKind::kBool), number_of(value));
    } else if (value.is_number()) {
        put_number(known(field, ColumnKind::kNumber), number_of(value));
    } else if (value.is_string()) {
        put_text(known(field, ColumnKind::kString), value.as_string());
    } else if (value.is_array()) {
        add_array(field, value.as_array());
    } else {
        known(field, ColumnKind::kObject);
        if (const auto point = point_of(value)) {
            Column& points = known(field, ColumnKind::kGeo);
            if (!points.given_up) {
                points.points.push_back({point->lat, point->lon, row_});
                charge(points, kPointBytes);
            }
        }
        add_object(field, value, depth);
    }
}

void ColumnsWriter::add_array(Field& field, const data::Array& elements) {
    known(field, ColumnKind::kArray);
    for (const data::Value& element : elements) {
        Column& column = known(field, element_kind(element));
        if (element.is_bool() || element.is_number()) {
            put_number(column, number_of(element));
        } else if (element.is_string()) {
            put_text(column, element.as_string());
        }
    }
}

ColumnsWriter::Column& ColumnsWriter::known(Field& field, ColumnKind kind) {
    auto& column = field.columns[static_cast<std::size_t>(kind)];
    if (column == nullptr) {
        column = std::make_unique<Column>();
    }
    if (column->known.empty() || column->known.back() != row_) {
        column->known.push_back(row_);
        charge(*column, kKnownBytes);
    }
    return *column;
}

void ColumnsWriter::put_number(Column& column, Number number) {
    if (!column.given_up) {
        column.numbers.emplace_back(number, row_);
        charge(column, kNumberBytes);
    }
}

void ColumnsWriter::put_text(Column& column, const std::string& text) {
    if (text.size() > kMaxColumnString) {
        give_up(column);
    }
    if (column.given_up) {
        return;
    }
    const auto [at, fresh] =
        column.codes.try_emplace(text, static_cast<std::uint32_t>(column.codes.size()));
    column.texts.emplace_back(at->second, row_);
    charge(column, kTextPairBytes + (fresh ? kNewTextBytes + text.size() : 0));
}

void ColumnsWriter::charge(Column& column, std::uint64_t bytes) {
    column.bytes += bytes;
    bytes_ += bytes;
    while (bytes_ > kMaxColumnsMemory) {
        const std::uint64_t before = bytes_;
        give_up_largest();
        if (bytes_ == before) {
            break;  // what is left are the rows that hold each type
        }
    }
}

void ColumnsWriter::give_up(Column& column) {
    if (column.given_up) {
        return;
    }
    column.given_up = true;
    const std::uint64_t left = column.known.size() * kKnownBytes;
    bytes_ -= column.bytes - left;
    column.bytes = left;
    column.numbers = {};
    column.codes = {};
    column.texts = {};
    column.points = {};
}

void ColumnsWriter::give_up_largest() {
    Column* largest = nullptr;
    std::vector<Field*> fields = {&root_};
    while (!fields.empty()) {
        Field* const field = fields.back();
        fields.pop_back();
        for (auto& [key, child] : field->children) {
            fields.push_back(child.get());
        }
        for (auto& column : field->columns) {
            const bool larger = column != nullptr && !column->given_up &&
                                (largest == nullptr || column->bytes > largest->bytes);
            largest = larger ? column.get() : largest;
        }
    }
    if (largest != nullptr) {
        give_up(*largest);
    }
}

// Lays out directory and data.
class ColumnsWriter::Encoding {
public:
    explicit Encoding(std::uint64_t rows) : rows_(rows) {}

    void add(const std::vector<std::string>& keys, ColumnKind kind, Column& column) {
        ColumnEntry entry;
        entry.kind = kind;
        entry.flags = column.given_up ? kValuesMissing : 0;
        entry.keys = keys;
        entry.known_rows = column.known.size();
        entry.known_at = put_posting(column.known);
        if (!column.numbers.empty()) {
            put_numbers(entry, column.numbers);
        } else if (!column.texts.empty()) {
            put_texts(entry, column);
        } else if (!column.points.empty()) {
            put_points(entry, column.points);
        }
        put_entry(entry);
        ++columns_;
    }
    std::string finish(bool some_missing) {
        Encoder out;
        directory_.pad_to(8);
        out.put(kColumnsVersion);
        out.put(some_missing ? kSomeFieldsMissing : std::uint32_t{0});
        out.put(columns_);
        out.put(std::uint32_t{0});
        out.put(std::uint64_t{kColumnsHeaderBytes + directory_.size()});
        out.put_bytes(directory_.bytes());
        out.put_bytes(data_.bytes());
        return out.take();
    }

private:
    void put_entry(const ColumnEntry& entry) {
        directory_.put(entry.kind);
        directory_.put(entry.flags);
        directory_.put(static_cast<std::uint32_t>(entry.keys.size()));
        for (const std::string& key : entry.keys) {
            directory_.put_string(key);
        }
        for (const std::uint64_t number :
             {entry.values, entry.pairs, entry.known_rows, entry.known_at, entry.ends_at,
              entry.postings_at, entry.values_at, entry.text_at}) {
            directory_.put(number);
        }
    }
    // A list of rows or plain bits, whatever is shorter.
    std::uint64_t put_posting(std::span<const std::uint32_t> rows) {
        const std::uint64_t words = (rows_ + 63) / 64;
        if (rows.size() * sizeof(std::uint32_t) <= words * sizeof(std::uint64_t)) {
            const std::uint64_t at = data_.size();
            data_.put_bytes(as_text(std::as_bytes(rows)));
            return at;
        }
        data_.pad_to(8);
        const std::uint64_t at = data_.size();
        std::vector<std::uint64_t> bits(words);
        for (const std::uint32_t row : rows) {
            bits[row / 64] |= std::uint64_t{1} << (row % 64);
        }
        data_.put_bytes(as_text(std::as_bytes(std::span<const std::uint64_t>(bits))));
        return at | kPlainBits;
    }
    template <class T>
    std::uint64_t put_array(const std::vector<T>& values) {
        data_.pad_to(8);
        const std::uint64_t at = data_.size();
        data_.put_bytes(as_text(std::as_bytes(std::span<const T>(values))));
        return at;
    }
    // `pairs` ascending by value and row, each once: the postings of their values.
    template <class Pair, class Same>
    void put_values(ColumnEntry& entry, const std::vector<Pair>& pairs, Same same) {
        std::vector<std::uint64_t> ends, places;
        std::vector<std::uint32_t> rows;
        for (std::size_t at = 0; at < pairs.size();) {
            rows.clear();
            const std::size_t first = at;
            for (; at < pairs.size() && same(pairs[at].first, pairs[first].first); ++at) {
                rows.push_back(pairs[at].second);
            }
            places.push_back(put_posting(rows));
            ends.push_back(at);
        }
        entry.values = ends.size();
        entry.pairs = pairs.size();
        entry.ends_at = put_array(ends);
        entry.postings_at = put_array(places);
    }
    void put_numbers(ColumnEntry& entry, std::vector<std::pair<Number, std::uint32_t>>& pairs) {
        const auto same = [](Number a, Number b) { return Number::compare(a, b) == 0; };
        std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) {
            const int order = Number::compare(a.first, b.first);
            return order != 0 ? order < 0 : a.second < b.second;
        });
        pairs.erase(std::unique(pairs.begin(), pairs.end(),
                                [&](const auto& a, const auto& b) {
                                    return a.second == b.second && same(a.first, b.first);
                                }),
                    pairs.end());
        put_values(entry, pairs, same);
        std::vector<std::uint64_t> bits;
        std::vector<std::uint8_t> forms;
        for (std::size_t at = 0; at < pairs.size(); ++at) {
            if (at == 0 || !same(pairs[at].first, pairs[at - 1].first)) {
                bits.push_back(pairs[at].first.bits());
                forms.push_back(static_cast<std::uint8_t>(pairs[at].first.form()));
            }
        }
        entry.values_at = put_array(bits);
        static_cast<void>(put_array(forms));  // right behind: bits are a multiple of 8
    }
    void put_texts(ColumnEntry& entry, Column& column) {
        std::vector<std::pair<std::string_view, std::uint32_t>> sorted(column.codes.begin(),
                                                                       column.codes.end());
        std::sort(sorted.begin(), sorted.end());
        std::vector<std::uint32_t> place_of(sorted.size());
        std::vector<std::uint64_t> ends;
        std::uint64_t end = 0;
        for (std::size_t i = 0; i < sorted.size(); ++i) {
            place_of[sorted[i].second] = static_cast<std::uint32_t>(i);
            ends.push_back(end += sorted[i].first.size());
        }
        for (auto& [code, row] : column.texts) {
            code = place_of[code];
        }
        std::sort(column.texts.begin(), column.texts.end());
        column.texts.erase(std::unique(column.texts.begin(), column.texts.end()),
                           column.texts.end());
        put_values(entry, column.texts, std::equal_to<>());
        entry.values_at = put_array(ends);
        entry.text_at = data_.size();
        for (const auto& [text, code] : sorted) {
            data_.put_bytes(text);
        }
        data_.pad_to(8);
    }
    void put_points(ColumnEntry& entry, std::vector<Point>& points) {
        std::sort(points.begin(), points.end(), [](const Point& a, const Point& b) {
            return a.lat != b.lat ? a.lat < b.lat : a.row < b.row;
        });
        std::vector<double> lats, lons;
        std::vector<std::uint32_t> rows;
        for (const Point& point : points) {
            lats.push_back(point.lat);
            lons.push_back(point.lon);
            rows.push_back(point.row);
        }
        entry.values = entry.pairs = points.size();
        entry.values_at = put_array(lats);
        static_cast<void>(put_array(lons));
        static_cast<void>(put_array(rows));
    }

    std::uint64_t rows_;
    std::uint32_t columns_ = 0;
    Encoder directory_, data_;
};

std::string ColumnsWriter::finish(std::uint64_t rows) {
    Encoding encoding(rows);
    // Fields in the order of their names, so that the same rows give the same bytes.
    std::vector<std::string> keys;
    const auto walk = [&](const auto& self, Field& field) -> void {
        for (std::size_t kind = 0; kind < kColumnKinds; ++kind) {
            if (field.columns[kind] != nullptr) {
                encoding.add(keys, static_cast<ColumnKind>(kind), *field.columns[kind]);
                field.columns[kind].reset();
            }
        }
        for (auto& [key, child] : field.children) {
            keys.push_back(key);
            self(self, *child);
            keys.pop_back();
        }
    };
    walk(walk, root_);
    std::string section = encoding.finish(some_missing_);
    *this = ColumnsWriter();
    return section;
}

}  // namespace abikit::storage

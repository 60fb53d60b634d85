// Column names to columns: given ones, ranges, and the usual names.
#include "csv_columns.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "number_text.hpp"
#include "reader_base.hpp"
#include "utf8.hpp"

namespace abikit::data {
namespace {

using NameMap = std::map<std::string_view, std::size_t>;

// For a hint: "its columns are 'a', 'b' and 12 more".
std::string list_columns(const std::vector<std::string>& names) {
    constexpr std::size_t kListed = 20;
    std::string list = "its columns are ";
    for (std::size_t i = 0; i < std::min(names.size(), kListed); ++i) {
        list += fmt::format("{}{}", i == 0 ? "" : ", ", quote(names[i]));
    }
    if (names.size() > kListed) {
        list += fmt::format(" and {} more", names.size() - kListed);
    }
    return list;
}

bool is_text(std::string_view name) {
    return is_utf8(name) && std::none_of(name.begin(), name.end(), [](char c) {
               return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
           });
}

// Names without the spaces around them; a column without a name is called after its place.
Result<std::vector<std::string>> read_names(const CsvRecord& header, const ReaderOptions& options) {
    if (!header.reason.empty() || header.width != header.fields.size()) {
        return fail(Code::kCorrupt,
                    fmt::format("{}, line {}: {}", input_name(options), header.line,
                                header.reason.empty() ? "too many columns" : header.reason));
    }
    std::vector<std::string> names;
    names.reserve(header.width);
    for (std::size_t i = 0; i < header.width; ++i) {
        std::string_view name = header[i];
        if (!is_text(name)) {
            return fail(Code::kCorrupt,
                        fmt::format("{} has a header that is not text", input_name(options)),
                        "is this really a CSV file?");
        }
        name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
        name = name.substr(0, name.find_last_not_of(' ') + 1);
        names.push_back(name.empty() ? fmt::format("column{}", i + 1) : std::string(name));
    }
    return names;
}

Result<NameMap> map_names(const std::vector<std::string>& names, const ReaderOptions& options) {
    NameMap places;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!places.emplace(names[i], i).second) {
            return fail(Code::kCorrupt, fmt::format("{} has two columns named {}",
                                                    input_name(options), quote(names[i])));
        }
    }
    return places;
}

// A name that was asked for must be there; a usual one may be.
Result<std::optional<std::size_t>> find_column(const NameMap& places, const CsvColumns& columns,
                                               const ReaderOptions& options,
                                               const std::string& asked, std::string_view usual) {
    const auto found = places.find(asked.empty() ? usual : std::string_view(asked));
    if (found != places.end()) {
        return std::optional(found->second);
    }
    if (asked.empty()) {
        return std::optional<std::size_t>();
    }
    return fail(Code::kInvalidArgument,
                fmt::format("{} has no column {}", input_name(options), quote(asked)),
                list_columns(columns.names));
}

Result<std::vector<std::size_t>> find_named_vector(const NameMap& places, const CsvColumns& columns,
                                                   const ReaderOptions& options) {
    std::vector<std::size_t> found;
    for (const std::string& entry : options.vector_columns) {
        std::vector<std::string> names = {entry};
        if (!places.contains(entry)) {
            ABI_TRY(names, expand_column_range(entry));
        }
        for (const std::string& name : names) {
            ABI_TRY(const auto place, find_column(places, columns, options, name, {}));
            if (std::find(found.begin(), found.end(), *place) != found.end()) {
                return fail(Code::kInvalidArgument,
                            fmt::format("vector column {} is named twice", quote(name)));
            }
            found.push_back(*place);
        }
    }
    return found;
}

// The number in "v12", "v_12", "vector12", "vector.12" or "vector[12]".
bool vector_index(std::string_view name, std::uint64_t& index) {
    const std::string_view stem = name.starts_with("vector") ? "vector" : "v";
    if (!name.starts_with(stem)) {
        return false;
    }
    name.remove_prefix(stem.size());
    const bool bracket = name.starts_with('[') && name.ends_with(']');
    if (bracket) {
        name.remove_suffix(1);
    }
    if (bracket || name.starts_with('_') || name.starts_with('.') || name.starts_with('-')) {
        name.remove_prefix(1);
    }
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), index);
    return parsed.ec == std::errc() && parsed.ptr == name.data() + name.size();
}

// One column "vector", or all numbered ones in the order of their numbers.
std::vector<std::size_t> find_usual_vector(const NameMap& places, const CsvColumns& columns) {
    if (const auto whole = places.find("vector"); whole != places.end()) {
        return {whole->second};
    }
    std::vector<std::tuple<std::uint64_t, std::size_t>> numbered;
    for (std::size_t i = 0; i < columns.names.size(); ++i) {
        std::uint64_t index = 0;
        if (i != columns.id && i != columns.text && vector_index(columns.names[i], index)) {
            numbered.emplace_back(index, i);
        }
    }
    std::sort(numbered.begin(), numbered.end());
    std::vector<std::size_t> found;
    for (const auto& [index, place] : numbered) {
        found.push_back(place);
    }
    return found;
}

Status check_usable(const CsvColumns& columns, const ReaderOptions& options) {
    if (columns.vector.size() > kMaxDimension) {
        return fail(Code::kIncompatible,
                    fmt::format("{} has {} vector columns, expected at most {}",
                                input_name(options), columns.vector.size(), kMaxDimension));
    }
    if (columns.vector.size() > 1) {
        return check_dimension(options, columns.vector.size());
    }
    if (!columns.vector.empty() || columns.text) {
        return {};
    }
    const bool all_numbers = std::all_of(columns.names.begin(), columns.names.end(),
                                         [](const auto& name) { return is_json_number(name); });
    return fail(Code::kInvalidArgument,
                fmt::format("{} has neither vector nor text columns", input_name(options)),
                all_numbers ? "its first line must name the columns"
                            : list_columns(columns.names) + "; say which are to be taken");
}

}  // namespace

Result<std::vector<std::string>> expand_column_range(const std::string& range) {
    const std::size_t dots = range.find("..");
    if (dots == std::string::npos) {
        return std::vector<std::string>{range};
    }
    const auto split = [](std::string_view name, std::string_view& stem, std::uint64_t& number) {
        const std::size_t digits = name.find_last_not_of("0123456789") + 1;
        stem = name.substr(0, digits);
        const char* end = name.data() + name.size();
        const auto parsed = std::from_chars(name.data() + digits, end, number);
        return parsed.ec == std::errc() && parsed.ptr == end;
    };
    const std::string_view text = range;
    std::string_view first_stem;
    std::string_view last_stem;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    if (!split(text.substr(0, dots), first_stem, first) ||
        !split(text.substr(dots + 2), last_stem, last) || first_stem != last_stem || first > last ||
        last - first >= kMaxDimension) {
        return fail(Code::kInvalidArgument, fmt::format("{} is no range of columns", quote(range)),
                    "write it as 'v0..v127'");
    }
    std::vector<std::string> names;
    for (std::uint64_t number = first; number <= last; ++number) {
        names.push_back(fmt::format("{}{}", first_stem, number));
    }
    return names;
}

Result<CsvColumns> find_csv_columns(const CsvRecord& header, const ReaderOptions& options) {
    CsvColumns columns;
    ABI_TRY(columns.names, read_names(header, options));
    ABI_TRY(const NameMap places, map_names(columns.names, options));
    ABI_TRY(columns.id, find_column(places, columns, options, options.id_column, "id"));
    ABI_TRY(columns.text, find_column(places, columns, options, options.text_column, "text"));
    if (options.vector_columns.empty()) {
        columns.vector = find_usual_vector(places, columns);
    } else {
        ABI_TRY(columns.vector, find_named_vector(places, columns, options));
    }
    std::vector<bool> used(columns.names.size(), false);
    for (const auto& place : {columns.id, columns.text}) {
        if (place) {
            used[*place] = true;
        }
    }
    for (const std::size_t place : columns.vector) {
        used[place] = true;
    }
    for (std::size_t i = 0; i < columns.names.size(); ++i) {
        if (!used[i]) {
            columns.others.push_back(i);
        }
    }
    if (const auto found = places.find("metadata"); found != places.end() && !used[found->second]) {
        columns.metadata = found->second;
    }
    ABI_CHECK(check_usable(columns, options));
    return columns;
}

}  // namespace abikit::data

#include "db_query_hits.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "db_common.hpp"

namespace abikit::cli {

namespace {
constexpr std::string_view kMetadata = "metadata";

// What a hit of this search may show, --fields or not.
std::vector<std::string> known_fields(const TextRequest& request, const HitMembers& members) {
    std::vector<std::string> names = {"id"};
    const std::vector<std::string> scores =
        members.max_sim ? std::vector<std::string>{"score"} : request.score_columns();
    names.insert(names.end(), scores.begin(), scores.end());
    if (members.group) {
        names.emplace_back("group");
    }
    if (request.snippets) {
        names.emplace_back("snippet");
    }
    names.insert(names.end(), {"text", std::string(kMetadata), "vector"});
    return names;
}

// Parts between commas, those within backquotes apart.
std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> parts(1);
    bool quoted = false;
    for (const char c : list) {
        quoted = quoted != (c == '`');
        if (c == ',' && !quoted) {
            parts.emplace_back();
        } else if (c != ' ' || quoted) {
            parts.back() += c;
        }
    }
    return parts;
}

Result<HitField> parse_field(const std::string& name, const std::vector<std::string>& known) {
    if (name.starts_with(std::string(kMetadata) + '.')) {
        ABI_TRY(std::vector<std::string> path,
                storage::metadata_keys(std::string_view(name).substr(kMetadata.size() + 1)));
        return HitField{name, std::move(path)};
    }
    if (std::find(known.begin(), known.end(), name) == known.end()) {
        return fail(Code::kInvalidArgument,
                    fmt::format("hits of this search have no field '{}'", name),
                    fmt::format("there are {} and metadata.KEY", fmt::join(known, ", ")));
    }
    return HitField{name, {}};
}

const data::Value* value_at(const data::Value& root, const std::vector<std::string>& path) {
    const data::Value* value = &root;
    for (const std::string& key : path) {
        value = value == nullptr ? nullptr : value->find(key);
    }
    return value;
}

// Sets the member at `path`, with the objects around it.
void set_at(data::Value& root, std::span<const std::string> path, const data::Value& value) {
    if (path.empty()) {
        root = value;
        return;
    }
    const data::Value* const member = root.find(path.front());
    data::Value inner = member != nullptr && member->is_object() ? *member : data::Value();
    set_at(inner, path.subspan(1), value);
    root.set(path.front(), std::move(inner));
}

Result<data::Value> chosen_members(const FoundRow& found, const data::Value& row,
                                   const HitMembers& members) {
    data::Value value{data::Object()};
    for (const HitField& field : members.fields) {
        const std::string member = field.path.empty() ? field.name : std::string(kMetadata);
        const data::Value* const score = found.scores.find(member);
        const data::Value* const part = score != nullptr ? score : row.find(member);
        const data::Value* const asked = part == nullptr ? nullptr : value_at(*part, field.path);
        if (asked == nullptr) {
            continue;
        }
        data::Value whole = value.find(member) == nullptr ? data::Value() : *value.find(member);
        set_at(whole, field.path, *asked);
        value.set(member, std::move(whole));
    }
    return value;
}

bool shows(const HitMembers& members, std::string_view name) {
    return members.fields.empty() ||
           std::any_of(members.fields.begin(), members.fields.end(), [&](const HitField& field) {
               return field.name == name || (name == kMetadata && !field.path.empty());
           });
}

// The path and line of a document's chunk, or the id of any other row.
std::string place_of(const data::Value& hit) {
    const data::Value* const metadata = hit.find("metadata");
    const data::Value* const path = metadata == nullptr ? nullptr : metadata->find("path");
    const data::Value* const line = metadata == nullptr ? nullptr : metadata->find("line");
    if (path == nullptr || line == nullptr || !path->is_string() || !line->is_integer()) {
        return hit.find("id")->as_string();
    }
    return fmt::format("{}:{}", path->as_string(), data::to_json(*line));
}

// For a person: white space folded, one line.
std::string one_line(const std::string& text) {
    std::string line;
    for (const char c : text) {
        const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (!blank) {
            line += c;
        } else if (!line.empty() && line.back() != ' ') {
            line += ' ';
        }
    }
    return line;
}

// One line of the table for a person, when no fields were chosen.
data::Value short_line(const data::Value& hit, const TextRequest& request) {
    data::Value line;
    line.set("place", place_of(hit));
    if (const data::Value* const group = hit.find("group")) {
        line.set("group", *group);
    }
    line.set("score", fmt::format("{:.4f}", hit.find("score")->as_double()));
    const data::Value* const text = hit.find(request.snippets ? "snippet" : "text");
    line.set("text", text == nullptr ? std::string() : one_line(text->as_string()));
    return line;
}

std::vector<report::Column> console_columns(const HitMembers& members) {
    std::vector<report::Column> columns;
    if (members.fields.empty()) {
        columns = {{.key = "score",
                    .header = "score",
                    .unit = report::Unit::kDistance,
                    .align = report::Align::kRight},
                   {.key = "place", .header = "row", .max_width = 48},
                   {.key = "text", .header = "text", .max_width = 72}};
        if (members.group) {
            columns.insert(columns.begin() + 1,
                           {.key = "group", .header = "group", .max_width = 32});
        }
    }
    for (const HitField& field : members.fields) {
        columns.push_back({.key = field.name, .header = field.name, .max_width = 72});
    }
    return columns;
}

std::vector<report::Column> csv_columns(const TextRequest& request, const HitMembers& members) {
    std::vector<report::Column> columns = {{.key = "query"}};
    if (members.fields.empty()) {
        for (const std::string& name : known_fields(request, members)) {
            if (name != "vector") {
                columns.push_back({.key = name});
            }
        }
        return columns;
    }
    for (const HitField& field : members.fields) {
        columns.push_back({.key = field.name});
    }
    return columns;
}

data::Value with_query(std::uint64_t query, const data::Value& members) {
    data::Value row;
    row.set("query", query);
    for (const auto& [key, value] : members.as_object()) {
        row.set(key, value);
    }
    return row;
}

// A row of a table of chosen fields: each under its own name, text on one line.
data::Value flat_row(const data::Value& hit, const HitMembers& members) {
    data::Value row{data::Object()};
    for (const HitField& field : members.fields) {
        const data::Value* const part = hit.find(field.path.empty() ? field.name : kMetadata);
        if (const data::Value* const value = part ? value_at(*part, field.path) : nullptr) {
            row.set(field.name, *value);
        }
    }
    return row;
}
}  // namespace

std::vector<OptionSpec> hit_options() {
    return {
        {.name = "fields",
         .metavar = "LIST",
         .help = "show these members of the hits alone: id, distance, score, text, metadata, "
                 "vector, metadata.KEY and so on"},
        {.name = "vectors", .type = ValueType::kFlag, .help = "show the vectors of the hits too"}};
}

Result<HitMembers> hit_members(const Invocation& invocation, const TextRequest& request) {
    HitMembers members{.fields = {},
                       .vector = invocation.flag("vectors"),
                       .group = invocation.has("group-by"),
                       .max_sim = invocation.flag("max-sim")};
    if (invocation.has("fields")) {
        const std::vector<std::string> known = known_fields(request, members);
        for (const std::string& name : split(invocation.text("fields"))) {
            ABI_TRY(HitField field, parse_field(name, known));
            members.fields.push_back(std::move(field));
        }
        if (members.vector && !shows(members, "vector")) {
            members.fields.push_back({"vector", {}});
        }
        members.vector = shows(members, "vector");
    }
    return members;
}

Result<data::Value> hit_value(const storage::Snapshot& snapshot, const FoundRow& found,
                              const TextRequest& request, const HitMembers& members) {
    const bool snippet = request.snippets && shows(members, "snippet");
    ABI_TRY(data::Value row, row_value(snapshot, found.row,
                                       {.vector = members.vector,
                                        .text = snippet || shows(members, "text"),
                                        .metadata = shows(members, kMetadata)}));
    const data::Value* const text = row.find("text");
    if (snippet && text != nullptr) {
        ABI_TRY(std::string marked, marked_snippet(text->as_string(), *request.snippets));
        row.set("snippet", std::move(marked));
    }
    if (!members.fields.empty()) {
        return chosen_members(found, row, members);
    }
    data::Value value;
    value.set("id", *row.find("id"));
    for (const auto& [key, score] : found.scores.as_object()) {
        value.set(key, score);
    }
    for (const char* const key : {"snippet", "text", "metadata", "vector"}) {
        if (const data::Value* const member = row.find(key)) {
            value.set(key, *member);
        }
    }
    return value;
}

void add_hit_tables(report::Report& report, const data::Array& queries, const TextRequest& request,
                    const HitMembers& members) {
    data::Array flat, shown;
    for (std::size_t i = 0; i < queries.size(); ++i) {
        for (const data::Value& hit : queries[i].find("hits")->as_array()) {
            if (members.fields.empty()) {
                flat.push_back(with_query(i, hit));
                shown.push_back(with_query(i, short_line(hit, request)));
                continue;
            }
            flat.push_back(with_query(i, flat_row(hit, members)));
            shown.push_back(flat.back());
            for (const char* const key : {"text", "snippet"}) {
                if (const data::Value* const text = flat.back().find(key)) {
                    shown.back().set(key, one_line(text->as_string()));
                }
            }
        }
    }
    report.flat_rows = std::move(flat);
    report.columns = csv_columns(request, members);
    std::vector<report::Column> columns = console_columns(members);
    if (queries.size() != 1) {
        columns.insert(columns.begin(),
                       {.key = "query", .header = "query", .align = report::Align::kRight});
    }
    report.view = data::Value();
    report.view.set("hits", std::move(shown));
    report.blocks = {
        {.kind = report::Block::Kind::kTable, .rows_path = "hits", .columns = std::move(columns)}};
}

}  // namespace abikit::cli

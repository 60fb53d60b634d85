// The JSON lines reader against parse_json: it accepts only lines that are JSON objects, says so of
// others, and gives the same values. Pieces, batch sizes and threads do not show.
#include <cstdint>
#include <string_view>

#include <abi/data/value.hpp>

#include "../unit/data/record_dump.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

std::vector<std::string_view> split_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    if (text.starts_with("\xEF\xBB\xBF")) {
        text.remove_prefix(3);
    }
    while (!text.empty()) {
        const std::size_t feed = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, feed));
        text.remove_prefix(std::min(feed + 1, text.size()));
    }
    return lines;
}

bool too_deep(const Result<Value>& value) {
    return !value && value.error().message().ends_with("levels");
}

void check_text(const std::optional<std::string>& got, const Value* expected) {
    const bool absent = expected == nullptr || expected->is_null();
    require(got.has_value() == !absent);
    if (got && expected->is_string()) {
        require(*got == expected->as_string());
    }
}

void check_row(const DumpRow& row, std::string_view line) {
    const auto value = parse_json(line);
    if (too_deep(value)) {
        return;  // metadata may use all the levels for itself
    }
    require(value.has_value() && value->is_object());
    for (const Member& member : value->as_object()) {
        require(member.first == "id" || member.first == "vector" || member.first == "text" ||
                member.first == "metadata");
    }
    check_text(row.id, value->find("id"));
    check_text(row.text, value->find("text"));
    const Value* vector = value->find("vector");
    const bool has_vector = vector != nullptr && !vector->is_null();
    require(row.vector.size() == (has_vector ? vector->as_array().size() : 0));
    const Value* metadata = value->find("metadata");
    require(row.metadata.has_value() == (metadata != nullptr && !metadata->is_null()));
    if (row.metadata) {
        const auto compact = parse_json(*row.metadata);
        require(compact.has_value() && *compact == *metadata);
    }
}

void check_rejection(std::string_view reason, std::string_view line) {
    require(!reason.empty() && reason != "not a valid record");
    const bool is_json = !line.starts_with("\xEF\xBB\xBF") && parse_json(line).has_value();
    require(!is_json || !reason.starts_with("not valid"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static ThreadPool pool(2);
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Dump whole = read_text(Format::kJsonl, text);
    TrickleSource trickle(text);
    const Dump pieces = read_all(Format::kJsonl, trickle, {}, 1);
    const Dump threaded = read_text(Format::kJsonl, text, {.pool = &pool}, 3);
    for (const Dump* dump : {&whole, &pieces, &threaded}) {
        require(dump->broken.empty() && !dump->code);
        require(same_outcome(*dump, whole));
        require(dump->bytes_read == size);
    }
    const auto lines = split_lines(text);
    std::vector<bool> told(lines.size(), false);
    for (const DumpRow& row : whole.rows) {
        check_row(row, lines.at(row.line - 1));
        told[row.line - 1] = true;
    }
    for (const auto& [line, reason] : whole.rejected) {
        require(!told.at(line - 1));
        check_rejection(reason, lines[line - 1]);
        told[line - 1] = true;
    }
    for (std::size_t i = 0; i < lines.size(); ++i) {
        require(told[i] || lines[i].find_first_not_of(" \t\r") == std::string_view::npos);
    }
    return 0;
}

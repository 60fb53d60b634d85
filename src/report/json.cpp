// JSON and JSON lines: the machine contract. "schema" and "abi" come first.
#include <abi/core/version.h>

#include "lookup.hpp"
#include "renderer.hpp"

namespace abikit::report {

data::Value document(const Report& report) {
    data::Object members;
    members.emplace_back("schema", report.schema);
    members.emplace_back("abi", ABI_VERSION);
    if (report.body.is_object()) {
        const data::Object& body = report.body.as_object();
        members.insert(members.end(), body.begin(), body.end());
    }
    return data::Value(std::move(members));
}

void render_json(const Report& report, const RenderOptions&, std::string& out) {
    out += data::to_json(document(report), data::JsonStyle::kPretty);
    if (out.empty() || out.back() != '\n') {
        out += '\n';
    }
}

void render_jsonl(const Report& report, const RenderOptions&, std::string& out) {
    const data::Value* array =
        report.rows_path.empty() ? nullptr : lookup(report.body, report.rows_path);
    if (!report.flat_rows && (array == nullptr || !array->is_array())) {
        out += data::to_json(document(report));
        out += '\n';
        return;
    }
    for (const data::Value* row : rows_of(report)) {
        out += data::to_json(*row);
        out += '\n';
    }
}

}  // namespace abikit::report

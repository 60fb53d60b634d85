// A small report that the renderer tests share.
#pragma once

#include "report/renderer.hpp"

namespace abikit::report {

inline data::Value object(std::initializer_list<data::Member> members) {
    return data::Value(data::Object(members));
}

inline data::Value array(std::initializer_list<data::Value> values) {
    return data::Value(data::Array(values));
}

// Two rows under "hits" and two scalars.
inline Report hits_report() {
    Report report{.schema = "abi.test/1"};
    report.body = object({{"took_us", 1500},
                          {"name", "notes"},
                          {"hits", array({object({{"id", "a"}, {"distance", 0.25}}),
                                          object({{"id", "b|c"}, {"distance", 1e9}})})}});
    report.rows_path = "hits";
    report.blocks = {{.kind = Block::Kind::kFields,
                      .fields = {{"took_us", "took", Unit::kMicroseconds}, {"name", "name"}}},
                     {.kind = Block::Kind::kTable,
                      .text = "hits",
                      .rows_path = "hits",
                      .columns = {{.key = "id", .header = "id"},
                                  {"distance", "distance", Unit::kDistance, Align::kRight}}}};
    return report;
}

inline std::string rendered(std::string_view format, const Report& report,
                            const RenderOptions& options = {}) {
    return render(*find_format(format), report, options);
}

}  // namespace abikit::report

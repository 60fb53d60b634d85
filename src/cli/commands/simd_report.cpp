// Vector targets as a report.
#include "simd_report.hpp"

#include <abi/simd/targets.hpp>

namespace abikit::cli {

data::Value simd_value() {
    data::Array targets;
    for (const simd::TargetInfo& target : simd::targets()) {
        data::Value row;
        row.set("name", target.name);
        row.set("supported", target.supported);
        row.set("chosen", target.chosen);
        targets.push_back(std::move(row));
    }
    data::Value value;
    value.set("chosen", simd::chosen_target());
    value.set("targets", std::move(targets));
    return value;
}

report::Report simd_report() {
    report::Report report{.schema = "abi.check-simd/1"};
    report.body.set("simd", simd_value());
    report.rows_path = "simd.targets";
    report.blocks = {{.kind = report::Block::Kind::kTable,
                      .text = "vector targets compiled in, best first",
                      .rows_path = "simd.targets",
                      .columns = {{.key = "name", .header = "target"},
                                  {.key = "supported", .header = "supported here"},
                                  {.key = "chosen", .header = "chosen"}}}};
    return report;
}

}  // namespace abikit::cli

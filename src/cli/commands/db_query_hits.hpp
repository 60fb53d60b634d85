// The hits of `abi db query` as a report: which members they show, and how a person sees them.
#pragma once

#include <string>
#include <vector>

#include <abi/data/value.hpp>

#include "../../report/report.hpp"
#include "../invocation.hpp"
#include "../spec.hpp"
#include "db_query_text.hpp"

namespace abikit::cli {

// One member of a hit that --fields asks for.
struct HitField {
    std::string name;               // "id", "metadata", "metadata.a.b"
    std::vector<std::string> path;  // of keys within the metadata; empty: all of them
};

// What hits show.
struct HitMembers {
    std::vector<HitField> fields;  // of --fields, in its order; empty: all that there is
    bool vector = false;           // with --vectors
    bool group = false;            // with --group-by
    bool max_sim = false;          // with --max-sim: groups, which have no distance
};

// `--fields` and `--vectors`.
std::vector<OptionSpec> hit_options();
// kInvalidArgument names a field that this search does not give.
Result<HitMembers> hit_members(const Invocation& invocation, const TextRequest& request);

Result<data::Value> hit_value(const storage::Snapshot& snapshot, const FoundRow& found,
                              const TextRequest& request, const HitMembers& members);

// Tables of the hits: for a person, and one row a hit for CSV and JSON lines. queries: objects with
// an array "hits".
void add_hit_tables(report::Report& report, const data::Array& queries, const TextRequest& request,
                    const HitMembers& members);

}  // namespace abikit::cli

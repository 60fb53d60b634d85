// `abi db query --explain`: what the search did, for people and as JSON.
#pragma once

#include <cstdint>

#include <abi/storage/search_explain.hpp>

#include "../../report/report.hpp"
#include "../spec.hpp"

namespace abikit::cli {

OptionSpec explain_option();

// Adds the member "explain" to the body, and a block that shows it behind the hits. fetch_ns: what
// reading ids, texts and so on of the hits took.
void add_explanation(report::Report& report, const storage::SearchExplain& explain,
                     std::uint64_t fetch_ns);

}  // namespace abikit::cli

// The forms of `abi db query`: by example, within a distance, page by page, by groups, unlike
// each other.
#pragma once

#include <vector>

#include <abi/storage/query_forms.hpp>

#include "../invocation.hpp"
#include "../spec.hpp"

namespace abikit::cli {

std::vector<OptionSpec> form_options();

// What these options and -k, --recall, --effort and --exact ask for. kInvalidArgument for options
// that do not go together. The filter and the row of --id are left to the caller.
Result<storage::QueryOptions> query_form(const Invocation& invocation);

}  // namespace abikit::cli

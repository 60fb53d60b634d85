// Reads the options of the forms and says which do not go together.
#include "db_query_forms.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace abikit::cli {

namespace {
// Of searches by vector alone.
constexpr const char* kVectorForms[] = {"id",        "include-self", "within", "limit",  "group-by",
                                        "per-group", "max-sim",      "mmr",    "explain"};

Status check_max_sim(const Invocation& invocation) {
    if (!invocation.flag("max-sim")) {
        return {};
    }
    if (!invocation.has("group-by")) {
        return fail(Code::kInvalidArgument, "--max-sim needs --group-by",
                    "say which field of the metadata names the document of a row");
    }
    for (const char* const name : {"id", "within", "per-group", "mmr"}) {
        if (invocation.has(name)) {
            return fail(Code::kInvalidArgument,
                        fmt::format("--{} does not go with --max-sim", name));
        }
    }
    if (invocation.has("offset") && !invocation.has("candidates") && !invocation.flag("exact")) {
        return fail(Code::kInvalidArgument, "--offset with --max-sim needs --candidates or --exact",
                    "pages fit together only where the same candidates are ranked for each");
    }
    return {};
}

Status check_together(const Invocation& invocation) {
    for (const char* const name : kVectorForms) {
        if (invocation.has(name) && (invocation.has("match") || invocation.has("hybrid"))) {
            return fail(Code::kInvalidArgument,
                        fmt::format("--{} does not go with --{}", name,
                                    invocation.has("hybrid") ? "hybrid" : "match"),
                        "it is about searches by vector alone");
        }
    }
    if (invocation.has("offset") && invocation.has("hybrid") && !invocation.has("candidates")) {
        return fail(Code::kInvalidArgument, "--offset with --hybrid needs --candidates",
                    "pages fit together only where the same candidates are ranked for each");
    }
    if (invocation.has("offset") && invocation.has("mmr") && !invocation.has("candidates")) {
        return fail(Code::kInvalidArgument, "--offset with --mmr needs --candidates",
                    "pages fit together only where each is picked from the same rows");
    }
    if (invocation.has("mmr") && invocation.has("group-by")) {
        return fail(Code::kInvalidArgument, "--mmr does not go with --group-by");
    }
    if (invocation.has("per-group") && !invocation.has("group-by")) {
        return fail(Code::kInvalidArgument, "--per-group needs --group-by");
    }
    ABI_CHECK(check_max_sim(invocation));
    if (invocation.flag("include-self") && !invocation.has("id")) {
        return fail(Code::kInvalidArgument, "--include-self needs --id");
    }
    if (invocation.has("limit") && !invocation.has("within")) {
        return fail(Code::kInvalidArgument, "--limit needs --within",
                    "-k is the number of hits of other searches");
    }
    return {};
}

// --exact, --effort and --recall, in this order of strength.
Result<storage::SearchOptions> search_options(const Invocation& invocation) {
    storage::SearchOptions options{.k = static_cast<std::size_t>(invocation.integer("k"))};
    options.recall = invocation.number("recall");
    if (!(*options.recall > 0.0 && *options.recall <= 1.0)) {
        return fail(Code::kInvalidArgument,
                    fmt::format("--recall {}: above 0 and at most 1 is possible", *options.recall),
                    "1 compares every row");
    }
    if (invocation.has("effort")) {
        options.effort = static_cast<std::uint32_t>(invocation.integer("effort"));
    }
    if (invocation.flag("exact")) {
        options.mode = storage::SearchMode::kExact;
    }
    return options;
}

// The float that a distance is compared with: that which was printed, when it is one.
float to_distance(double value) {
    constexpr double kMost = double{std::numeric_limits<float>::max()};
    return static_cast<float>(std::clamp(value, -kMost, kMost));
}
}  // namespace

std::vector<OptionSpec> form_options() {
    return {{.name = "id",
             .metavar = "ID",
             .help = "the query: the vector of this row, which itself is no hit"},
            {.name = "include-self",
             .type = ValueType::kFlag,
             .help = "let the row of --id be a hit too"},
            {.name = "within",
             .type = ValueType::kNumber,
             .metavar = "DISTANCE",
             .help = "only rows at most so far, found exactly"},
            {.name = "limit",
             .type = ValueType::kInteger,
             .metavar = "N",
             .help = "with --within, N hits at most instead of -k; 0: all",
             .minimum = 0},
            {.name = "offset",
             .type = ValueType::kInteger,
             .metavar = "N",
             .help = "leave the first N hits out and show the k behind them",
             .default_value = "0",
             .minimum = 0},
            {.name = "group-by",
             .metavar = "FIELD",
             .help = "few hits of a group: rows with the same value in this field of the metadata"},
            {.name = "per-group",
             .type = ValueType::kInteger,
             .metavar = "N",
             .help = "hits of each group, at most",
             .default_value = "1",
             .minimum = 1},
            {.name = "mmr",
             .type = ValueType::kNumber,
             .metavar = "LAMBDA",
             .help = "hits unlike each other, by maximal marginal relevance: 1 looks at the "
                     "distance alone, 0 at the difference alone",
             .minimum = 0,
             .maximum = 1},
            {.name = "max-sim",
             .type = ValueType::kFlag,
             .help = "all vectors of --file are one query for the groups of --group-by: the sum of "
                     "each one's best score in a group"}};
}

Result<storage::QueryOptions> query_form(const Invocation& invocation) {
    ABI_CHECK(check_together(invocation));
    if (invocation.has("group-by")) {
        ABI_CHECK(storage::metadata_keys(invocation.text("group-by")));
    }
    storage::QueryOptions options;
    ABI_TRY(options.search, search_options(invocation));
    options.offset = static_cast<std::size_t>(invocation.integer("offset"));
    if (invocation.has("within")) {
        options.within = to_distance(invocation.number("within"));
    }
    if (invocation.has("limit")) {
        const auto limit = static_cast<std::size_t>(invocation.integer("limit"));
        options.search.k = limit == 0 ? std::numeric_limits<std::size_t>::max() : limit;
    }
    options.group_by = invocation.text("group-by");
    options.per_group = static_cast<std::size_t>(invocation.integer("per-group"));
    if (invocation.has("mmr")) {
        options.mmr_lambda = invocation.number("mmr");
    }
    if (invocation.has("candidates")) {
        options.candidates = static_cast<std::size_t>(invocation.integer("candidates"));
    }
    return options;
}

}  // namespace abikit::cli

#include "db_common.hpp"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace abikit::cli {

OperandSpec database_operand() {
    return {.name = "PATH", .type = ValueType::kDirectory, .help = "directory of the database"};
}

std::vector<OptionSpec> row_options() {
    return {
        {.name = "vector",
         .metavar = "NUMBERS",
         .help = "the row's vector: numbers separated by commas"},
        {.name = "text",
         .metavar = "TEXT",
         .help = "the row's text; embedded when no vector is given"},
        {.name = "metadata",
         .metavar = "JSON",
         .help = "a JSON object that is stored with the row"},
    };
}

Result<storage::Database> open_database(Invocation& invocation, storage::AccessMode mode) {
    return storage::Database::open(invocation.context(), invocation.operand("PATH"), mode,
                                   {.collection = "", .auto_merge = false});
}

Result<storage::Database> open_for_writing(Invocation& invocation) {
    ABI_TRY(const storage::SyncMode sync, storage::parse_sync_mode(invocation.text("sync")));
    return storage::Database::open(invocation.context(), invocation.operand("PATH"),
                                   storage::AccessMode::kReadWrite,
                                   {.collection = invocation.text("collection"),
                                    .sync = sync,
                                    .auto_merge = invocation.text("auto-merge") == "on"});
}

Result<storage::Database> open_for_reading(Invocation& invocation) {
    return storage::Database::open(
        invocation.context(), invocation.operand("PATH"), storage::AccessMode::kRead,
        {.collection = invocation.text("collection"), .snapshot = invocation.text("snapshot")});
}

OptionSpec collection_option() {
    return {.name = "collection",
            .metavar = "NAME",
            .help = "the collection of the database",
            .default_value = std::string(storage::kDefaultCollection),
            .config_key = "db.collection"};
}

OptionSpec snapshot_option() {
    return {.name = "snapshot",
            .metavar = "NAME",
            .help = "read this named snapshot instead of what is there now"};
}

OptionSpec sync_option() {
    return {.name = "sync",
            .type = ValueType::kChoice,
            .metavar = "MODE",
            .help =
                "when commits reach the disk: full (each before it is acknowledged), normal "
                "(after 8 MiB or a second) or off (at the end); a power cut may take the rest",
            .default_value = "full",
            .choices = {"full", "normal", "off"},
            .config_key = "db.sync"};
}

OptionSpec filter_option(std::string_view help) {
    return {.name = "filter", .metavar = "EXPRESSION", .help = std::string(help)};
}

Result<std::optional<storage::Filter>> filter_of(const Invocation& invocation) {
    if (!invocation.has("filter")) {
        return std::nullopt;
    }
    ABI_TRY(storage::Filter filter, storage::Filter::parse(invocation.text("filter")));
    return std::optional(std::move(filter));
}

Result<std::optional<storage::RowSet>> matching_rows(Invocation& invocation,
                                                     const storage::Snapshot& snapshot) {
    ABI_TRY(const auto filter, filter_of(invocation));
    if (!filter) {
        return std::nullopt;
    }
    ABI_TRY(storage::RowSet rows, snapshot.match(invocation.context(), *filter));
    return std::optional(std::move(rows));
}

OptionSpec merge_option() {
    return {.name = "auto-merge",
            .type = ValueType::kChoice,
            .metavar = "SWITCH",
            .help =
                "whether small segments are merged when the log is folded; off leaves merging to "
                "'abi db optimize'",
            .default_value = "on",
            .choices = {"on", "off"},
            .config_key = "db.auto_merge"};
}

std::vector<OptionSpec> shape_options() {
    return {{.name = "dim",
             .type = ValueType::kInteger,
             .metavar = "N",
             .help = "dimension of the vectors",
             .minimum = 1,
             .maximum = storage::kMaxDimension},
            {.name = "metric",
             .type = ValueType::kChoice,
             .metavar = "NAME",
             .help = "how distance is measured (default for bits: hamming)",
             .default_value = "cosine",
             .choices = {"l2", "cosine", "dot", "hamming", "jaccard"},
             .config_key = "db.metric"},
            {.name = "element",
             .type = ValueType::kChoice,
             .metavar = "TYPE",
             .help = "how the numbers of a vector are stored",
             .default_value = "f32",
             .choices = {"f32", "f16", "bf16", "int8", "bits"}},
            {.name = "embedder",
             .metavar = "NAME[:DIM]",
             .help = "embed texts with this embedder (hash)",
             .config_key = "db.embedder"}};
}

Result<storage::CollectionOptions> shape_of(const Invocation& invocation) {
    storage::CollectionOptions options;
    if (!invocation.has("dim") && !invocation.has("embedder")) {
        return fail(Code::kInvalidArgument, "a database needs a dimension or an embedder",
                    "give '--dim 384' for vectors of your own, or '--embedder hash' for texts");
    }
    if (invocation.has("dim")) {
        options.dimension = static_cast<std::uint32_t>(invocation.integer("dim"));
    }
    ABI_TRY(options.metric, storage::parse_metric(invocation.text("metric")));
    ABI_TRY(options.element, storage::parse_element(invocation.text("element")));
    if (options.element == storage::ElementType::kBits && !invocation.has("metric")) {
        options.metric = storage::Metric::kHamming;
    }
    if (invocation.has("embedder")) {
        ABI_TRY(options.embedder, storage::parse_embedder(invocation.text("embedder")));
    }
    return options;
}

namespace {
constexpr std::string_view kSeparators = ", \t\r\n";

Result<float> parse_float(std::string_view word) {
    float value = 0.0F;
    const std::string_view digits = word.starts_with('+') ? word.substr(1) : word;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc::result_out_of_range) {
        return fail(Code::kInvalidData, fmt::format("'{}' is out of the range of float32", word));
    }
    if (error != std::errc() || end != digits.data() + digits.size()) {
        return fail(Code::kInvalidArgument, fmt::format("'{}' in the vector is no number", word),
                    "write the numbers with commas between: --vector '0.1,0.2'");
    }
    if (!std::isfinite(value)) {
        return fail(Code::kInvalidData, "the vector holds NaN or infinity");
    }
    return value;
}
}  // namespace

Result<std::vector<float>> parse_vector(std::string_view text) {
    std::vector<float> values;
    if (text.starts_with('[') && text.ends_with(']')) {  // a JSON array is welcome too
        text = text.substr(1, text.size() - 2);
    }
    while (true) {
        const std::size_t begin = text.find_first_not_of(kSeparators);
        if (begin == std::string_view::npos) {
            break;
        }
        const std::size_t end = std::min(text.find_first_of(kSeparators, begin), text.size());
        ABI_TRY(const float value, parse_float(text.substr(begin, end - begin)));
        values.push_back(value);
        text.remove_prefix(end);
    }
    if (values.empty()) {
        return fail(Code::kInvalidArgument, "the vector is empty",
                    "write the numbers with commas between: --vector '0.1,0.2'");
    }
    return values;
}

double shown(float value) {
    char digits[32];
    const auto written = std::to_chars(digits, digits + sizeof digits, value);
    double result = double{value};
    std::from_chars(digits, written.ptr, result);
    return result;
}

Result<std::string> parse_metadata(std::string_view text) {
    auto value = data::parse_json(text);
    if (!value || !value->is_object()) {
        return fail(Code::kInvalidArgument,
                    value ? std::string("the metadata are no JSON object")
                          : fmt::format("the metadata are no JSON: {}", value.error().describe()),
                    R"(write an object: --metadata '{"lang": "en"}')");
    }
    return data::to_json(*value);
}

Result<data::Value> row_value(const storage::Snapshot& snapshot, storage::RowNumber row,
                              RowMembers members) {
    ABI_TRY(const storage::RowView view, snapshot.read(row));
    data::Value value;
    value.set("id", view.id);
    if (members.vector) {
        data::Array numbers;
        for (const float number : view.vector) {
            numbers.emplace_back(shown(number));
        }
        value.set("vector", std::move(numbers));
    }
    if (members.text && view.text) {
        value.set("text", *view.text);
    }
    if (members.metadata && view.metadata) {
        ABI_TRY(data::Value metadata, data::parse_json(*view.metadata));
        value.set("metadata", std::move(metadata));
    }
    return value;
}

Result<storage::CommitInfo> commit_row(storage::Database& database, const RowParts& parts,
                                       storage::WriteMode mode) {
    data::RecordBatch batch;
    batch.rows = 1;
    if (!parts.id.empty()) {
        batch.ids.append(parts.id);
    }
    if (parts.text) {
        batch.texts.append(*parts.text);
    }
    if (parts.metadata) {
        batch.metadata.append(*parts.metadata);
    }
    if (!parts.vector.empty()) {
        batch.dimension = static_cast<std::uint32_t>(parts.vector.size());
        batch.vectors = parts.vector;
    } else if (parts.text) {
        ABI_CHECK(database.embed(batch));
    } else {
        return fail(Code::kInvalidArgument, "the row has neither a vector nor a text",
                    "give --vector or --text");
    }
    return database.commit({&batch, {}, mode});
}

Result<Outcome> close_with(storage::Database& database, Outcome outcome) {
    ABI_CHECK(database.close());
    return outcome;
}

}  // namespace abikit::cli

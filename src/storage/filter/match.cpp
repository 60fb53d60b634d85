// Snapshot::match: a filter over all rows, in pieces that the pool's threads share.
#include <algorithm>
#include <mutex>
#include <optional>

#include <abi/storage/snapshot.hpp>

#include "../guard.hpp"
#include "../state.hpp"
#include "evaluate.hpp"

namespace abikit::storage {

namespace {
constexpr std::uint64_t kPieceRows = 16'384;
constexpr std::size_t kNamedFields = 12, kLookedAtRows = 1000;  // for the hint of unknown fields

// What all pieces come to.
struct Matches {
    std::vector<std::uint64_t> words;
    std::vector<TypeMask> seen;
};

Result<std::string_view> id_of(const Run& run, std::uint64_t at, std::string& scratch) {
    if (run.segment == nullptr) {
        return run.chunk->id(static_cast<std::uint32_t>(run.first + at));
    }
    ABI_TRY(scratch, run.segment->id(run.first + at));
    return std::string_view(scratch);
}

Result<std::optional<std::string_view>> metadata_of(const Run& run, std::uint64_t at) {
    return run.segment == nullptr ? run.chunk->metadata(static_cast<std::uint32_t>(run.first + at))
                                  : run.segment->metadata(run.first + at);
}

bool names_id(const FilterProgram& program) {
    return std::any_of(program.fields.begin(), program.fields.end(),
                       [](const FieldPath& path) { return path.is_id; });
}

// Sets the bits of the run's rows that match.
Status match_run(const Run& run, bool with_id, RowFilter& filter, std::vector<RowNumber>& found) {
    std::string scratch;
    for (std::uint64_t at = 0; at < run.count; ++at) {
        if (run.deleted != nullptr && run.deleted->test(run.deleted_bit + at)) {
            continue;
        }
        std::string_view id;
        if (with_id) {
            ABI_TRY(id, id_of(run, at, scratch));
        }
        ABI_TRY(const auto metadata, metadata_of(run, at));
        ABI_TRY(const bool matches, filter.matches(id, metadata));
        if (matches) {
            found.push_back(run.number + at);
        }
    }
    return {};
}

class Matcher {
public:
    Matcher(const Context& context, const State& state, const FilterProgram& program)
        : context_(context), state_(state), program_(program), with_id_(names_id(program)) {
        total_.words.resize((state.total_rows() + 63) / 64);
        total_.seen.resize(program.fields.size());
    }

    Result<Matches> run() {
        const std::vector<Run> runs = runs_of(state_, kPieceRows);
        const auto body = [&](std::size_t first, std::size_t last) { match(runs, first, last); };
        if (context_.pool == nullptr) {
            body(0, runs.size());
        } else {
            context_.pool->parallel_for(0, runs.size(), 1, body);
        }
        if (failure_) {
            return fail(std::move(*failure_));
        }
        return std::move(total_);
    }

private:
    void match(const std::vector<Run>& runs, std::size_t first, std::size_t last) {
        RowFilter filter(program_);
        std::vector<RowNumber> found;
        Status status;
        for (std::size_t i = first; i < last && status; ++i) {
            status = context_.cancel.check();
            if (status) {
                status = match_run(runs[i], with_id_, filter, found);
            }
        }
        const std::scoped_lock lock(mutex_);
        if (!status) {
            failure_ = failure_ ? std::move(failure_) : std::move(status).error();
            return;
        }
        for (const RowNumber row : found) {
            total_.words[row / 64] |= std::uint64_t{1} << (row % 64);
        }
        for (std::size_t i = 0; i < total_.seen.size(); ++i) {
            total_.seen[i] |= filter.seen()[i];
        }
    }

    const Context& context_;
    const State& state_;
    const FilterProgram& program_;
    bool with_id_;
    std::mutex mutex_;
    Matches total_;
    std::optional<Error> failure_;
};

void collect(const data::Value& value, const std::string& prefix, std::vector<std::string>& names) {
    for (const auto& [key, member] : value.as_object()) {
        const std::string path = prefix + print_path({{key}, false});
        if (member.is_object() && !point_of(member)) {
            collect(member, path + ".", names);
        } else if (std::find(names.begin(), names.end(), path) == names.end()) {
            names.push_back(path);
        }
    }
}

// Fields of the first rows, for whoever mistyped one.
Result<std::string> some_fields(const Snapshot& snapshot) {
    std::vector<std::string> names;
    std::size_t looked_at = 0;
    ABI_CHECK(snapshot.scan(0, [&](RowNumber row) -> Result<bool> {
        ABI_TRY(const auto metadata, snapshot.read_metadata(row));
        if (metadata) {
            ABI_TRY(const data::Value document, data::parse_json(*metadata));
            if (document.is_object()) {
                collect(document, "", names);
            }
        }
        return ++looked_at < kLookedAtRows && names.size() < kNamedFields;
    }));
    names.resize(std::min(names.size(), kNamedFields));
    std::sort(names.begin(), names.end());
    std::string out;
    for (const std::string& name : names) {
        out += (out.empty() ? "'" : ", '") + name + "'";
    }
    return out;
}
}  // namespace

Result<RowSet> Snapshot::match(const Context& context, const Filter& filter) const {
    return guarded([&]() -> Result<RowSet> {
        const TraceSpan span(context.trace, "storage", "match");
        ABI_TRY(Matches matches, Matcher(context, *state_, filter.program()).run());
        if (state_->rows() != 0 && !check_types(filter.program(), matches.seen, "")) {
            ABI_TRY(const std::string known, some_fields(*this));
            ABI_CHECK(check_types(filter.program(), matches.seen, known));
        }
        return RowSet(std::move(matches.words), state_->total_rows());
    });
}

}  // namespace abikit::storage

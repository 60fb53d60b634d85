// Snapshot::match: segments answer from their columns; rows that these leave open, and all others,
// are asked one by one, in pieces that the pool's threads share.
#include <algorithm>
#include <mutex>
#include <optional>

#include <abi/storage/snapshot.hpp>

#include "../guard.hpp"
#include "../state.hpp"
#include "columns.hpp"
#include "evaluate.hpp"

namespace abikit::storage {

namespace {
constexpr std::uint64_t kPieceRows = 16'384;
constexpr std::size_t kNamedFields = 12, kLookedAtRows = 1000;  // for the hint of unknown fields

// What all pieces come to.
struct Matches {
    std::vector<std::uint64_t> words;
    std::vector<TypeMask> seen;
    bool seen_all = true;  // false: fields may hold more than what was seen
};

enum class Columns { kUse, kIgnore };

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

// Finds the run's rows that match. `open`: bits of the rows of its segment that may; null: all may.
Status match_run(const Run& run, const std::vector<std::uint64_t>* open, bool with_id,
                 RowFilter& filter, std::vector<RowNumber>& found) {
    std::string scratch;
    for (std::uint64_t at = 0; at < run.count; ++at) {
        const std::uint64_t row = run.first + at;
        if ((open != nullptr && (((*open)[row / 64] >> (row % 64)) & 1u) == 0) ||
            (run.deleted != nullptr && run.deleted->test(run.deleted_bit + at))) {
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
    Matcher(const Context& context, const State& state, const FilterProgram& program,
            Columns columns)
        : context_(context),
          state_(state),
          program_(program),
          columns_(columns),
          with_id_(names_id(program)),
          answers_(state.segments.size()) {
        total_.words.resize((state.total_rows() + 63) / 64);
        total_.seen.resize(program.fields.size());
    }

    Result<Matches> run() {
        for (std::size_t unit = 0; unit < answers_.size() && columns_ == Columns::kUse; ++unit) {
            ABI_CHECK(context_.cancel.check());
            ABI_CHECK(answer(unit));
        }
        const std::vector<Run> runs = open_runs();
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
    // Asks the columns of a segment. Damage there costs time, no answer.
    Status answer(std::size_t unit) {
        Status status = try_columns(unit);
        if (status || status.error().code() != Code::kCorrupt) {
            return status;
        }
        answers_[unit].reset();
        if (context_.log != nullptr) {
            context_.log->write(
                LogLevel::kWarn, "storage",
                "a filter reads metadata instead of columns: " + status.error().describe());
        }
        return {};
    }
    Status try_columns(std::size_t unit) {
        const SegmentUnit& segment = state_.segments[unit];
        ABI_TRY(const auto columns, SegmentColumns::open(*segment.segment));
        if (!columns) {
            return {};
        }
        ABI_TRY(const auto seen, columns->types(program_, segment.deleted.get()));
        ABI_TRY(answers_[unit], columns->match(program_));
        for (std::size_t i = 0; i < seen.size(); ++i) {
            total_.seen[i] |= seen[i];
        }
        total_.seen_all = total_.seen_all && !columns->some_fields_missing();
        if (answers_[unit]->exact) {
            add_segment(segment, state_.first_row(unit), answers_[unit]->words);
        }
        return {};
    }
    // Live rows of a whole segment, from row number `first` on.
    void add_segment(const SegmentUnit& unit, RowNumber first,
                     const std::vector<std::uint64_t>& words) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            const bool some_dead = unit.deleted != nullptr && i < unit.deleted->words().size();
            const std::uint64_t live = words[i] & ~(some_dead ? unit.deleted->words()[i] : 0);
            const std::size_t at = first / 64 + i, shift = first % 64;
            total_.words[at] |= live << shift;
            if (shift != 0 && live >> (64 - shift) != 0) {
                total_.words[at + 1] |= live >> (64 - shift);
            }
        }
    }
    // The rows that no columns have answered for.
    std::vector<Run> open_runs() {
        std::vector<Run> runs = runs_of(state_, kPieceRows);
        std::erase_if(runs, [this](const Run& run) {
            const SegmentMatches* const answer = answer_for(run);
            return answer != nullptr && answer->exact;
        });
        return runs;
    }
    const SegmentMatches* answer_for(const Run& run) const {
        if (run.segment == nullptr) {
            return nullptr;
        }
        const auto& answer = answers_[state_.place(run.number).unit];
        return answer ? &*answer : nullptr;
    }
    void match(const std::vector<Run>& runs, std::size_t first, std::size_t last) {
        RowFilter filter(program_);
        std::vector<RowNumber> found;
        Status status;
        for (std::size_t i = first; i < last && status; ++i) {
            status = context_.cancel.check();
            if (status) {
                const SegmentMatches* const answer = answer_for(runs[i]);
                status = match_run(runs[i], answer == nullptr ? nullptr : &answer->words, with_id_,
                                   filter, found);
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
    Columns columns_;
    bool with_id_;
    std::vector<std::optional<SegmentMatches>> answers_;  // of the segments that have columns
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
        const FilterProgram& program = filter.program();
        ABI_TRY(Matches matches, Matcher(context, *state_, program, Columns::kUse).run());
        if (!matches.seen_all && !check_types(program, matches.seen, "")) {
            ABI_TRY(matches, Matcher(context, *state_, program, Columns::kIgnore).run());
        }
        if (state_->rows() != 0 && !check_types(program, matches.seen, "")) {
            ABI_TRY(const std::string known, some_fields(*this));
            ABI_CHECK(check_types(program, matches.seen, known));
        }
        return RowSet(std::move(matches.words), state_->total_rows());
    });
}

}  // namespace abikit::storage

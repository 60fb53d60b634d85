#include "search_input.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include <abi/core/time.hpp>
#include <abi/simd/distance.hpp>

namespace abikit::storage {

Status check_queries(VectorShape shape, std::span<const float> values, std::size_t count) {
    if (values.size() != count * shape.dimension) {
        return fail(Code::kIncompatible, fmt::format("{} numbers are no {} queries of dimension {}",
                                                     values.size(), count, shape.dimension));
    }
    if (simd::first_non_finite(values.data(), values.size()) != values.size()) {
        return fail(Code::kInvalidData, "a query holds NaN or infinity");
    }
    if (shape.element == ElementType::kBits &&
        first_unfit(shape.element, values) != values.size()) {
        return fail(Code::kInvalidData, "a query for bits holds a number that is neither 0 nor 1");
    }
    return {};
}

Result<RowSet> rows_in_both(const RowSet& a, const RowSet& b) {
    if (a.rows() != b.rows()) {
        return fail(Code::kInvalidArgument, "the set of rows is of another snapshot");
    }
    std::vector<std::uint64_t> words(a.words().begin(), a.words().end());
    for (std::size_t i = 0; i < words.size(); ++i) {
        words[i] &= b.words()[i];
    }
    return RowSet(std::move(words), a.rows());
}

Result<const RowSet*> allowed_rows(const Context& context, const Snapshot& snapshot,
                                   std::uint64_t total_rows, const Filter* filter,
                                   const RowSet* rows, RowSet& made) {
    if (rows != nullptr && rows->rows() != total_rows) {
        return fail(Code::kInvalidArgument, "the set of rows is of another snapshot");
    }
    if (filter == nullptr) {
        return rows;
    }
    ABI_TRY(made, snapshot.match(context, *filter));
    if (rows != nullptr) {
        ABI_TRY(made, rows_in_both(made, *rows));
    }
    return &made;
}

Result<std::optional<RowSet>> matching_rows(const Context& context, const Snapshot& snapshot,
                                            const SearchOptions& options) {
    if (options.filter == nullptr) {
        return std::nullopt;
    }
    const std::uint64_t began = options.explain == nullptr ? 0 : monotonic_ns();
    ABI_TRY(RowSet rows, snapshot.match(context, *options.filter));
    if (options.rows != nullptr) {
        ABI_TRY(rows, rows_in_both(rows, *options.rows));
    }
    if (options.explain != nullptr) {
        options.explain->filter_ns += monotonic_ns() - began;
    }
    return std::optional(std::move(rows));
}

void describe_input(const State& state, const RowSet* allowed, std::size_t queries,
                    std::uint64_t filter_ns, SearchExplain& explain) {
    ++explain.searches;
    explain.queries += queries;
    explain.live_rows = state.rows();
    explain.matching_rows = allowed == nullptr ? state.rows() : allowed->count();
    explain.restricted = explain.restricted || allowed != nullptr;
    explain.filter_ns += allowed == nullptr ? 0 : filter_ns;
}

}  // namespace abikit::storage

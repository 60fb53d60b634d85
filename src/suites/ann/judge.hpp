// Says how much of what should have been found was found. A row as near as the farthest of the true
// k counts as one of them, so that ties are nobody's fault. Read sweep.hpp next.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/storage/metric.hpp>

#include "vectors.hpp"

namespace abikit::suites {

class Judge {
public:
    // Of l2, cosine or dot. The vectors outlive the judge, and queries have the base's dimension.
    // `truth` has k or more rows for each query; without one every row is compared, on all threads
    // of the context's pool. kCancelled.
    static Result<Judge> make(const Context& context, const Vectors& base, const Vectors& queries,
                              storage::Metric metric, std::size_t k,
                              const std::optional<NearestRows>& truth);

    // How many of `found` (row numbers, each counts once) are among the min(k, rows) nearest rows
    // of this query.
    std::size_t good(std::size_t query, std::span<const std::uint64_t> found) const;
    // What good() is for a perfect answer.
    std::size_t expected() const noexcept { return expected_; }

private:
    Judge(const Vectors& base, const Vectors& queries, storage::Metric metric, std::size_t k);
    double distance(std::size_t query, std::size_t row) const;
    // The distance of the farthest of the nearest, from candidates among which they are.
    double limit_of(std::size_t query, std::span<const std::uint32_t> candidates) const;
    double scanned_limit(std::size_t query) const;

    const Vectors* base_;
    const Vectors* queries_;
    storage::Metric metric_;
    std::size_t expected_;
    std::vector<double> limits_;
};

}  // namespace abikit::suites

// What a benchmark of approximate search measures: a collection of a database, as its users search
// it, or the index alone. Read sweep.hpp next.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/storage/metric.hpp>

#include "vectors.hpp"

namespace abikit::suites {

// What a built subject took.
struct AnnBuild {
    double seconds = 0.0;         // all of it
    double import_seconds = 0.0;  // of that, storing the rows; 0 for the index alone
    std::uint64_t index_size_bytes = 0;
    // Of what a walk reads for each row: codes and edges. 0 where rows are compared without index.
    double hot_bytes_per_row = 0.0;
};

// What one search is asked for.
struct AnnRequest {
    std::size_t k = 10;
    std::optional<std::uint32_t> effort;
    std::optional<double> recall;
};

// Single thread.
class AnnSubject {
public:
    virtual ~AnnSubject() = default;
    // Once, on the threads of the context's pool. kCancelled.
    virtual Result<AnnBuild> build(const Context& context) = 0;
    // Searches on the calling thread alone; what it found stays until the next search.
    virtual Status search(std::span<const float> query, const AnnRequest& request) = 0;
    // Row numbers of the base that the last search found, nearest first.
    virtual Status found(std::vector<std::uint64_t>& rows) const = 0;
};

// A database of its own in a new directory below `directory`, which is removed with the subject.
// Rows are imported from the file `base`; a search ends with the ids of its hits.
std::unique_ptr<AnnSubject> database_subject(const Context& context, const std::string& directory,
                                             const std::string& base, const Vectors& rows,
                                             storage::Metric metric);
// The index over rows in memory; these outlive it.
std::unique_ptr<AnnSubject> bare_subject(const Vectors& rows, storage::Metric metric);

}  // namespace abikit::suites

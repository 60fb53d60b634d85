// What a search did, counted while it did it: for people who wonder what their queries cost.
// SearchOptions and RangeOptions (snapshot.hpp) take a pointer to one.
#pragma once

#include <cstdint>
#include <optional>

namespace abikit::storage {

// Searches add to it, so one may serve several in turn, such as those that a form of a query is
// made of. Not thread-safe: one search at a time.
struct SearchExplain {
    // One way of comparing rows, and what it came to. Segments hold rows that are in files, the log
    // the others.
    struct Part {
        std::uint64_t segments = 0;         // searched so
        std::uint64_t rows = 0;             // that may be hits in them, and in the log
        std::uint64_t exact_distances = 0;  // between vectors
        std::uint64_t code_distances = 0;   // between codes of the index
        // What the search took, of all threads together; for a walk without the re-ranking.
        std::uint64_t time_ns = 0;
    };

    std::uint64_t searches = 0;   // a growing form makes several
    std::uint64_t queries = 0;    // of all of them
    std::uint64_t live_rows = 0;  // of the collection
    // Rows that the last search could find: those that match its filter, live_rows without one.
    std::uint64_t matching_rows = 0;
    bool restricted = false;       // by a filter or a set of rows
    std::uint64_t filter_ns = 0;   // finding these rows
    std::optional<double> recall;  // that was asked for, unless exactness or an effort was
    std::uint32_t effort = 0;      // candidates that a walk kept, at most; 0 without a walk
    Part walk;                     // through the graph of an index
    Part codes;                    // the codes of all rows that may be hits, too few for a walk
    Part scan;                     // every row that may be a hit
    std::uint64_t rerank_ns = 0;   // exact distances of what walks and codes found
    std::uint64_t repeated = 0;    // searches that were scanned after all: walks found too little
};

}  // namespace abikit::storage

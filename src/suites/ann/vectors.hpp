// The files of a benchmark of approximate search: vectors of .npy, .fvecs and .fbin files, and the
// rows that are known to be nearest, of .ivecs files. Read sweep.hpp next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/core/error.hpp>

namespace abikit::suites {

// Vectors held in memory, row-major.
struct Vectors {
    std::vector<float> values;
    std::size_t count = 0;
    std::size_t dimension = 0;

    std::span<const float> row(std::size_t i) const {
        return std::span(values).subspan(i * dimension, dimension);
    }
};

// Row numbers, `width` for each query.
struct NearestRows {
    std::vector<std::uint32_t> ids;
    std::size_t count = 0;
    std::size_t width = 0;
};

// Every vector of a file, whose extension tells its format. kInvalidArgument for another extension,
// kInvalidData for values that are not finite (with the row), kCorrupt for a broken or empty file.
Result<Vectors> read_vectors(const Context& context, const std::string& path);

// An .ivecs file. kCorrupt where it is none; kInvalidData for a number that is no row of a base of
// `rows` rows.
Result<NearestRows> read_nearest(const Context& context, const std::string& path, std::size_t rows);

}  // namespace abikit::suites

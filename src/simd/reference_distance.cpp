// Plain loops over bytes and bits. Read abi/simd/reference_distance.hpp for the contract.
#include <bit>
#include <cstring>

#include <abi/simd/distance_walk.hpp>
#include <abi/simd/reference_distance.hpp>

namespace abikit::simd::reference {
namespace {

template <class T>
std::int64_t sum_of_squares(const T* a, const T* b, std::size_t dim) noexcept {
    std::int64_t sum = 0;
    for (std::size_t j = 0; j < dim; ++j) {
        sum += (a[j] - b[j]) * (a[j] - b[j]);
    }
    return sum;
}

template <class T>
std::int64_t sum_of_products(const T* a, const T* b, std::size_t dim) noexcept {
    std::int64_t sum = 0;
    for (std::size_t j = 0; j < dim; ++j) {
        sum += a[j] * b[j];
    }
    return sum;
}

}  // namespace

std::int64_t l2_squared(const std::int8_t* a, const std::int8_t* b, std::size_t dim) noexcept {
    return sum_of_squares(a, b, dim);
}
std::int64_t l2_squared(const std::uint8_t* a, const std::uint8_t* b, std::size_t dim) noexcept {
    return sum_of_squares(a, b, dim);
}
std::int64_t dot(const std::int8_t* a, const std::int8_t* b, std::size_t dim) noexcept {
    return sum_of_products(a, b, dim);
}
std::int64_t dot(const std::uint8_t* a, const std::uint8_t* b, std::size_t dim) noexcept {
    return sum_of_products(a, b, dim);
}

std::int64_t walk_distance(const std::int8_t* query, const std::int8_t* row,
                           std::size_t stride) noexcept {
    const std::size_t values = stride - kWalkNormBytes;
    std::int32_t query_norm = 0, row_norm = 0;
    std::memcpy(&query_norm, query + values, kWalkNormBytes);
    std::memcpy(&row_norm, row + values, kWalkNormBytes);
    return std::int64_t{query_norm} + row_norm - 2 * sum_of_products(query, row, values);
}

BitCounts bits(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) noexcept {
    BitCounts counts;
    for (std::size_t j = 0; j < bytes; ++j) {
        counts.shared += static_cast<std::uint64_t>(std::popcount(unsigned{a[j]} & b[j]));
        counts.either += static_cast<std::uint64_t>(std::popcount(unsigned{a[j]} | b[j]));
        counts.different += static_cast<std::uint64_t>(std::popcount(unsigned{a[j]} ^ b[j]));
    }
    return counts;
}

}  // namespace abikit::simd::reference

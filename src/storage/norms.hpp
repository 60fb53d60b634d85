// Inverse lengths of vectors, for cosine. Derived data: computed the same way wherever they are
// needed.
#pragma once

#include <cmath>
#include <span>

#include <abi/simd/distance.hpp>

namespace abikit::storage {

// 1 / |vector|, or 0 for a zero vector. Lengths whose square leaves the range of float are taken in
// double.
inline float inverse_norm(std::span<const float> vector) {
    float squared = 0.0F;
    simd::squared_norms(vector.data(), vector.size(), 1, &squared);
    if (squared > 1e-30F && squared < 1e30F) {
        return 1.0F / std::sqrt(squared);
    }
    double wide = 0.0;
    for (const float value : vector) {
        wide += double{value} * double{value};
    }
    return wide > 0.0 ? static_cast<float>(1.0 / std::sqrt(wide)) : 0.0F;
}

}  // namespace abikit::storage

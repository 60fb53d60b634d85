// What follows a matrix product: bias and activation over a rectangle of C that is still in the
// cache. Read kernels/epilogue_f32.cpp for the loops.
#pragma once

#include <cstddef>

#include <abi/simd/gemm.hpp>

namespace abikit::simd {

struct Epilogue {
    float* c = nullptr;
    std::size_t ldc = 0;
    std::size_t rows = 0;
    std::size_t columns = 0;
    const float* bias = nullptr;  // of the first column on; null: none
    Activation activation = Activation::kNone;
};
void apply(const Epilogue& epilogue) noexcept;

}  // namespace abikit::simd

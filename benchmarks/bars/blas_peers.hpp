// The libraries that people would use instead for matrix products, as far as they are installed.
// They are opened at run time, each with a scope of its own, because OpenBLAS and BLIS define the
// same names and cannot be linked together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace abikit::bars {

// A product of row-major matrices: C[m x n] = op(A)[m x k] * op(B)[k x n].
template <class A, class C>
struct PeerProduct {
    bool transpose_a = false;
    bool transpose_b = false;
    int m = 0;
    int n = 0;
    int k = 0;
    const A* a = nullptr;
    int lda = 0;
    const A* b = nullptr;
    int ldb = 0;
    C* c = nullptr;
    int ldc = 0;
};

struct BlasPeer {
    std::string name;
    std::function<void(const PeerProduct<float, float>&)> sgemm;  // a lone column goes to sgemv
    std::function<void(const PeerProduct<std::int8_t, std::int32_t>&)> int8;  // empty: has none
};

// OpenBLAS, BLIS and oneDNN with `threads` threads each; those that are absent are named in a line
// on stdout. Call before other threads start: it sets environment variables of theirs, so that
// their idle threads do not take the processor from who is measured next.
std::vector<BlasPeer> open_blas_peers(int threads);

}  // namespace abikit::bars

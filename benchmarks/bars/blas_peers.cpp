// Opens the rival libraries. Read blas_peers.hpp.
#include "blas_peers.hpp"

#include <cstdio>
#include <cstdlib>

#include <dlfcn.h>

namespace abikit::bars {
namespace {

// Values of the enumerations of CBLAS.
constexpr int kRowMajor = 101;
constexpr int kNoTranspose = 111;
constexpr int kTranspose = 112;

using Sgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int,
                       float, float*, int);
using Sgemv = void (*)(int, int, int, int, float, const float*, int, const float*, int, float,
                       float*, int);
using DnnlSgemm = int (*)(char, char, std::int64_t, std::int64_t, std::int64_t, float, const float*,
                          std::int64_t, const float*, std::int64_t, float, float*, std::int64_t);
using DnnlInt8 = int (*)(char, char, char, std::int64_t, std::int64_t, std::int64_t, float,
                         const std::int8_t*, std::int64_t, std::int8_t, const std::int8_t*,
                         std::int64_t, std::int8_t, float, std::int32_t*, std::int64_t,
                         const std::int32_t*);

void* open_library(const char* file, const char* name) {
    void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        std::printf("%s is not installed, it is left out\n", name);
    }
    return library;
}

template <class Function>
Function find(void* library, const char* name) {
    return reinterpret_cast<Function>(dlsym(library, name));
}

// A symbol of the library, or of one that it depends on, such as the OpenMP of oneDNN.
template <class Function>
void set_threads(void* library, const char* name, int threads) {
    if (const auto set = find<Function>(library, name); set != nullptr) {
        set(threads);
    }
}

void add_cblas(std::vector<BlasPeer>& peers, void* library, const char* name) {
    const auto gemm = find<Sgemm>(library, "cblas_sgemm");
    const auto gemv = find<Sgemv>(library, "cblas_sgemv");
    if (gemm == nullptr || gemv == nullptr) {
        return;
    }
    const auto run = [=](const PeerProduct<float, float>& p) {
        const int a = p.transpose_a ? kTranspose : kNoTranspose;
        const int b = p.transpose_b ? kTranspose : kNoTranspose;
        if (p.n == 1 && !p.transpose_b) {
            gemv(kRowMajor, a, p.transpose_a ? p.k : p.m, p.transpose_a ? p.m : p.k, 1.0F, p.a,
                 p.lda, p.b, p.ldb, 0.0F, p.c, p.ldc);
        } else {
            gemm(kRowMajor, a, b, p.m, p.n, p.k, 1.0F, p.a, p.lda, p.b, p.ldb, 0.0F, p.c, p.ldc);
        }
    };
    peers.push_back({.name = name, .sgemm = run, .int8 = nullptr});
}

void add_dnnl(std::vector<BlasPeer>& peers, void* library) {
    const auto sgemm = find<DnnlSgemm>(library, "dnnl_sgemm");
    const auto int8 = find<DnnlInt8>(library, "dnnl_gemm_s8s8s32");
    if (sgemm == nullptr || int8 == nullptr) {
        return;
    }
    BlasPeer peer;
    peer.name = "oneDNN";
    peer.sgemm = [=](const PeerProduct<float, float>& p) {
        sgemm(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', p.m, p.n, p.k, 1.0F, p.a, p.lda,
              p.b, p.ldb, 0.0F, p.c, p.ldc);
    };
    peer.int8 = [=](const PeerProduct<std::int8_t, std::int32_t>& p) {
        const std::int32_t no_offset = 0;
        int8(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', 'F', p.m, p.n, p.k, 1.0F, p.a,
             p.lda, 0, p.b, p.ldb, 0, 0.0F, p.c, p.ldc, &no_offset);
    };
    peers.push_back(std::move(peer));
}

}  // namespace

std::vector<BlasPeer> open_blas_peers(int threads) {
    setenv("OMP_WAIT_POLICY", "passive", 1);
    setenv("OPENBLAS_THREAD_TIMEOUT", "10", 1);
    std::vector<BlasPeer> peers;
    if (void* library = open_library("libopenblas.so.0", "OpenBLAS"); library != nullptr) {
        set_threads<void (*)(int)>(library, "openblas_set_num_threads", threads);
        add_cblas(peers, library, "OpenBLAS");
    }
    if (void* library = open_library("libblis.so.4", "BLIS"); library != nullptr) {
        set_threads<void (*)(std::int64_t)>(library, "bli_thread_set_num_threads", threads);
        add_cblas(peers, library, "BLIS");
    }
    if (void* library = open_library("libdnnl.so.2", "oneDNN"); library != nullptr) {
        set_threads<void (*)(int)>(library, "omp_set_num_threads", threads);
        add_dnnl(peers, library);
    }
    return peers;
}

}  // namespace abikit::bars

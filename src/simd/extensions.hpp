// Instruction-set extensions beyond what Highway 1.0.3 dispatches to: AVX-512 with VNNI and
// friends. Newer Highway has targets of its own for them; then this level stays at kBase and
// HWY_TARGET tells. The macros open and close a second pass of a kernel for them. Read targets.cpp
// for the choice.
#pragma once

namespace abikit::simd {

// What the chosen target has on top of AVX3 (AVX512 F, VL, DQ and BW). Each level has all before
// it.
enum class Avx512Level {
    kBase,  // nothing more, or another target than AVX3 is chosen
    kDl,    // AVX3_DL: VNNI, VBMI, VBMI2, BITALG, VPOPCNTDQ (Ice Lake and later)
    kZen4,  // AVX3_ZEN4: BF16 as well (Cooper Lake, Zen 4 and later)
};

// Of the target that runs now. Thread-safe; a relaxed load.
Avx512Level avx512_level() noexcept;

}  // namespace abikit::simd

// A file of kernels that gains from an extension keeps its body in a header of its own and includes
// it once more, for HWY_TARGET == HWY_AVX3 only (ABI_SIMD_EXTENDS_AVX3), inside
//     ABI_SIMD_PUSH_DL namespace abikit::simd::N_AVX3_DL { #include body } HWY_POP_ATTRIBUTES
// with a macro that tells the body which instructions it has. Attributes are those of the place of
// definition, also for templates, so the whole body has to stand in the pass.
#define ABI_SIMD_EXTENDS_AVX3 \
    (HWY_TARGET == HWY_AVX3 && HWY_MAJOR == 1 && HWY_MINOR == 0 && HWY_PATCH <= 3)
#define ABI_SIMD_DL_TARGET \
    HWY_TARGET_STR_AVX3 ",avx512vnni,avx512vbmi,avx512vbmi2,avx512bitalg,avx512vpopcntdq"
#define ABI_SIMD_ZEN4_TARGET ABI_SIMD_DL_TARGET ",avx512bf16"
#define ABI_SIMD_PUSH_DL HWY_PUSH_ATTRIBUTES(ABI_SIMD_DL_TARGET)
#define ABI_SIMD_PUSH_ZEN4 HWY_PUSH_ATTRIBUTES(ABI_SIMD_ZEN4_TARGET)

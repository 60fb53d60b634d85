// What the machine itself can do, as plain loops: multiply-adds from registers, reading and copying
// memory. Kernels are measured against them. All follow the target that is chosen or forced, so a
// kernel is compared with what its own instruction set allows. Read peaks.hpp for rates.
#pragma once

#include <cstddef>
#include <cstdint>

namespace abikit::suites {

// Each runs `steps` rounds of independent multiply-adds on registers of one thread, enough of them
// to hide the latency of one, and returns the number of operations done: two for each multiply-add
// of a lane. About 20 to 400 operations a round and nanosecond. Thread-safe.

// float32, as one instruction where the target has it, otherwise a multiplication and an addition.
double fma_steps(std::size_t steps);
// int8 x int8 -> int32, exact for every value. Where the target has VNNI (AVX3_DL and above) it is
// vpdpbusd: one operand is stored plus 128 as unsigned, and the excess, 128 times the sum of the
// other operand, is taken off once for each result, outside the loop. Elsewhere both operands are
// widened to 16 bits when they are packed, and the loop has vpmaddwd and vpaddd (smlal on ARM);
// vpmaddubsw would be faster, but saturates when both of a pair are -128.
double int8_steps(std::size_t steps);
// bfloat16 x bfloat16 -> float32: vdpbf16ps on AVX3_ZEN4; elsewhere the operands are widened when
// they are packed, and the loop is that of float32.
double bf16_steps(std::size_t steps);

// How memory is walked through; which one is fastest depends on processor and cache level.
enum class ReadPattern {
    kForward,      // in address order
    kPrefetch,     // the same, asking for memory ahead
    kFourStreams,  // four quarters at once, each in address order
};
// Loads every byte of [data, data + size_bytes) with the widest vectors of the target and returns
// the exclusive or of all 64-bit words (the last size_bytes % 8 bytes are left out), so that no
// load can be dropped. Thread-safe.
std::uint64_t read_memory(const void* data, std::size_t size_bytes,
                          ReadPattern pattern = ReadPattern::kForward) noexcept;

enum class CopyPattern {
    kStore,   // ordinary stores: a line is read before it is written
    kStream,  // past the caches, without that read
};
// Copies; the two ranges do not overlap. kStream wants `to` aligned to 64 bytes. Thread-safe.
void copy_memory(void* to, const void* from, std::size_t size_bytes, CopyPattern pattern) noexcept;

}  // namespace abikit::suites

// What the operating system says about processors and threads. Private to core.
#pragma once

namespace abikit::os {

// How many threads of this process can run at once: the affinity mask, cut by the CPU quota of the
// control group (cgroup v2 `cpu.max`, this group and its parents). At least 1.
unsigned usable_cpus() noexcept;

// Names the calling thread for debuggers and `top`; at most 15 characters are kept.
void name_this_thread(const char* name) noexcept;

#if defined(__aarch64__)
// Whether the processor has the ARMv8 CRC-32 instructions.
bool has_arm_crc32() noexcept;
#endif

}  // namespace abikit::os

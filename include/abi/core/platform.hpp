// What machine and what build this is: for `abi version`, reports and bug reports. Vector targets
// are the simd room's to tell (simd/targets.hpp).
#pragma once

#include <cstdint>
#include <string>

#include <abi/core/export.h>

namespace abikit {

// Whatever cannot be found out is empty or 0. Sizes are in bytes. Caches are those of the first
// processor: l1d and l2 as one core sees them, l3 as it is shared.
struct PlatformInfo {
    std::string os_name;       // "Debian GNU/Linux"
    std::string os_version;    // "12 (bookworm)"
    std::string kernel;        // "Linux 6.1.0-18-amd64"
    std::string architecture;  // that this was compiled for: "x86_64", "aarch64"
    std::string compiler;      // that this was compiled with: "gcc 12.2.0"
    std::string cpu_model;     // "AMD EPYC 9654 96-Core Processor"
    unsigned physical_cores = 0;
    unsigned logical_cpus = 0;  // online in the machine
    unsigned usable_cpus = 0;   // that this process may use: affinity and control-group quota
    std::uint64_t l1d_cache_bytes = 0;
    std::uint64_t l2_cache_bytes = 0;
    std::uint64_t l3_cache_bytes = 0;
    std::uint64_t page_bytes = 0;
    std::uint64_t memory_bytes = 0;  // installed, as the kernel sees it
};

// Asks the operating system anew at each call; about a millisecond. Thread-safe.
ABI_API PlatformInfo platform_info();

}  // namespace abikit

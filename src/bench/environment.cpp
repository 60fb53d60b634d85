// The machine and the moment of a run.
#include <abi/bench/run.hpp>
#include <abi/core/platform.hpp>
#include <abi/core/time.hpp>

namespace abikit::bench {

Environment environment() {
    const PlatformInfo info = platform_info();
    Environment result;
    result.started = format_iso8601_utc(wall_clock_ns());
    result.cpu = info.cpu_model;
    result.architecture = info.architecture;
    result.os = info.os_name;
    result.kernel = info.kernel;
    result.compiler = info.compiler;
    result.logical_cpus = info.logical_cpus;
    result.usable_cpus = info.usable_cpus;
    result.l1d_cache_bytes = info.l1d_cache_bytes;
    result.l2_cache_bytes = info.l2_cache_bytes;
    result.l3_cache_bytes = info.l3_cache_bytes;
    result.memory_bytes = info.memory_bytes;
    return result;
}

}  // namespace abikit::bench

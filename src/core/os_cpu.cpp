// Linux: affinity masks, control groups, hardware capabilities, processor time.
#include <algorithm>
#include <climits>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <pthread.h>
#include <sched.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <abi/core/time.hpp>

#include "linux_text.hpp"
#include "os_cpu.hpp"
#include "os_text_file.hpp"

namespace abikit::os {
namespace {

std::optional<unsigned> affinity_cpus() {
    // The kernel refuses a mask smaller than its own, so grow until it is content.
    for (int cpus = 1024; cpus <= 1024 * 1024; cpus *= 4) {
        const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(
            CPU_ALLOC(static_cast<std::size_t>(cpus)), [](cpu_set_t* s) { CPU_FREE(s); });
        const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
        if (set != nullptr && sched_getaffinity(0, size, set.get()) == 0) {
            return static_cast<unsigned>(CPU_COUNT_S(size, set.get()));
        }
    }
    return std::nullopt;
}

// The tightest quota of the group and all its parents.
unsigned quota_cpus() {
    unsigned fewest = UINT_MAX;
    std::string group = parse_control_group(read_text_file("/proc/self/cgroup"));
    for (;;) {
        const std::string text = read_text_file("/sys/fs/cgroup" + group + "/cpu.max");
        fewest = std::min(fewest, parse_cpu_quota(text).value_or(UINT_MAX));
        const std::size_t slash = group.rfind('/');
        if (slash == std::string::npos || group.size() <= 1) {
            return fewest;
        }
        group.resize(slash == 0 ? 1 : slash);
    }
}

}  // namespace

unsigned usable_cpus() noexcept {
    try {
        const unsigned allowed = affinity_cpus().value_or(std::thread::hardware_concurrency());
        return std::max(1U, std::min(allowed, quota_cpus()));
    } catch (...) {
        return 1;  // out of memory while asking: one thread is always right
    }
}

void name_this_thread(const char* name) noexcept {
    char cut[16] = {};  // the kernel's limit, the final zero included
    std::string_view(name).copy(cut, sizeof cut - 1);
    pthread_setname_np(pthread_self(), cut);
}

#if defined(__aarch64__)
bool has_arm_crc32() noexcept {
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}
#endif

}  // namespace abikit::os

namespace abikit {

std::uint64_t thread_cpu_ns() noexcept {
    timespec used{};
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) != 0) {
        return 0;
    }
    return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(used.tv_nsec);
}

}  // namespace abikit

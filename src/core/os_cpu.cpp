// Linux: affinity masks, control groups, hardware capabilities.
#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdint>
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

// "max 100000" (no quota) or "150000 100000": quota and period in microseconds.
std::optional<unsigned> cpus_of_quota(std::string_view text) {
    std::uint64_t quota = 0;
    std::uint64_t period = 0;
    const char* const end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, quota);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ' ') {
        return std::nullopt;
    }
    const auto second = std::from_chars(first.ptr + 1, end, period);
    if (second.ec != std::errc{} || period == 0 || quota == 0) {
        return std::nullopt;
    }
    const std::uint64_t cpus = quota / period + (quota % period != 0 ? 1 : 0);
    return static_cast<unsigned>(std::min<std::uint64_t>(cpus, UINT_MAX));
}

// The path of this process in the unified hierarchy: the line "0::/path" of /proc/self/cgroup.
std::string control_group_path() {
    const std::string groups = read_text_file("/proc/self/cgroup");
    for (std::size_t begin = 0; begin < groups.size();) {
        const std::size_t end = std::min(groups.find('\n', begin), groups.size());
        const std::string_view line(groups.data() + begin, end - begin);
        if (line.starts_with("0::/")) {
            return std::string(line.substr(3));
        }
        begin = end + 1;
    }
    return "/";
}

// The tightest quota of the group and all its parents.
unsigned quota_cpus() {
    unsigned fewest = UINT_MAX;
    std::string group = control_group_path();
    for (;;) {
        const std::string text = read_text_file("/sys/fs/cgroup" + group + "/cpu.max");
        fewest = std::min(fewest, cpus_of_quota(text).value_or(UINT_MAX));
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

// Linux: gathers PlatformInfo from uname, sysconf, /etc/os-release, /proc and /sys.
#include <set>
#include <utility>

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <abi/core/platform.hpp>

#include "linux_text.hpp"
#include "os_cpu.hpp"
#include "os_text_file.hpp"

namespace abikit {
namespace {

using os::read_text_file;

std::uint64_t ask(int name) {
    const long answer = ::sysconf(name);
    return answer > 0 ? static_cast<std::uint64_t>(answer) : 0;
}

void fill_os(PlatformInfo& info) {
    std::string release = read_text_file("/etc/os-release");
    if (release.empty()) {
        release = read_text_file("/usr/lib/os-release");
    }
    info.os_name = os::unquote(os::value_of(release, "NAME", '='));
    info.os_version = os::unquote(os::value_of(release, "VERSION", '='));
    if (info.os_version.empty()) {  // rolling distributions have none of the two
        info.os_version = os::unquote(os::value_of(release, "VERSION_ID", '='));
    }
    utsname names{};
    if (::uname(&names) == 0) {
        info.kernel = fmt::format("{} {}", names.sysname, names.release);
        if (info.os_name.empty()) {
            info.os_name = names.sysname;
        }
    }
}

// Cores are told apart by package and core number; hyper-threads share both.
unsigned count_cores(std::uint64_t configured_cpus) {
    std::set<std::pair<std::string, std::string>> cores;
    for (std::uint64_t cpu = 0; cpu < configured_cpus; ++cpu) {
        const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}/topology/", cpu);
        std::string core = read_text_file(folder + "core_id");
        if (!core.empty()) {
            cores.emplace(read_text_file(folder + "physical_package_id"), std::move(core));
        }
    }
    return static_cast<unsigned>(cores.size());
}

void fill_caches(PlatformInfo& info) {
    constexpr int kMostCaches = 16;
    for (int i = 0; i < kMostCaches; ++i) {
        const std::string folder = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", i);
        const std::string level = read_text_file(folder + "level");
        if (level.empty()) {
            return;
        }
        const std::uint64_t size = os::parse_cache_size(read_text_file(folder + "size"));
        if (os::trim(read_text_file(folder + "type")) == "Instruction") {
            continue;
        }
        switch (os::parse_number(level).value_or(0)) {
            case 1:
                info.l1d_cache_bytes = size;
                break;
            case 2:
                info.l2_cache_bytes = size;
                break;
            case 3:
                info.l3_cache_bytes = size;
                break;
            default:
                break;
        }
    }
}

std::string architecture() {
#if defined(__x86_64__)
    return "x86_64";
#elif defined(__aarch64__)
    return "aarch64";
#elif defined(__riscv) && __riscv_xlen == 64
    return "riscv64";
#elif defined(__powerpc64__)
    return "ppc64";
#elif defined(__s390x__)
    return "s390x";
#elif defined(__i386__)
    return "i386";
#elif defined(__arm__)
    return "arm";
#else
    return {};
#endif
}

std::string compiler() {
#if defined(__clang__)
    return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
    return fmt::format("gcc {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#else
    return {};
#endif
}

}  // namespace

PlatformInfo platform_info() {
    PlatformInfo info;
    fill_os(info);
    info.architecture = architecture();
    info.compiler = compiler();
    info.cpu_model = os::parse_cpu_model(read_text_file("/proc/cpuinfo"));
    info.physical_cores = count_cores(ask(_SC_NPROCESSORS_CONF));
    info.logical_cpus = static_cast<unsigned>(ask(_SC_NPROCESSORS_ONLN));
    info.usable_cpus = os::usable_cpus();
    fill_caches(info);
    info.page_bytes = ask(_SC_PAGESIZE);
    info.memory_bytes = ask(_SC_PHYS_PAGES) * info.page_bytes;
    return info;
}

}  // namespace abikit

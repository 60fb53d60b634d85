// Platform information against other sources, and the readers of Linux's texts against texts.
#include <doctest/doctest.h>

#include <climits>
#include <string>
#include <thread>

#include <abi/core/platform.hpp>

#include "core/linux_text.hpp"

using namespace abikit;

TEST_SUITE("core/platform") {
    TEST_CASE("what is asked of the machine is plausible and consistent") {
        const PlatformInfo info = platform_info();
        CHECK_FALSE(info.os_name.empty());
        CHECK_FALSE(info.kernel.empty());
        CHECK(info.logical_cpus >= 1);
        CHECK(info.usable_cpus >= 1);
        CHECK(info.usable_cpus <= std::max(1U, std::thread::hardware_concurrency()));
        CHECK(info.page_bytes >= 4096);
        CHECK((info.page_bytes & (info.page_bytes - 1)) == 0);
        CHECK(info.memory_bytes > 64U << 20);
        CHECK(info.memory_bytes % info.page_bytes == 0);
        if (info.l1d_cache_bytes != 0 && info.l2_cache_bytes != 0) {
            CHECK(info.l1d_cache_bytes <= info.l2_cache_bytes);
        }
#if defined(__x86_64__)
        CHECK(info.architecture == "x86_64");
        CHECK_FALSE(info.cpu_model.empty());
#elif defined(__aarch64__)
        CHECK(info.architecture == "aarch64");
#endif
#if defined(__clang__)
        CHECK(info.compiler.starts_with("clang "));
#else
        CHECK(info.compiler.starts_with("gcc " + std::to_string(__GNUC__) + "."));
#endif
    }
}

TEST_SUITE("core/linux_text") {
    TEST_CASE("values of keys") {
        const std::string text =
            "NAME=\"Debian GNU/Linux\"\n\nVERSION_ID=\"12\"\nNAMES=x\nEMPTY=\n";
        CHECK(os::value_of(text, "NAME", '=') == "\"Debian GNU/Linux\"");
        CHECK(os::value_of(text, "NAMES", '=') == "x");
        CHECK(os::value_of(text, "EMPTY", '=').empty());
        CHECK(os::value_of(text, "VERSION", '=').empty());
        CHECK(os::value_of("model name\t: AMD EPYC\r\n", "model name", ':') == "AMD EPYC");
        CHECK(os::value_of("", "a", ':').empty());
        CHECK(os::unquote("\"12 (bookworm)\"") == "12 (bookworm)");
        CHECK(os::unquote("'single'") == "single");
        CHECK(os::unquote("\"a \\\"quoted\\\" \\$x\"") == "a \"quoted\" $x");
        CHECK(os::unquote("bare") == "bare");
        CHECK(os::unquote("\"") == "\"");
    }

    TEST_CASE("processor names on x86 and ARM") {
        CHECK(os::parse_cpu_model("processor\t: 0\nmodel name\t: Intel(R) Xeon(R)\n") ==
              "Intel(R) Xeon(R)");
        CHECK(os::parse_cpu_model("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n") ==
              "ARM implementer 0x41 part 0xd0c");
        CHECK(os::parse_cpu_model("processor\t: 0\n").empty());
    }

    TEST_CASE("cache sizes") {
        CHECK(os::parse_cache_size("48K\n") == 48U << 10);
        CHECK(os::parse_cache_size("32M") == 32U << 20);
        CHECK(os::parse_cache_size("1G") == 1U << 30);
        CHECK(os::parse_cache_size("512") == 512);
        CHECK(os::parse_cache_size("") == 0);
        CHECK(os::parse_cache_size("K") == 0);
        CHECK(os::parse_cache_size("-1K") == 0);
    }

    TEST_CASE("processor quotas are rounded up") {
        CHECK(os::parse_cpu_quota("200000 100000\n") == 2);
        CHECK(os::parse_cpu_quota("150000 100000\n") == 2);
        CHECK(os::parse_cpu_quota("1000 100000\n") == 1);
        CHECK(os::parse_cpu_quota("18446744073709551615 1\n") == UINT_MAX);
        for (const std::string none :
             {"max 100000\n", "", "100000", "100000 0", "0 100000", "a b"}) {
            CHECK_FALSE_MESSAGE(os::parse_cpu_quota(none).has_value(), none);
        }
    }

    TEST_CASE("the path of the unified control group") {
        CHECK(os::parse_control_group("0::/user.slice/a.scope\n") == "/user.slice/a.scope");
        CHECK(os::parse_control_group("5:cpu:/x\n1:name=systemd:/y\n0::/\n") == "/");
        CHECK(os::parse_control_group("5:cpu:/x\n") == "/");
        CHECK(os::parse_control_group("") == "/");
    }
}

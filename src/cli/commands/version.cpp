// `abi version`: what this build is made of and what it runs on.
#include <array>
#include <utility>

#include <abi/core/version.h>
#include <abi/core/platform.hpp>
#include <abi/simd/targets.hpp>

#include "../invocation.hpp"
#include "all.hpp"
#include "build_info.h"

namespace abikit::cli {
namespace {

using report::Block;

data::Value libraries_value() {
    static constexpr std::pair<std::string_view, std::string_view> kLibraries[] = {
        ABI_BUILD_LIBRARIES};
    data::Value libraries;
    for (const auto& [name, version] : kLibraries) {
        libraries.set(name, version);
    }
    return libraries;
}

data::Value text_or_null(const std::string& text) {
    return text.empty() ? data::Value() : data::Value(text);
}

data::Value platform_value(const PlatformInfo& info) {
    data::Value platform;
    platform.set("os", text_or_null(info.os_name));
    platform.set("os_version", text_or_null(info.os_version));
    platform.set("kernel", text_or_null(info.kernel));
    platform.set("architecture", info.architecture);
    platform.set("cpu_model", text_or_null(info.cpu_model));
    platform.set("physical_cores", info.physical_cores);
    platform.set("logical_cpus", info.logical_cpus);
    platform.set("usable_cpus", info.usable_cpus);
    platform.set("l1d_cache_bytes", info.l1d_cache_bytes);
    platform.set("l2_cache_bytes", info.l2_cache_bytes);
    platform.set("l3_cache_bytes", info.l3_cache_bytes);
    platform.set("memory_bytes", info.memory_bytes);
    return platform;
}

std::vector<Block> version_blocks(const data::Value& body) {
    using report::Unit;
    Block fields{.kind = Block::Kind::kFields,
                 .fields = {{"version", "abi"},
                            {"compiler", "compiler"},
                            {"build_type", "build"},
                            {"platform.os", "system"},
                            {"platform.kernel", "kernel"},
                            {"platform.architecture", "architecture"},
                            {"platform.cpu_model", "processor"},
                            {"platform.usable_cpus", "usable processors", Unit::kCount},
                            {"platform.memory_bytes", "memory", Unit::kBytes},
                            {"simd_target", "vector target"}}};
    Block libraries{.kind = Block::Kind::kFields};
    for (const auto& [name, version] : body.find("libraries")->as_object()) {
        libraries.fields.push_back({.path = "libraries." + name, .label = name});
    }
    Block title{.kind = Block::Kind::kText, .text = "libraries"};
    return {std::move(fields), std::move(title), std::move(libraries)};
}

Result<Outcome> run_version(Invocation&) {
    const PlatformInfo info = platform_info();
    data::Value body;
    body.set("version", ABI_VERSION);
    body.set("compiler", info.compiler);
    body.set("build_type", ABI_BUILD_TYPE);
    const std::string_view sanitizer = ABI_BUILD_SANITIZER;
    body.set("sanitizer", sanitizer == "none" ? data::Value() : data::Value(sanitizer));
    body.set("platform", platform_value(info));
    body.set("simd_target", simd::chosen_target());
    body.set("libraries", libraries_value());

    Outcome outcome;
    outcome.report.schema = "abi.version/1";
    outcome.report.blocks = version_blocks(body);
    outcome.report.body = std::move(body);
    outcome.report.columns = {{.key = "version"},
                              {.key = "compiler"},
                              {.key = "build_type"},
                              {.key = "platform.os"},
                              {.key = "platform.architecture"},
                              {.key = "simd_target"}};
    return outcome;
}

}  // namespace

CommandSpec version_spec() {
    return {.path = {"version"},
            .summary = "show the version and what this build is made of",
            .description =
                "Shows the version, the compiler and build type, the platform, the "
                "vector target in use and the versions of the libraries that abi was "
                "built with. 'abi --version' prints the version alone.",
            .examples = {{"abi version", "version and build"},
                         {"abi version --format json", "the same for a program"}},
            .handler = run_version,
            .tolerates_bad_config = true};
}

}  // namespace abikit::cli

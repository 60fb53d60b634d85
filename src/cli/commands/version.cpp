// `abi version`: what this build is made of and what it runs on.
#include <array>
#include <utility>

#include <abi/core/version.h>
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

Result<Outcome> run_version(Invocation&) {
    data::Value platform;
    platform.set("os", ABI_BUILD_SYSTEM);
    platform.set("architecture", ABI_BUILD_CPU);
    data::Value body;
    body.set("version", ABI_VERSION);
    body.set("compiler", ABI_BUILD_COMPILER);
    body.set("build_type", ABI_BUILD_TYPE);
    const std::string_view sanitizer = ABI_BUILD_SANITIZER;
    body.set("sanitizer", sanitizer == "none" ? data::Value() : data::Value(sanitizer));
    body.set("platform", std::move(platform));
    body.set("simd_target", simd::chosen_target());
    body.set("libraries", libraries_value());

    Block fields{.kind = Block::Kind::kFields,
                 .fields = {{"version", "abi"},
                            {"platform.os", "system"},
                            {"platform.architecture", "architecture"},
                            {"simd_target", "vector target"},
                            {"compiler", "compiler"},
                            {"build_type", "build"}}};
    Block libraries{.kind = Block::Kind::kFields};
    for (const auto& [name, version] : body.find("libraries")->as_object()) {
        libraries.fields.push_back({.path = "libraries." + name, .label = name});
    }
    Outcome outcome;
    outcome.report = {.schema = "abi.version/1",
                      .body = std::move(body),
                      .blocks = {std::move(fields),
                                 {.kind = Block::Kind::kText, .text = "libraries"},
                                 std::move(libraries)},
                      .columns = {{.key = "version"},
                                  {.key = "compiler"},
                                  {.key = "build_type"},
                                  {.key = "platform.os"},
                                  {.key = "platform.architecture"},
                                  {.key = "simd_target"}}};
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

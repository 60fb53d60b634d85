// What a command handler gets: its parsed values, the services of the run, and the streams.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/core/io.hpp>

namespace abikit::cli {

struct Toolkit;  // toolkit.hpp

// Values are already checked against the spec (type, range, choices), whatever they came from
// (flag, environment, file, default). Asking for a name that the spec lacks is a bug and asserts.
// Single thread.
class Invocation {
public:
    virtual ~Invocation() = default;
    virtual bool has(std::string_view option) const = 0;  // set by anything but the default
    virtual bool flag(std::string_view option) const = 0;
    virtual std::string text(std::string_view option) const = 0;  // "" when unset without default
    virtual std::int64_t integer(std::string_view option) const = 0;
    virtual double number(std::string_view option) const = 0;
    virtual std::uint64_t size_bytes(std::string_view option) const = 0;  // "64MiB", "1g"
    virtual std::vector<std::string> list(std::string_view option) const = 0;
    // Operands by name; a repeatable one gives all of its words, an absent optional one none.
    virtual std::string operand(std::string_view name) const = 0;
    virtual std::vector<std::string> operands(std::string_view name) const = 0;

    virtual const Context& context() const = 0;
    virtual ByteSource& in() = 0;  // standard input, opened on first use
    virtual ByteSink& out() = 0;   // standard output (or --output), for commands that stream
    virtual bool output_is_json() const = 0;  // --format json or jsonl
    virtual bool dry_run() const = 0;         // -n; only where the spec has the option

    // For the commands that speak about `abi` itself; null where there is no whole program around.
    virtual const Toolkit* toolkit() const { return nullptr; }
};

}  // namespace abikit::cli

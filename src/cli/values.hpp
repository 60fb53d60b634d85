// Reading option values from text: the same rules for flags, variables and configuration files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <abi/core/error.hpp>

#include "spec.hpp"

namespace abikit::cli {

// Whole-text conversions; nullopt for anything else. Independent of the locale.
std::optional<std::int64_t> parse_integer(std::string_view text) noexcept;
// Finite numbers only.
std::optional<double> parse_number(std::string_view text) noexcept;
// A number with an optional unit: B; K, KiB, M, MiB, G, GiB, T, TiB count 1,024; KB, MB, GB, TB
// count 1,000. Any case; a space before the unit is allowed; fractions are ("1.5GiB").
std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;
// true, yes, on, 1 and false, no, off, 0 in any case.
std::optional<bool> parse_bool(std::string_view text) noexcept;

// Whether `text` is a value that the option takes: type, range, choices. kInvalidArgument naming
// the value and its `source` ("option '--dim'", "environment variable 'ABI_DB_DIM'"), with the
// nearest choice as the hint.
Status check_value(const OptionSpec& option, std::string_view text, std::string_view source);

// What the option takes, for messages and help: "an integer from 1 to 65,535", "one of l2, cosine".
std::string describe_expected(const OptionSpec& option);

}  // namespace abikit::cli

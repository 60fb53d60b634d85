// The filter language: conditions on the metadata of rows, such as
//     lang = "en" AND year >= 2020 AND tags CONTAINS "db"
// docs/cli/filters.md is the reference of the language; Snapshot::match (snapshot.hpp) applies it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit::storage {

// Limits of one filter. Beyond them parse() fails.
inline constexpr std::size_t kMaxFilterBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxFilterDepth = 64;      // of parentheses and NOT
inline constexpr std::size_t kMaxFilterFields = 256;    // different ones
inline constexpr std::size_t kMaxFilterNodes = 65'536;  // comparisons

struct FilterProgram;  // src/storage/filter/program.hpp

// A filter that was read. Immutable, cheap to copy, thread-safe.
//
// Meaning, in short. A condition on a field is true, false or unknown: unknown when the row has no
// such field, when it is null, or when it holds another type than the condition is about. NOT of
// unknown is unknown, AND and OR as in SQL; a row matches when the whole is true. Only IS NULL is
// never unknown. Numbers compare by value, exactly, whether they are integers or not; strings
// compare by their bytes.
class ABI_API Filter {
public:
    // kInvalidArgument says what was expected, what was found, and where: the error's excerpt is
    // the text with the place of the mistake.
    static Result<Filter> parse(std::string_view text);

    // The same filter in one fixed spelling, which parse() reads to the same filter.
    std::string to_string() const;
    // As it was given.
    const std::string& text() const noexcept;

    const FilterProgram& program() const noexcept { return *program_; }

private:
    explicit Filter(std::shared_ptr<const FilterProgram> program);
    std::shared_ptr<const FilterProgram> program_;
};

// The keys that a field of a filter leads through: "a.b" gives "a", "b"; backquotes hold a name of
// any characters. kInvalidArgument for anything else, and for `id`, which is no metadata.
ABI_API Result<std::vector<std::string>> metadata_keys(std::string_view field);

}  // namespace abikit::storage

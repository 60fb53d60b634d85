// Filters of arbitrary text: what is read prints to a text that is read to the same filter, a
// mistake names a place inside the text, and evaluating a filter on a row never disagrees with
// evaluating its other spelling.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <abi/storage/filter.hpp>

#include "storage/filter/evaluate.hpp"

namespace {

using namespace abikit;
using namespace abikit::storage;

constexpr std::string_view kDocuments[] = {
    "{}", R"({"lang":"en","year":2020,"tags":["db",1,true],"home":{"lat":1.5,"lon":-2}})",
    R"({"lang":"de","year":2020.5,"a":{"b":"x"},"tags":[],"ok":true})",
    R"({"lang":null,"year":"old","a":{"b":18446744073709551615},"ok":false})"};

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

void check_filter(const Filter& filter) {
    const std::string printed = filter.to_string();
    const auto again = Filter::parse(printed);
    require(again.has_value());
    require(again->to_string() == printed);
    RowFilter rows(filter.program()), same(again->program());
    for (const std::string_view document : kDocuments) {
        const auto matches = rows.matches("7", document);
        require(matches.has_value());
        require(*matches == same.matches("7", document).value());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto filter = Filter::parse(text);
    if (filter) {
        check_filter(*filter);
        // NOT of it is a filter too, and what both call true is nothing.
        if (const auto inverse = Filter::parse("NOT (" + std::string(text) + ")")) {
            RowFilter rows(filter->program()), others(inverse->program());
            for (const std::string_view document : kDocuments) {
                require(!(rows.matches("7", document).value() &&
                          others.matches("7", document).value()));
            }
        }
        return 0;
    }
    require(filter.error().code() == Code::kInvalidArgument);
    require(filter.error().excerpt_at() <= filter.error().excerpt().size());
    return 0;
}

// How an error is told: two lines for a person, one JSON object for a program.
#pragma once

#include <string>

#include <abi/core/error.hpp>
#include <abi/data/value.hpp>

namespace abikit::cli {

struct MessageStyle {
    bool json = false;     // {"schema":"abi.error/1",...} on one line
    bool colour = false;   // text only
    bool verbose = false;  // text only: the code as well
};

// "abi: error: ...\n  hint: ...\n", between them the excerpt with a caret below the place, where
// the error has one. Control characters of user data are made harmless.
std::string error_text(const Error& error, const MessageStyle& style);

// The JSON object, for callers that add members.
data::Value error_document(const Error& error);

}  // namespace abikit::cli

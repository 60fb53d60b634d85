// Error and result types of every library: what can go wrong, how it is told, and how it travels.
// A programmer's mistake is an ABI_ASSERT; an expected failure is a Result. Read `context.hpp`
// next.
#pragma once

#include <cassert>
#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <abi/core/export.h>

// Checks a precondition that only a programmer can break; never reachable from user input.
#define ABI_ASSERT(condition) assert(condition)

namespace abikit {

// What kind of failure it is. The command line maps each code to one exit code
// (docs/cli/exit-codes.md).
enum class Code {
    kInvalidArgument,  // the caller asked for something impossible (exit 2)
    kInputMissing,     // a file or directory to read does not exist (exit 3)
    kNotFound,         // the thing asked for is not in the data (exit 1)
    kAlreadyExists,    // the thing to be created is already there (exit 1)
    kCorrupt,          // data does not match its checksum or its format (exit 4)
    kIncompatible,     // well-formed data of another version, shape or dimension (exit 4)
    kInvalidData,      // a value in the data is not allowed, such as NaN in a vector (exit 4)
    kIo,               // the operating system refused or failed (exit 5)
    kNoSpace,          // the disk or a quota is full (exit 5)
    kUnavailable,      // a feature, target or device is not available here (exit 6)
    kLimit,            // a configured limit was reached, such as memory (exit 7)
    kLocked,           // another process holds the lock (exit 7)
    kInconclusive,     // nothing could be decided or measured (exit 8)
    kCancelled,        // the caller's cancellation token was set (exit by signal)
    kInternal,         // a bug (exit 70)
};

// The lower_snake_case name of a code, as it stands in JSON error objects ("invalid_argument").
ABI_API std::string_view code_name(Code code) noexcept;

// A failure: code, message, the chain of what was being done, and a hint that says what to do about
// it. One pointer wide, move-only; moved from, it reads as "out of memory". Thread-compatible.
// Style of a message: lower case, no final full stop, user strings in single quotes, names what and
// which.
class ABI_API [[nodiscard]] Error {
public:
    Error(Code code, std::string message);
    // "out of memory" (kLimit), made without any. Contexts and hints given to it are dropped.
    static Error out_of_memory() noexcept;
    ~Error();
    Error(Error&&) noexcept;
    Error& operator=(Error&&) noexcept;
    Error(const Error&) = delete;
    Error& operator=(const Error&) = delete;

    Code code() const noexcept;
    // The innermost message alone.
    const std::string& message() const noexcept;
    // What to do about it; empty when nothing useful can be said.
    const std::string& hint() const noexcept;
    // The text that with_excerpt() gave, and the byte in it; empty when there is none.
    const std::string& excerpt() const noexcept;
    std::size_t excerpt_at() const noexcept;
    // The whole line: contexts, outermost first, then the message: "cannot open 'x': no such file".
    std::string describe() const;

    // Prepends what was being done. Returns *this for chaining at a return statement.
    Error&& with_context(std::string context) &&;
    // Sets the hint unless one is set already: the innermost place knows best.
    Error&& with_hint(std::string hint) &&;
    // Shows where in a text the mistake is: `at` bytes into it. Only the first one given counts.
    Error&& with_excerpt(std::string text, std::size_t at) &&;
    // An independent copy, for a failure that must be told twice.
    Error clone() const;

private:
    struct State;
    explicit Error(std::nullptr_t) noexcept;
    std::unique_ptr<State> state_;  // null: out of memory
};

// A value or an Error. A class rather than an alias so that dropping one warns.
template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
public:
    using std::expected<T, Error>::expected;
};

// Success or an Error.
using Status = Result<void>;

// An unexpected value for a return statement: `return fail(Code::kCorrupt, "...")`.
inline std::unexpected<Error> fail(Code code, std::string message) {
    return std::unexpected(Error(code, std::move(message)));
}
inline std::unexpected<Error> fail(Code code, std::string message, std::string hint) {
    return std::unexpected(Error(code, std::move(message)).with_hint(std::move(hint)));
}
inline std::unexpected<Error> fail(Error error) {
    return std::unexpected(std::move(error));
}

// Builds an error of an errno value: ENOENT is kInputMissing, ENOSPC and EDQUOT kNoSpace, the rest
// kIo. `what` says what was being done to which file: "cannot open 'a.npy'".
ABI_API Error error_from_errno(int errno_value, std::string_view what);

// Turns the exception in flight into an Error: bad_alloc is kLimit, anything else kInternal. Needs
// no memory for the first. For the borders of a library.
ABI_API Error error_from_current_exception() noexcept;

}  // namespace abikit

#define ABI_JOIN_INNER(a, b) a##b
#define ABI_JOIN(a, b) ABI_JOIN_INNER(a, b)
// ABI_TRY(auto file, fs.open(path)); returns the error from the enclosing function.
#define ABI_TRY_AS(tmp, decl, ...)                      \
    auto tmp = (__VA_ARGS__);                           \
    if (!tmp) {                                         \
        return std::unexpected(std::move(tmp).error()); \
    }                                                   \
    decl = *std::move(tmp)
#define ABI_TRY(decl, ...) ABI_TRY_AS(ABI_JOIN(abi_try_, __COUNTER__), decl, __VA_ARGS__)
// ABI_CHECK(file.sync()); the same for a Status.
#define ABI_CHECK_AS(tmp, ...)                              \
    do {                                                    \
        if (auto tmp = (__VA_ARGS__); !tmp) {               \
            return std::unexpected(std::move(tmp).error()); \
        }                                                   \
    } while (false)
#define ABI_CHECK(...) ABI_CHECK_AS(ABI_JOIN(abi_status_, __COUNTER__), __VA_ARGS__)

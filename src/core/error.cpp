// Error: a heap-allocated state behind one pointer, and the translations from errno and exceptions.
// An error without a state says that memory ran out: it needs none to be told.
#include <algorithm>
#include <cerrno>
#include <exception>
#include <new>
#include <system_error>
#include <vector>

#include <abi/core/error.hpp>

namespace abikit {

struct Error::State {
    Code code = Code::kInternal;
    std::string message;
    std::string hint;
    std::string excerpt;
    std::size_t excerpt_at = 0;
    std::vector<std::string> contexts;  // innermost first
};

namespace {
const std::string kOutOfMemory = "out of memory";
const std::string kNone;
const std::string kOutOfMemoryHint = "raise --memory-limit, or give the machine more memory";
}  // namespace

std::string_view code_name(Code code) noexcept {
    switch (code) {
        case Code::kInvalidArgument:
            return "invalid_argument";
        case Code::kInputMissing:
            return "input_missing";
        case Code::kNotFound:
            return "not_found";
        case Code::kAlreadyExists:
            return "already_exists";
        case Code::kCorrupt:
            return "corrupt";
        case Code::kIncompatible:
            return "incompatible";
        case Code::kInvalidData:
            return "invalid_data";
        case Code::kIo:
            return "io";
        case Code::kNoSpace:
            return "no_space";
        case Code::kUnavailable:
            return "unavailable";
        case Code::kLimit:
            return "limit";
        case Code::kLocked:
            return "locked";
        case Code::kInconclusive:
            return "inconclusive";
        case Code::kCancelled:
            return "cancelled";
        case Code::kInternal:
            return "internal";
    }
    return "internal";
}

Error::Error(Code code, std::string message) : state_(std::make_unique<State>()) {
    state_->code = code;
    state_->message = std::move(message);
}
Error::Error(std::nullptr_t) noexcept {}
Error Error::out_of_memory() noexcept {
    return Error(nullptr);
}
Error::~Error() = default;
Error::Error(Error&&) noexcept = default;
Error& Error::operator=(Error&&) noexcept = default;

Code Error::code() const noexcept {
    return state_ ? state_->code : Code::kLimit;
}
const std::string& Error::message() const noexcept {
    return state_ ? state_->message : kOutOfMemory;
}
const std::string& Error::hint() const noexcept {
    return state_ ? state_->hint : kOutOfMemoryHint;
}

const std::string& Error::excerpt() const noexcept {
    return state_ ? state_->excerpt : kNone;
}
std::size_t Error::excerpt_at() const noexcept {
    return state_ ? state_->excerpt_at : 0;
}

std::string Error::describe() const {
    if (!state_) {
        return kOutOfMemory;
    }
    std::string line;
    for (auto it = state_->contexts.rbegin(); it != state_->contexts.rend(); ++it) {
        line += *it;
        line += ": ";
    }
    return line + state_->message;
}

Error&& Error::with_context(std::string context) && {
    if (state_) {
        state_->contexts.push_back(std::move(context));
    }
    return std::move(*this);
}

Error&& Error::with_hint(std::string hint) && {
    if (state_ && state_->hint.empty()) {
        state_->hint = std::move(hint);
    }
    return std::move(*this);
}

Error&& Error::with_excerpt(std::string text, std::size_t at) && {
    if (state_ && state_->excerpt.empty()) {
        state_->excerpt_at = std::min(at, text.size());
        state_->excerpt = std::move(text);
    }
    return std::move(*this);
}

Error Error::clone() const {
    if (!state_) {
        return Error(nullptr);
    }
    Error copy(state_->code, state_->message);
    copy.state_->hint = state_->hint;
    copy.state_->excerpt = state_->excerpt;
    copy.state_->excerpt_at = state_->excerpt_at;
    copy.state_->contexts = state_->contexts;
    return copy;
}

namespace {
Code code_from_errno(int errno_value) {
    switch (errno_value) {
        case ENOENT:
        case ENOTDIR:
            return Code::kInputMissing;
        case ENOSPC:
        case EDQUOT:
            return Code::kNoSpace;
        case EEXIST:
            return Code::kAlreadyExists;
        case ENOMEM:
            return Code::kLimit;
        case EAGAIN:
        case EBUSY:
            return Code::kLocked;
        default:
            return Code::kIo;
    }
}
}  // namespace

Error error_from_errno(int errno_value, std::string_view what) {
    std::string reason = std::generic_category().message(errno_value);
    if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z') {
        reason[0] = static_cast<char>(reason[0] - 'A' + 'a');  // house style: lower case
    }
    return Error(code_from_errno(errno_value), std::string(what) + ": " + reason);
}

namespace {
Error internal_error(const char* what) noexcept try {
    return Error(Code::kInternal, what);
} catch (const std::bad_alloc&) {
    return Error::out_of_memory();
}
}  // namespace

Error error_from_current_exception() noexcept {
    try {
        throw;
    } catch (const std::bad_alloc&) {
        return Error::out_of_memory();
    } catch (const std::exception& exception) {
        return internal_error(exception.what());
    } catch (...) {
        return internal_error("unknown exception");
    }
}

}  // namespace abikit

// The wording of file-system failures, shared by the real files and their doubles so that tests see
// what users see. Private to core.
#pragma once

#include <string>
#include <string_view>

#include <abi/core/error.hpp>

namespace abikit {

// "<what>: <reason>". Beyond error_from_errno: EINTR is kCancelled, EISDIR and ENOTEMPTY are
// kInvalidArgument, and EPIPE has the text that is_broken_pipe() looks for.
Error fs_error(int errno_value, std::string_view what);
// "cannot <doing> '<path>': <reason>", with a hint where one helps.
Error fs_error(int errno_value, std::string_view doing, const std::string& path);
// The same for making something new at `path`: a missing file is then a missing directory.
Error fs_create_error(int errno_value, std::string_view doing, const std::string& path);

// kLocked: somebody else holds a lock that conflicts.
Error fs_lock_error(const std::string& path);

}  // namespace abikit

// A disk that lies: some syncs report success and do nothing. The campaigns must notice it.
#pragma once

#include <memory>
#include <string>

#include <abi/core/fs.hpp>

namespace abikit::storage::test {

// Forwards to `base`, which must outlive it, but drops the syncs of files (and of directories)
// whose path contains `liar`.
std::unique_ptr<FileSystem> lying(FileSystem& base, std::string liar);

}  // namespace abikit::storage::test

// Disks whose syncs are not what they should be. One lies: some syncs report success and do
// nothing, which the campaigns must notice. The other is slow.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <abi/core/fs.hpp>

namespace abikit::storage::test {

// Forwards to `base`, which must outlive it, but drops the syncs of files (and of directories)
// whose path contains `liar`.
std::unique_ptr<FileSystem> lying(FileSystem& base, std::string liar);
// Forwards to `base`, which must outlive it; each sync of a file takes this long at least.
std::unique_ptr<FileSystem> slow_syncs(FileSystem& base, std::chrono::microseconds time);

}  // namespace abikit::storage::test

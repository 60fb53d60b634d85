// Repair: what can be read of a damaged database, as a new one. Read `backup.hpp` first: a backup
// gives back everything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/storage/backup.hpp>

namespace abikit::storage {

enum class FindingKind {
    kLost,   // rows, commits or settings that cannot be read any more
    kDoubt,  // what was kept, or left out, without certainty: deleted rows that may be back
    kMade,   // damage without a loss: it was derived, or is known from elsewhere
};
// "lost", "doubt", "made anew".
ABI_API std::string_view finding_name(FindingKind kind) noexcept;

// One thing that repair found.
struct Finding {
    FindingKind kind = FindingKind::kLost;
    std::string file;                   // within the damaged database
    std::uint64_t offset = 0;           // bytes
    std::string collection;             // "" : all of them, or unknown
    std::optional<std::uint64_t> rows;  // how many it is about; unset where nobody can know
    std::vector<std::string> ids;  // of these rows, where they are known; at most kMaxFindingIds
    std::string what;
};
inline constexpr std::size_t kMaxFindings = 10'000;
inline constexpr std::size_t kMaxFindingIds = 1'000;

// Where the list of files came from.
enum class ManifestSource {
    kIntact,
    kUnfinished,  // the replacement that a writer had prepared (MANIFEST.tmp)
    kRebuilt,     // from the files in the directory: names of collections and snapshots are lost
};
// "intact", "unfinished", "rebuilt".
ABI_API std::string_view manifest_source_name(ManifestSource source) noexcept;

struct RepairInfo {
    ManifestSource manifest = ManifestSource::kIntact;
    std::string uuid;  // of the new database; "" in a rehearsal
    std::uint64_t collections = 0, snapshots = 0;
    std::uint64_t rows = 0;        // in the new database, of all collections
    std::uint64_t rows_lost = 0;   // known to be lost; commits that are lost may have held more
    std::uint64_t rows_doubt = 0;  // at most so many of `rows` were deleted or replaced
    std::uint64_t commits_lost = 0;
    std::vector<Finding> findings;  // at most kMaxFindings are kept
    std::uint64_t findings_total = 0;
    std::uint64_t lost_total = 0, doubt_total = 0;  // findings of these kinds
};

// Reads the database at `path` as far as checksums hold, and makes a new one of it at
// `destination`, which must not exist or be an empty directory (kAlreadyExists). The damaged
// database is only read; a writer that has it open is kLocked. Every row whose blocks pass their
// checksums comes back; what is derived is made anew; the result passes verify and has a UUID of
// its own. Interrupted at any point there is nothing at `destination`, or the whole.
// kInputMissing: nothing at `path`; kCorrupt: no file there can be read; kIncompatible: written by
// a newer version, which is no damage.
ABI_API Result<RepairInfo> repair(const Context& context, const std::string& path,
                                  const std::string& destination,
                                  Rehearsal rehearsal = Rehearsal::kNo);

}  // namespace abikit::storage

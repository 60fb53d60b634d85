// The changes of a database, one by one, as any process commits them. Read `database.hpp` first.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/context.hpp>
#include <abi/core/error.hpp>

namespace abikit::storage {

enum class ChangeKind : std::uint8_t {
    kInsert,  // of a row
    kUpdate,  // a row was replaced, or changed
    kDelete,
    kCreate,  // of a collection; no id
    kDrop,    // with all its rows, which are not told one by one
};
// "insert", "update", "delete", "create", "drop". Never fails for a valid enumerator.
ABI_API std::string_view change_kind_name(ChangeKind kind) noexcept;

struct Change {
    ChangeKind kind = ChangeKind::kInsert;
    // The commit that made it; changes of one commit follow each other. Where a checkpoint folded
    // commits away before they were looked at, their changes are found by comparing rows, and bear
    // the last of these numbers.
    std::uint64_t lsn = 0;
    std::int64_t time_ns = 0;  // of that commit, since 1970 UTC
    std::string collection;
    std::string id;
};

struct WatchOptions {
    std::string collection = {};  // "" : all, those to come included
    // Changes of commits above this number; kNotFound when the log does not go back that far.
    // Unset: those from now on.
    std::optional<std::uint64_t> from = {};
};

// Follows a database as a reading handle does: it waits for no lock, and the writer does not notice
// it. Single thread. Borrowed services of the Context outlive it.
class ABI_API Watch {
public:
    // Fails as Database::open does; kNotFound for a collection that is not there.
    static Result<Watch> open(const Context& context, const std::string& path,
                              const WatchOptions& options = {});
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;
    ~Watch();

    // What was committed since the last call, in order; empty when there is nothing new. A few
    // system calls then. After a failure the next call goes on where the last good one stopped.
    Result<std::vector<Change>> poll();
    // Everything up to this commit was told.
    std::uint64_t lsn() const noexcept;

private:
    class State;
    explicit Watch(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace abikit::storage

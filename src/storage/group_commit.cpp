// Commits from any number of threads: those that wait are taken together, checked and applied one
// after the other, logged in one append, and published at once.
#include <algorithm>

#include <fmt/format.h>

#include <abi/core/memory.hpp>
#include <abi/core/time.hpp>

#include "database_impl.hpp"
#include "guard.hpp"

namespace abikit::storage {

namespace {
bool is_empty(const WriteBatch& batch) {
    return (batch.rows == nullptr || batch.rows->rows == 0) && batch.deletes.empty();
}

void add_up(const CommitInfo& part, CommitInfo& total) {
    total.added += part.added;
    total.replaced += part.replaced;
    total.deleted += part.deleted;
    total.missing += part.missing;
    if (total.first_id.empty()) {
        total.first_id = part.first_id;
    }
}

// About how much of the log a commit takes.
std::uint64_t weight_of(std::span<const WriteBatch> batches) {
    std::uint64_t bytes = 0;
    for (const WriteBatch& batch : batches) {
        if (batch.rows != nullptr) {
            bytes += batch.rows->vectors.size_bytes() + batch.rows->texts.size_bytes() +
                     batch.rows->metadata.size_bytes();
        }
    }
    return bytes;
}
}  // namespace

// What one call of commit() wants and gets, and its record while it is in the making.
struct Database::Impl::CommitRequest {
    std::uint32_t collection = 0;
    std::span<const WriteBatch> batches;
    Result<CommitInfo> result = CommitInfo();

    std::vector<Prepared> parts;
    std::vector<std::string> heads;
    std::vector<std::span<const std::byte>> pieces;  // borrow from the above
};

// The commits of one group. A commit must be applied before the next one can be checked, but memory
// must not run ahead of the disk: should the log not take the group, everything is rolled back to
// what readers see. The last one is applied after the log took it, so that a lone commit, the usual
// case, has nothing to roll back.
class Database::Impl::CommitGroup {
public:
    CommitGroup(Impl& impl, std::size_t most) : impl_(impl) { sound_.reserve(most); }

    // Checks and stages a commit; its failure is its own.
    Status take(CommitRequest& request) {
        apply_pending();
        ABI_CHECK(prepare(request));
        if (request.parts.empty()) {
            return {};
        }
        std::vector<CommitPart> parts;
        for (Prepared& part : request.parts) {
            impl_.stage(part);
            parts.push_back({impl_.cores_[part.core].entry->id, part.view});
        }
        request.pieces = encode_parts(parts, request.heads);
        std::uint64_t bytes = 0;
        for (const auto piece : request.pieces) {
            bytes += piece.size();
        }
        if (bytes > kMaxRecordBytes) {
            return fail(Code::kInvalidArgument, "one commit may hold at most 4 GiB",
                        "commit fewer rows at a time");
        }
        sound_.push_back(&request);
        pending_ = &request;
        return {};
    }

    // Logs, applies and publishes what was taken; gives each its result.
    Status finish() {
        if (sound_.empty()) {
            return {};
        }
        std::vector<LogEntry> entries;
        const std::int64_t now = wall_clock_ns();
        for (const CommitRequest* const request : sound_) {
            entries.push_back(
                {RecordType::kParts, impl_.lsn_ + entries.size() + 1, now, request->pieces});
        }
        {
            const TraceSpan span(impl_.context_.trace, "storage", "log_append");
            ABI_CHECK(impl_.log_->append(entries));
        }
        logged_ = true;
        impl_.broken_ = true;  // until readers see it: what remains can only run out of memory
        apply_pending();
        for (CommitRequest* const request : sound_) {
            for (const Prepared& part : request->parts) {
                add_up(part.info, *request->result);
            }
            request->result->lsn = ++impl_.lsn_;
        }
        impl_.log_end_ = impl_.log_->end();
        for (Core& core : impl_.cores_) {
            if (core.changed) {
                impl_.refresh_state(core);
            }
        }
        impl_.publish(impl_.make_state());
        impl_.broken_ = false;
        return {};
    }

    // After finish() failed: nothing of the group may stay.
    void fail_all(const Error& error) {
        for (CommitRequest* const request : sound_) {
            request->result = fail(error.clone());
        }
    }
    void roll_back() {
        if (logged_) {
            return;  // it is on disk; the handle takes no more writes
        }
        const bool was_broken = impl_.broken_;
        impl_.broken_ = true;  // unless there is memory for it
        for (const Before& before : before_) {
            Core& core = impl_.cores_[before.core];
            core.mem->roll_back(core.state->log_rows);
            core.segments = core.state->segments;
            core.next_ordinal = before.next_ordinal;
            core.deletes_changed = before.deletes_changed;
            core.changed = false;
        }
        impl_.broken_ = was_broken;
    }

private:
    // What a published state does not tell of a core.
    struct Before {
        std::size_t core = 0;
        std::uint64_t next_ordinal = 0;
        bool deletes_changed = false;
    };

    Status prepare(CommitRequest& request) const {
        request.parts.reserve(request.batches.size());
        for (const WriteBatch& batch : request.batches) {
            ABI_TRY(const std::size_t core, batch.collection.empty()
                                                ? impl_.core_of(request.collection)
                                                : impl_.core_of(batch.collection));
            if (is_empty(batch)) {
                continue;
            }
            if (std::any_of(request.parts.begin(), request.parts.end(),
                            [core](const Prepared& other) { return other.core == core; })) {
                return fail(Code::kInvalidArgument,
                            fmt::format("one commit changes collection '{}' twice",
                                        impl_.cores_[core].entry->name),
                            "put both into one batch");
            }
            request.parts.emplace_back().core = core;
            ABI_CHECK(impl_.prepare(batch, request.parts.back()));
        }
        return {};
    }
    void apply_pending() {
        if (pending_ == nullptr) {
            return;
        }
        if (!logged_) {
            for (const Prepared& part : pending_->parts) {
                remember(part.core);
            }
        }
        for (Prepared& part : pending_->parts) {
            impl_.apply(part);
        }
        pending_ = nullptr;
    }
    void remember(std::size_t index) {
        const Core& core = impl_.cores_[index];
        if (std::none_of(before_.begin(), before_.end(),
                         [index](const Before& before) { return before.core == index; })) {
            before_.push_back({index, core.next_ordinal, core.deletes_changed});
        }
    }

    Impl& impl_;
    std::vector<CommitRequest*> sound_;
    CommitRequest* pending_ = nullptr;  // staged, not yet applied: the last of sound_
    std::vector<Before> before_;
    bool logged_ = false;
};

// The leader's work for all that wait. Every failure ends in the result of whom it concerns.
void Database::Impl::serve(std::span<CommitRequest* const> group) noexcept {
    const auto caught = [](auto body) noexcept -> Status {
        try {
            return body();
        } catch (...) {
            return fail(error_from_current_exception());
        }
    };
    const auto give_up = [&](const Error& error) {
        for (CommitRequest* const request : group) {
            request->result = fail(error.clone());
        }
    };
    if (Status status = caught([&] { return check_writable(); }); !status) {
        static_cast<void>(caught([&]() -> Status {
            give_up(status.error());
            return {};
        }));
        return;
    }
    std::optional<CommitGroup> commits;
    Status status = caught([&]() -> Status {
        commits.emplace(*this, group.size());
        return {};
    });
    for (CommitRequest* const request : group) {
        if (Status taken = status ? caught([&] { return commits->take(*request); }) : Status();
            !taken) {
            request->result = fail(std::move(taken).error());
        }
    }
    if (status) {
        status = caught([&] { return commits->finish(); });
    }
    if (status) {
        return;
    }
    // Whoever failed alone has its own error already; the others share this one.
    static_cast<void>(caught([&]() -> Status {
        commits ? commits->fail_all(status.error()) : give_up(status.error());
        return {};
    }));
    if (commits) {
        static_cast<void>(caught([&]() -> Status {
            commits->roll_back();
            return {};
        }));
    }
}

Result<CommitInfo> Database::Impl::commit(std::uint32_t collection,
                                          std::span<const WriteBatch> batches) {
    const TraceSpan span(context_.trace, "storage", "commit");
    CommitRequest request{collection, batches, CommitInfo(), {}, {}, {}};
    commits_.submit(
        request, weight_of(batches),
        [this](std::span<CommitRequest* const> group) noexcept { serve(group); },
        [this]() noexcept {
            // The commits are safe whatever happens here.
            static_cast<void>(guarded([this]() -> Status {
                fold_log_if_large();
                return {};
            }));
        });
    return std::move(request.result);
}

Status Database::Impl::close() {
    return alone([&]() -> Status {
        Status status = writable() ? checkpoint() : Status();
        if (!status && intact()) {
            // Everything acknowledged is in the log and stays there; the next writer tries again.
            if (context_.log != nullptr) {
                context_.log->write(
                    LogLevel::kWarn, "storage",
                    fmt::format("the log stays as it is: {}", status.error().describe()));
            }
            status = log_ == nullptr ? Status() : log_->sync();
        }
        lock_.reset();
        return status;
    });
}

}  // namespace abikit::storage

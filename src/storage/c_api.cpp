// The C interface (wdbx.h) over Database and Snapshot: it turns codes, structures and ownership,
// and lets no exception out. Handles share the file system and the threads, which so outlive them
// all.
#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <abi/storage/wdbx.h>
#include <abi/core/fs.hpp>
#include <abi/core/thread_pool.hpp>
#include <abi/data/value.hpp>
#include <abi/storage/database.hpp>

#include "guard.hpp"

// What the caller sees of an error: memory of its own is added by OwnedError.
struct abi_error {
    abi_code code;
    const char* message;
    const char* hint;
};

namespace abikit::storage {
namespace {

constexpr std::uint32_t kMaxThreads = 1024;

// What every handle of a database and its snapshots stand on.
struct Environment {
    explicit Environment(unsigned threads) : fs(real_file_system()), pool(threads) {}
    Context context() {
        Context lent;
        lent.fs = fs.get();
        lent.pool = &pool;
        return lent;
    }

    std::unique_ptr<FileSystem> fs;
    ThreadPool pool;
};

struct OwnedError : abi_error {
    std::string message_text, hint_text;
};
// Told when there is no memory even for an error; never freed.
constexpr abi_error kOutOfMemory = {ABI_LIMIT, "out of memory", ""};

// The numbers are a promise (wdbx.h), the enumerators' order is none.
abi_code number_of(Code code) noexcept {
    switch (code) {
        case Code::kInvalidArgument:
            return ABI_INVALID_ARGUMENT;
        case Code::kInputMissing:
            return ABI_INPUT_MISSING;
        case Code::kNotFound:
            return ABI_NOT_FOUND;
        case Code::kAlreadyExists:
            return ABI_ALREADY_EXISTS;
        case Code::kCorrupt:
            return ABI_CORRUPT;
        case Code::kIncompatible:
            return ABI_INCOMPATIBLE;
        case Code::kInvalidData:
            return ABI_INVALID_DATA;
        case Code::kIo:
            return ABI_IO;
        case Code::kNoSpace:
            return ABI_NO_SPACE;
        case Code::kUnavailable:
            return ABI_UNAVAILABLE;
        case Code::kLimit:
            return ABI_LIMIT;
        case Code::kLocked:
            return ABI_LOCKED;
        case Code::kInconclusive:
            return ABI_INCONCLUSIVE;
        case Code::kCancelled:
            return ABI_CANCELLED;
        case Code::kInternal:
            break;
    }
    return ABI_INTERNAL;
}

abi_error* make_error(const Error& error) noexcept {
    try {
        auto owned = std::make_unique<OwnedError>();
        owned->message_text = error.describe();
        owned->hint_text = error.hint();
        owned->code = number_of(error.code());
        owned->message = owned->message_text.c_str();
        owned->hint = owned->hint_text.c_str();
        return owned.release();
    } catch (...) {
        return const_cast<abi_error*>(&kOutOfMemory);
    }
}

// Runs `body`, which returns a Status, and tells how it went the way C wants to know it.
template <class Body>
abi_code answer(abi_error** error, Body body) noexcept {
    const Status status = guarded([&body]() -> Status { return body(); });
    if (status) {
        return ABI_OK;
    }
    if (error != nullptr) {
        *error = make_error(status.error());
    }
    return number_of(status.error().code());
}

Status check_given(std::initializer_list<const void*> pointers) {
    for (const void* pointer : pointers) {
        if (pointer == nullptr) {
            return fail(Code::kInvalidArgument, "a required pointer is NULL");
        }
    }
    return {};
}

// A structure of the caller, which may be of a later version. Every version starts with what this
// one knows, so a shorter one was never initialised.
template <class T>
Status check_size(const T* given) {
    ABI_CHECK(check_given({given}));
    if (given->size < sizeof(T)) {
        return fail(Code::kInvalidArgument, "the size of a structure is too small",
                    "set its member size to sizeof of the structure");
    }
    return {};
}
// The same for what comes in: members that are not known here must not be set.
template <class T>
Status check_input(const T* given) {
    ABI_CHECK(check_size(given));
    const auto* const bytes = reinterpret_cast<const unsigned char*>(given);
    if (std::any_of(bytes + sizeof(T), bytes + given->size, [](auto byte) { return byte != 0; })) {
        return fail(Code::kIncompatible, "a structure asks for what this version does not know");
    }
    return {};
}

Result<std::shared_ptr<Environment>> make_environment(std::uint32_t threads) {
    if (threads > kMaxThreads) {
        return fail(Code::kInvalidArgument,
                    fmt::format("{} threads are too many (at most {})", threads, kMaxThreads));
    }
    return std::make_shared<Environment>(threads);
}

Result<CollectionOptions> collection_options(const abi_db_options& given) {
    CollectionOptions options;
    options.dimension = given.dimension;
    if (given.metric > kMetrics || given.element >= kElementTypes) {
        return fail(Code::kInvalidArgument,
                    fmt::format("there is no metric {} or no element type {}", given.metric,
                                given.element));
    }
    if (given.metric != 0) {
        options.metric = static_cast<Metric>(given.metric);
    }
    options.element = static_cast<ElementType>(given.element);
    if (given.collection != nullptr) {
        options.name = given.collection;
    }
    return options;
}

Result<SyncMode> sync_mode(std::uint32_t number) {
    if (number > ABI_DB_SYNC_OFF) {
        return fail(Code::kInvalidArgument, fmt::format("there is no sync mode {}", number));
    }
    return number == ABI_DB_SYNC_FULL     ? SyncMode::kFull
           : number == ABI_DB_SYNC_NORMAL ? SyncMode::kNormal
                                          : SyncMode::kOff;
}

// With malloc's memory, which abi_db_string_free gives back.
Result<char*> own_string(std::string_view text) {
    auto* const copy = static_cast<char*>(std::malloc(text.size() + 1));
    if (copy == nullptr) {
        return fail(Error::out_of_memory());
    }
    std::copy(text.begin(), text.end(), copy);
    copy[text.size()] = '\0';
    return copy;
}
struct Free {
    void operator()(char* string) const noexcept { std::free(string); }
};
using OwnedString = std::unique_ptr<char, Free>;

void append_strings(const char* const* strings, std::size_t count, data::StringColumn& column) {
    for (std::size_t i = 0; strings != nullptr && i < count; ++i) {
        if (strings[i] == nullptr) {
            column.append_null();
        } else {
            column.append(strings[i]);
        }
    }
}

// Readers of the database rely on metadata being JSON objects, so here is where that is made sure.
Status append_metadata(const char* const* objects, std::size_t count, data::StringColumn& column) {
    for (std::size_t i = 0; objects != nullptr && i < count; ++i) {
        if (objects[i] == nullptr) {
            column.append_null();
            continue;
        }
        auto value = data::parse_json(objects[i]);
        if (!value) {
            return fail(
                std::move(value).error().with_context(fmt::format("metadata of row {}", i)));
        }
        if (!value->is_object()) {
            return fail(Code::kInvalidData,
                        fmt::format("the metadata of row {} are no JSON object", i));
        }
        column.append(data::to_json(*value));
    }
    return {};
}

// The numbers of `count` vectors at `vectors`; kInvalidArgument when no memory can hold so many.
Result<std::span<const float>> vectors_of(const float* vectors, std::size_t count,
                                          std::size_t dimension) {
    constexpr std::size_t kMost = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(float);
    if (dimension != 0 && count > kMost / dimension) {
        return fail(Code::kInvalidArgument,
                    fmt::format("{} vectors of dimension {} fit into no memory", count, dimension));
    }
    if (count != 0) {
        ABI_CHECK(check_given({vectors}));
    }
    return std::span(vectors, count * dimension);
}

Result<data::RecordBatch> batch_of(const abi_db_rows& rows) {
    data::RecordBatch batch;
    ABI_TRY(batch.vectors, vectors_of(rows.vectors, rows.count, rows.dimension));
    batch.rows = rows.count;
    batch.dimension = rows.dimension;
    append_strings(rows.ids, rows.count, batch.ids);
    append_strings(rows.texts, rows.count, batch.texts);
    ABI_CHECK(append_metadata(rows.metadata, rows.count, batch.metadata));
    return batch;
}

void tell_commit(const CommitInfo& info, abi_db_commit* commit) noexcept {
    if (commit != nullptr) {
        commit->lsn = info.lsn;
        commit->added = info.added;
        commit->replaced = info.replaced;
        commit->deleted = info.deleted;
        commit->missing = info.missing;
    }
}

Status read_row(const Snapshot& snapshot, std::string_view id, abi_db_row& row) {
    ABI_TRY(const auto number, snapshot.find(id));
    if (!number) {
        return fail(Code::kNotFound, fmt::format("there is no row '{}'", id));
    }
    ABI_TRY(const RowView view, snapshot.read(*number));
    if (row.vector != nullptr && row.vector_floats < view.vector.size()) {
        return fail(Code::kInvalidArgument,
                    fmt::format("a vector of {} numbers does not fit into a buffer of {}",
                                view.vector.size(), row.vector_floats));
    }
    OwnedString text, metadata;
    if (view.text) {
        ABI_TRY(char* const copy, own_string(*view.text));
        text.reset(copy);
    }
    if (view.metadata) {
        ABI_TRY(char* const copy, own_string(*view.metadata));
        metadata.reset(copy);
    }
    if (row.vector != nullptr) {
        std::copy(view.vector.begin(), view.vector.end(), row.vector);
    }
    row.text = text.release();
    row.text_bytes = view.text ? view.text->size() : 0;
    row.metadata = metadata.release();
    row.metadata_bytes = view.metadata ? view.metadata->size() : 0;
    return {};
}

// Hits that are not there are told as infinitely far, so that no slot is left as it was.
void tell_hits(const std::vector<std::vector<Hit>>& lists, std::size_t k, const abi_db_hits& hits) {
    for (std::size_t query = 0; query < lists.size(); ++query) {
        const std::vector<Hit>& list = lists[query];
        float* const distances = hits.distances + query * k;
        std::uint64_t* const rows = hits.rows + query * k;
        for (std::size_t i = 0; i < list.size(); ++i) {
            distances[i] = list[i].distance;
            rows[i] = list[i].row;
        }
        std::fill(distances + list.size(), distances + k, std::numeric_limits<float>::infinity());
        std::fill(rows + list.size(), rows + k, std::numeric_limits<std::uint64_t>::max());
        if (hits.found != nullptr) {
            hits.found[query] = list.size();
        }
    }
}

}  // namespace
}  // namespace abikit::storage

using namespace abikit;           // NOLINT: the functions below are C's and live outside
using namespace abikit::storage;  // NOLINT

// Members are destroyed in reverse: the environment goes last.
struct abi_db {
    std::shared_ptr<Environment> environment;
    Database database;
    bool closes;  // not a handle of abi_db_collection
};
struct abi_db_snapshot {
    std::shared_ptr<Environment> environment;
    Snapshot snapshot;
    std::uint32_t dimension;
};

abi_code abi_error_code(const abi_error* error) {
    return error == nullptr ? ABI_OK : error->code;
}
const char* abi_error_message(const abi_error* error) {
    return error == nullptr ? "" : error->message;
}
const char* abi_error_hint(const abi_error* error) {
    return error == nullptr ? "" : error->hint;
}
void abi_error_free(abi_error* error) {
    if (error != &kOutOfMemory) {
        delete static_cast<OwnedError*>(error);
    }
}

abi_code abi_db_create(const char* path, const abi_db_options* options, abi_db** db,
                       abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({path, db}));
        ABI_CHECK(check_input(options));
        if (options->snapshot != nullptr || options->sync != ABI_DB_SYNC_FULL) {
            return fail(Code::kInvalidArgument,
                        "a named snapshot or a sync mode is for abi_db_open, not abi_db_create");
        }
        ABI_TRY(const CollectionOptions create, collection_options(*options));
        ABI_TRY(auto environment, make_environment(options->threads));
        ABI_TRY(Database database, Database::create(environment->context(), path, create));
        *db = new abi_db{std::move(environment), std::move(database), true};
        return {};
    });
}

abi_code abi_db_open(const char* path, uint32_t access, const abi_db_options* options, abi_db** db,
                     abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({path, db}));
        OpenOptions open;
        if (options != nullptr) {
            ABI_CHECK(check_input(options));
            open.collection = options->collection == nullptr
                                  ? kDefaultCollection
                                  : std::string_view(options->collection);
            open.snapshot = options->snapshot == nullptr ? "" : options->snapshot;
            ABI_TRY(open.sync, sync_mode(options->sync));
            open.auto_merge = options->keep_segments == 0;
        }
        if (access > ABI_DB_READ_WRITE || (access != ABI_DB_READ && !open.snapshot.empty())) {
            return fail(Code::kInvalidArgument,
                        "access is for reading or writing, and a named snapshot is only read");
        }
        ABI_TRY(auto environment, make_environment(options == nullptr ? 0 : options->threads));
        const auto mode = access == ABI_DB_READ ? AccessMode::kRead : AccessMode::kReadWrite;
        ABI_TRY(Database database, Database::open(environment->context(), path, mode, open));
        *db = new abi_db{std::move(environment), std::move(database), true};
        return {};
    });
}

abi_code abi_db_close(abi_db* db, abi_error** error) {
    const std::unique_ptr<abi_db> owned(db);
    return answer(error, [&]() -> Status {
        return owned != nullptr && owned->closes ? owned->database.close() : Status();
    });
}

abi_code abi_db_collection(const abi_db* db, const char* name, abi_db** collection,
                           abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({db, name, collection}));
        ABI_TRY(Database other, db->database.collection(name));
        *collection = new abi_db{db->environment, std::move(other), false};
        return {};
    });
}

abi_code abi_db_create_collection(abi_db* db, const abi_db_options* options, abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({db}));
        ABI_CHECK(check_input(options));
        ABI_CHECK(check_given({options->collection}));
        ABI_TRY(const CollectionOptions create, collection_options(*options));
        return db->database.create_collection(create);
    });
}

namespace {
// The calls on a database that take nothing but a name.
abi_code by_name(abi_db* db, const char* name, abi_error** error,
                 Status (Database::*call)(std::string_view)) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({db, name}));
        return (db->database.*call)(name);
    });
}
}  // namespace

abi_code abi_db_drop_collection(abi_db* db, const char* name, abi_error** error) {
    return by_name(db, name, error, &Database::drop_collection);
}
abi_code abi_db_create_snapshot(abi_db* db, const char* name, abi_error** error) {
    return by_name(db, name, error, &Database::create_snapshot);
}
abi_code abi_db_drop_snapshot(abi_db* db, const char* name, abi_error** error) {
    return by_name(db, name, error, &Database::drop_snapshot);
}

abi_code abi_db_write(abi_db* db, uint32_t mode, const abi_db_rows* rows, abi_db_commit* commit,
                      char** first_id, abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({db}));
        ABI_CHECK(check_input(rows));
        ABI_CHECK(commit == nullptr ? Status() : check_size(commit));
        if (mode > ABI_DB_UPDATE) {
            return fail(Code::kInvalidArgument, fmt::format("there is no write mode {}", mode));
        }
        WriteBatch batch;
        batch.mode = mode == ABI_DB_UPSERT   ? WriteMode::kUpsert
                     : mode == ABI_DB_INSERT ? WriteMode::kInsert
                                             : WriteMode::kUpdate;
        ABI_TRY(const data::RecordBatch records, batch_of(*rows));
        batch.rows = records.rows == 0 ? nullptr : &records;
        // What can fail for lack of memory alone comes before the commit, which is final.
        OwnedString id(first_id == nullptr ? nullptr
                                           : static_cast<char*>(std::malloc(kMaxIdBytes + 1)));
        if (first_id != nullptr && id == nullptr) {
            return fail(Error::out_of_memory());
        }
        ABI_TRY(const CommitInfo info, db->database.commit(batch));
        tell_commit(info, commit);
        if (first_id != nullptr) {
            const std::size_t bytes = std::min(info.first_id.size(), kMaxIdBytes);
            std::copy_n(info.first_id.data(), bytes, id.get());
            id.get()[bytes] = '\0';
            *first_id = records.rows == 0 ? nullptr : id.release();
        }
        return {};
    });
}

abi_code abi_db_delete(abi_db* db, const char* const* ids, size_t count, abi_db_commit* commit,
                       abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({db}));
        ABI_CHECK(count == 0 ? Status() : check_given({ids}));
        ABI_CHECK(commit == nullptr ? Status() : check_size(commit));
        WriteBatch batch;
        for (std::size_t i = 0; i < count; ++i) {
            ABI_CHECK(check_given({ids[i]}));
            batch.deletes.emplace_back(ids[i]);
        }
        ABI_TRY(const CommitInfo info, db->database.commit(batch));
        tell_commit(info, commit);
        return {};
    });
}

abi_code abi_db_checkpoint(abi_db* db, abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({db}));
        return db->database.checkpoint();
    });
}

abi_code abi_db_optimize(abi_db* db, abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({db}));
        ABI_TRY(const OptimizeInfo info, db->database.optimize());
        static_cast<void>(info);
        return {};
    });
}

abi_code abi_db_verify(const char* path, uint32_t threads, uint64_t* faults, abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({path, faults}));
        ABI_TRY(const auto environment, make_environment(threads));
        ABI_TRY(const VerifyInfo info, storage::verify(environment->context(), path));
        *faults = info.faults_total;
        return {};
    });
}

uint32_t abi_db_dimension(const abi_db* db) {
    return db == nullptr ? 0 : db->database.dimension();
}

abi_code abi_db_count(const abi_db* db, uint64_t* rows, abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({db, rows}));
        *rows = db->database.snapshot().rows();
        return {};
    });
}

abi_code abi_db_get(const abi_db* db, const char* id, abi_db_row* row, abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({db, id}));
        ABI_CHECK(check_size(row));
        return read_row(db->database.snapshot(), id, *row);
    });
}

abi_code abi_db_take_snapshot(const abi_db* db, abi_db_snapshot** snapshot, abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({db, snapshot}));
        *snapshot =
            new abi_db_snapshot{db->environment, db->database.snapshot(), db->database.dimension()};
        return {};
    });
}

void abi_db_snapshot_free(abi_db_snapshot* snapshot) {
    delete snapshot;
}

uint64_t abi_db_snapshot_count(const abi_db_snapshot* snapshot) {
    return snapshot == nullptr ? 0 : snapshot->snapshot.rows();
}

abi_code abi_db_snapshot_get(const abi_db_snapshot* snapshot, const char* id, abi_db_row* row,
                             abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({snapshot, id}));
        ABI_CHECK(check_size(row));
        return read_row(snapshot->snapshot, id, *row);
    });
}

abi_code abi_db_snapshot_search(const abi_db_snapshot* snapshot, const abi_db_queries* queries,
                                const abi_db_hits* hits, abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({snapshot}));
        ABI_CHECK(check_input(queries));
        ABI_CHECK(check_input(hits));
        if (queries->dimension != snapshot->dimension) {
            return fail(Code::kIncompatible,
                        fmt::format("the queries have dimension {}, the collection has {}",
                                    queries->dimension, snapshot->dimension));
        }
        ABI_TRY(const auto vectors,
                vectors_of(queries->vectors, queries->count, queries->dimension));
        if (queries->count != 0) {
            ABI_CHECK(check_given({hits->distances, hits->rows}));
        }
        // More hits than rows there cannot be; arrays that the caller has are not too large.
        const auto rows = std::max<std::uint64_t>(snapshot->snapshot.rows(), 1);
        const auto k = static_cast<std::size_t>(std::min<std::uint64_t>(queries->k, rows));
        ABI_TRY(const auto lists, snapshot->snapshot.search(snapshot->environment->context(),
                                                            vectors, queries->count, k));
        tell_hits(lists, queries->k, *hits);
        return {};
    });
}

abi_code abi_db_snapshot_id(const abi_db_snapshot* snapshot, uint64_t row, char** id,
                            abi_error** error) {
    return answer(error, [&]() -> Status {
        ABI_CHECK(check_given({snapshot, id}));
        ABI_TRY(const std::string text, snapshot->snapshot.read_id(row));
        ABI_TRY(*id, own_string(text));
        return {};
    });
}

void abi_db_string_free(char* string) {
    std::free(string);
}

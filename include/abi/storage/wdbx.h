/* WDBX, the embedded vector database, for C (C11) and for every language that calls C. It is the
 * interface of database.hpp and snapshot.hpp without C++ types; no exception leaves it. Link with
 * abi_storage. docs/examples/wdbx.c is a whole program.
 *
 * Failures. Functions that can fail return an abi_code, ABI_OK or what kind of failure it is. Their
 * last parameter is where an abi_error goes that says more, or NULL; it is written only on failure
 * and then belongs to the caller (abi_error_free). Outputs are written only on success, unless said
 * otherwise. A NULL where none is allowed is ABI_INVALID_ARGUMENT. Memory that ran out is
 * ABI_LIMIT.
 *
 * Structures begin with `size`, which the caller sets to sizeof(structure): later versions append
 * members, and zero always means the behaviour of before. Set everything else to zero too:
 *     abi_db_options options = {.size = sizeof options};
 * A wrong size is ABI_INVALID_ARGUMENT; members set that this version does not know are
 * ABI_INCOMPATIBLE.
 *
 * Strings are UTF-8 that ends with a zero byte and are copied when they come in. Strings that come
 * out belong to the caller: abi_db_string_free.
 *
 * Threads. Everything is thread-safe, as long as no thread frees or closes a handle that another
 * one uses. Writing calls wait for one another, and writes that wait share one sync; reading and
 * searching never wait for a writer.
 */
#ifndef ABI_STORAGE_WDBX_H
#define ABI_STORAGE_WDBX_H

#include <stddef.h>
#include <stdint.h>

#include <abi/core/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What kind of failure it is. Numbers never change; new ones are appended. */
typedef int32_t abi_code;
enum {
    ABI_OK = 0,
    ABI_INVALID_ARGUMENT = 1, /* the caller asked for something impossible */
    ABI_INPUT_MISSING = 2,    /* a file or directory to read does not exist */
    ABI_NOT_FOUND = 3,        /* the thing asked for is not in the data */
    ABI_ALREADY_EXISTS = 4,   /* the thing to be created is already there */
    ABI_CORRUPT = 5,          /* data does not match its checksum or its format */
    ABI_INCOMPATIBLE = 6,     /* well-formed data of another version, shape or dimension */
    ABI_INVALID_DATA = 7,     /* a value in the data is not allowed, such as NaN in a vector */
    ABI_IO = 8,               /* the operating system refused or failed */
    ABI_NO_SPACE = 9,         /* the disk or a quota is full */
    ABI_UNAVAILABLE = 10,     /* a feature, target or device is not available here */
    ABI_LIMIT = 11,           /* a limit was reached, such as memory */
    ABI_LOCKED = 12,          /* another process holds the lock */
    ABI_INCONCLUSIVE = 13,    /* nothing could be decided */
    ABI_CANCELLED = 14,       /* the work was cancelled */
    ABI_INTERNAL = 15         /* a bug */
};

/* A failure. Immutable. */
typedef struct abi_error abi_error;
/* Never ABI_OK, but for NULL. */
ABI_API abi_code abi_error_code(const abi_error* error);
/* What failed and why, in one line without a full stop. Lives as long as the error; "" for NULL. */
ABI_API const char* abi_error_message(const abi_error* error);
/* What to do about it; "" when nothing useful can be said. Lives as long as the error. */
ABI_API const char* abi_error_hint(const abi_error* error);
/* NULL is allowed. */
ABI_API void abi_error_free(abi_error* error);

/* A handle on one collection of an open database. It owns its threads and files. */
typedef struct abi_db abi_db;
/* What a collection held at one moment; later writes do not change it. */
typedef struct abi_db_snapshot abi_db_snapshot;

/* What `distance` means; smaller is nearer. 0 in the options is cosine. */
enum {
    ABI_DB_L2 = 1,      /* squared Euclidean distance */
    ABI_DB_COSINE = 2,  /* 1 - cos; a zero vector is at 1 from everything */
    ABI_DB_DOT = 3,     /* the negated inner product */
    ABI_DB_HAMMING = 4, /* how many bits differ; only for bits */
    ABI_DB_JACCARD = 5  /* 1 - bits in both / bits in either; only for bits */
};

/* How vectors are stored. They come in and go out as float. */
enum {
    ABI_DB_F32 = 0,  /* every bit */
    ABI_DB_F16 = 1,  /* rounded to nearest; beyond 65,504 is ABI_INVALID_DATA */
    ABI_DB_BF16 = 2, /* rounded to nearest */
    ABI_DB_INT8 = 3, /* whole numbers from -128 to 127, else ABI_INVALID_DATA */
    ABI_DB_BITS = 4  /* 0 or 1, else ABI_INVALID_DATA */
};

enum { ABI_DB_READ = 0, ABI_DB_READ_WRITE = 1 };

/* When a commit returns, and so what a power cut may take; what is left is whole in any case, and
 * a crash of the program takes nothing. */
enum {
    ABI_DB_SYNC_FULL = 0,   /* once it is on the disk: nothing */
    ABI_DB_SYNC_NORMAL = 1, /* once the system has it; the disk follows after 8 MiB or a second */
    ABI_DB_SYNC_OFF = 2     /* once the system has it: what came after the last checkpoint */
};

/* What happens to a row whose id is (or is not) in the collection. */
enum {
    ABI_DB_UPSERT = 0, /* replaces the old row */
    ABI_DB_INSERT = 1, /* ABI_ALREADY_EXISTS fails the whole batch */
    ABI_DB_UPDATE = 2  /* ABI_NOT_FOUND fails the whole batch */
};

typedef struct abi_db_options {
    size_t size;
    uint32_t dimension;     /* create: 1 to 65,536 */
    uint32_t metric;        /* create: ABI_DB_L2 and the others; 0 is cosine */
    uint32_t element;       /* create: ABI_DB_F32 and the others */
    uint32_t threads;       /* create, open: at most 1,024; 0 is what the process may run on */
    const char* collection; /* its name; NULL is "default" */
    const char* snapshot;   /* open for reading: the named snapshot to read; NULL is now */
    uint32_t sync;          /* open for writing: ABI_DB_SYNC_FULL and the others */
    uint32_t keep_segments; /* open for writing: 1 merges segments only in abi_db_optimize */
} abi_db_options;

/* Makes a database with one empty collection in the directory `path`, which is missing or empty,
 * and opens it for writing. ABI_ALREADY_EXISTS when there is a database already. *db belongs to
 * the caller: abi_db_close. */
ABI_API abi_code abi_db_create(const char* path, const abi_db_options* options, abi_db** db,
                               abi_error** error);
/* Opens a database: `access` is ABI_DB_READ (any number of processes) or ABI_DB_READ_WRITE (one:
 * ABI_LOCKED otherwise). `options` may be NULL. ABI_INPUT_MISSING: nothing there; ABI_NOT_FOUND: no
 * such collection or snapshot; ABI_CORRUPT; ABI_INCOMPATIBLE: written by a newer version. *db
 * belongs to the caller: abi_db_close. */
ABI_API abi_code abi_db_open(const char* path, uint32_t access, const abi_db_options* options,
                             abi_db** db, abi_error** error);
/* Frees the handle, also on failure. A handle of abi_db_create or abi_db_open checkpoints and
 * releases the lock first, after which no other handle on the database writes; nothing acknowledged
 * is lost either way. ABI_IO when it is unknown what reached the disk. Snapshots and other handles
 * stay readable. NULL is allowed. */
ABI_API abi_code abi_db_close(abi_db* db, abi_error** error);

/* Another handle on the same open database, for the collection `name`; the caller's: abi_db_close.
 * ABI_NOT_FOUND. */
ABI_API abi_code abi_db_collection(const abi_db* db, const char* name, abi_db** collection,
                                   abi_error** error);
/* Makes the collection options->collection (no NULL here); `threads` and `snapshot` are not used.
 * Durable on return. ABI_ALREADY_EXISTS. */
ABI_API abi_code abi_db_create_collection(abi_db* db, const abi_db_options* options,
                                          abi_error** error);
/* Drops a collection with all its rows; what named snapshots hold of it stays. Durable on return.
 * ABI_NOT_FOUND; the last one stays (ABI_INVALID_ARGUMENT). */
ABI_API abi_code abi_db_drop_collection(abi_db* db, const char* name, abi_error** error);
/* Keeps what all collections hold now under a name, until that is dropped; options.snapshot reads
 * it. Durable on return. ABI_ALREADY_EXISTS. */
ABI_API abi_code abi_db_create_snapshot(abi_db* db, const char* name, abi_error** error);
/* Durable on return. ABI_NOT_FOUND. */
ABI_API abi_code abi_db_drop_snapshot(abi_db* db, const char* name, abi_error** error);

/* Rows to write. The arrays stay the caller's and are not needed after the call. An array of
 * strings is NULL when no row has one; so is an entry whose row has none. */
typedef struct abi_db_rows {
    size_t size;
    size_t count;
    const float* vectors;        /* count x dimension, row-major, all finite */
    uint32_t dimension;          /* the collection's, else ABI_INCOMPATIBLE */
    const char* const* ids;      /* 1 to 1,024 bytes each; NULL takes the next free number */
    const char* const* texts;    /* at most 64 MiB each */
    const char* const* metadata; /* a JSON object each, at most 1 MiB */
} abi_db_rows;

/* What a write did, in rows. */
typedef struct abi_db_commit {
    size_t size;
    uint64_t lsn; /* number of the commit; 0 when there was nothing to do */
    uint64_t added;
    uint64_t replaced;
    uint64_t deleted;
    uint64_t missing; /* ids to delete that were not there */
} abi_db_commit;

/* Writes the rows as one atomic change, `mode` is ABI_DB_UPSERT and the others, and returns once it
 * is on disk (options.sync). On failure nothing of it is visible, now or after a crash. `commit`
 * may be NULL. `first_id` may be NULL; otherwise *first_id becomes the id of the first row, also
 * when it was assigned (rows without ids get numbers in a row), and belongs to the caller; NULL
 * without rows. ABI_INVALID_DATA: a string or number that is not allowed. ABI_IO after a failed
 * sync: the handle refuses every further write until the database is opened again. */
ABI_API abi_code abi_db_write(abi_db* db, uint32_t mode, const abi_db_rows* rows,
                              abi_db_commit* commit, char** first_id, abi_error** error);
/* Deletes rows by their ids as one atomic change that is on disk on return. Ids that are not there
 * are counted as missing. `commit` may be NULL. */
ABI_API abi_code abi_db_delete(abi_db* db, const char* const* ids, size_t count,
                               abi_db_commit* commit, abi_error** error);

/* Moves the rows of the log into a segment. */
ABI_API abi_code abi_db_checkpoint(abi_db* db, abi_error** error);
/* Merges the collection's segments into one and frees the space of deleted rows. */
ABI_API abi_code abi_db_optimize(abi_db* db, abi_error** error);
/* Checks every checksum and cross-reference of the database at `path`, open or not, and changes
 * nothing. *faults is how many were found; a failure means that the check could not run. `threads`
 * as in the options. */
ABI_API abi_code abi_db_verify(const char* path, uint32_t threads, uint64_t* faults,
                               abi_error** error);

/* Numbers a vector of the collection has; 0 for NULL. */
ABI_API uint32_t abi_db_dimension(const abi_db* db);
/* How many rows the collection has now. */
ABI_API abi_code abi_db_count(const abi_db* db, uint64_t* rows, abi_error** error);

/* A row that was read. */
typedef struct abi_db_row {
    size_t size;
    float* vector;        /* in: the caller's buffer, or NULL for no vector */
    size_t vector_floats; /* in: its length; less than the dimension: ABI_INVALID_ARGUMENT */
    char* text;        /* out: the caller's from now on (abi_db_string_free); NULL: it has none */
    size_t text_bytes; /* out: without the zero byte at the end */
    char* metadata;    /* out: a JSON object in compact form; the rest as text */
    size_t metadata_bytes; /* out */
} abi_db_row;

/* Reads the row with this id as it is now. What text and metadata pointed to before is not freed.
 * ABI_NOT_FOUND; ABI_CORRUPT. */
ABI_API abi_code abi_db_get(const abi_db* db, const char* id, abi_db_row* row, abi_error** error);

/* Takes a snapshot of the collection as it is now, which is cheap and never waits for the writer.
 * *snapshot belongs to the caller (abi_db_snapshot_free) and may outlive the handle; it keeps the
 * files that it needs. */
ABI_API abi_code abi_db_take_snapshot(const abi_db* db, abi_db_snapshot** snapshot,
                                      abi_error** error);
/* NULL is allowed. */
ABI_API void abi_db_snapshot_free(abi_db_snapshot* snapshot);
/* Rows in it; 0 for NULL. */
ABI_API uint64_t abi_db_snapshot_count(const abi_db_snapshot* snapshot);
/* As abi_db_get. */
ABI_API abi_code abi_db_snapshot_get(const abi_db_snapshot* snapshot, const char* id,
                                     abi_db_row* row, abi_error** error);

typedef struct abi_db_queries {
    size_t size;
    size_t count;
    const float* vectors; /* count x dimension, row-major, all finite */
    uint32_t dimension;   /* the collection's, else ABI_INCOMPATIBLE */
    size_t k;             /* hits wanted of each query, at least 1 */
} abi_db_queries;

/* Where hits go, the caller's arrays: query q's are at q * k and behind, nearest first. */
typedef struct abi_db_hits {
    size_t size;
    float* distances; /* count x k; INFINITY where there is no hit */
    uint64_t* rows;   /* count x k: numbers for abi_db_snapshot_id; UINT64_MAX: no hit */
    size_t* found;    /* count: hits of each query, min(k, rows of the snapshot); may be NULL */
} abi_db_hits;

/* Exact nearest rows of each query, ascending by distance, ties by insertion. All threads of the
 * handle work on it. Complexity: count x rows x dimension. ABI_INVALID_DATA: NaN or infinity in a
 * query; ABI_CORRUPT. */
ABI_API abi_code abi_db_snapshot_search(const abi_db_snapshot* snapshot,
                                        const abi_db_queries* queries, const abi_db_hits* hits,
                                        abi_error** error);
/* The id of a row number of this snapshot; row numbers mean nothing in another one. *id belongs to
 * the caller. ABI_INVALID_ARGUMENT: no row of this snapshot. */
ABI_API abi_code abi_db_snapshot_id(const abi_db_snapshot* snapshot, uint64_t row, char** id,
                                    abi_error** error);

/* Frees a string that this interface gave. NULL is allowed. */
ABI_API void abi_db_string_free(char* string);

#ifdef __cplusplus
}
#endif

#endif

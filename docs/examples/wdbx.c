/* A database embedded in a C program: makes it, writes three rows, finds the nearest to a query.
 * Usage: wdbx FOLDER, where FOLDER is missing or empty. docs/howto/embed-wdbx.md says how to build
 * it. */
#include <inttypes.h>
#include <stdio.h>

#include <abi/storage/wdbx.h>

enum { kDimension = 2, kHits = 2 };

static int told(abi_error* error) {
    fprintf(stderr, "wdbx: %s\n", abi_error_message(error));
    abi_error_free(error);
    return 1;
}

static abi_code fill(abi_db* db, abi_error** error) {
    static const float vectors[3 * kDimension] = {0, 0, 3, 4, 6, 8};
    static const char* const ids[3] = {"origin", "middle", "far"};
    static const char* const metadata[3] = {NULL, "{\"colour\": \"red\"}", NULL};
    const abi_db_rows rows = {.size = sizeof rows,
                              .count = 3,
                              .vectors = vectors,
                              .dimension = kDimension,
                              .ids = ids,
                              .metadata = metadata};
    return abi_db_write(db, ABI_DB_UPSERT, &rows, NULL, NULL, error);
}

static abi_code print_nearest(const abi_db_snapshot* snapshot, abi_error** error) {
    static const float query[kDimension] = {3, 3};
    float distances[kHits];
    uint64_t numbers[kHits];
    size_t found = 0;
    const abi_db_queries queries = {
        .size = sizeof queries, .count = 1, .vectors = query, .dimension = kDimension, .k = kHits};
    const abi_db_hits hits = {
        .size = sizeof hits, .distances = distances, .rows = numbers, .found = &found};
    abi_code code = abi_db_snapshot_search(snapshot, &queries, &hits, error);
    for (size_t i = 0; code == ABI_OK && i < found; ++i) {
        char* id = NULL;
        code = abi_db_snapshot_id(snapshot, numbers[i], &id, error);
        if (code == ABI_OK) {
            printf("%s is at %g\n", id, (double)distances[i]);
            abi_db_string_free(id);
        }
    }
    return code;
}

int main(int argc, char** argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    abi_error* error = NULL;
    abi_db* db = NULL;
    const abi_db_options options = {
        .size = sizeof options, .dimension = kDimension, .metric = ABI_DB_L2};
    if (abi_db_create(argv[1], &options, &db, &error) != ABI_OK) {
        return told(error);
    }
    abi_db_snapshot* snapshot = NULL;
    abi_code code = fill(db, &error);
    if (code == ABI_OK) {
        code = abi_db_take_snapshot(db, &snapshot, &error);
    }
    if (code == ABI_OK) {
        printf("%" PRIu64 " rows\n", abi_db_snapshot_count(snapshot));
        code = print_nearest(snapshot, &error);
    }
    abi_db_snapshot_free(snapshot);
    /* Closing reports a failure of its own only when nothing failed before. */
    const abi_code closed = abi_db_close(db, code == ABI_OK ? &error : NULL);
    return code == ABI_OK && closed == ABI_OK ? 0 : told(error);
}

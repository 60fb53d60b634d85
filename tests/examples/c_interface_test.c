/* The C interface from C: every function of wdbx.h, its failures included. Usage: c_interface_test
 * PATH, where nothing is. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <abi/storage/wdbx.h>

static int failures = 0;

static void check_at(int line, int holds, const char* what) {
    if (!holds) {
        fprintf(stderr, "line %d: %s\n", line, what);
        ++failures;
    }
}
#define CHECK(condition) check_at(__LINE__, (condition) != 0, #condition)

/* The call succeeded; what follows would make no sense without it. */
static void need_at(int line, abi_code code, abi_error* error) {
    if (code != ABI_OK) {
        fprintf(stderr, "line %d: %d: %s\n", line, (int)code, abi_error_message(error));
        exit(1);
    }
}
#define NEED(call) need_at(__LINE__, (call), error)

/* The call failed so, told the same to the error, and said something. */
static void fails_at(int line, abi_code code, abi_code expected, abi_error** error) {
    if (code != expected || abi_error_code(*error) != expected ||
        strlen(abi_error_message(*error)) == 0) {
        fprintf(stderr, "line %d: %d instead of %d: %s\n", line, (int)code, (int)expected,
                abi_error_message(*error));
        ++failures;
    }
    abi_error_free(*error);
    *error = NULL;
}
#define FAILS(expected, call) fails_at(__LINE__, (call), (expected), &error)

static abi_error* error = NULL;

static const float kVectors[6] = {0, 0, 3, 4, 6, 8};
static const char* const kIds[3] = {"a", "b", "c"};
static const char* const kTexts[3] = {"first", NULL, ""};
static const char* const kMetadata[3] = {"{ \"n\" : 1 }", NULL, NULL};

static abi_db_rows three_rows(void) {
    const abi_db_rows rows = {.size = sizeof rows,
                              .count = 3,
                              .vectors = kVectors,
                              .dimension = 2,
                              .ids = kIds,
                              .texts = kTexts,
                              .metadata = kMetadata};
    return rows;
}

static uint64_t count_of(const abi_db* db) {
    uint64_t rows = UINT64_MAX;
    NEED(abi_db_count(db, &rows, &error));
    return rows;
}

static void test_create(const char* path) {
    abi_db* db = NULL;
    abi_db_options options = {.size = sizeof options, .dimension = 2, .metric = ABI_DB_L2};
    FAILS(ABI_INVALID_ARGUMENT, abi_db_create(NULL, &options, &db, &error));
    FAILS(ABI_INVALID_ARGUMENT, abi_db_create(path, NULL, &db, &error));
    FAILS(ABI_INPUT_MISSING, abi_db_open(path, ABI_DB_READ, NULL, &db, &error));
    options.size = 0;
    FAILS(ABI_INVALID_ARGUMENT, abi_db_create(path, &options, &db, &error));
    struct {
        abi_db_options known;
        uint64_t later;
    } newer = {.known = {.size = sizeof newer, .dimension = 2}, .later = 1};
    FAILS(ABI_INCOMPATIBLE, abi_db_create(path, &newer.known, &db, &error));
    options.size = sizeof options;
    options.metric = 99;
    FAILS(ABI_INVALID_ARGUMENT, abi_db_create(path, &options, &db, &error));
    options.metric = ABI_DB_HAMMING;
    FAILS(ABI_INVALID_ARGUMENT, abi_db_create(path, &options, &db, &error));
    options.metric = ABI_DB_L2;
    options.threads = 100000;
    FAILS(ABI_INVALID_ARGUMENT, abi_db_create(path, &options, &db, &error));
    options.threads = 2;
    options.sync = ABI_DB_SYNC_OFF;
    FAILS(ABI_INVALID_ARGUMENT, abi_db_create(path, &options, &db, &error));
    options.sync = ABI_DB_SYNC_FULL;
    CHECK(db == NULL);
    NEED(abi_db_create(path, &options, &db, &error));
    CHECK(abi_db_dimension(db) == 2);
    CHECK(count_of(db) == 0);
    abi_db* second = NULL;
    FAILS(ABI_ALREADY_EXISTS, abi_db_create(path, &options, &second, &error));
    FAILS(ABI_LOCKED, abi_db_open(path, ABI_DB_READ_WRITE, NULL, &second, &error));
    NEED(abi_db_close(db, &error));
}

static void test_write(abi_db* db) {
    abi_db_rows rows = three_rows();
    abi_db_commit commit = {.size = sizeof commit};
    FAILS(ABI_NOT_FOUND, abi_db_write(db, ABI_DB_UPDATE, &rows, &commit, NULL, &error));
    NEED(abi_db_write(db, ABI_DB_INSERT, &rows, &commit, NULL, &error));
    CHECK(commit.added == 3 && commit.replaced == 0 && commit.lsn != 0);
    FAILS(ABI_ALREADY_EXISTS, abi_db_write(db, ABI_DB_INSERT, &rows, &commit, NULL, &error));
    char* first = NULL;
    NEED(abi_db_write(db, ABI_DB_UPSERT, &rows, &commit, &first, &error));
    CHECK(commit.added == 0 && commit.replaced == 3 && strcmp(first, "a") == 0);
    abi_db_string_free(first);
    rows.ids = NULL;
    NEED(abi_db_write(db, ABI_DB_UPSERT, &rows, &commit, &first, &error));
    CHECK(commit.added == 3 && strlen(first) > 0);
    CHECK(count_of(db) == 6);
    const char* const ids[3] = {first, "a", "nowhere"};
    NEED(abi_db_delete(db, ids, 3, &commit, &error));
    CHECK(commit.deleted == 2 && commit.missing == 1);
    abi_db_string_free(first);
    CHECK(count_of(db) == 4);
    rows.count = 0;
    NEED(abi_db_write(db, ABI_DB_UPSERT, &rows, &commit, &first, &error));
    CHECK(first == NULL && commit.lsn == 0);
    NEED(abi_db_delete(db, NULL, 0, NULL, &error));
}

static void test_write_errors(abi_db* db) {
    abi_db_rows rows = three_rows();
    FAILS(ABI_INVALID_ARGUMENT, abi_db_write(NULL, ABI_DB_UPSERT, &rows, NULL, NULL, &error));
    FAILS(ABI_INVALID_ARGUMENT, abi_db_write(db, 7, &rows, NULL, NULL, &error));
    rows.dimension = 1;
    FAILS(ABI_INCOMPATIBLE, abi_db_write(db, ABI_DB_UPSERT, &rows, NULL, NULL, &error));
    rows = three_rows();
    rows.count = SIZE_MAX / 2;
    FAILS(ABI_INVALID_ARGUMENT, abi_db_write(db, ABI_DB_UPSERT, &rows, NULL, NULL, &error));
    rows = three_rows();
    rows.vectors = NULL;
    FAILS(ABI_INVALID_ARGUMENT, abi_db_write(db, ABI_DB_UPSERT, &rows, NULL, NULL, &error));
    const float bad[6] = {0, 0, NAN, 0, 0, 0};
    rows.vectors = bad;
    FAILS(ABI_INVALID_DATA, abi_db_write(db, ABI_DB_UPSERT, &rows, NULL, NULL, &error));
    rows = three_rows();
    const char* const no_json[3] = {NULL, "{", NULL};
    rows.metadata = no_json;
    FAILS(ABI_INVALID_DATA, abi_db_write(db, ABI_DB_UPSERT, &rows, NULL, NULL, &error));
    const char* const no_object[3] = {NULL, "[1]", NULL};
    rows.metadata = no_object;
    FAILS(ABI_INVALID_DATA, abi_db_write(db, ABI_DB_UPSERT, &rows, NULL, NULL, &error));
    const char* const no_id[1] = {NULL};
    FAILS(ABI_INVALID_ARGUMENT, abi_db_delete(db, no_id, 1, NULL, &error));
    /* Without a place for the error the code alone tells. */
    CHECK(abi_db_write(db, ABI_DB_UPSERT, NULL, NULL, NULL, NULL) == ABI_INVALID_ARGUMENT);
    CHECK(count_of(db) == 4);
}

static void test_get(const abi_db* db) {
    float vector[2] = {-1, -1};
    abi_db_row row = {.size = sizeof row, .vector = vector, .vector_floats = 2};
    NEED(abi_db_get(db, "b", &row, &error));
    CHECK(vector[0] == 3.0F && vector[1] == 4.0F);
    CHECK(row.text == NULL && row.text_bytes == 0 && row.metadata == NULL);
    NEED(abi_db_get(db, "c", &row, &error));
    CHECK(row.text != NULL && row.text_bytes == 0 && strcmp(row.text, "") == 0);
    abi_db_string_free(row.text);
    FAILS(ABI_NOT_FOUND, abi_db_get(db, "a", &row, &error));
    row.vector_floats = 1;
    FAILS(ABI_INVALID_ARGUMENT, abi_db_get(db, "b", &row, &error));
    row.vector = NULL;
    NEED(abi_db_get(db, "b", &row, &error));
}

static void test_search(const abi_db_snapshot* snapshot) {
    const float vectors[4] = {3, 3, 6, 9};
    float distances[12];
    uint64_t numbers[12];
    size_t found[2] = {0, 0};
    abi_db_queries queries = {
        .size = sizeof queries, .count = 2, .vectors = vectors, .dimension = 2, .k = 6};
    const abi_db_hits hits = {
        .size = sizeof hits, .distances = distances, .rows = numbers, .found = found};
    NEED(abi_db_snapshot_search(snapshot, &queries, &hits, &error));
    CHECK(abi_db_snapshot_count(snapshot) == 4);
    CHECK(found[0] == 4 && found[1] == 4);
    CHECK(distances[0] == 1.0F && distances[6] == 1.0F);
    CHECK(isinf(distances[4]) && numbers[5] == UINT64_MAX && isinf(distances[11]));
    char* id = NULL;
    NEED(abi_db_snapshot_id(snapshot, numbers[0], &id, &error));
    CHECK(strcmp(id, "b") == 0);
    abi_db_string_free(id);
    FAILS(ABI_INVALID_ARGUMENT, abi_db_snapshot_id(snapshot, UINT64_MAX, &id, &error));
    queries.k = 0;
    FAILS(ABI_INVALID_ARGUMENT, abi_db_snapshot_search(snapshot, &queries, &hits, &error));
    queries.k = 1;
    queries.dimension = 3;
    FAILS(ABI_INCOMPATIBLE, abi_db_snapshot_search(snapshot, &queries, &hits, &error));
}

static void test_snapshots(const char* path, abi_db* db) {
    NEED(abi_db_create_snapshot(db, "before", &error));
    FAILS(ABI_ALREADY_EXISTS, abi_db_create_snapshot(db, "before", &error));
    abi_db_snapshot* snapshot = NULL;
    NEED(abi_db_take_snapshot(db, &snapshot, &error));
    const char* const ids[1] = {"b"};
    NEED(abi_db_delete(db, ids, 1, NULL, &error));
    CHECK(count_of(db) == 3);
    test_search(snapshot);
    abi_db_row row = {.size = sizeof row};
    NEED(abi_db_snapshot_get(snapshot, "b", &row, &error));
    FAILS(ABI_NOT_FOUND, abi_db_get(db, "b", &row, &error));
    abi_db_snapshot_free(snapshot);

    const abi_db_options options = {.size = sizeof options, .snapshot = "before"};
    abi_db* old = NULL;
    FAILS(ABI_INVALID_ARGUMENT, abi_db_open(path, ABI_DB_READ_WRITE, &options, &old, &error));
    NEED(abi_db_open(path, ABI_DB_READ, &options, &old, &error));
    CHECK(count_of(old) == 4);
    NEED(abi_db_close(old, &error));
    NEED(abi_db_drop_snapshot(db, "before", &error));
    FAILS(ABI_NOT_FOUND, abi_db_drop_snapshot(db, "before", &error));
}

static void test_collections(abi_db* db) {
    abi_db_options options = {
        .size = sizeof options, .dimension = 8, .metric = ABI_DB_HAMMING, .element = ABI_DB_BITS};
    FAILS(ABI_INVALID_ARGUMENT, abi_db_create_collection(db, &options, &error));
    options.collection = "bits";
    NEED(abi_db_create_collection(db, &options, &error));
    FAILS(ABI_ALREADY_EXISTS, abi_db_create_collection(db, &options, &error));
    abi_db* bits = NULL;
    FAILS(ABI_NOT_FOUND, abi_db_collection(db, "bytes", &bits, &error));
    NEED(abi_db_collection(db, "bits", &bits, &error));
    CHECK(abi_db_dimension(bits) == 8);
    const float vector[8] = {1, 0, 1, 0, 1, 0, 1, 1};
    const abi_db_rows rows = {
        .size = sizeof rows, .count = 1, .vectors = vector, .dimension = 8, .metadata = kMetadata};
    char* id = NULL;
    NEED(abi_db_write(bits, ABI_DB_UPSERT, &rows, NULL, &id, &error));
    float back[8];
    abi_db_row row = {.size = sizeof row, .vector = back, .vector_floats = 8};
    NEED(abi_db_get(bits, id, &row, &error));
    CHECK(memcmp(back, vector, sizeof back) == 0);
    CHECK(row.metadata_bytes == strlen("{\"n\":1}") && strcmp(row.metadata, "{\"n\":1}") == 0);
    abi_db_string_free(row.metadata);
    abi_db_string_free(id);
    NEED(abi_db_close(bits, &error));
    CHECK(count_of(db) == 3);
    NEED(abi_db_drop_collection(db, "bits", &error));
    FAILS(ABI_NOT_FOUND, abi_db_drop_collection(db, "bits", &error));
    FAILS(ABI_INVALID_ARGUMENT, abi_db_drop_collection(db, "default", &error));
}

static void test_care(const char* path, abi_db* db) {
    NEED(abi_db_checkpoint(db, &error));
    NEED(abi_db_optimize(db, &error));
    CHECK(count_of(db) == 3);
    abi_db_snapshot* snapshot = NULL;
    NEED(abi_db_take_snapshot(db, &snapshot, &error));
    abi_db* other = NULL;
    NEED(abi_db_collection(db, "default", &other, &error));
    NEED(abi_db_close(db, &error));
    const abi_db_rows rows = three_rows();
    CHECK(abi_db_write(other, ABI_DB_UPSERT, &rows, NULL, NULL, NULL) != ABI_OK);
    CHECK(count_of(other) == 3);
    NEED(abi_db_close(other, &error));
    float vector[2];
    abi_db_row row = {.size = sizeof row, .vector = vector, .vector_floats = 2};
    NEED(abi_db_snapshot_get(snapshot, "c", &row, &error)); /* it outlives its database */
    CHECK(vector[1] == 8.0F);
    abi_db_string_free(row.text);
    abi_db_snapshot_free(snapshot);
    uint64_t faults = UINT64_MAX;
    NEED(abi_db_verify(path, 1, &faults, &error));
    CHECK(faults == 0);
    FAILS(ABI_INPUT_MISSING, abi_db_verify("/nowhere/at/all", 1, &faults, &error));
}

static void test_null(void) {
    CHECK(abi_error_code(NULL) == ABI_OK && strcmp(abi_error_message(NULL), "") == 0);
    CHECK(strcmp(abi_error_hint(NULL), "") == 0);
    abi_error_free(NULL);
    abi_db_string_free(NULL);
    abi_db_snapshot_free(NULL);
    CHECK(abi_db_close(NULL, &error) == ABI_OK);
    CHECK(abi_db_dimension(NULL) == 0 && abi_db_snapshot_count(NULL) == 0);
    FAILS(ABI_INVALID_ARGUMENT, abi_db_checkpoint(NULL, &error));
    FAILS(ABI_INVALID_ARGUMENT, abi_db_optimize(NULL, &error));
}

int main(int argc, char** argv) {
    if (argc != 2) {
        return 2;
    }
    test_null();
    test_create(argv[1]);
    abi_db* db = NULL;
    abi_db_options open = {.size = sizeof open, .sync = ABI_DB_SYNC_OFF + 1};
    FAILS(ABI_INVALID_ARGUMENT, abi_db_open(argv[1], ABI_DB_READ_WRITE, &open, &db, &error));
    open.sync = ABI_DB_SYNC_NORMAL;
    open.keep_segments = 1;
    NEED(abi_db_open(argv[1], ABI_DB_READ_WRITE, &open, &db, &error));
    test_write(db);
    test_write_errors(db);
    test_get(db);
    test_snapshots(argv[1], db);
    test_collections(db);
    test_care(argv[1], db);
    return failures == 0 ? 0 : 1;
}

// Names of sync modes.
#include <abi/storage/sync.hpp>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

TEST_SUITE("storage") {
    TEST_CASE("sync: every mode has a name that leads back to it") {
        for (const SyncMode mode : {SyncMode::kFull, SyncMode::kNormal, SyncMode::kOff}) {
            CHECK(must(parse_sync_mode(sync_mode_name(mode))) == mode);
        }
        for (const char* const name : {"", "Full", "on", "fullest"}) {
            const Error error = error_of(parse_sync_mode(name));
            CHECK(error.code() == Code::kInvalidArgument);
            CHECK(error.message() == "unknown sync mode '" + std::string(name) + "'");
        }
    }
}

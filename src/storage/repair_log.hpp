// A log that may be damaged anywhere: every whole record of it, and what lies between. Read
// repair.cpp next.
#pragma once

#include <string>
#include <vector>

#include <abi/core/context.hpp>

#include "log.hpp"

namespace abikit::storage {

// Bytes of a log that hold no whole record.
struct LogGap {
    std::uint64_t begin = 0, end = 0;
    std::uint64_t lsn_before = 0, lsn_after = 0;  // of the records around it; after: 0 at the end
    bool was_durable = false;                     // a record behind it, or the mark, says so
};

struct ScannedLog {
    std::vector<std::uint64_t> bytes;  // what the payloads point into; words for the alignment
    bool header_intact = false;
    std::vector<LogRecord> records;  // in order, LSNs ascending from `after` on
    std::vector<LogGap> gaps;        // in order
};

// Takes every record whose header and payload pass their checksums and whose LSN goes on.
Result<ScannedLog> scan_log(const Context& context, const std::string& path,
                            const LogIdentity& identity, std::uint64_t after);

}  // namespace abikit::storage

// The write-ahead log. An even first byte: the rest stands behind a sound file header as it is. An
// odd one: the rest is cut into records that are written soundly, and then one byte is flipped.
#include <abi/core/fs_memory.hpp>

#include "storage/log.hpp"
#include "storage_fuzz.hpp"

using namespace abikit;
using namespace abikit::storage;
using abikit::storage::fuzz::require;

namespace {

const std::string kPath = "/log";

LogIdentity identity() {
    LogIdentity made;
    made.number = 1;
    made.salt = 0x5eed5eed12345678u;
    return made;
}

struct Read {
    std::vector<std::string> payloads;
    std::uint64_t end = 0, last_lsn = 0;
};

// nullopt: damaged.
std::optional<Read> read_log(FileSystem& fs) {
    auto reader = LogReader::open(fs, kPath, identity());
    require(reader.has_value() || reader.error().code() != Code::kInternal);
    if (!reader) {
        return std::nullopt;
    }
    Read all;
    while (true) {
        const auto record = reader->next();
        if (!record) {
            require(record.error().code() == Code::kCorrupt);
            return std::nullopt;
        }
        if (!*record) {
            break;
        }
        require((*record)->lsn > all.last_lsn);
        require((*record)->offset >= all.end);
        all.last_lsn = (*record)->lsn;
        all.payloads.emplace_back((*record)->payload);
        all.end = reader->end();
    }
    all.end = reader->end();
    require(all.end % 8 == 0);
    return all;
}

Status append(FileSystem& fs, std::uint64_t end, std::uint64_t lsn, std::string_view payload) {
    ABI_TRY(const auto log, LogWriter::open(fs, kPath, identity(), end));
    const std::array<std::span<const std::byte>, 1> pieces{as_bytes(payload)};
    return log->append(RecordType::kBatch, lsn, 0, pieces);
}

// Whatever was read: one more record can follow it, and nothing else changes.
void check_goes_on(FileSystem& fs, const Read& before) {
    if (before.last_lsn == ~std::uint64_t{0}) {
        return;
    }
    require(append(fs, before.end, before.last_lsn + 1, "one more").has_value());
    const auto after = read_log(fs);
    require(after.has_value() && after->payloads.size() == before.payloads.size() + 1);
    for (std::size_t i = 0; i < before.payloads.size(); ++i) {
        require(after->payloads[i] == before.payloads[i]);
    }
    require(after->payloads.back() == "one more");
}

void raw_tail(std::string_view bytes) {
    MemoryFileSystem fs;
    require(create_log(fs, kPath, identity()).has_value());
    const auto file = fs.open(kPath, OpenMode::kReadWrite);
    require((*file)->write_at(kLogHeaderBytes, as_bytes(bytes)).has_value());
    if (const auto read = read_log(fs)) {
        check_goes_on(fs, *read);
    }
}

void damaged_records(std::string_view bytes) {
    MemoryFileSystem fs;
    require(create_log(fs, kPath, identity()).has_value());
    std::vector<std::string> payloads;
    Read state{{}, kLogHeaderBytes, 0};
    while (bytes.size() > 3 && payloads.size() < 8) {
        const std::size_t length = static_cast<unsigned char>(bytes[0]);
        payloads.emplace_back(bytes.substr(1, length));
        bytes.remove_prefix(std::min(bytes.size(), length + 1));
        require(append(fs, state.end, payloads.size(), payloads.back()).has_value());
        state = *read_log(fs);
    }
    require(state.payloads == payloads);
    const auto file = fs.open(kPath, OpenMode::kReadWrite);
    const std::uint64_t size = *(*file)->size();
    std::uint64_t at = 0;
    for (const char c : bytes) {
        at = at * 256 + static_cast<unsigned char>(c);
    }
    std::byte damaged{};
    at %= size;
    require((*file)->read_at(at, std::span(&damaged, 1)).has_value());
    damaged ^= std::byte{0x04};
    require((*file)->write_at(at, std::span(&damaged, 1)).has_value());
    const auto read = read_log(fs);
    if (!read) {
        return;
    }
    // Cut off, or damaged where nothing depends on it: never another payload.
    require(read->payloads.size() + 1 >= payloads.size());
    for (std::size_t i = 0; i < read->payloads.size(); ++i) {
        require(read->payloads[i] == payloads[i]);
    }
    check_goes_on(fs, *read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view rest = fuzz::text_of(data + 1, size - 1);
    (data[0] & 1U) == 0 ? raw_tail(rest) : damaged_records(rest);
    return 0;
}

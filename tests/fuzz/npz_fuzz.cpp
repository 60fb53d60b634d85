// The .npz reader: batches keep their contract, and a pipe gives what a mapped file gives. So that
// damage also gets past the checksums, the members that were found are zipped anew as well.
#include <cstdint>
#include <string>
#include <string_view>

#include "../unit/data/record_dump.hpp"
#include "data/zip_directory.hpp"
#include "data/zip_writer.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

void check(std::string_view file) {
    const Dump mapped = read_text(Format::kNpz, file, {}, 3);
    TrickleSource trickle(file);
    const Dump piped = read_all(Format::kNpz, trickle, {}, 1000);
    require(mapped.broken.empty() && piped.broken.empty());
    require(same_outcome(mapped, piped));
    require(mapped.code.has_value() ||
            mapped.rows.size() + mapped.rejected.size() == mapped.rows_total);
}

// The packed bytes of every member, stored, with the checksums that they need.
std::string repaired(const std::vector<ZipMember>& members) {
    std::string out;
    const auto sink = string_sink(out);
    ZipWriter zip(*sink);
    for (const ZipMember& member : members) {
        require(zip.begin(member.name, ZipMethod::kStored, member.packed.size()).has_value());
        require(zip.write(member.packed).has_value());
        require(zip.end().has_value());
    }
    require(zip.finish().has_value());
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view file(reinterpret_cast<const char*>(data), size);
    check(file);
    const auto members = read_zip_directory(std::as_bytes(std::span(file)));
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; members && i < members->size(); ++i) {
        bytes += (*members)[i].packed.size();  // entries may share their bytes
    }
    constexpr std::uint64_t kMost = std::uint64_t{4} << 20;
    if (members && bytes <= kMost) {
        check(repaired(*members));
    }
    return 0;
}

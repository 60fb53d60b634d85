// A ZIP file written as a stream: members one after the other, then the table of contents. Sizes
// and checksums follow each member's bytes, zip64 where 32 bits do not hold them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/error.hpp>
#include <abi/core/io.hpp>

#include "zip_directory.hpp"

namespace abikit::data {

// Single thread. The sink must outlive it. The same members give the same bytes: no times, no
// names of users.
class ZipWriter {
public:
    explicit ZipWriter(ByteSink& sink);
    ~ZipWriter();
    ZipWriter(const ZipWriter&) = delete;
    ZipWriter& operator=(const ZipWriter&) = delete;

    // `size_bytes` is exactly what write() will get. A stored member's bytes begin at a multiple of
    // 64, so that a reader can use them as they lie in a mapping.
    Status begin(std::string_view name, ZipMethod method, std::uint64_t size_bytes);
    Status write(std::span<const std::byte> bytes);
    // Ends the member; kInvalidArgument when its size is not the announced one.
    Status end();
    // Writes the table of contents and flushes the sink.
    Status finish();

private:
    struct Entry {
        std::string name;
        ZipMethod method = ZipMethod::kStored;
        std::uint64_t offset = 0;
        std::uint64_t announced_bytes = 0;
        std::uint64_t size_bytes = 0;
        std::uint64_t packed_bytes = 0;
        std::uint32_t crc32 = 0;
        bool is_large = false;  // zip64
    };
    class Deflater;

    Status emit(std::span<const std::byte> bytes);
    Status emit(std::string_view text) { return emit(std::as_bytes(std::span(text))); }
    Status pack(std::span<const std::byte> bytes, bool last);

    ByteSink& sink_;
    std::uint64_t offset_ = 0;
    std::vector<Entry> entries_;
    std::unique_ptr<Deflater> deflater_;  // made by the first deflated member
};

}  // namespace abikit::data

// One column of strings in a .npz file: an array of fixed-width text, bytes or integers, or UTF-8
// bytes with an array of ends. docs/formats/records.md says how they are told apart.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/data/record.hpp>

#include "input_buffer.hpp"
#include "zip_directory.hpp"

namespace abikit::data {

enum class ColumnUse { kId, kText, kMetadata };

// A value that cannot be taken.
struct ColumnFault {
    std::size_t row = 0;  // within the batch
    std::string reason;
};

// Read once, from the first row on. Single thread. Errors are kCorrupt, with the member's name.
class NpzColumn {
public:
    virtual ~NpzColumn() = default;
    virtual std::uint64_t rows() const noexcept = 0;
    // How many of the next `rows` rows fit into a batch, at least one. Precondition: rows >= 1 and
    // so many are left.
    virtual Result<std::size_t> fit(std::size_t rows) = 0;
    // Appends the next rows, as many as fit() said at most. `present` holds a byte a row where
    // texts may be absent, else nothing. An empty id or metadata is absent; a faulty value too.
    virtual Status read(std::size_t rows, std::span<const std::byte> present, StringColumn& out,
                        std::vector<ColumnFault>& faults) = 0;
};

// The members outlive the column. kIncompatible for an array of another kind or shape.
Result<std::unique_ptr<NpzColumn>> open_npz_array_column(const ZipMember& member, ColumnUse use);
Result<std::unique_ptr<NpzColumn>> open_npz_utf8_column(const ZipMember& bytes,
                                                        const ZipMember& ends, ColumnUse use);

// A member that is an array with one axis; its header is read, and its size is what that promises.
struct NpzArray {
    std::string name;
    std::unique_ptr<ByteSource> source;
    std::unique_ptr<InputBuffer> input;  // behind the header
    char kind = 0;                       // numpy's: 'U', 'S', 'i', 'u', 'b'
    bool is_big_endian = false;
    std::uint64_t rows = 0;
    std::uint64_t width = 0;  // bytes an element

    // The bytes of the next `count` elements; valid until the next call.
    Result<std::span<const std::byte>> take(std::size_t count);
};
Result<NpzArray> open_npz_array(const ZipMember& member);

}  // namespace abikit::data

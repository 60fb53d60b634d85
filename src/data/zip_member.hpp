// The bytes of one member of a ZIP file as a source: as they lie where stored, inflated piece by
// piece otherwise.
#pragma once

#include <memory>

#include <abi/core/io.hpp>

#include "zip_directory.hpp"

namespace abikit::data {

// Reads the whole member once, in bounded memory, and compares its size and CRC-32. kCorrupt with
// the member's place in the file.
Status check_zip_member(const ZipMember& member);

// The bytes of a member, which must outlive the source. mapped() where it is stored; size() always.
std::unique_ptr<ByteSource> open_zip_member(const ZipMember& member);

}  // namespace abikit::data

// Byte streams: where readers read from and writers write to. Files give them (fs.hpp), so do
// stdin, stdout and memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit {

// A stream of bytes to read. Single thread.
class ABI_API ByteSource {
public:
    virtual ~ByteSource() = default;
    // Reads up to out.size() bytes and returns how many; 0 means the end. May return fewer than
    // asked before the end.
    virtual Result<std::size_t> read(std::span<std::byte> out) = 0;
    // Total length in bytes where it is known (a regular file), for progress and for mapped
    // reading.
    virtual std::optional<std::uint64_t> size() const = 0;
    // The whole content when it lies in memory already (a mapped file); empty otherwise. Valid
    // while the source lives.
    virtual std::optional<std::span<const std::byte>> mapped() const = 0;
};

// A stream of bytes to write. Single thread. Buffers freely until flush().
class ABI_API ByteSink {
public:
    virtual ~ByteSink() = default;
    virtual Status write(std::span<const std::byte> bytes) = 0;
    virtual Status flush() = 0;
    Status write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
};

// A source over bytes that the caller keeps alive. mapped() returns them.
ABI_API std::unique_ptr<ByteSource> memory_source(std::span<const std::byte> bytes);
// A sink that appends to `out`, which the caller keeps alive.
ABI_API std::unique_ptr<ByteSink> string_sink(std::string& out);
// The process's standard input, read as it comes: read() returns what one system call gives, so a
// line typed at a terminal or written into a pipe arrives at once. A signal handler installed
// without SA_RESTART makes a waiting read fail as kCancelled. size() is what is left of a
// redirected regular file. At most one at a time: what it has buffered is gone with it.
ABI_API std::unique_ptr<ByteSource> stdin_source();
// A sink on standard output with a 64 KiB buffer; flush() hands everything to the system (no sync).
// What was not flushed at destruction is dropped. When the reader has gone away the error is one
// that is_broken_pipe() recognises, provided SIGPIPE is ignored.
ABI_API std::unique_ptr<ByteSink> stdout_sink();
// Whether writing failed because nobody reads any more (EPIPE), so that the command line can end
// quietly. Such an error is kIo and its innermost message ends in ": broken pipe", whatever the
// locale; contexts and hints added on the way do not hide it.
ABI_API bool is_broken_pipe(const Error& error) noexcept;

}  // namespace abikit

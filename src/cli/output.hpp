// Where results go: standard output, or a file that appears whole or not at all.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <abi/core/fs.hpp>
#include <abi/core/io.hpp>

namespace abikit::cli {

// Whether a file of that name can be created: its directory is there and it is no directory itself.
// Told before the work begins rather than after it.
Status check_place(FileSystem& fs, const std::string& path);

// Writes a whole small file: atomically, except into what is no regular file, such as /dev/null,
// which is written into and never replaced.
Status write_whole(FileSystem& fs, const std::string& path, std::string_view text);

// The destination of one run. As a sink it is for commands that stream; a report that follows goes
// to the same place. Nothing stands under the file's name before commit(). Single thread.
class Output final : public ByteSink {
public:
    using ByteSink::write;

    // `path` "" or "-" is standard output. Both references outlive this.
    Output(FileSystem& fs, ByteSink& standard, std::string path);
    // Takes away what was streamed into a file and not committed.
    ~Output() override;
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    Status write(std::span<const std::byte> bytes) override;
    Status flush() override;
    bool to_file() const noexcept { return !path_.empty(); }

    // The rendered report: after what was streamed, or as the whole file.
    Status write_report(std::string_view text);
    // Makes what was streamed durable under its name; flushes standard output.
    Status commit();

private:
    Status open();

    FileSystem& fs_;
    ByteSink& standard_;
    std::string path_;
    std::string partial_;  // name while being written; path_ itself for a device
    std::unique_ptr<ByteSink> sink_;
};

}  // namespace abikit::cli

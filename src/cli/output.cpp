// Standard output, or FILE by way of FILE.partial.
#include "output.hpp"

#include <fmt/format.h>

#include <abi/core/memory.hpp>

namespace abikit::cli {
namespace {

// A device or a pipe: written into as it is.
bool is_special(FileSystem& fs, const std::string& path) {
    const auto info = fs.stat(path);
    return info && info->has_value() && (*info)->kind == FileKind::kOther;
}

}  // namespace

Status check_place(FileSystem& fs, const std::string& path) {
    ABI_TRY(const auto info, fs.stat(path));
    if (info && info->kind == FileKind::kDirectory) {
        return fail(Code::kIo, fmt::format("cannot write '{}': it is a directory", path),
                    "name a file");
    }
    const std::string directory = parent_path(path);
    ABI_TRY(const auto parent, fs.stat(directory));
    if (!parent || parent->kind != FileKind::kDirectory) {
        return fail(Code::kIo, fmt::format("cannot write '{}': no directory '{}'", path, directory),
                    "create the directory first");
    }
    return {};
}

Status write_whole(FileSystem& fs, const std::string& path, std::string_view text) {
    if (!is_special(fs, path)) {
        return fs.replace_file(path, std::as_bytes(std::span(text)));
    }
    ABI_TRY(const auto file, fs.open(path, OpenMode::kReadWrite));
    return file->write_at(0, std::as_bytes(std::span(text)));
}

Output::Output(FileSystem& fs, ByteSink& standard, std::string path)
    : fs_(fs), standard_(standard), path_(path == "-" ? std::string() : std::move(path)) {}

Output::~Output() {
    if (sink_ != nullptr && partial_ != path_) {
        sink_.reset();
        if (auto removed = fs_.remove(partial_); !removed) {
            return;  // the command failed already; a left-over .partial says the rest
        }
    }
}

Status Output::open() {
    if (!to_file() || sink_ != nullptr) {
        return {};
    }
    partial_ = is_special(fs_, path_) ? path_ : path_ + ".partial";
    ABI_TRY(sink_, fs_.open_sink(partial_));
    return {};
}

Status Output::write(std::span<const std::byte> bytes) {
    // The streams' buffers outlive the command: they are no leak of its room.
    const RoomScope room(Room::kReport);
    ABI_CHECK(open());
    return to_file() ? sink_->write(bytes) : standard_.write(bytes);
}

// Streams are flushed so that a reader sees them; a file is of use only when it is whole.
Status Output::flush() {
    return to_file() ? Status() : standard_.flush();
}

Status Output::write_report(std::string_view text) {
    if (to_file() && sink_ == nullptr) {
        return write_whole(fs_, path_, text);
    }
    return write(std::as_bytes(std::span(text)));
}

Status Output::commit() {
    if (!to_file()) {
        return standard_.flush();
    }
    if (sink_ == nullptr) {
        return {};
    }
    ABI_CHECK(sink_->flush());
    if (partial_ != path_) {
        ABI_CHECK(fs_.rename(partial_, path_));
    }
    sink_.reset();
    return partial_ == path_ ? Status() : fs_.sync_directory(parent_path(path_));
}

}  // namespace abikit::cli

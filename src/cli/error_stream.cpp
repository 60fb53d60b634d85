// Lines and the status line on standard error.
#include "error_stream.hpp"

#include <new>

namespace abikit::cli {
namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";

}  // namespace

void ErrorStream::put(std::string_view text) noexcept {
    if (auto status = sink_->write(text); status) {
        status = sink_->flush();
    }
}

void ErrorStream::line(std::string_view text) noexcept {
    const std::lock_guard lock(mutex_);
    try {
        std::string whole(status_.empty() ? "" : kClearLine);
        whole += text;
        if (text.empty() || text.back() != '\n') {
            whole += '\n';
        }
        put(whole + status_);
    } catch (const std::bad_alloc&) {
        put(text);  // out of memory: the message matters more than the layout
        put("\n");
    }
}

void ErrorStream::status(std::string_view text) noexcept {
    const std::lock_guard lock(mutex_);
    if (text.empty() && status_.empty()) {
        return;
    }
    try {
        put(std::string(kClearLine) + std::string(text));
        std::string(text).swap(status_);  // an assignment would keep the old memory
    } catch (const std::bad_alloc&) {
        return;  // the line stays as it was
    }
}

}  // namespace abikit::cli

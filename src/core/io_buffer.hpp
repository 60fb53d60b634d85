// A read buffer that several sources share: small reads are served from it, large ones go straight
// through. Private to core; the users are fs.cpp and os_file_stdio.cpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

#include <abi/core/error.hpp>

namespace abikit {

class ReadBuffer {
public:
    explicit ReadBuffer(std::size_t capacity) : capacity_(capacity) {}

    // Reads into `out`; `fill(span)` is called at most once, and never when bytes are at hand or
    // after it returned 0: a terminal would ask its user for a second end of input.
    template <class Fill>
    Result<std::size_t> read(std::span<std::byte> out, Fill&& fill) {
        if (out.empty() || (begin_ == end_ && at_end_)) {
            return std::size_t{0};
        }
        if (begin_ == end_) {
            if (out.size() >= capacity_) {
                return note_end(fill(out));
            }
            if (!bytes_) {
                bytes_ = std::make_unique_for_overwrite<std::byte[]>(capacity_);
            }
            ABI_TRY(end_, note_end(fill(std::span(bytes_.get(), capacity_))));
            begin_ = 0;
        }
        const std::size_t count = std::min(out.size(), end_ - begin_);
        if (count != 0) {
            std::memcpy(out.data(), bytes_.get() + begin_, count);
        }
        begin_ += count;
        return count;
    }

private:
    Result<std::size_t> note_end(Result<std::size_t> count) {
        at_end_ = count.has_value() && *count == 0;
        return count;
    }

    std::size_t capacity_;
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool at_end_ = false;
};

// The write side: collects small writes, passes large ones through. `drain(span)` must take all.
class WriteBuffer {
public:
    explicit WriteBuffer(std::size_t capacity) : capacity_(capacity) {}

    template <class Drain>
    Status write(std::span<const std::byte> bytes, Drain&& drain) {
        if (bytes.size() > capacity_ - used_) {
            ABI_CHECK(flush(drain));
        }
        // What does not fit would be copied for nothing.
        if (bytes.size() >= capacity_) {
            return drain(bytes);
        }
        if (!bytes_) {
            bytes_ = std::make_unique_for_overwrite<std::byte[]>(capacity_);
        }
        if (!bytes.empty()) {
            std::memcpy(bytes_.get() + used_, bytes.data(), bytes.size());
        }
        used_ += bytes.size();
        return {};
    }

    template <class Drain>
    Status flush(Drain&& drain) {
        if (used_ == 0) {
            return {};
        }
        const std::span<const std::byte> pending(bytes_.get(), used_);
        used_ = 0;
        return drain(pending);
    }

private:
    std::size_t capacity_;
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t used_ = 0;
};

}  // namespace abikit

// A window onto a ByteSource: looks ahead without losing what was read. Over a mapped source it
// gives views of the mapping and copies nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <abi/core/io.hpp>

namespace abikit::data {

// Single thread. The source must outlive it.
class InputBuffer {
public:
    explicit InputBuffer(ByteSource& source);
    InputBuffer(InputBuffer&&) noexcept = default;  // a moved vector keeps its address
    InputBuffer(const InputBuffer&) = delete;
    InputBuffer& operator=(const InputBuffer&) = delete;

    // At least `count` bytes from the position on, fewer only at the end of the input; all that is
    // at hand. Valid until the next peek. A caller that may be lied to about sizes asks in steps.
    Result<std::span<const std::byte>> peek(std::size_t count);
    // Steps over bytes that peek has shown.
    void consume(std::size_t count) noexcept;
    // Reads on past the window until the end and returns how many bytes remained.
    Result<std::uint64_t> drain();

    std::uint64_t position() const noexcept { return position_; }
    bool is_mapped() const noexcept { return mapped_; }

private:
    ByteSource& source_;
    bool mapped_ = false;
    bool ended_ = false;
    std::span<const std::byte> window_;  // what is at hand and not consumed
    std::vector<std::byte> buffer_;      // window_ points into it unless mapped
    std::uint64_t position_ = 0;
};

}  // namespace abikit::data

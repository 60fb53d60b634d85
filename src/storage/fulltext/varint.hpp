// Numbers of seven bits a byte, lowest first, the high bit set on all but the last (LEB128).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace abikit::storage::fulltext {

inline void put_varint(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) {
        out += static_cast<char>(value | 0x80U);
    }
    out += static_cast<char>(value);
}

// Reads numbers from untrusted bytes. Past the end, or with a number above 64 bits, ok() turns
// false and everything reads as zero.
class VarintReader {
public:
    VarintReader() = default;
    explicit VarintReader(std::span<const std::byte> bytes)
        : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    std::uint64_t get() noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
            const auto byte = static_cast<std::uint64_t>(*at_++);
            value |= (byte & 0x7FU) << shift;
            if (byte < 0x80) {
                return value;
            }
        }
        ok_ = false;
        at_ = end_;
        return 0;
    }
    // The same for what must fit 32 bits.
    std::uint32_t get32() noexcept {
        const std::uint64_t value = get();
        ok_ = ok_ && value <= 0xFFFFFFFFU;
        return ok_ ? static_cast<std::uint32_t>(value) : 0;
    }
    void skip(std::uint64_t numbers) noexcept {
        for (; numbers != 0 && at_ != end_; ++at_) {
            numbers -= static_cast<std::uint8_t>(*at_) < 0x80 ? 1U : 0U;
        }
        ok_ = ok_ && numbers == 0;
    }
    std::span<const std::byte> bytes(std::size_t count) noexcept {
        if (count > static_cast<std::size_t>(end_ - at_)) {
            ok_ = false;
            at_ = end_;
            return {};
        }
        at_ += count;
        return {at_ - count, count};
    }
    bool ok() const noexcept { return ok_; }
    bool empty() const noexcept { return at_ == end_; }

private:
    const std::byte* at_ = nullptr;
    const std::byte* end_ = nullptr;
    bool ok_ = true;
};

}  // namespace abikit::storage::fulltext

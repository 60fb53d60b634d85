// What the entries of the store share: a trap, and bytes aligned as files and payloads are.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace abikit::storage::fuzz {

inline void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// A copy that begins at a multiple of eight.
class Aligned {
public:
    explicit Aligned(std::string_view bytes) : words_(bytes.size() / 8 + 1), size_(bytes.size()) {
        if (size_ != 0) {
            std::memcpy(words_.data(), bytes.data(), size_);
        }
    }
    std::string_view bytes() const { return {reinterpret_cast<const char*>(words_.data()), size_}; }

private:
    std::vector<std::uint64_t> words_;
    std::size_t size_;
};

}  // namespace abikit::storage::fuzz

// What the entries of the byte kernels share: every instruction set of the machine, and a copy of
// the input that ends with its allocation and begins at an odd address.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include <abi/simd/targets.hpp>

namespace abikit::fuzz {

inline void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

template <class Check>
void on_every_target(Check check) {
    static const std::vector<simd::TargetInfo> kTargets = simd::targets();
    for (const simd::TargetInfo& target : kTargets) {
        if (target.supported) {
            require(simd::force_target(target.name).has_value());
            check();
        }
    }
}

class MovedCopy {
public:
    MovedCopy(std::string_view text, std::size_t offset)
        : memory_(new char[text.size() + offset]), view_(memory_.get() + offset, text.size()) {
        std::copy(text.begin(), text.end(), memory_.get() + offset);
    }
    std::string_view view() const noexcept { return view_; }

private:
    std::unique_ptr<char[]> memory_;
    std::string_view view_;
};

}  // namespace abikit::fuzz

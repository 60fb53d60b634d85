// A JSON number as it stands: 64 bits of integer, or a double. Compared by value, exactly, whatever
// the two forms are.
#pragma once

#include <bit>
#include <cstdint>

#include <abi/data/value.hpp>

namespace abikit::storage {

// Never NaN. Value semantics.
class Number {
public:
    enum class Form : std::uint8_t { kInteger = 0, kUnsigned = 1, kDouble = 2 };
    Number() = default;
    explicit Number(std::int64_t value) noexcept : bits_(std::bit_cast<std::uint64_t>(value)) {}
    // One form for each integer: kUnsigned only above the largest int64.
    explicit Number(std::uint64_t value) noexcept
        : bits_(value), form_(value >> 63 == 0 ? Form::kInteger : Form::kUnsigned) {}
    explicit Number(double value) noexcept
        : bits_(std::bit_cast<std::uint64_t>(value)), form_(Form::kDouble) {}
    // Precondition: value.is_number().
    static Number of(const data::Value& value) noexcept;
    static Number of_bits(Form form, std::uint64_t bits) noexcept {
        Number number;
        number.bits_ = bits;
        number.form_ = form;
        return number;
    }

    Form form() const noexcept { return form_; }
    std::uint64_t bits() const noexcept { return bits_; }
    double as_double() const noexcept;

    // Negative, 0 or positive: the order of the numbers themselves.
    static int compare(Number a, Number b) noexcept;

private:
    std::uint64_t bits_ = 0;
    Form form_ = Form::kInteger;
};

}  // namespace abikit::storage

// Exact comparison of integers with doubles: the double is cut to an integer, which is exact where
// it fits, and what was cut off decides between equals.
#include "number.hpp"

namespace abikit::storage {

namespace {
constexpr double kTwo63 = 9223372036854775808.0;

template <class T>
int order(T a, T b) noexcept {
    return a < b ? -1 : (b < a ? 1 : 0);
}

int compare_integer(std::int64_t a, double b) noexcept {
    if (b >= kTwo63) {
        return -1;
    }
    if (b < -kTwo63) {
        return 1;
    }
    const auto whole = static_cast<std::int64_t>(b);
    const int by_whole = order(a, whole);
    return by_whole != 0 ? by_whole : order(0.0, b - static_cast<double>(whole));
}

int compare_unsigned(std::uint64_t a, double b) noexcept {
    if (b >= 2 * kTwo63) {
        return -1;
    }
    return b < kTwo63 ? 1 : order(a, static_cast<std::uint64_t>(b));  // no fractions up there
}
}  // namespace

Number Number::of(const data::Value& value) noexcept {
    if (const auto integer = value.to_int64()) {
        return Number(*integer);
    }
    if (const auto large = value.to_uint64()) {
        return Number(*large);
    }
    return Number(value.as_double());
}

double Number::as_double() const noexcept {
    switch (form_) {
        case Form::kInteger:
            return static_cast<double>(std::bit_cast<std::int64_t>(bits_));
        case Form::kUnsigned:
            return static_cast<double>(bits_);
        case Form::kDouble:
            break;
    }
    return std::bit_cast<double>(bits_);
}

int Number::compare(Number a, Number b) noexcept {
    if (a.form_ == Form::kDouble) {
        return b.form_ == Form::kDouble ? order(a.as_double(), b.as_double()) : -compare(b, a);
    }
    if (b.form_ == Form::kDouble) {
        return a.form_ == Form::kInteger
                   ? compare_integer(std::bit_cast<std::int64_t>(a.bits_), b.as_double())
                   : compare_unsigned(a.bits_, b.as_double());
    }
    if (a.form_ != b.form_) {
        return a.form_ == Form::kInteger ? -1 : 1;
    }
    return a.form_ == Form::kInteger
               ? order(std::bit_cast<std::int64_t>(a.bits_), std::bit_cast<std::int64_t>(b.bits_))
               : order(a.bits_, b.bits_);
}

}  // namespace abikit::storage

// Value: member lookup and numeric views. Parsing is in json_parse.cpp, printing in json_print.cpp.
#include <abi/data/value.hpp>

namespace abikit::data {

double Value::as_double() const {
    if (const auto* integer = std::get_if<std::int64_t>(&data_)) {
        return static_cast<double>(*integer);
    }
    if (const auto* large = std::get_if<std::uint64_t>(&data_)) {
        return static_cast<double>(*large);
    }
    return std::get<double>(data_);
}

std::optional<std::int64_t> Value::to_int64() const noexcept {
    const auto* integer = std::get_if<std::int64_t>(&data_);
    return integer != nullptr ? std::optional(*integer) : std::nullopt;
}

std::optional<std::uint64_t> Value::to_uint64() const noexcept {
    if (const auto* integer = std::get_if<std::int64_t>(&data_); integer && *integer >= 0) {
        return static_cast<std::uint64_t>(*integer);
    }
    const auto* large = std::get_if<std::uint64_t>(&data_);
    return large != nullptr ? std::optional(*large) : std::nullopt;
}

const Value* Value::find(std::string_view key) const noexcept {
    const auto* object = std::get_if<Object>(&data_);
    if (object == nullptr) {
        return nullptr;
    }
    for (const Member& member : *object) {
        if (member.first == key) {
            return &member.second;
        }
    }
    return nullptr;
}

Value& Value::set(std::string_view key, Value value) {
    ABI_ASSERT(is_null() || is_object());
    if (is_null()) {
        data_ = Object{};
    }
    auto& object = std::get<Object>(data_);
    for (Member& member : object) {
        if (member.first == key) {
            return member.second = std::move(value);
        }
    }
    return object.emplace_back(std::string(key), std::move(value)).second;
}

}  // namespace abikit::data

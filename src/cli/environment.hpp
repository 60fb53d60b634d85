// Environment variables behind one interface: the only place of the project that reads them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace abikit::cli {

// Looks up variables. Single thread.
class Environment {
public:
    virtual ~Environment() = default;
    // nullopt when the variable is not set; "" when it is set to nothing.
    virtual std::optional<std::string> get(std::string_view name) const = 0;
};

// The process's own environment.
class ProcessEnvironment final : public Environment {
public:
    std::optional<std::string> get(std::string_view name) const override;
};

// A fixed one, for tests.
class MapEnvironment final : public Environment {
public:
    using Variables = std::map<std::string, std::string, std::less<>>;

    MapEnvironment() = default;
    explicit MapEnvironment(Variables variables) : variables_(std::move(variables)) {}
    std::optional<std::string> get(std::string_view name) const override;

private:
    Variables variables_;
};

}  // namespace abikit::cli

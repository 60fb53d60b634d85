// The Invocation of a real run: settings and operands, and the services that are built when a
// command first asks for them.
#pragma once

#include <memory>
#include <optional>

#include "error_stream.hpp"
#include "invocation.hpp"
#include "output.hpp"
#include "progress_bar.hpp"
#include "toolkit.hpp"

namespace abikit::cli {

// What RunInvocation borrows; all of it outlives the invocation.
struct RunParts {
    const Process* process = nullptr;
    const CommandSpec* command = nullptr;
    const Toolkit* toolkit = nullptr;
    Output* output = nullptr;
    ErrorStream* err = nullptr;
    TraceSink* trace = nullptr;
};

class RunInvocation final : public Invocation {
public:
    // Opens the log file, where there is one.
    static Result<std::unique_ptr<RunInvocation>> create(RunParts parts, OperandWords operands);

    bool has(std::string_view option) const override;
    bool flag(std::string_view option) const override;
    std::string text(std::string_view option) const override;
    std::int64_t integer(std::string_view option) const override;
    double number(std::string_view option) const override;
    std::uint64_t size_bytes(std::string_view option) const override;
    std::vector<std::string> list(std::string_view option) const override;
    std::string operand(std::string_view name) const override;
    std::vector<std::string> operands(std::string_view name) const override;
    const Context& context() const override;
    ByteSource& in() override;
    ByteSink& out() override;
    bool output_is_json() const override;
    bool dry_run() const override;
    const Toolkit* toolkit() const override { return parts_.toolkit; }

private:
    RunInvocation(RunParts parts, OperandWords operands)
        : parts_(parts), operands_(std::move(operands)) {}
    const Settings& settings() const { return parts_.toolkit->startup->settings; }
    Status open_log();

    RunParts parts_;
    OperandWords operands_;
    std::unique_ptr<LogSink> log_;
    std::unique_ptr<ByteSource> in_;
    // Built on first use: many commands need no threads.
    mutable std::unique_ptr<ThreadPool> pool_;
    mutable std::unique_ptr<ProgressBar> progress_;
    mutable std::optional<Context> context_;
};

}  // namespace abikit::cli

// Connects a run of `abi` with the operating system. Everything else is in app.cpp.
#include <filesystem>
#include <string>
#include <system_error>

#include <abi/core/fs.hpp>
#include <abi/core/io.hpp>

#include "app.hpp"
#include "memory_hooks.hpp"
#include "os_process.hpp"

int main(int argc, char** argv) {
    using namespace abikit::cli;
    ignore_broken_pipes();
    const abikit::CancelSource cancel;
    const SignalGuard signals(cancel);
    const ProcessEnvironment environment;
    const auto fs = abikit::real_file_system();
    const auto out = abikit::stdout_sink();
    const auto err = stderr_sink();
    std::error_code no_directory;  // removed beneath us: configuration is then looked for in "."
    const std::string directory = std::filesystem::current_path(no_directory).string();

    const ExitStatus status = run({.args = {argv + (argc > 0 ? 1 : 0), argv + argc},
                                   .directory = no_directory ? "." : directory,
                                   .env = &environment,
                                   .fs = fs.get(),
                                   .open_in = abikit::stdin_source,
                                   .out = out.get(),
                                   .err = err.get(),
                                   .out_terminal = terminal_facts(StandardStream::kOut),
                                   .err_terminal = terminal_facts(StandardStream::kError),
                                   .cancel = cancel.token(),
                                   .process_id = process_id(),
                                   .memory_hooks = memory_hooks_active()});
    return status.signal != 0 ? end_by_signal(status.signal) : status.code;
}

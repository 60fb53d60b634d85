// The operating system's side of the command line: signals, terminals, the process's identity. The
// only file of this room that sees its headers.
#pragma once

#include <memory>

#include <abi/core/cancel.hpp>
#include <abi/core/io.hpp>

#include "process.hpp"

namespace abikit::cli {

// While it lives, the first SIGINT, SIGTERM or SIGHUP sets the flag of the source, which must
// outlive it, and interrupts a waiting read; the second one ends the process at once. At most one
// at a time.
class SignalGuard {
public:
    explicit SignalGuard(const CancelSource& source);
    ~SignalGuard();
    SignalGuard(const SignalGuard&) = delete;
    SignalGuard& operator=(const SignalGuard&) = delete;
};

// Makes writes to a pipe that nobody reads fail instead of killing the process.
void ignore_broken_pipes() noexcept;

// Ends the process by the signal itself, so that the shell sees 130 or 143 and stops its loop.
// Returns the exit code to use should the signal not be deadly.
int end_by_signal(int signal_number) noexcept;

enum class StandardStream { kOut, kError };

TerminalFacts terminal_facts(StandardStream stream) noexcept;

// Standard error, unbuffered: a message is out before anything else can go wrong.
std::unique_ptr<ByteSink> stderr_sink();

int process_id() noexcept;

}  // namespace abikit::cli

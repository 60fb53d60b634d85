// What the operating system gives a run of `abi`, as data: arguments, environment, streams,
// terminals. main.cpp fills it with the real things, tests with strings. Read app.hpp next.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <abi/core/cancel.hpp>
#include <abi/core/fs.hpp>
#include <abi/core/io.hpp>

#include "environment.hpp"

namespace abikit::cli {

// What is known about the place a stream goes to.
struct TerminalFacts {
    bool is_terminal = false;
    std::size_t width = 0;  // columns; 0 = unknown or no terminal
};

// All pointers are borrowed and outlive the run.
struct Process {
    std::vector<std::string> args{};  // without the program's name
    std::string directory{};          // the working directory, absolute
    const Environment* env = nullptr;
    FileSystem* fs = nullptr;
    std::function<std::unique_ptr<ByteSource>()> open_in{};  // called when input is first asked for
    ByteSink* out = nullptr;
    ByteSink* err = nullptr;
    TerminalFacts out_terminal{};
    TerminalFacts err_terminal{};
    CancelToken cancel{};
    int process_id = 0;
    bool memory_hooks = false;  // operator new counts (memory_hooks.cpp is linked and works here)
};

// How the process is to end: by exit code, or by this signal when it is not 0.
struct ExitStatus {
    int code = 0;
    int signal = 0;
};

}  // namespace abikit::cli

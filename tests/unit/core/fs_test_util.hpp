// Short forms for the file-system tests.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <abi/core/fs.hpp>

namespace abikit::test {

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

inline std::string text_of(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        text.push_back(static_cast<char>(byte));
    }
    return text;
}

// The value of a result that must be one.
template <class T>
T must(Result<T> result) {
    if (!result) {
        FAIL(result.error().describe());
    }
    return *std::move(result);
}
inline void must(const Status& status) {
    if (!status) {
        FAIL(status.error().describe());
    }
}

inline std::string whole(FileSystem& fs, const std::string& path) {
    return must(fs.read_file(path));
}

inline bool exists(FileSystem& fs, const std::string& path) {
    return must(fs.stat(path)).has_value();
}

// Creates or replaces without any sync.
inline void put(FileSystem& fs, const std::string& path, std::string_view text) {
    const auto file = must(fs.open(path, OpenMode::kTruncate));
    must(file->write_at(0, bytes_of(text)));
}

// The same, synced, with its name.
inline void put_durably(FileSystem& fs, const std::string& path, std::string_view text) {
    const auto file = must(fs.open(path, OpenMode::kTruncate));
    must(file->write_at(0, bytes_of(text)));
    must(file->sync());
    must(fs.sync_directory(parent_path(path)));
}

// Everything from a source, in pieces of `step` bytes.
inline std::string drain(ByteSource& source, std::size_t step) {
    std::string all;
    std::string piece(step, '\0');
    while (const std::size_t count = must(source.read(std::as_writable_bytes(std::span(piece))))) {
        all.append(piece, 0, count);
    }
    return all;
}

// fork() with nothing in the stdio buffers: some sanitizers write those out even at _exit, and then
// the child would say again what the parent has said.
inline pid_t fork_child() {
    std::cout.flush();
    std::fflush(nullptr);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    return child;
}

// Runs `body` in a child process and gives the exit code that it returns; -1 if a signal ended it.
template <class Body>
int in_child(Body&& body) {
    const pid_t child = fork_child();
    if (child == 0) {
        int code = 98;
        try {
            code = body();
        } catch (...) {  // a failed REQUIRE must not go on as a second test run
        }
        ::_exit(code);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The same, while SIGUSR1 with an empty handler arrives again and again, as Ctrl-C would once: a
// single signal could come before the body waits.
template <class Body>
int in_interrupted_child(Body&& body) {
    return in_child([&] {
        struct sigaction action = {};
        action.sa_handler = [](int) {};
        ::sigaction(SIGUSR1, &action, nullptr);
        const pid_t waiting = ::getpid();
        const pid_t sender = ::fork();
        if (sender == 0) {
            while (::kill(waiting, SIGUSR1) == 0) {
                ::usleep(1000);
            }
            ::_exit(0);
        }
        const int code = body();
        ::kill(sender, SIGKILL);
        ::waitpid(sender, nullptr, 0);
        return code;
    });
}

}  // namespace abikit::test

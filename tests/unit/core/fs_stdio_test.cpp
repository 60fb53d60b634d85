// Standard input and output, in a child whose streams the test holds.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include <abi/core/fs.hpp>
#include <abi/core/io.hpp>

#include "fs_test_util.hpp"
#include "temp_dir.hpp"

using namespace abikit;
using namespace abikit::test;

namespace {

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(fd, text.data(), text.size());
        REQUIRE(count > 0);
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

// Reads once from standard input: the text, or "?".
std::string read_some(ByteSource& source) {
    std::string out(1000, '\0');
    const auto count = source.read(std::as_writable_bytes(std::span(out)));
    return count ? out.substr(0, *count) : "?";
}

}  // namespace

TEST_SUITE("core") {
    TEST_CASE("stdin_source gives what has come, without waiting for more") {
        int in[2];
        int out[2];
        REQUIRE(::pipe(in) == 0);
        REQUIRE(::pipe(out) == 0);
        const pid_t child = fork_child();
        if (child == 0) {
            ::dup2(in[0], STDIN_FILENO);
            ::close(in[1]);
            ::fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);  // as a shared terminal may be
            const auto source = stdin_source();
            const bool first = read_some(*source) == "first\n";
            const bool told = ::write(out[1], "x", 1) == 1;
            const bool second = told && read_some(*source) == "second\n";
            const bool end = read_some(*source).empty() && read_some(*source).empty();
            ::_exit(first && second && end && !source->size() && !source->mapped() ? 0 : 1);
        }
        ::close(in[0]);
        ::close(out[1]);
        write_all(in[1], "first\n");
        char byte = 0;
        CHECK(::read(out[0], &byte, 1) == 1);  // the first line arrived before the second was sent
        write_all(in[1], "second\n");
        ::close(in[1]);
        ::close(out[0]);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }

    TEST_CASE("stdin_source knows what is left of a redirected file") {
        const TempDir temp;
        put(*real_file_system(), temp / "f", "0123456789");
        CHECK(in_child([&] {
                  const int fd = ::open((temp / "f").c_str(), O_RDONLY);
                  ::dup2(fd, STDIN_FILENO);
                  ::lseek(STDIN_FILENO, 4, SEEK_SET);
                  const auto source = stdin_source();
                  return source->size() == 6U && read_some(*source) == "456789" ? 0 : 1;
              }) == 0);
    }

    TEST_CASE("stdin_source: a signal ends the wait as kCancelled") {
        CHECK(in_interrupted_child([] {
                  int in[2];
                  if (::pipe(in) != 0) {
                      return 1;
                  }
                  ::dup2(in[0], STDIN_FILENO);
                  std::string out(10, '\0');
                  const auto count = stdin_source()->read(std::as_writable_bytes(std::span(out)));
                  return !count && count.error().code() == Code::kCancelled ? 0 : 1;
              }) == 0);
    }

    TEST_CASE("/dev/stdin opens as a file does") {
        CHECK(in_child([] {
                  int in[2];
                  if (::pipe(in) != 0) {
                      return 1;
                  }
                  ::dup2(in[0], STDIN_FILENO);
                  if (::write(in[1], "piped", 5) != 5) {
                      return 1;
                  }
                  ::close(in[1]);
                  const auto source = real_file_system()->open_source("/dev/stdin");
                  return source && !(*source)->size() && read_some(**source) == "piped" &&
                                 read_some(**source).empty()
                             ? 0
                             : 1;
              }) == 0);
    }

    TEST_CASE("stdin_source: a directory is an error, not an end") {
        CHECK(in_child([] {
                  const int fd = ::open("/", O_RDONLY);
                  ::dup2(fd, STDIN_FILENO);
                  return read_some(*stdin_source()) == "?" ? 0 : 1;
              }) == 0);
    }

    TEST_CASE("stdout_sink holds 64 KiB back until flush and passes everything on") {
        const TempDir temp;
        CHECK(in_child([&] {
                  const int fd = ::open((temp / "out").c_str(), O_CREAT | O_RDWR, 0600);
                  ::dup2(fd, STDOUT_FILENO);
                  const auto sink = stdout_sink();
                  const auto held = [fd] { return ::lseek(fd, 0, SEEK_END); };
                  bool ok = sink->write("small ").has_value() && held() == 0;
                  ok = ok && sink->write(std::string(100'000, 'L')) && held() == 100'006;
                  ok = ok && sink->write(" end") && held() == 100'006;
                  ok = ok && sink->flush() && held() == 100'010 && sink->flush();
                  return ok ? 0 : 1;
              }) == 0);
        const std::string expected = "small " + std::string(100'000, 'L') + " end";
        CHECK((whole(*real_file_system(), temp / "out") == expected));
    }

    TEST_CASE("stdout_sink: a reader that went away is a broken pipe, a full disk is not") {
        CHECK(in_child([] {
                  int out[2];
                  if (::pipe(out) != 0) {
                      return 1;
                  }
                  ::signal(SIGPIPE, SIG_IGN);
                  ::dup2(out[1], STDOUT_FILENO);
                  ::close(out[0]);
                  const auto sink = stdout_sink();
                  const bool buffered = sink->write("x").has_value();
                  const auto status = sink->flush();
                  return buffered && !status && is_broken_pipe(status.error()) &&
                                 status.error().code() == Code::kIo
                             ? 0
                             : 1;
              }) == 0);
        CHECK(in_child([] {
                  ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO);
                  const auto sink = stdout_sink();
                  const bool buffered = sink->write("x").has_value();
                  const auto status = sink->flush();
                  return buffered && !status && !is_broken_pipe(status.error()) &&
                                 status.error().code() == Code::kNoSpace
                             ? 0
                             : 1;
              }) == 0);
    }

    TEST_CASE("stdout_sink waits for a slow reader, also when the pipe does not block") {
        int out[2];
        REQUIRE(::pipe(out) == 0);
        const std::string text(1'000'000, 't');
        const pid_t child = fork_child();
        if (child == 0) {
            ::close(out[0]);
            ::fcntl(out[1], F_SETFL, O_NONBLOCK);
            ::dup2(out[1], STDOUT_FILENO);
            const auto sink = stdout_sink();
            ::_exit(sink->write(text) && sink->flush() ? 0 : 1);
        }
        ::close(out[1]);
        std::string got;
        std::string piece(5000, '\0');
        while (const auto count = ::read(out[0], piece.data(), piece.size())) {
            REQUIRE(count > 0);
            got.append(piece, 0, static_cast<std::size_t>(count));
        }
        ::close(out[0]);
        CHECK((got == text));
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }
}

// POSIX signals and terminals.
#include "os_process.hpp"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

namespace abikit::cli {
namespace {

// Raw and constant-initialised: a signal handler may touch nothing else.
constinit std::atomic<std::atomic<int>*> signal_flag{nullptr};
constexpr std::array<int, 3> kSignals{SIGINT, SIGTERM, SIGHUP};

extern "C" void on_signal(int number) {
    if (std::atomic<int>* flag = signal_flag.load(std::memory_order_relaxed)) {
        flag->store(number, std::memory_order_relaxed);
    }
}

void set_action(int number, void (*handler)(int), int flags) noexcept {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigemptyset(&action.sa_mask);
    ::sigaction(number, &action, nullptr);
}

class StderrSink final : public ByteSink {
public:
    using ByteSink::write;

    Status write(std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            const ssize_t written = ::write(STDERR_FILENO, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) {
                continue;
            }
            if (written < 0) {
                return fail(error_from_errno(errno, "cannot write standard error"));
            }
            bytes = bytes.subspan(static_cast<std::size_t>(written));
        }
        return {};
    }
    Status flush() override { return {}; }
};

}  // namespace

SignalGuard::SignalGuard(const CancelSource& source) {
    signal_flag.store(source.flag(), std::memory_order_relaxed);
    for (const int number : kSignals) {
        struct sigaction old = {};
        // What the parent chose to ignore (nohup) stays ignored.
        if (::sigaction(number, nullptr, &old) == 0 && old.sa_handler == SIG_IGN) {
            continue;
        }
        // Without SA_RESTART a waiting read returns; SA_RESETHAND leaves the next signal deadly.
        set_action(number, on_signal, static_cast<int>(SA_RESETHAND));
    }
}

SignalGuard::~SignalGuard() {
    for (const int number : kSignals) {
        struct sigaction old = {};
        if (::sigaction(number, nullptr, &old) == 0 && old.sa_handler == on_signal) {
            set_action(number, SIG_DFL, 0);
        }
    }
    signal_flag.store(nullptr, std::memory_order_relaxed);
}

void ignore_broken_pipes() noexcept {
    set_action(SIGPIPE, SIG_IGN, 0);
}

int end_by_signal(int signal_number) noexcept {
    set_action(signal_number, SIG_DFL, 0);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, signal_number);
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    ::raise(signal_number);
    return 128 + signal_number;
}

TerminalFacts terminal_facts(StandardStream stream) noexcept {
    const int descriptor = stream == StandardStream::kOut ? STDOUT_FILENO : STDERR_FILENO;
    TerminalFacts facts{.is_terminal = ::isatty(descriptor) == 1};
    struct winsize size = {};
    if (facts.is_terminal && ::ioctl(descriptor, TIOCGWINSZ, &size) == 0) {
        facts.width = size.ws_col;
    }
    return facts;
}

std::unique_ptr<ByteSink> stderr_sink() {
    return std::make_unique<StderrSink>();
}

int process_id() noexcept {
    return static_cast<int>(::getpid());
}

}  // namespace abikit::cli

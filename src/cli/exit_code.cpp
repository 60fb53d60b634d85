// Code to exit code: one table for all commands.
#include "exit_code.hpp"

#include <array>

namespace abikit::cli {

int exit_code(Code code) noexcept {
    switch (code) {
        case Code::kNotFound:
        case Code::kAlreadyExists:
            return 1;
        case Code::kInvalidArgument:
            return 2;
        case Code::kInputMissing:
            return 3;
        case Code::kCorrupt:
        case Code::kIncompatible:
        case Code::kInvalidData:
            return 4;
        case Code::kIo:
        case Code::kNoSpace:
            return 5;
        case Code::kUnavailable:
            return 6;
        case Code::kLimit:
        case Code::kLocked:
            return 7;
        case Code::kInconclusive:
            return 8;
        case Code::kCancelled:
            return 130;
        case Code::kInternal:
            return 70;
    }
    return 70;
}

std::span<const ExitCodeNote> exit_code_notes() noexcept {
    static constexpr std::array<ExitCodeNote, 11> kNotes{{
        {0, "done"},
        {1, "ran, with a negative answer: not found, already there, a gate failed"},
        {2, "usage or configuration: unknown option, bad value, unknown key"},
        {3, "input missing: a file or directory does not exist"},
        {4, "corrupt or incompatible data: damage, wrong dimension, NaN in a vector"},
        {5, "input or output failed, or there is no space"},
        {6, "a backend or feature is not available here"},
        {7, "a limit was reached or a lock is held: memory, time, another writer"},
        {8, "inconclusive, or nothing was measured"},
        {70, "a bug in abi"},
        {130, "interrupted (SIGINT); 143 when terminated (SIGTERM)"},
    }};
    return kNotes;
}

}  // namespace abikit::cli

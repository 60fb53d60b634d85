// A fuzz entry that breaks on purpose: replay_test.py checks with it that replay_main.cpp notices a
// violation and names the input.

#include <cstddef>
#include <cstdint>

// Inputs of even length are fine; the corpus holds only such.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* /*data*/, std::size_t size) {
    if (size % 2 != 0) {
        __builtin_trap();
    }
    return 0;
}

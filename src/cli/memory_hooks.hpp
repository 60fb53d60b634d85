// Global operator new and delete that count (memory_hooks.cpp, linked into the executable alone).
#pragma once

namespace abikit::cli {

// Whether the hooks are compiled in. Under AddressSanitizer, ThreadSanitizer and MemorySanitizer
// they are not: those bring their own, and accounting is refused with a clear error.
bool memory_hooks_active() noexcept;

}  // namespace abikit::cli

// What the caller lends to long work: threads, files, cancellation, log, progress, trace. Passed
// in, never global.
#pragma once

#include <abi/core/cancel.hpp>
#include <abi/core/fs.hpp>
#include <abi/core/log.hpp>
#include <abi/core/progress.hpp>
#include <abi/core/thread_pool.hpp>
#include <abi/core/trace.hpp>

namespace abikit {

// A bundle of borrowed services. The file system and the pool must outlive every object made with
// them; null pointers switch the optional services off. Copyable; copies refer to the same
// services.
struct Context {
    FileSystem* fs = nullptr;    // required by whatever touches files
    ThreadPool* pool = nullptr;  // null: everything runs on the calling thread
    CancelToken cancel;          // polled once per batch
    LogSink* log = nullptr;
    ProgressSink* progress = nullptr;
    TraceSink* trace = nullptr;
};

}  // namespace abikit

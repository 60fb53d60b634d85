// What the database bars share: a directory that removes itself, results that must be there, time.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/storage/database.hpp>

namespace abikit::bars {

[[noreturn]] inline void stop(const std::string& what) {
    std::printf("%s\n", what.c_str());
    std::exit(EXIT_FAILURE);
}

template <class T>
T must(Result<T> result) {
    if (!result) {
        stop(result.error().describe());
    }
    return *std::move(result);
}
inline void must(const Status& status) {
    if (!status) {
        stop(status.error().describe());
    }
}

inline double now_s() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// On a disk, not in memory: the first argument of the program, else /var/tmp.
class Workspace {
public:
    explicit Workspace(int argc, char** argv)
        : path_(std::string(argc > 1 ? argv[1] : "/var/tmp") + "/abi-bar-XXXXXX") {
        if (mkdtemp(path_.data()) == nullptr) {
            stop("cannot make a directory like " + path_);
        }
    }
    ~Workspace() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

// Rows [first, first + count) of a row-major array as a batch that borrows it.
inline data::RecordBatch rows_of(const float* vectors, std::size_t dimension, std::size_t first,
                                 std::size_t count) {
    data::RecordBatch batch;
    batch.rows = count;
    batch.dimension = static_cast<std::uint32_t>(dimension);
    batch.vectors = {vectors + first * dimension, count * dimension};
    return batch;
}

}  // namespace abikit::bars

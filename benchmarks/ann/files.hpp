// Reads the files that ann_data writes: vectors from .npy (little-endian float32, two axes, C
// order) and .fvecs, ids from .ivecs. Throws std::runtime_error that names the file.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "peer.hpp"

namespace ann {

struct Matrix {
    std::vector<float> values;
    std::size_t count = 0;
    std::size_t dim = 0;

    Rows rows() const { return {values.data(), count, dim}; }
};

struct Truth {
    std::vector<std::int32_t> ids;
    std::size_t count = 0;
    std::size_t width = 0;
};

// Rows of 4-byte values, each with its length before it.
template <class T>
void read_vecs(const std::string& path, std::vector<T>& values, std::size_t& count,
               std::size_t& width) {
    static_assert(sizeof(T) == 4);
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file)
        throw std::runtime_error("cannot open '" + path + "'");
    const auto size = static_cast<std::size_t>(file.tellg());
    std::int32_t length = 0;
    file.seekg(0);
    file.read(reinterpret_cast<char*>(&length), 4);
    if (!file || length <= 0)
        throw std::runtime_error("'" + path + "' holds no rows");
    width = static_cast<std::size_t>(length);
    if (size % (4 * (width + 1)) != 0)
        throw std::runtime_error("'" + path + "' is cut off");
    count = size / (4 * (width + 1));
    values.resize(count * width);
    file.seekg(0);
    for (std::size_t i = 0; i < count; ++i) {
        file.read(reinterpret_cast<char*>(&length), 4);
        if (static_cast<std::size_t>(length) != width)
            throw std::runtime_error("'" + path + "' has rows of several lengths");
        file.read(reinterpret_cast<char*>(values.data() + i * width),
                  static_cast<std::streamsize>(4 * width));
    }
    if (!file)
        throw std::runtime_error("cannot read '" + path + "'");
}

inline Matrix read_npy(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    unsigned char head[10];
    if (!file.read(reinterpret_cast<char*>(head), 10) ||
        std::memcmp(head, "\x93NUMPY\x01", 7) != 0) {
        throw std::runtime_error("'" + path + "' is no .npy file of version 1");
    }
    std::string header(static_cast<std::size_t>(head[8] | head[9] << 8), ' ');
    file.read(header.data(), static_cast<std::streamsize>(header.size()));
    Matrix matrix;
    const std::size_t shape = header.find("'shape': (");
    if (header.find("'<f4'") == std::string::npos || header.find("False") == std::string::npos ||
        shape == std::string::npos ||
        std::sscanf(header.c_str() + shape, "'shape': (%zu, %zu)", &matrix.count, &matrix.dim) !=
            2) {
        throw std::runtime_error("'" + path + "' is no matrix of float32 in C order");
    }
    matrix.values.resize(matrix.count * matrix.dim);
    file.read(reinterpret_cast<char*>(matrix.values.data()),
              static_cast<std::streamsize>(4 * matrix.values.size()));
    if (!file)
        throw std::runtime_error("'" + path + "' is cut off");
    return matrix;
}

inline Matrix read_matrix(const std::string& path) {
    if (path.size() > 4 && path.substr(path.size() - 4) == ".npy")
        return read_npy(path);
    Matrix matrix;
    read_vecs(path, matrix.values, matrix.count, matrix.dim);
    return matrix;
}

inline Truth read_truth(const std::string& path) {
    Truth truth;
    read_vecs(path, truth.ids, truth.count, truth.width);
    return truth;
}

}  // namespace ann

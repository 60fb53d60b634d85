// What an index holds once it is parsed; shared by walking (ann_index.cpp) and building
// (ann_build.cpp).
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <abi/storage/ann_index.hpp>

#include "ann/ann_file.hpp"
#include "ann/graph.hpp"
#include "ann/projection.hpp"

namespace abikit::storage {

struct AnnIndex::Parts {
    std::shared_ptr<const void> owner;
    std::span<const std::byte> bytes;
    ann::AnnParts parts;
    ann::Projection projection;
    ann::GraphView graph;
};

}  // namespace abikit::storage

// The tree of MemoryFileSystem: paths to nodes, and which errno a call gets. Private to core; the
// nodes are in fs_memory_state.hpp.
#pragma once

#include <string>

#include "fs_memory_state.hpp"

namespace abikit::memfs {

constexpr int kFound = 0;

// Where a path leads: `node` is null when only the last name is missing.
struct Place {
    int error = kFound;  // errno of the walk to the parent
    NodePtr parent;
    std::string name;  // empty: the root itself
    NodePtr node;
};

Place walk(const NodePtr& root, const std::string& path);
bool is_directory(const NodePtr& node);

// The errno that a call on these places must fail with; kFound when it may go on.
int open_error(const Place& place, OpenMode mode);
int rename_error(const Place& from, const Place& to);
int remove_error(const Place& place, FileKind kind);  // kDirectory or anything else
int directory_error(const Place& place);

NodePtr make_node(NodeId id, FileKind kind);
NodePtr build_tree(const Image& image);

}  // namespace abikit::memfs

// The tree of MemoryFileSystem: paths to nodes, and which errno a call gets.
#include "fs_memory_tree.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <string_view>

namespace abikit::memfs {
namespace {

// Dots are resolved by text alone: without symbolic links that is what the kernel does.
std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> names;
    while (!path.empty()) {
        const std::string_view name = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(path.size(), name.size() + 1));
        if (name == "..") {
            if (!names.empty()) {
                names.pop_back();
            }
        } else if (!name.empty() && name != ".") {
            names.emplace_back(name);
        }
    }
    return names;
}

// Whether `inner` is `outer` or lies in it.
bool contains(const NodePtr& outer, const NodePtr& inner) {
    return outer == inner ||
           std::any_of(outer->children.begin(), outer->children.end(),
                       [&](const auto& child) { return contains(child.second, inner); });
}

// Two names may lead to one file after a move that was synced by half: they share the node.
NodePtr build_directory(const Image& image, NodeId directory, std::map<NodeId, NodePtr>& built) {
    const NodePtr node = built[directory] = make_node(directory, FileKind::kDirectory);
    for (const auto& [name, id] : image.directories.at(directory)) {
        NodePtr& child = built[id];
        if (image.directories.contains(id)) {
            node->children[name] = build_directory(image, id, built);
            continue;
        }
        if (!child) {
            child = make_node(id, FileKind::kFile);
            child->bytes = image.files.at(id);
        }
        node->children[name] = child;
    }
    return node;
}

}  // namespace

Place walk(const NodePtr& root, const std::string& path) {
    if (path.empty()) {
        return {ENOENT, nullptr, {}, nullptr};
    }
    const auto names = split(path);
    Place place{kFound, root, {}, root};
    for (const std::string& name : names) {
        if (!place.node) {
            return {ENOENT, nullptr, {}, nullptr};
        }
        if (place.node->kind != FileKind::kDirectory) {
            return {ENOTDIR, nullptr, {}, nullptr};
        }
        place.parent = place.node;
        place.name = name;
        const auto child = place.parent->children.find(name);
        place.node = child == place.parent->children.end() ? nullptr : child->second;
    }
    return place;
}

bool is_directory(const NodePtr& node) {
    return node && node->kind == FileKind::kDirectory;
}

int open_error(const Place& place, OpenMode mode) {
    const bool must_exist = mode == OpenMode::kRead || mode == OpenMode::kReadWrite;
    if (place.error != kFound) {
        return place.error;
    }
    if (!place.node) {
        return must_exist ? ENOENT : kFound;
    }
    if (mode == OpenMode::kCreateNew) {
        return EEXIST;
    }
    return is_directory(place.node) ? EISDIR : kFound;
}

int rename_error(const Place& from, const Place& to) {
    if (from.error != kFound || !from.node) {
        return from.error != kFound ? from.error : ENOENT;
    }
    if (to.error != kFound) {
        return to.error;
    }
    if (from.name.empty() || to.name.empty()) {
        return EBUSY;  // the root
    }
    if (is_directory(from.node) && contains(from.node, to.parent)) {
        return EINVAL;
    }
    // A name onto itself, or onto nothing, is fine for both kinds.
    if (!to.node || to.node == from.node) {
        return kFound;
    }
    if (is_directory(from.node) != is_directory(to.node)) {
        return is_directory(to.node) ? EISDIR : ENOTDIR;
    }
    return to.node->children.empty() ? kFound : ENOTEMPTY;
}

int remove_error(const Place& place, FileKind kind) {
    if (place.error != kFound || !place.node) {
        return place.error != kFound ? place.error : ENOENT;
    }
    if (kind == FileKind::kFile) {
        return is_directory(place.node) ? EISDIR : kFound;
    }
    if (!is_directory(place.node)) {
        return ENOTDIR;
    }
    if (place.name.empty()) {
        return EBUSY;
    }
    return place.node->children.empty() ? kFound : ENOTEMPTY;
}

int directory_error(const Place& place) {
    if (place.error != kFound || !place.node) {
        return place.error != kFound ? place.error : ENOENT;
    }
    return is_directory(place.node) ? kFound : ENOTDIR;
}

NodePtr make_node(NodeId id, FileKind kind) {
    auto node = std::make_shared<memfs::Node>();
    node->id = id;
    node->kind = kind;
    return node;
}

NodePtr build_tree(const Image& image) {
    std::map<NodeId, NodePtr> built;
    return build_directory(image, kRoot, built);
}

}  // namespace abikit::memfs

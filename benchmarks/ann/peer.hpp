// The libraries of approximate search that ann_peers measures in turns, behind one interface. Each
// lives in a file of its own, peer_*.cpp, and is compiled where its headers are found; peers.cpp
// drives them. A shared library that exports abi_ann_peers() adds further ones at run time
// (--plugin).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ann {

struct Rows {
    const float* data = nullptr;
    std::size_t count = 0;
    std::size_t dim = 0;

    const float* row(std::size_t i) const { return data + i * dim; }
};

// What a library is asked to spend on a query. `second` is a second knob of some.
struct Effort {
    unsigned main = 0;
    unsigned second = 0;
};

// One index of one library. Distances are squared Euclidean ones. Not thread-safe.
class Peer {
public:
    virtual ~Peer() = default;
    virtual std::string name() const = 0;
    // Builds with so many threads; the rows outlive the peer.
    virtual void build(Rows rows, unsigned threads) = 0;
    // False: this library cannot, and is built again in each run.
    virtual bool save(const std::string& path) = 0;
    virtual bool load(const std::string& path, Rows rows) = 0;
    // In ascending order of cost for each second knob; those below k are left out.
    virtual std::vector<Effort> efforts(std::size_t k) const = 0;
    // Called before a run of searches with this effort.
    virtual void prepare(Effort effort) = 0;
    // The rows nearest to the query into ids[0, k); fewer than k are filled up with -1.
    virtual void search(const float* query, std::size_t k, std::int64_t* ids) = 0;
};

using Peers = std::vector<std::unique_ptr<Peer>>;

void add_hnswlib(Peers& peers);
void add_faiss(Peers& peers);
void add_usearch(Peers& peers);
void add_abi(Peers& peers);

// Candidate lists from k on, in steps of a tenth to a quarter.
inline std::vector<Effort> list_sizes(std::size_t k, unsigned second = 0) {
    std::vector<Effort> efforts;
    for (unsigned size :
         {10U,  11U,  12U,  13U,  14U,  16U,   18U,   20U,   22U,   24U,   27U,  30U,
          33U,  36U,  40U,  44U,  48U,  54U,   60U,   66U,   72U,   80U,   90U,  100U,
          112U, 125U, 140U, 160U, 180U, 200U,  225U,  250U,  280U,  320U,  360U, 400U,
          450U, 500U, 600U, 700U, 800U, 1000U, 1200U, 1500U, 2000U, 2500U, 3000U}) {
        if (size >= k)
            efforts.push_back({size, second});
    }
    return efforts;
}

}  // namespace ann

// What a plug-in exports.
extern "C" void abi_ann_peers(ann::Peers* peers);

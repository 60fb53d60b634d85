// hnswlib as its users embed it: M=16, efConstruction=200, float rows.
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <hnswlib/hnswlib.h>

#include "peer.hpp"

namespace ann {
namespace {

class Hnswlib final : public Peer {
public:
    std::string name() const override { return "hnswlib"; }

    void build(Rows rows, unsigned threads) override {
        space_ = std::make_unique<hnswlib::L2Space>(rows.dim);
        index_ =
            std::make_unique<hnswlib::HierarchicalNSW<float>>(space_.get(), rows.count, 16, 200);
        std::atomic<std::size_t> next{0};
        const auto work = [&] {
            for (std::size_t i = next++; i < rows.count; i = next++)
                index_->addPoint(rows.row(i), i);
        };
        std::vector<std::thread> others;
        for (unsigned t = 1; t < threads; ++t)
            others.emplace_back(work);
        work();
        for (std::thread& other : others)
            other.join();
    }

    bool save(const std::string& path) override {
        index_->saveIndex(path);
        return true;
    }

    bool load(const std::string& path, Rows rows) override {
        space_ = std::make_unique<hnswlib::L2Space>(rows.dim);
        index_ = std::make_unique<hnswlib::HierarchicalNSW<float>>(space_.get(), path);
        return true;
    }

    std::vector<Effort> efforts(std::size_t k) const override { return list_sizes(k); }
    void prepare(Effort effort) override { index_->setEf(effort.main); }

    void search(const float* query, std::size_t k, std::int64_t* ids) override {
        auto found = index_->searchKnn(query, k);
        for (std::size_t i = found.size(); i < k; ++i)
            ids[i] = -1;
        for (std::size_t i = found.size(); i-- > 0; found.pop()) {
            ids[i] = static_cast<std::int64_t>(found.top().second);
        }
    }

private:
    std::unique_ptr<hnswlib::L2Space> space_;
    std::unique_ptr<hnswlib::HierarchicalNSW<float>> index_;
};

}  // namespace

void add_hnswlib(Peers& peers) {
    peers.push_back(std::make_unique<Hnswlib>());
}

}  // namespace ann

// FAISS: its HNSW over floats, over 8-bit codes with exact re-ranking, and inverted lists of 4-bit
// product codes (FastScan) with exact re-ranking.
#include <algorithm>
#include <cmath>
#include <memory>

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFPQFastScan.h>
#include <faiss/IndexRefine.h>
#include <faiss/index_io.h>
#include <omp.h>

#include "peer.hpp"

namespace ann {
namespace {

class Faiss : public Peer {
public:
    void build(Rows rows, unsigned threads) override {
        omp_set_num_threads(static_cast<int>(threads));
        make(static_cast<int>(rows.dim), rows.count);
        index_->train(static_cast<faiss::Index::idx_t>(rows.count), rows.data);
        index_->add(static_cast<faiss::Index::idx_t>(rows.count), rows.data);
        omp_set_num_threads(1);
        find_inner();
    }

    bool save(const std::string& path) override {
        faiss::write_index(index_.get(), path.c_str());
        return true;
    }

    bool load(const std::string& path, Rows) override {
        omp_set_num_threads(1);
        index_.reset(faiss::read_index(path.c_str()));
        find_inner();
        return true;
    }

    void search(const float* query, std::size_t k, std::int64_t* ids) override {
        distances_.resize(k);
        index_->search(1, query, static_cast<faiss::Index::idx_t>(k), distances_.data(),
                       reinterpret_cast<faiss::Index::idx_t*>(ids));
    }

protected:
    virtual void make(int dim, std::size_t rows) = 0;
    virtual void find_inner() {}

    std::unique_ptr<faiss::Index> index_;
    std::vector<float> distances_;
};

class FaissHnsw final : public Faiss {
public:
    std::string name() const override { return "faiss-hnsw"; }
    std::vector<Effort> efforts(std::size_t k) const override { return list_sizes(k); }
    void prepare(Effort effort) override {
        dynamic_cast<faiss::IndexHNSW&>(*index_).hnsw.efSearch = static_cast<int>(effort.main);
    }

protected:
    void make(int dim, std::size_t) override {
        auto index = std::make_unique<faiss::IndexHNSWFlat>(dim, 16);
        index->hnsw.efConstruction = 200;
        index_ = std::move(index);
    }
};

// Candidates of an index of codes, put in order by the floats.
class FaissRefined : public Faiss {
protected:
    void refine(std::unique_ptr<faiss::Index> inner) {
        auto refined = std::make_unique<faiss::IndexRefineFlat>(inner.release());
        refined->own_fields = true;
        index_ = std::move(refined);
    }
    faiss::IndexRefineFlat& refined() { return dynamic_cast<faiss::IndexRefineFlat&>(*index_); }
};

class FaissHnswSq8 final : public FaissRefined {
public:
    std::string name() const override { return "faiss-hnsw-sq8"; }

    std::vector<Effort> efforts(std::size_t k) const override {
        std::vector<Effort> all;
        for (const unsigned factor : {1U, 2U, 4U}) {
            for (const Effort effort : list_sizes(k * factor, factor))
                all.push_back(effort);
        }
        return all;
    }

    void prepare(Effort effort) override {
        inner_->hnsw.efSearch = static_cast<int>(effort.main);
        refined().k_factor = static_cast<float>(effort.second);
    }

protected:
    void make(int dim, std::size_t) override {
        auto inner = std::make_unique<faiss::IndexHNSWSQ>(dim, faiss::ScalarQuantizer::QT_8bit, 16);
        inner->hnsw.efConstruction = 200;
        refine(std::move(inner));
    }
    void find_inner() override { inner_ = dynamic_cast<faiss::IndexHNSW*>(refined().base_index); }

private:
    faiss::IndexHNSW* inner_ = nullptr;
};

class FaissFastScan final : public FaissRefined {
public:
    std::string name() const override { return "faiss-ivfpq-fs"; }

    std::vector<Effort> efforts(std::size_t) const override {
        std::vector<Effort> all;
        for (const unsigned factor : {5U, 10U, 20U, 40U, 80U}) {
            for (const unsigned probes : {2U, 3U, 4U, 5U, 6U, 8U, 10U, 12U, 16U, 20U, 24U, 32U, 40U,
                                          48U, 64U, 96U, 128U, 192U, 256U}) {
                all.push_back({probes, factor});
            }
        }
        return all;
    }

    void prepare(Effort effort) override {
        inner_->nprobe = effort.main;
        refined().k_factor = static_cast<float>(effort.second);
    }

protected:
    void make(int dim, std::size_t rows) override {
        const auto lists = static_cast<std::size_t>(2 * std::sqrt(static_cast<double>(rows)));
        quantizer_ = std::make_unique<faiss::IndexFlatL2>(dim);
        // Two values a code: the most exact that is usual.
        auto inner = std::make_unique<faiss::IndexIVFPQFastScan>(
            quantizer_.get(), static_cast<std::size_t>(dim), lists,
            static_cast<std::size_t>(dim / 2), 4);
        inner->own_fields = true;
        static_cast<void>(quantizer_.release());
        refine(std::move(inner));
    }
    void find_inner() override {
        inner_ = dynamic_cast<faiss::IndexIVFPQFastScan*>(refined().base_index);
    }

private:
    std::unique_ptr<faiss::IndexFlatL2> quantizer_;
    faiss::IndexIVFPQFastScan* inner_ = nullptr;
};

}  // namespace

void add_faiss(Peers& peers) {
    peers.push_back(std::make_unique<FaissHnsw>());
    peers.push_back(std::make_unique<FaissHnswSq8>());
    peers.push_back(std::make_unique<FaissFastScan>());
}

}  // namespace ann

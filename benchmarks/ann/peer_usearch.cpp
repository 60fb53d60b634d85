// USearch over floats, and over 8-bit integers that all rows and queries are scaled to by one
// factor (its own conversion would normalise them, which is for angles). Connectivity and expansion
// are those of the other graphs.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include <usearch/index_dense.hpp>

#include "peer.hpp"

namespace ann {
namespace {

namespace us = unum::usearch;

class Usearch final : public Peer {
public:
    explicit Usearch(us::scalar_kind_t scalar) : scalar_(scalar) {}

    std::string name() const override {
        return scalar_ == us::scalar_kind_t::i8_k ? "usearch-i8" : "usearch-f32";
    }

    void build(Rows rows, unsigned threads) override {
        make(rows);
        index_.reserve(us::index_limits_t(rows.count, threads));
        std::atomic<std::size_t> next{0};
        const auto work = [&](std::size_t thread) {
            std::vector<us::i8_t> scaled(rows.dim);
            for (std::size_t i = next++; i < rows.count; i = next++) {
                if (is_scaled()) {
                    scale(rows.row(i), scaled);
                    index_.add(i, scaled.data(), thread);
                } else {
                    index_.add(i, rows.row(i), thread);
                }
            }
        };
        std::vector<std::thread> others;
        for (unsigned t = 1; t < threads; ++t)
            others.emplace_back(work, t);
        work(0);
        for (std::thread& other : others)
            other.join();
    }

    bool save(const std::string& path) override {
        return static_cast<bool>(index_.save(path.c_str()));
    }

    bool load(const std::string& path, Rows rows) override {
        make(rows);
        const bool ok = static_cast<bool>(index_.load(path.c_str()));
        index_.reserve(us::index_limits_t(rows.count, 1));
        return ok;
    }

    std::vector<Effort> efforts(std::size_t k) const override { return list_sizes(k); }
    void prepare(Effort effort) override { index_.change_expansion_search(effort.main); }

    void search(const float* query, std::size_t k, std::int64_t* ids) override {
        if (is_scaled())
            scale(query, query_);
        const auto found =
            is_scaled() ? index_.search(query_.data(), k, 0) : index_.search(query, k, 0);
        for (std::size_t i = 0; i < k; ++i) {
            ids[i] = i < found.size() ? static_cast<std::int64_t>(found[i].member.key) : -1;
        }
    }

private:
    void make(Rows rows) {
        us::index_dense_config_t config(16, 200, 64);
        const us::metric_punned_t metric(rows.dim, us::metric_kind_t::l2sq_k, scalar_);
        index_ = us::index_dense_t::make(metric, config);
        float most = 0;
        for (std::size_t i = 0; i < rows.count * rows.dim; ++i)
            most = std::max(most, std::fabs(rows.data[i]));
        factor_ = most > 0 ? 127 / most : 1;
        query_.resize(rows.dim);
    }

    bool is_scaled() const { return scalar_ == us::scalar_kind_t::i8_k; }

    void scale(const float* row, std::vector<us::i8_t>& out) const {
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] =
                static_cast<us::i8_t>(std::lround(std::clamp(row[i] * factor_, -127.0F, 127.0F)));
        }
    }

    us::scalar_kind_t scalar_;
    us::index_dense_t index_;
    float factor_ = 1;
    std::vector<us::i8_t> query_;
};

}  // namespace

void add_usearch(Peers& peers) {
    peers.push_back(std::make_unique<Usearch>(us::scalar_kind_t::f32_k));
    peers.push_back(std::make_unique<Usearch>(us::scalar_kind_t::i8_k));
}

}  // namespace ann

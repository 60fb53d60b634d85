// Our own index, in its default configuration.
#include <abi/core/thread_pool.hpp>
#include <abi/storage/ann_index.hpp>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>

#include "peer.hpp"

namespace ann {
namespace {

namespace storage = abikit::storage;

class Abi final : public Peer {
public:
    std::string name() const override { return "abi"; }

    void build(Rows rows, unsigned threads) override {
        keep(rows);
        abikit::ThreadPool pool(threads);
        abikit::Context context;
        context.pool = &pool;
        take(storage::AnnIndex::build(context, *source_));
    }

    bool save(const std::string& path) override {
        const auto bytes = index_->bytes();
        std::ofstream file(path, std::ios::binary);
        file.write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
        return file.good();
    }

    bool load(const std::string& path, Rows rows) override {
        keep(rows);
        std::ifstream file(path, std::ios::binary | std::ios::ate);
        if (!file)
            return false;
        const auto size = static_cast<std::size_t>(file.tellg());
        // Aligned as a mapped file is.
        std::shared_ptr<std::byte> bytes(
            static_cast<std::byte*>(std::aligned_alloc(4096, (size + 4095) / 4096 * 4096)),
            [](std::byte* memory) { std::free(memory); });
        file.seekg(0);
        file.read(reinterpret_cast<char*>(bytes.get()), static_cast<std::streamsize>(size));
        take(storage::AnnIndex::parse(bytes, std::span(bytes.get(), size)));
        return true;
    }

    std::vector<Effort> efforts(std::size_t k) const override { return list_sizes(k); }
    void prepare(Effort effort) override { effort_ = effort.main; }

    void search(const float* query, std::size_t k, std::int64_t* ids) override {
        if (!index_->search(*source_, query, k, effort_, scratch_, hits_))
            throw std::runtime_error("a search failed");
        for (std::size_t i = 0; i < k; ++i)
            ids[i] = i < hits_.size() ? static_cast<std::int64_t>(hits_[i].row) : -1;
    }

private:
    void keep(Rows rows) {
        source_.emplace(std::span(rows.data, rows.count * rows.dim),
                        static_cast<std::uint32_t>(rows.dim));
    }

    void take(abikit::Result<storage::AnnIndex> index) {
        if (!index)
            throw std::runtime_error("abi: " + index.error().message());
        index_.emplace(std::move(*index));
    }

    std::optional<storage::MemoryVectors> source_;
    std::optional<storage::AnnIndex> index_;
    storage::AnnScratch scratch_;
    std::vector<storage::Hit> hits_;
    unsigned effort_ = 0;
};

}  // namespace

void add_abi(Peers& peers) {
    peers.push_back(std::make_unique<Abi>());
}

}  // namespace ann

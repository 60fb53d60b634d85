// The index over rows in memory, without a database around it.
#include <fmt/format.h>

#include <abi/core/time.hpp>
#include <abi/storage/ann_index.hpp>

#include "subject.hpp"

namespace abikit::suites {
namespace {

class BareSubject final : public AnnSubject {
public:
    BareSubject(const Vectors& rows, storage::Metric metric)
        : source_(rows.values, static_cast<std::uint32_t>(rows.dimension)) {
        options_.metric = metric;
    }

    Result<AnnBuild> build(const Context& context) override {
        const std::uint64_t start = monotonic_ns();
        ABI_TRY(storage::AnnIndex index, storage::AnnIndex::build(context, source_, options_));
        index_.emplace(std::move(index));
        AnnBuild built;
        built.seconds = static_cast<double>(monotonic_ns() - start) * 1e-9;
        built.index_size_bytes = index_->info().size_bytes;
        built.hot_bytes_per_row = static_cast<double>(index_->info().hot_bytes_per_row);
        return built;
    }

    Status search(std::span<const float> query, const AnnRequest& request) override {
        std::uint32_t effort = request.effort.value_or(0);
        if (request.recall) {
            effort = index_->effort_for(*request.recall, request.k);
        }
        if (effort == 0) {
            return fail(Code::kUnavailable,
                        fmt::format("no effort of the index reaches recall {}", *request.recall),
                        "a database compares every row then; leave --bare out");
        }
        return index_->search(source_, query.data(), request.k, effort, scratch_, hits_);
    }

    Status found(std::vector<std::uint64_t>& rows) const override {
        rows.clear();
        for (const storage::Hit& hit : hits_) {
            rows.push_back(hit.row);
        }
        return {};
    }

private:
    storage::MemoryVectors source_;
    storage::AnnOptions options_;
    std::optional<storage::AnnIndex> index_;
    storage::AnnScratch scratch_;
    std::vector<storage::Hit> hits_;
};

}  // namespace

std::unique_ptr<AnnSubject> bare_subject(const Vectors& rows, storage::Metric metric) {
    return std::make_unique<BareSubject>(rows, metric);
}

}  // namespace abikit::suites

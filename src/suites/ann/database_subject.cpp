// Goes the way of a user: makes a database, imports the file, lets the index be built, searches a
// snapshot and asks for the ids of the hits.
#include <fmt/format.h>

#include <charconv>
#include <utility>

#include <abi/core/time.hpp>
#include <abi/core/uuid.hpp>
#include <abi/storage/database.hpp>
#include <abi/storage/import.hpp>

#include "subject.hpp"

namespace abikit::suites {
namespace {

double seconds_since(std::uint64_t start_ns) {
    return static_cast<double>(monotonic_ns() - start_ns) * 1e-9;
}

class DatabaseSubject final : public AnnSubject {
public:
    DatabaseSubject(const Context& context, std::string directory, std::string base,
                    const Vectors& rows, storage::Metric metric)
        : context_(context),
          directory_(std::move(directory)),
          base_(std::move(base)),
          rows_(&rows),
          metric_(metric) {}

    ~DatabaseSubject() override {
        snapshot_.reset();
        database_.reset();
        if (!path_.empty()) {
            remove_database();
        }
    }

    Result<AnnBuild> build(const Context& context) override {
        ABI_TRY(const Uuid name, make_uuid_v4());
        path_ = join_path(directory_, "abi-bench-ann-" + format_uuid(name));
        const std::uint64_t start = monotonic_ns();
        storage::CreateOptions options;
        options.dimension = static_cast<std::uint32_t>(rows_->dimension);
        options.metric = metric_;
        ABI_TRY(storage::Database database, storage::Database::create(context, path_, options));
        database_.emplace(std::move(database));
        storage::ImportInfo info;
        ABI_CHECK(storage::import_files(context, *database_, {base_}, nullptr, {}, info));
        AnnBuild built;
        built.import_seconds = seconds_since(start);
        ABI_CHECK(database_->optimize());
        ABI_TRY(const storage::IndexInfo index, database_->build_index(context));
        built.seconds = seconds_since(start);
        built.index_size_bytes = index.size_bytes;
        built.hot_bytes_per_row = index.rows == 0 ? 0.0
                                                  : static_cast<double>(index.hot_bytes) /
                                                        static_cast<double>(index.rows);
        snapshot_.emplace(database_->snapshot());
        return built;
    }

    Status search(std::span<const float> query, const AnnRequest& request) override {
        Context alone = context_;
        alone.pool = nullptr;
        storage::SearchOptions options;
        options.k = request.k;
        options.effort = request.effort;
        options.recall = request.recall;
        ABI_TRY(const auto results, snapshot_->search(alone, query, 1, options));
        ids_.resize(results.front().size());
        for (std::size_t i = 0; i < ids_.size(); ++i) {
            ABI_TRY(ids_[i], snapshot_->read_id(results.front()[i].row));
        }
        return {};
    }

    Status found(std::vector<std::uint64_t>& rows) const override {
        rows.clear();
        for (const std::string& id : ids_) {
            std::uint64_t row = 0;
            const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), row);
            if (error != std::errc() || end != id.data() + id.size()) {
                return fail(Code::kInternal, fmt::format("a hit has the unknown id '{}'", id));
            }
            rows.push_back(row);
        }
        return {};
    }

private:
    void remove_database() {
        FileSystem& files = *context_.fs;
        const auto entries = files.list(path_);
        if (!entries) {
            return;
        }
        for (const DirectoryEntry& entry : *entries) {
            static_cast<void>(files.remove(join_path(path_, entry.name)));
        }
        static_cast<void>(files.remove_directory(path_));
    }

    Context context_;
    std::string directory_, base_, path_;
    const Vectors* rows_;
    storage::Metric metric_;
    std::optional<storage::Database> database_;
    std::optional<storage::Snapshot> snapshot_;
    std::vector<std::string> ids_;
};

}  // namespace

std::unique_ptr<AnnSubject> database_subject(const Context& context, const std::string& directory,
                                             const std::string& base, const Vectors& rows,
                                             storage::Metric metric) {
    return std::make_unique<DatabaseSubject>(context, directory, base, rows, metric);
}

}  // namespace abikit::suites

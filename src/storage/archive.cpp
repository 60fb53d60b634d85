// Archives in and out. A segment image begins with its header, which holds checksums of all that
// follows: so each collection is gone through twice, first only to learn the header.
#include <abi/storage/archive.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>
#include <abi/core/fs_memory.hpp>
#include <abi/core/random.hpp>
#include <abi/core/time.hpp>

#include "archive_files.hpp"
#include "database_impl.hpp"
#include "guard.hpp"
#include "staging.hpp"

namespace abikit::storage {

namespace {
constexpr std::string_view kExtension = ".wda";
constexpr std::uint64_t kReadRows = 4096;

// What a segment is written into. Only write_at matters; it comes in ascending order, the header
// last.
class SegmentTarget : public File {
public:
    Result<std::size_t> read_at(std::uint64_t /*offset*/,
                                std::span<std::byte> /*out*/) const override {
        return 0;
    }
    Status sync() override { return {}; }
    void start_writeback(std::uint64_t /*offset*/, std::uint64_t /*length*/) noexcept override {}
    Status truncate(std::uint64_t /*size_bytes*/) override { return {}; }
    Result<std::uint64_t> size() const override { return 0; }
    Result<std::unique_ptr<MappedRegion>> map() const override {
        return fail(Code::kInternal, "a segment in the making cannot be mapped");
    }
    Status try_lock(LockKind /*kind*/, LockRange /*range*/) override { return {}; }
    const std::string& path() const noexcept override { return path_; }

private:
    std::string path_ = "the archive";
};

// Keeps the header alone.
class HeaderCatcher final : public SegmentTarget {
public:
    Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
        if (offset == 0) {
            head_.assign(as_text(bytes));
        }
        return {};
    }
    const std::string& head() const noexcept { return head_; }

private:
    std::string head_;
};

// The stream of the archive: files one after the other, each with its checksum.
class Stream {
public:
    explicit Stream(ByteSink& sink) : sink_(sink) {}

    Status put(std::span<const std::byte> bytes) {
        crc_ = crc32c(bytes, crc_);
        offset_ += bytes.size();
        return sink_.write(bytes);
    }
    Status put(std::string_view text) { return put(as_bytes(text)); }
    Status pad_to(std::uint64_t offset) {
        static constexpr std::byte kZeros[kArchiveAlign] = {};
        while (offset_ < offset) {
            const auto count =
                static_cast<std::size_t>(std::min<std::uint64_t>(offset - offset_, kArchiveAlign));
            ABI_CHECK(put(std::span(kZeros).first(count)));
        }
        return {};
    }
    Status align() { return pad_to((offset_ + kArchiveAlign - 1) / kArchiveAlign * kArchiveAlign); }
    Status begin(std::string name) {
        ABI_CHECK(align());
        files_.push_back({std::move(name), offset_, 0, 0});
        crc_ = 0;
        return {};
    }
    void end() {
        files_.back().length = offset_ - files_.back().offset;
        files_.back().crc = crc_;
    }
    Status put_file(std::string name, std::string_view bytes) {
        ABI_CHECK(begin(std::move(name)));
        ABI_CHECK(put(bytes));
        end();
        return {};
    }
    Status finish() {
        ABI_CHECK(align());
        ABI_CHECK(put(encode_archive_tail(files_, offset_)));
        return sink_.flush();
    }
    std::uint64_t offset() const noexcept { return offset_; }

private:
    ByteSink& sink_;
    std::uint64_t offset_ = 0;
    std::uint32_t crc_ = 0;
    std::vector<ArchiveFile> files_;
};

// The second time: everything but the header, which the stream has already.
class SegmentStream final : public SegmentTarget {
public:
    explicit SegmentStream(Stream& stream) : stream_(stream), begin_(stream.offset()) {}
    Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
        if (offset == 0) {
            return {};
        }
        ABI_CHECK(stream_.pad_to(begin_ + offset));
        return stream_.put(bytes);
    }

private:
    Stream& stream_;
    std::uint64_t begin_;
};

Result<Manifest> new_manifest(std::uint64_t lsn) {
    Manifest manifest;
    manifest.generation = 1;
    manifest.lsn = lsn;
    ABI_TRY(manifest.uuid, make_uuid_v4());
    ABI_CHECK(fill_secure(std::as_writable_bytes(std::span(&manifest.log_salt, 1))));
    manifest.created_ns = manifest.checkpoint_ns = wall_clock_ns();
    return manifest;
}

Result<std::string> empty_log(const Manifest& manifest) {
    MemoryFileSystem scratch;
    ABI_CHECK(create_log(scratch, "/log", {manifest.uuid, manifest.log_number, manifest.log_salt}));
    return scratch.read_file("/log");
}
}  // namespace

bool is_archive_path(std::string_view path) noexcept {
    return path.ends_with(kExtension);
}

Result<ArchiveInfo> Database::Impl::write_archive(const Context& context, ByteSink& sink) const {
    ArchiveInfo info;
    Stream stream(sink);
    ABI_TRY(Manifest manifest, new_manifest(lsn_));
    manifest.next_collection = manifest_->next_collection;
    ABI_CHECK(
        stream.put(encode_archive_header({manifest.uuid, manifest.lsn, manifest.created_ns})));
    for (const Core& core : cores_) {
        CollectionEntry entry = *core.entry;
        entry.segments.clear();
        entry.next_ordinal = core.next_ordinal;
        if (entry.embedder_number != 0) {
            const std::string state = core.embedder->serialize();
            entry.embedder_number = manifest.next_file++;
            entry.embedder_crc = crc32c(as_bytes(state));
            ABI_CHECK(stream.put_file(embedder_name(entry.embedder_number), state));
        }
        StateRows rows(core.state, 0);
        if (rows.rows() != 0) {
            SegmentHeader identity;
            identity.uuid = manifest.uuid;
            identity.number = manifest.next_file++;
            identity.shape = entry.shape;
            identity.metric = entry.metric;
            identity.first_lsn = 1;
            identity.last_lsn = manifest.lsn;
            identity.created_ns = manifest.created_ns;  // both times the same bytes
            HeaderCatcher first;
            ABI_TRY(const SegmentEntry segment, write_segment(context, first, identity, rows));
            ABI_CHECK(stream.begin(segment_name(identity.number)));
            SegmentStream second(stream);
            ABI_CHECK(stream.put(first.head()));
            ABI_CHECK(write_segment(context, second, identity, rows));
            stream.end();
            entry.segments.push_back(segment);
            info.rows += rows.rows();
            if (context.progress != nullptr) {
                context.progress->update(info.rows);
            }
        }
        manifest.collections.push_back(std::move(entry));
    }
    info.collections = cores_.size();
    manifest.log_number = manifest.next_file++;
    ABI_TRY(const std::string log, empty_log(manifest));
    ABI_CHECK(stream.put_file(log_name(manifest.log_number), log));
    ABI_CHECK(stream.put_file(std::string(kManifestName), encode_manifest(manifest)));
    ABI_CHECK(stream.finish());
    info.bytes = stream.offset();
    return info;
}

namespace {
// An archive whose database was verified as a whole.
struct OpenArchive {
    std::unique_ptr<ArchiveFiles> files;
    Context context;  // on `files`
    VerifyInfo verified;
};

Result<OpenArchive> open_archive(const Context& context, const std::string& path) {
    OpenArchive archive;
    ABI_TRY(archive.files, ArchiveFiles::open(*context.fs, path));
    archive.context = context;
    archive.context.fs = archive.files.get();
    archive.context.progress = nullptr;
    auto verified = verify(archive.context, kArchiveDirectory);
    if (!verified) {
        return fail(std::move(verified).error().with_context(fmt::format("archive '{}'", path)));
    }
    archive.verified = *std::move(verified);
    if (!archive.verified.faults.empty()) {
        const Fault& fault = archive.verified.faults.front();
        std::uint64_t offset = fault.offset;
        for (const ArchiveFile& file : archive.files->contents().files) {
            offset += file.name == fault.file ? file.offset : 0;
        }
        return fail(corruption(path, offset, fmt::format("{}: {}", fault.file, fault.what)));
    }
    return archive;
}

// Rows of one collection as batches for another.
class CollectionCopy {
public:
    CollectionCopy(const Context& context, const Snapshot& from, Database& to,
                   const ImportOptions& options, ImportInfo& info)
        : context_(context), from_(from), to_(to), options_(options), info_(info) {}

    Status run() {
        const std::uint64_t most = std::min<std::uint64_t>(options_.commit_every, kReadRows);
        return from_.scan_runs(most, [this](RowRun run) { return copy(run); });
    }

private:
    Status copy(RowRun run) {
        ABI_CHECK(context_.cancel.check());
        data::RecordBatch batch;
        batch.rows = static_cast<std::size_t>(run.count);
        batch.dimension = to_.dimension();
        ABI_TRY(batch.vectors, from_.read_vectors(run, batch.owned_vectors));
        for (RowNumber row = run.first; row < run.first + run.count; ++row) {
            ABI_TRY(const std::string id, from_.read_id(row));
            ABI_TRY(const auto text, from_.read_text(row));
            ABI_TRY(const auto metadata, from_.read_metadata(row));
            batch.ids.append(id);
            text ? batch.texts.append(*text) : batch.texts.append_null();
            metadata ? batch.metadata.append(*metadata) : batch.metadata.append_null();
        }
        ABI_TRY(const CommitInfo done, to_.commit({&batch, {}, WriteMode::kUpsert, {}}));
        info_.rows_read += run.count;
        info_.rows_added += done.added;
        info_.rows_replaced += done.replaced;
        ++info_.commits;
        return options_.on_durable ? options_.on_durable(info_.rows_added + info_.rows_replaced)
                                   : Status();
    }

    const Context& context_;
    const Snapshot& from_;
    Database& to_;
    const ImportOptions& options_;
    ImportInfo& info_;
};

Status check_fit(const std::string& archive, const Database& from, const Database& to,
                 bool has_rows) {
    const auto state = [](const std::shared_ptr<const Embedder>& embedder) {
        return embedder == nullptr ? std::string() : embedder->serialize();
    };
    const auto kind = [](const std::shared_ptr<const Embedder>& embedder) {
        return std::string(embedder == nullptr ? "none" : embedder->kind());
    };
    const auto describe = [&kind](const Database& database) {
        return fmt::format("{} {} dimensions, {} distance, embedder {}", database.dimension(),
                           element_name(database.element()), metric_name(database.metric()),
                           kind(database.embedder()));
    };
    if (describe(from) != describe(to)) {
        return fail(Code::kIncompatible,
                    fmt::format("collection '{}' has {} in '{}', but {} in '{}'", from.name(),
                                describe(from), archive, describe(to), to.path()),
                    "import it into a new database");
    }
    if (has_rows && state(from.embedder()) != state(to.embedder())) {
        return fail(Code::kIncompatible,
                    fmt::format("the embedder of collection '{}' learned other texts in '{}' than "
                                "in '{}'",
                                from.name(), archive, to.path()),
                    "import it into a new database");
    }
    return {};
}

Status import_checked(const Context& context, Database& database, const OpenArchive& archive,
                      const ImportOptions& options, ImportInfo& info) {
    const std::string& path = archive.files->path();
    ABI_TRY(const Manifest manifest, read_manifest(*archive.files, kArchiveDirectory));
    std::vector<std::string> whole;
    std::vector<std::pair<Database, Database>> pairs;
    std::vector<Database> sources;  // of `whole`
    for (const CollectionEntry& entry : manifest.collections) {
        ABI_TRY(Database from, Database::open(archive.context, kArchiveDirectory, AccessMode::kRead,
                                              {entry.name, {}}));
        auto to = database.collection(entry.name);
        if (!to && to.error().code() != Code::kNotFound) {
            return fail(std::move(to).error());
        }
        const bool has_rows = to && to->snapshot().rows() != 0;
        ABI_CHECK(to ? check_fit(path, from, *to, has_rows) : Status());
        if (has_rows) {
            pairs.emplace_back(std::move(from), *std::move(to));
        } else {
            whole.push_back(entry.name);
            info.rows_read += from.snapshot().rows();
            info.rows_added += from.snapshot().rows();
            sources.push_back(std::move(from));
        }
    }
    if (!whole.empty()) {
        ABI_CHECK(database.adopt(sources.front(), whole));
        ++info.commits;
        ABI_CHECK(options.on_durable ? options.on_durable(info.rows_added) : Status());
    }
    for (auto& [from, to] : pairs) {
        const Snapshot rows = from.snapshot();
        ABI_CHECK(CollectionCopy(context, rows, to, options, info).run());
    }
    ++info.files;
    for (const ArchiveFile& file : archive.files->contents().files) {
        info.bytes_read += file.length;
    }
    return {};
}

Result<ArchiveInfo> create(const Context& context, const std::string& path,
                           const std::string& destination) {
    const TraceSpan span(context.trace, "storage", "create_from_archive");
    ABI_CHECK(check_destination(*context.fs, destination));
    ABI_TRY(const OpenArchive archive, open_archive(context, path));
    ABI_TRY(Staging staging, Staging::begin(*context.fs, destination));
    ArchiveInfo info;
    for (const ArchiveFile& file : archive.files->contents().files) {
        ABI_CHECK(context.cancel.check());
        ABI_CHECK(staging.write_file(file.name, archive.files->bytes_of(file)));
        info.bytes = file.offset + file.length;
    }
    ABI_TRY(const VerifyInfo verified, verify(context, staging.path()));
    if (verified.faults_total != 0) {
        const Fault& fault = verified.faults.front();
        return fail(corruption(join_path(staging.path(), fault.file), fault.offset, fault.what));
    }
    ABI_TRY(const Manifest manifest, read_manifest(*archive.files, kArchiveDirectory));
    info.rows = verified.rows;
    info.collections = manifest.collections.size();
    ABI_CHECK(staging.publish());
    return info;
}
}  // namespace

Result<ArchiveInfo> Database::write_archive(const Context& context, ByteSink& sink) const {
    return impl_->write_archive(context, sink);
}

Status Database::adopt(const Database& source, std::span<const std::string> names) {
    return impl_->alone([&] { return impl_->adopt(*source.impl_, names); });
}

Result<ArchiveInfo> export_archive(const Context& context, const Database& database,
                                   ByteSink& sink) {
    return guarded([&] {
        const TraceSpan span(context.trace, "storage", "export_archive");
        std::uint64_t rows = 0;
        for (const CollectionInfo& collection : database.collections()) {
            rows += collection.rows;
        }
        if (context.progress != nullptr) {
            context.progress->begin("export", "rows", rows);
        }
        Result<ArchiveInfo> info = database.write_archive(context, sink);
        if (context.progress != nullptr) {
            context.progress->end();
        }
        return info;
    });
}

Result<ArchiveInfo> create_from_archive(const Context& context, const std::string& archive,
                                        const std::string& destination) {
    return guarded([&] { return create(context, archive, destination); });
}

Status import_archive(const Context& context, Database& database, const std::string& archive,
                      const ImportOptions& options, ImportInfo& info) {
    return guarded([&]() -> Status {
        const TraceSpan span(context.trace, "storage", "import_archive");
        ABI_TRY(const OpenArchive opened, open_archive(context, archive));
        return import_checked(context, database, opened, options, info);
    });
}

}  // namespace abikit::storage

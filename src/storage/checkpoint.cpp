// Every step from one manifest generation to the next: folding the log into segments, making and
// dropping collections and named snapshots.
#include <algorithm>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>
#include <abi/core/random.hpp>
#include <abi/core/time.hpp>

#include "database_impl.hpp"

namespace abikit::storage {

namespace {
constexpr std::string_view kDeletesMagic = "WDBXDEL1";
constexpr std::size_t kDeletesHeaderBytes = 64;
constexpr std::uint32_t kDeletesVersion = 1;  // unchanged since format version 1
// A segment takes a few pages however few its rows; together at most this much is written again.
constexpr std::uint64_t kSmallSegmentBytes = std::uint64_t{64} << 10;
constexpr std::uint64_t kFoldBytes = std::uint64_t{64} << 20;
constexpr std::size_t kFoldSegments = 8;  // fewer are left alone
}  // namespace

std::string encode_deletes(const Uuid& uuid, std::uint64_t segment, std::uint64_t rows,
                           const Bitmap& deleted) {
    Encoder out;
    out.put_bytes(kDeletesMagic);
    out.put(kDeletesVersion);
    out.put(std::uint32_t{0x01020304});
    out.put(uuid);
    out.put(segment);
    out.put(rows);
    out.put(deleted.count());
    const std::size_t words = (rows + 63) / 64;
    std::vector<std::uint64_t> padded = deleted.words();
    padded.resize(words);
    const std::string_view raw = as_text(std::as_bytes(std::span<const std::uint64_t>(padded)));
    out.put(crc32c(as_bytes(raw)));
    out.put(crc32c(as_bytes(out.bytes())));
    out.put_bytes(raw);
    return out.take();
}

Result<Bitmap> read_deletes(FileSystem& fs, const std::string& directory, const Uuid& uuid,
                            const SegmentEntry& entry) {
    const std::string path = join_path(directory, deletes_name(entry.deletes_number));
    ABI_TRY(const std::string bytes, fs.read_file(path));
    const std::size_t words = (entry.rows + 63) / 64;
    if (bytes.size() >= kDeletesHeaderBytes && bytes.starts_with(kDeletesMagic)) {
        const std::string_view head = std::string_view(bytes).substr(0, kDeletesHeaderBytes - 4);
        const auto version = Decoder(head.substr(kDeletesMagic.size())).get<std::uint32_t>();
        const auto crc = Decoder(std::string_view(bytes).substr(head.size())).get<std::uint32_t>();
        // Damage must not look like a newer version.
        if (version > kDeletesVersion && crc == crc32c(as_bytes(head))) {
            return fail(newer_format(path, version));
        }
    }
    if (bytes.size() != kDeletesHeaderBytes + words * 8 || !bytes.starts_with(kDeletesMagic)) {
        return fail(corruption(path, 0, "it is cut short or no deletes file"));
    }
    std::vector<std::uint64_t> bits(words);
    std::memcpy(bits.data(), bytes.data() + kDeletesHeaderBytes, words * 8);
    const std::uint64_t beyond = entry.rows % 64 == 0 ? 0 : ~std::uint64_t{0} << (entry.rows % 64);
    if (words != 0 && (bits.back() & beyond) != 0) {
        return fail(corruption(path, kDeletesHeaderBytes + words * 8 - 8,
                               "it deletes rows that are not there"));
    }
    Bitmap deleted(std::move(bits));
    if (bytes != encode_deletes(uuid, entry.number, entry.rows, deleted) ||
        deleted.count() != entry.deleted_rows) {
        return fail(corruption(path, 0, "it does not match its checksum or its segment"));
    }
    return deleted;
}

Result<std::shared_ptr<const Embedder>> read_embedder(FileSystem& fs, const std::string& directory,
                                                      const CollectionEntry& collection) {
    if (collection.embedder_kind.empty()) {
        return std::shared_ptr<const Embedder>();
    }
    std::string state;
    const std::string path = join_path(directory, embedder_name(collection.embedder_number));
    if (collection.embedder_number != 0) {
        ABI_TRY(state, fs.read_file(path));
        if (crc32c(as_bytes(state)) != collection.embedder_crc) {
            return fail(corruption(path, 0, "the embedder's state does not match its checksum"));
        }
    }
    auto made = make_embedder(collection.embedder_kind, collection.shape.dimension, state);
    if (!made) {
        return fail(std::move(made).error().with_context(
            fmt::format("cannot open database '{}'", directory)));
    }
    return std::shared_ptr<const Embedder>(*std::move(made));
}

StateRows::StateRows(std::shared_ptr<const State> state, std::size_t from_unit)
    : state_(std::move(state)) {
    const RowNumber first = state_->first_row(from_unit);
    for (const Run& run : runs_of(*state_, std::uint64_t{1} << 20)) {
        for (std::uint64_t i = 0; i < run.count && run.number + run.count > first; ++i) {
            if (run.number + i >= first &&
                (run.deleted == nullptr || !run.deleted->test(run.deleted_bit + i))) {
                numbers_.push_back(run.number + i);
            }
        }
    }
}

// Rows that lie behind each other go out as one run: a log without deletes is written chunk by
// chunk.
Status StateRows::vectors(const std::function<Status(std::span<const std::byte>)>& sink) {
    for (std::size_t at = 0; at < numbers_.size();) {
        ABI_TRY(std::span<const std::byte> run, state_->vector(numbers_[at]));
        std::size_t next = at + 1;
        for (; next < numbers_.size() && numbers_[next] == numbers_[next - 1] + 1; ++next) {
            ABI_TRY(const std::span<const std::byte> more, state_->vector(numbers_[next]));
            if (more.data() != run.data() + run.size()) {
                break;
            }
            run = std::span(run.data(), run.size() + more.size());
        }
        ABI_CHECK(sink(run));
        at = next;
    }
    return {};
}

// One collection of a generation in the making: what is kept, and the rows that become one more
// segment.
struct Database::Impl::NextCollection {
    CollectionEntry entry;
    std::vector<SegmentUnit> segments;  // as in entry
    std::shared_ptr<const Embedder> embedder, old_embedder;
    std::unique_ptr<RowSource> source;  // null: none
};

// A generation in the making: the manifest to be, the files made for it, and the objects that
// replace the current ones. The manifest's collections are filled in at the end.
struct Database::Impl::NextGeneration {
    Manifest manifest;
    std::vector<NextCollection> collections;
    std::string snapshot;  // also keep this moment under a name
    std::vector<std::string> new_files;

    std::uint64_t new_file() { return manifest.next_file++; }
};

Database::Impl::NextGeneration Database::Impl::fold() const {
    NextGeneration next;
    next.manifest = *manifest_;
    next.manifest.version = kFormatVersion;
    next.manifest.collections.clear();
    for (const Core& core : cores_) {
        NextCollection& collection = next.collections.emplace_back();
        const bool has_rows = core.mem->rows() != 0;
        const std::size_t keep =
            has_rows && options_.auto_merge ? segments_to_keep(core) : core.segments.size();
        collection.entry = *core.entry;
        collection.entry.segments.clear();
        collection.entry.next_ordinal = core.next_ordinal;
        collection.embedder = collection.old_embedder = core.embedder;
        for (std::size_t i = 0; i < keep; ++i) {
            if (core.segments[i].live() != 0) {  // a segment without live rows is dropped whole
                collection.segments.push_back(core.segments[i]);
                collection.entry.segments.push_back(core.entry->segments[i]);
            }
        }
        if (has_rows) {
            collection.source = std::make_unique<StateRows>(core.state, keep);
        }
    }
    return next;
}

Status Database::Impl::write_deletes(NextGeneration& next, std::size_t index) {
    NextCollection& collection = next.collections[index];
    for (std::size_t i = 0; i < collection.segments.size(); ++i) {
        SegmentEntry& entry = collection.entry.segments[i];
        const BitmapPtr& deleted = collection.segments[i].deleted;
        if (deleted == nullptr || deleted->count() == entry.deleted_rows) {
            continue;
        }
        entry.deletes_number = next.new_file();
        entry.deleted_rows = deleted->count();
        const std::string path = join_path(path_, deletes_name(entry.deletes_number));
        next.new_files.push_back(path);
        ABI_TRY(auto file, context_.fs->open(path, OpenMode::kTruncate));
        ABI_CHECK(file->write_at(
            0, as_bytes(encode_deletes(manifest_->uuid, entry.number, entry.rows, *deleted))));
        ABI_CHECK(file->sync());
    }
    return {};
}

Status Database::Impl::write_embedder(NextGeneration& next, std::size_t index) {
    NextCollection& collection = next.collections[index];
    if (collection.embedder == collection.old_embedder) {
        return {};
    }
    const std::string state = collection.embedder->serialize();
    collection.entry.embedder_number = next.new_file();
    collection.entry.embedder_crc = crc32c(as_bytes(state));
    const std::string path = join_path(path_, embedder_name(collection.entry.embedder_number));
    next.new_files.push_back(path);
    ABI_TRY(auto file, context_.fs->open(path, OpenMode::kTruncate));
    ABI_CHECK(file->write_at(0, as_bytes(state)));
    return file->sync();
}

Status Database::Impl::write_collection(NextGeneration& next, std::size_t index) {
    NextCollection& collection = next.collections[index];
    if (collection.source != nullptr && collection.source->rows() != 0) {
        SegmentHeader identity;
        identity.uuid = manifest_->uuid;
        identity.number = next.new_file();
        identity.shape = collection.entry.shape;
        identity.metric = collection.entry.metric;
        identity.first_lsn = manifest_->lsn + 1;
        identity.last_lsn = lsn_;
        next.new_files.push_back(join_path(path_, segment_name(identity.number)));
        ABI_TRY(const SegmentEntry entry,
                write_segment(context_, path_, identity, *collection.source));
        collection.entry.segments.push_back(entry);
        SegmentUnit unit;
        ABI_TRY(unit.segment,
                Segment::open(*context_.fs, path_, owner_of(*manifest_, collection.entry), entry));
        collection.segments.push_back(std::move(unit));
    }
    ABI_CHECK(write_deletes(next, index));
    return write_embedder(next, index);
}

Status Database::Impl::write_files(NextGeneration& next) {
    Manifest& manifest = next.manifest;
    for (std::size_t index = 0; index < next.collections.size(); ++index) {
        ABI_CHECK(write_collection(next, index));
        manifest.collections.push_back(next.collections[index].entry);
    }
    if (!next.snapshot.empty()) {
        manifest.snapshots.push_back({next.snapshot, wall_clock_ns(), lsn_, manifest.collections});
    }
    manifest.log_number = next.new_file();
    ABI_CHECK(fill_secure(std::as_writable_bytes(std::span(&manifest.log_salt, 1))));
    const std::string path = join_path(path_, log_name(manifest.log_number));
    next.new_files.push_back(path);
    ABI_CHECK(
        create_log(*context_.fs, path, {manifest.uuid, manifest.log_number, manifest.log_salt}));
    if (purging_) {
        next.new_files.push_back(join_path(path_, kPurgeMarkName));
        ABI_CHECK(mark_purge());
    }
    // The names of the new files must be durable before a manifest names them.
    return context_.fs->sync_directory(path_);
}

// Swaps the manifest; from then on the new generation is the database. Whatever can fail for want
// of memory is made before the swap. Old files go once nothing durable names them.
Status Database::Impl::install(NextGeneration&& next) {
    ++next.manifest.generation;
    next.manifest.lsn = lsn_;
    next.manifest.checkpoint_ns = wall_clock_ns();
    const auto manifest = std::make_shared<const Manifest>(std::move(next.manifest));
    const LogIdentity identity{manifest->uuid, manifest->log_number, manifest->log_salt};
    ABI_TRY(auto log, LogWriter::open(*context_.fs, join_path(path_, log_name(identity.number)),
                                      identity, kLogHeaderBytes, {.mode = options_.sync}));
    std::vector<Core> cores;
    auto state = std::make_shared<DatabaseState>();
    state->manifest = manifest;
    state->lsn = lsn_;
    state->pin = std::make_shared<char>();
    old_pins_.reserve(old_pins_.size() + 1);
    for (std::size_t i = 0; i < next.collections.size(); ++i) {
        NextCollection& collection = next.collections[i];
        Core& core = cores.emplace_back();
        core.entry = {manifest, &manifest->collections[i]};
        core.segments = std::move(collection.segments);
        core.embedder = std::move(collection.embedder);
        core.next_ordinal = core.entry->next_ordinal;
        core.mem = std::make_unique<MemTable>(core.entry->shape, core.entry->metric);
        refresh_state(core);
        state->collections.push_back(core.state);
    }
    broken_ = true;  // until the outcome of the swap is known
    if (Status status = write_manifest(*context_.fs, path_, *manifest); !status) {
        // Did the swap happen? If the old manifest is still there, nothing changed and the old log
        // goes on. Otherwise either may be found after a crash, and acknowledging anything into
        // either log could lose it.
        const auto now = read_manifest(*context_.fs, path_);
        broken_ = !now || now->generation != manifest_->generation;
        return status;
    }
    manifest_ = manifest;
    cores_ = std::move(cores);
    log_ = std::move(log);
    log_end_ = kLogHeaderBytes;
    std::erase_if(old_pins_, [](const auto& pin) { return pin.expired(); });
    old_pins_.push_back(std::exchange(pin_, state->pin));
    publish(std::move(state));
    broken_ = false;
    remove_orphans();
    return {};
}

// What was made is removed when a later step fails.
Status Database::Impl::advance(NextGeneration&& next) {
    Status status;
    try {
        status = write_files(next);
    } catch (...) {
        status = fail(error_from_current_exception());
    }
    if (!status) {
        for (const std::string& path : next.new_files) {
            static_cast<void>(context_.fs->remove(path));
        }
        return status;
    }
    return install(std::move(next));
}

// Trailing segments that are small beside what is about to be written are written again with it, so
// that many small commits leave few segments, and each row is rewritten a logarithmic number of
// times.
std::size_t Database::Impl::segments_to_keep(const Core& core) {
    std::uint64_t gathered = std::max(core.mem->size_bytes(), kSmallSegmentBytes);
    std::size_t keep = core.segments.size();
    while (keep > 0) {
        const std::uint64_t size = core.segments[keep - 1].segment->size_bytes();
        if (size > 2 * gathered || gathered + size > kFoldBytes) {
            break;
        }
        gathered += size;
        --keep;
    }
    return core.segments.size() - keep < kFoldSegments ? core.segments.size() : keep;
}

Status Database::Impl::checkpoint() {
    ABI_CHECK(check_writable());
    const bool changed = std::any_of(cores_.begin(), cores_.end(), [](const Core& core) {
        return core.mem->rows() != 0 || core.deletes_changed;
    });
    if (!changed && log_end_ == kLogHeaderBytes) {
        return {};
    }
    const TraceSpan span(context_.trace, "storage", "checkpoint");
    return advance(fold());
}

Status Database::Impl::rewrite(std::size_t core, std::unique_ptr<RowSource> source,
                               std::shared_ptr<const Embedder> embedder) {
    NextGeneration next = fold();
    NextCollection& collection = next.collections[core];
    collection.entry.segments.clear();
    collection.segments.clear();
    collection.embedder = std::move(embedder);
    collection.source = std::move(source);
    return advance(std::move(next));
}

Status Database::Impl::create_collection(const CollectionOptions& options) {
    ABI_CHECK(check_writable());
    ABI_TRY(CollectionEntry entry, make_collection_entry(options));
    if (core_of(options.name)) {
        return fail(Code::kAlreadyExists, fmt::format("database '{}' has a collection '{}' already",
                                                      path_, options.name));
    }
    if (cores_.size() >= kMaxCollections) {
        return fail(Code::kLimit, fmt::format("database '{}' has {} collections: no more fit",
                                              path_, cores_.size()));
    }
    NextGeneration next = fold();
    NextCollection& collection = next.collections.emplace_back();
    entry.id = next.manifest.next_collection++;
    ABI_TRY(collection.embedder, read_embedder(*context_.fs, path_, entry));
    collection.old_embedder = collection.embedder;
    collection.entry = std::move(entry);
    return advance(std::move(next));
}

Status Database::Impl::adopt(const Impl& source, std::span<const std::string> names) {
    ABI_CHECK(check_writable());
    NextGeneration next = fold();
    for (const std::string& name : names) {
        ABI_TRY(const std::size_t from, source.core_of(name));
        const Core& core = source.cores_[from];
        const auto to = core_of(name);
        if (!to && cores_.size() + names.size() > kMaxCollections) {
            return fail(Code::kLimit, fmt::format("database '{}' has {} collections: no more fit",
                                                  path_, cores_.size()));
        }
        NextCollection& collection = to ? next.collections[*to] : next.collections.emplace_back();
        const std::uint64_t given = collection.entry.next_ordinal;
        const std::uint32_t id = to ? collection.entry.id : next.manifest.next_collection++;
        collection.entry = *core.entry;
        collection.entry.id = id;
        collection.entry.segments.clear();
        collection.entry.next_ordinal = std::max(to ? given : 0, core.next_ordinal);
        collection.entry.embedder_number = 0;
        collection.entry.embedder_crc = 0;
        collection.segments.clear();
        collection.embedder = core.embedder;
        // A state that was learned is written to a file of its own; a fresh one has none.
        collection.old_embedder = core.entry->embedder_number == 0 ? core.embedder : nullptr;
        collection.source = std::make_unique<StateRows>(core.state, 0);
    }
    return advance(std::move(next));
}

Status Database::Impl::drop_collection(std::string_view name) {
    ABI_CHECK(check_writable());
    ABI_TRY(const std::size_t core, core_of(name));
    if (cores_.size() == 1) {
        return fail(Code::kInvalidArgument,
                    fmt::format("'{}' is the last collection of '{}'", name, path_),
                    "make another one first, or remove the directory");
    }
    NextGeneration next = fold();
    next.collections.erase(next.collections.begin() + static_cast<std::ptrdiff_t>(core));
    return advance(std::move(next));
}

Status Database::Impl::create_snapshot(std::string_view name) {
    ABI_CHECK(check_writable());
    ABI_CHECK(check_name("snapshot", name));
    if (manifest_->find_snapshot(name) != nullptr) {
        return fail(Code::kAlreadyExists,
                    fmt::format("database '{}' has a snapshot '{}' already", path_, name),
                    "choose another name, or drop that one first");
    }
    NextGeneration next = fold();
    next.snapshot = name;
    return advance(std::move(next));
}

Status Database::Impl::drop_snapshot(std::string_view name) {
    ABI_CHECK(check_writable());
    if (manifest_->find_snapshot(name) == nullptr) {
        return fail(Code::kNotFound, fmt::format("database '{}' has no snapshot '{}'", path_, name),
                    fmt::format("'abi db snapshot list {}' names them", path_));
    }
    NextGeneration next = fold();
    std::erase_if(next.manifest.snapshots,
                  [name](const SnapshotEntry& entry) { return entry.name == name; });
    return advance(std::move(next));
}

Status Database::Impl::upgrade() {
    ABI_CHECK(check_writable());
    return advance(fold());
}

}  // namespace abikit::storage

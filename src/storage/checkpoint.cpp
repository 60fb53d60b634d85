// Folding the log into a segment, and every other step from one manifest generation to the next.
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
// A segment takes a few pages however few its rows; together at most this much is written again.
constexpr std::uint64_t kSmallSegmentBytes = std::uint64_t{64} << 10;
constexpr std::uint64_t kFoldBytes = std::uint64_t{64} << 20;
constexpr std::size_t kFoldSegments = 8;  // fewer are left alone
}  // namespace

std::string encode_deletes(const Uuid& uuid, std::uint64_t segment, std::uint64_t rows,
                           const Bitmap& deleted) {
    Encoder out;
    out.put_bytes(kDeletesMagic);
    out.put(kFormatVersion);
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

Result<Bitmap> read_deletes(FileSystem& fs, const std::string& directory, const Manifest& manifest,
                            const SegmentEntry& entry) {
    const std::string path = join_path(directory, deletes_name(entry.deletes_number));
    ABI_TRY(const std::string bytes, fs.read_file(path));
    const std::size_t words = (entry.rows + 63) / 64;
    if (bytes.size() >= kDeletesHeaderBytes && bytes.starts_with(kDeletesMagic)) {
        Decoder header(std::string_view(bytes).substr(kDeletesMagic.size()));
        if (const auto version = header.get<std::uint32_t>(); version > kFormatVersion) {
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
    if (bytes != encode_deletes(manifest.uuid, entry.number, entry.rows, deleted) ||
        deleted.count() != entry.deleted_rows) {
        return fail(corruption(path, 0, "it does not match its checksum or its segment"));
    }
    return deleted;
}

Result<std::shared_ptr<const Embedder>> read_embedder(FileSystem& fs, const std::string& directory,
                                                      const Manifest& manifest) {
    if (manifest.embedder_kind.empty()) {
        return std::shared_ptr<const Embedder>();
    }
    std::string state;
    const std::string path = join_path(directory, embedder_name(manifest.embedder_number));
    if (manifest.embedder_number != 0) {
        ABI_TRY(state, fs.read_file(path));
        if (crc32c(as_bytes(state)) != manifest.embedder_crc) {
            return fail(corruption(path, 0, "the embedder's state does not match its checksum"));
        }
    }
    auto made = make_embedder(manifest.embedder_kind, manifest.dimension, state);
    if (!made) {
        return fail(std::move(made).error().with_context(
            fmt::format("cannot open database '{}'", directory)));
    }
    return std::shared_ptr<const Embedder>(*std::move(made));
}

StateRows::StateRows(const State& state, std::size_t from_unit) : state_(state) {
    const RowNumber first = state.first_row(from_unit);
    for (const Run& run : runs_of(state, std::uint64_t{1} << 20)) {
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
Status StateRows::vectors(const std::function<Status(std::span<const float>)>& sink) {
    for (std::size_t at = 0; at < numbers_.size();) {
        ABI_TRY(std::span<const float> run, state_.vector(numbers_[at]));
        std::size_t next = at + 1;
        for (; next < numbers_.size() && numbers_[next] == numbers_[next - 1] + 1; ++next) {
            ABI_TRY(const std::span<const float> more, state_.vector(numbers_[next]));
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

// A generation in the making: the manifest to be, the files made for it, and the objects that
// replace the current ones.
struct Database::Impl::NextGeneration {
    Manifest manifest;
    std::vector<SegmentUnit> segments;
    std::vector<std::string> new_files;
    std::shared_ptr<const Embedder> embedder;
};

std::uint64_t Database::Impl::new_file(NextGeneration& next) const {
    return next.manifest.next_file++;
}

Status Database::Impl::write_deletes(NextGeneration& next) {
    for (std::size_t i = 0; i < next.segments.size(); ++i) {
        SegmentEntry& entry = next.manifest.segments[i];
        const BitmapPtr& deleted = next.segments[i].deleted;
        if (deleted == nullptr || deleted->count() == entry.deleted_rows) {
            continue;
        }
        entry.deletes_number = new_file(next);
        entry.deleted_rows = deleted->count();
        const std::string path = join_path(path_, deletes_name(entry.deletes_number));
        next.new_files.push_back(path);
        ABI_TRY(auto file, context_.fs->open(path, OpenMode::kTruncate));
        ABI_CHECK(file->write_at(
            0, as_bytes(encode_deletes(manifest_.uuid, entry.number, entry.rows, *deleted))));
        ABI_CHECK(file->sync());
    }
    return {};
}

Status Database::Impl::write_files(NextGeneration& next, RowSource* source) {
    Manifest& manifest = next.manifest;
    if (source != nullptr && source->rows() != 0) {
        SegmentHeader identity;
        identity.uuid = manifest.uuid;
        identity.number = new_file(next);
        identity.dimension = manifest.dimension;
        identity.metric = manifest.metric;
        identity.first_lsn = manifest_.lsn + 1;
        identity.last_lsn = lsn_;
        next.new_files.push_back(join_path(path_, segment_name(identity.number)));
        ABI_TRY(const SegmentEntry entry, write_segment(context_, path_, identity, *source));
        manifest.segments.push_back(entry);
        SegmentUnit unit;
        ABI_TRY(unit.segment, Segment::open(*context_.fs, path_, manifest, entry));
        next.segments.push_back(std::move(unit));
    }
    ABI_CHECK(write_deletes(next));
    if (next.embedder != embedder_) {
        const std::string state = next.embedder->serialize();
        manifest.embedder_number = new_file(next);
        manifest.embedder_crc = crc32c(as_bytes(state));
        const std::string path = join_path(path_, embedder_name(manifest.embedder_number));
        next.new_files.push_back(path);
        ABI_TRY(auto file, context_.fs->open(path, OpenMode::kTruncate));
        ABI_CHECK(file->write_at(0, as_bytes(state)));
        ABI_CHECK(file->sync());
    }
    manifest.log_number = new_file(next);
    ABI_CHECK(fill_secure(std::as_writable_bytes(std::span(&manifest.log_salt, 1))));
    const std::string path = join_path(path_, log_name(manifest.log_number));
    next.new_files.push_back(path);
    ABI_CHECK(
        create_log(*context_.fs, path, {manifest.uuid, manifest.log_number, manifest.log_salt}));
    // The names of the new files must be durable before a manifest names them.
    return context_.fs->sync_directory(path_);
}

// Swaps the manifest; from then on the new generation is the database. Whatever can fail for want
// of memory is made before the swap. Old files go once nothing durable names them.
Status Database::Impl::install(NextGeneration&& next) {
    ++next.manifest.generation;
    next.manifest.lsn = lsn_;
    next.manifest.next_ordinal = next_ordinal_;
    next.manifest.checkpoint_ns = wall_clock_ns();
    const LogIdentity identity{next.manifest.uuid, next.manifest.log_number,
                               next.manifest.log_salt};
    ABI_TRY(auto log, LogWriter::open(*context_.fs, join_path(path_, log_name(identity.number)),
                                      identity, kLogHeaderBytes));
    auto mem = std::make_unique<MemTable>(next.manifest.dimension, next.manifest.metric);
    auto state =
        make_state(next.manifest, next.segments, *mem, kLogHeaderBytes, next.embedder.get());
    broken_ = true;  // until the outcome of the swap is known
    if (Status status = write_manifest(*context_.fs, path_, next.manifest); !status) {
        // Did the swap happen? If the old manifest is still there, nothing changed and the old log
        // goes on. Otherwise either may be found after a crash, and acknowledging anything into
        // either log could lose it.
        const auto now = read_manifest(*context_.fs, path_);
        broken_ = !now || now->generation != manifest_.generation;
        return status;
    }
    manifest_ = std::move(next.manifest);
    segments_ = std::move(next.segments);
    embedder_ = std::move(next.embedder);
    mem_ = std::move(mem);
    log_ = std::move(log);
    deletes_changed_ = false;
    log_end_ = kLogHeaderBytes;
    publish(std::move(state));
    broken_ = false;
    remove_orphans();
    return {};
}

// Runs a step that writes the next generation's files; what it made is removed when it fails.
Status Database::Impl::advance(NextGeneration&& next, RowSource& source) {
    Status status;
    try {
        status = write_files(next, &source);
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
std::size_t Database::Impl::segments_to_keep() const {
    std::uint64_t gathered = std::max(mem_->size_bytes(), kSmallSegmentBytes);
    std::size_t keep = segments_.size();
    while (keep > 0) {
        const std::uint64_t size = segments_[keep - 1].segment->size_bytes();
        if (size > 2 * gathered || gathered + size > kFoldBytes) {
            break;
        }
        gathered += size;
        --keep;
    }
    return segments_.size() - keep < kFoldSegments ? segments_.size() : keep;
}

Status Database::Impl::checkpoint() {
    ABI_CHECK(check_writable());
    if (mem_->rows() == 0 && !deletes_changed_ && log_end_ == kLogHeaderBytes) {
        return {};
    }
    const TraceSpan span(context_.trace, "storage", "checkpoint");
    const std::shared_ptr<const State> now = state();
    const std::size_t keep = mem_->rows() == 0 ? segments_.size() : segments_to_keep();
    NextGeneration next{manifest_, {}, {}, embedder_};
    next.manifest.segments.clear();
    for (std::size_t i = 0; i < keep; ++i) {
        if (segments_[i].live() != 0) {  // a segment without live rows is dropped whole
            next.segments.push_back(segments_[i]);
            next.manifest.segments.push_back(manifest_.segments[i]);
        }
    }
    StateRows rows(*now, keep);
    return advance(std::move(next), rows);
}

Status Database::Impl::rewrite(RowSource& source, std::shared_ptr<const Embedder> embedder) {
    NextGeneration next{manifest_, {}, {}, std::move(embedder)};
    next.manifest.segments.clear();
    return advance(std::move(next), source);
}

}  // namespace abikit::storage

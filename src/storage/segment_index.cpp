// Finding, checking, writing.
#include "segment_index.hpp"

#include <cstring>

#include <abi/core/crc32c.hpp>

#include "format.hpp"
#include "segment.hpp"

namespace abikit::storage {

namespace {
// Behind the index's own bytes: what it is the index of.
constexpr std::string_view kTrailerMagic = "WDBXIDX1";
constexpr std::size_t kTrailerBytes = 64;

std::string trailer_of(const SegmentIdentity& identity) {
    Encoder out;
    out.put_bytes(kTrailerMagic);
    out.put(identity.uuid);
    out.put(identity.number);
    out.put(identity.rows);
    out.put(identity.header_crc);
    std::string bytes = out.take();
    bytes.resize(kTrailerBytes - 4, '\0');
    const std::uint32_t crc = crc32c(as_bytes(bytes));
    bytes.append(reinterpret_cast<const char*>(&crc), sizeof crc);
    return bytes;
}
}  // namespace

SegmentIndex::SegmentIndex(FileSystem& fs, std::string path, const SegmentIdentity& identity)
    : fs_(fs), path_(std::move(path)), identity_(identity) {}

SegmentIndex::~SegmentIndex() {
    for (auto& slot : scratches_) {
        delete slot.load();
    }
}

Result<std::shared_ptr<const AnnIndex>> SegmentIndex::read() const {
    ABI_TRY(const auto file, fs_.open(path_, OpenMode::kRead));
    ABI_TRY(auto map, file->map());
    const std::shared_ptr<const MappedRegion> owner = std::move(map);
    const auto bytes = owner->bytes();
    if (bytes.size() < kTrailerBytes ||
        as_text(bytes.last(kTrailerBytes)) != trailer_of(identity_)) {
        return fail(corruption(path_,
                               bytes.size() < kTrailerBytes ? 0 : bytes.size() - kTrailerBytes,
                               "it is cut short or of another segment"));
    }
    auto index = AnnIndex::parse(owner, bytes.first(bytes.size() - kTrailerBytes));
    if (!index) {
        const Error& error = index.error();
        return error.code() == Code::kCorrupt
                   ? fail(corruption(path_, corruption_offset(error), "the index is damaged"))
                   : fail(std::move(index).error());
    }
    if (index->info().rows != identity_.rows) {
        return fail(corruption(path_, 0, "it has other rows than its segment"));
    }
    return std::make_shared<const AnnIndex>(*std::move(index));
}

std::shared_ptr<const AnnIndex> SegmentIndex::get() {
    if (known_.load(std::memory_order_acquire)) {
        return index_;
    }
    const std::scoped_lock lock(mutex_);
    if (known_.load(std::memory_order_relaxed) || !damage_.empty() || !exists()) {
        return index_;
    }
    auto found = read();
    if (found) {
        index_ = *std::move(found);
        known_.store(true, std::memory_order_release);
    } else if (found.error().code() == Code::kCorrupt) {
        damage_ = found.error().message();
    }
    return index_;
}

std::string SegmentIndex::damage() const {
    const std::scoped_lock lock(mutex_);
    return damage_;
}

bool SegmentIndex::exists() const {
    const auto info = fs_.stat(path_);
    return info && info->has_value();
}

Result<AnnAudit> SegmentIndex::check() const {
    ABI_TRY(const auto index, read());
    return index->audit();
}

Status SegmentIndex::write(const AnnIndex& index) {
    const std::string trailer = trailer_of(identity_);
    std::vector<std::byte> bytes(index.bytes().begin(), index.bytes().end());
    const auto tail = as_bytes(trailer);
    bytes.insert(bytes.end(), tail.begin(), tail.end());
    ABI_CHECK(fs_.replace_file(path_, bytes));
    const std::scoped_lock lock(mutex_);
    damage_.clear();
    if (!known_.load(std::memory_order_relaxed)) {
        index_ = std::make_shared<const AnnIndex>(index);
        known_.store(true, std::memory_order_release);
    }
    return {};
}

Status SegmentIndex::remove() {
    if (exists()) {
        ABI_CHECK(fs_.remove(path_));
    }
    return {};
}

AnnScratch SegmentIndex::take_scratch() {
    for (auto& slot : scratches_) {
        if (AnnScratch* const mine = slot.exchange(nullptr, std::memory_order_acquire)) {
            const std::unique_ptr<AnnScratch> owned(mine);
            return std::move(*owned);
        }
    }
    return {};
}

void SegmentIndex::give_back(AnnScratch&& scratch) noexcept {
    auto* const mine = new (std::nothrow) AnnScratch(std::move(scratch));
    for (auto& slot : scratches_) {
        AnnScratch* none = nullptr;
        if (mine != nullptr && slot.compare_exchange_strong(none, mine, std::memory_order_release,
                                                            std::memory_order_relaxed)) {
            return;
        }
    }
    delete mine;
}

std::uint64_t SegmentVectors::rows() const noexcept {
    return segment_.rows();
}
std::uint32_t SegmentVectors::dimension() const noexcept {
    return segment_.header().shape.dimension;
}

Result<const float*> SegmentVectors::read(std::uint64_t first, std::size_t count,
                                          std::vector<float>& buffer) const {
    ABI_TRY(const std::byte* const stored, segment_.vectors(first, count));
    const VectorShape shape = segment_.header().shape;
    if (shape.element == ElementType::kFloat32) {
        return reinterpret_cast<const float*>(stored);
    }
    buffer.resize(count * shape.dimension);
    decode_vectors(shape, stored, count, buffer.data());
    return buffer.data();
}

}  // namespace abikit::storage

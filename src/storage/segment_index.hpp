// The approximate index that may lie beside a segment: found when it is first asked for, checked as
// a whole, left alone when it is damaged. It is derived from the segment and never needed.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include <abi/core/context.hpp>
#include <abi/core/uuid.hpp>
#include <abi/storage/ann_index.hpp>

#include "manifest.hpp"

namespace abikit::storage {

class Segment;

// Which segment an index is of.
struct SegmentIdentity {
    Uuid uuid{};  // of the database
    std::uint64_t number = 0;
    std::uint64_t rows = 0;
    std::uint32_t header_crc = 0;

    friend bool operator==(const SegmentIdentity&, const SegmentIdentity&) = default;
};

// Thread-safe. Nobody waits once the index is known.
class SegmentIndex {
public:
    SegmentIndex(FileSystem& fs, std::string path, const SegmentIdentity& identity);
    ~SegmentIndex();

    // Null when there is none, or a damaged one.
    std::shared_ptr<const AnnIndex> get();
    // What get() found damaged; empty when nothing was.
    std::string damage() const;
    // Reads it again, so that verify tells what is there now. It exists.
    Result<AnnAudit> check() const;
    bool exists() const;
    // Writes it atomically, durable on return. Whoever has an index goes on with it: one that takes
    // its place is found by who opens the segment next.
    Status write(const AnnIndex& index);
    Status remove();
    const std::string& path() const noexcept { return path_; }

    // Scratch that this index's queries share; of the caller until it is given back.
    AnnScratch take_scratch();
    void give_back(AnnScratch&& scratch) noexcept;

private:
    Result<std::shared_ptr<const AnnIndex>> read() const;

    FileSystem& fs_;
    std::string path_;
    SegmentIdentity identity_;
    std::atomic<bool> known_{false};
    mutable std::mutex mutex_;  // until known_
    std::shared_ptr<const AnnIndex> index_;
    std::string damage_;
    std::array<std::atomic<AnnScratch*>, 16> scratches_{};
};

// The rows of a segment as float32.
class SegmentVectors final : public VectorSource {
public:
    explicit SegmentVectors(const Segment& segment) noexcept : segment_(segment) {}
    std::uint64_t rows() const noexcept override;
    std::uint32_t dimension() const noexcept override;
    Result<const float*> read(std::uint64_t first, std::size_t count,
                              std::vector<float>& buffer) const override;

private:
    const Segment& segment_;
};

}  // namespace abikit::storage

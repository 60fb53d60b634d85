// Which rows of a damaged collection live: segments, deletes and log brought together. Read
// repair.cpp next.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "batch_codec.hpp"
#include "repair_findings.hpp"
#include "repair_log.hpp"
#include "repair_segment.hpp"
#include "segment_writer.hpp"

namespace abikit::storage {

// A segment of the damaged database, whichever moments name it.
struct SalvagedSegment {
    std::unique_ptr<DamagedSegment> segment;  // null: nothing of it can be read
    Bitmap wanted;    // rows that some moment has alive, as far as its deletes can be read
    Bitmap readable;  // of these
};

// One part of a commit of the log.
struct LogPart {
    std::uint64_t offset = 0;  // of its record
    DecodedBatch batch;
};

// Where a live row is: in a segment of the collection, or behind them in a part of the log.
struct SalvagedPlace {
    std::uint32_t unit = 0;  // index into the segments, then into the parts
    std::uint32_t row = 0;
};

// A collection at one moment: the present, or a named snapshot. The logic of replay, with ids
// compared by their hashes first, so that it takes 24 bytes for each row.
class SalvagedMoment {
public:
    SalvagedMoment(std::vector<SalvagedSegment*> segments, std::vector<BitmapPtr> deleted,
                   std::vector<const LogPart*> parts)
        : segments_(std::move(segments)), deleted_(std::move(deleted)), parts_(std::move(parts)) {}

    // Finds the live rows; the newest of several with one id.
    Status resolve(const Context& context);

    const std::vector<Bitmap>& live_of_segments() const noexcept { return live_; }
    // In order of insertion.
    const std::vector<SalvagedPlace>& live_of_log() const noexcept { return log_rows_; }
    std::uint64_t rows() const noexcept;
    // Rows of one segment that gave way to a newer one of their id.
    std::uint64_t replaced_in(std::size_t segment) const { return replaced_[segment]; }
    // One more than the largest integer id.
    std::uint64_t next_ordinal() const noexcept { return next_ordinal_; }
    SalvagedRow log_row(const SalvagedPlace& place) const;

private:
    struct Event {
        std::uint64_t hash = 0;
        std::uint64_t order = 0;
        SalvagedPlace place;
    };
    static constexpr std::uint32_t kDelete = std::uint32_t{1} << 31;  // in place.row
    void add_segments(std::vector<Event>& events);
    void add_log(std::vector<Event>& events);
    std::string id_of(const SalvagedPlace& place) const;
    void settle(std::vector<Event>::const_iterator first, std::vector<Event>::const_iterator last);
    void note_id(std::string_view id);

    std::vector<SalvagedSegment*> segments_;
    std::vector<BitmapPtr> deleted_;
    std::vector<const LogPart*> parts_;
    std::vector<Bitmap> live_;
    std::vector<std::uint64_t> replaced_;
    std::vector<SalvagedPlace> log_rows_;
    std::uint64_t next_ordinal_ = 0;
};

// Rows of a damaged segment as a source for a new one.
class SegmentRows : public RowSource {
public:
    SegmentRows(DamagedSegment& segment, const Bitmap& rows);
    std::uint64_t rows() const override { return rows_.size(); }
    Status vectors(const std::function<Status(std::span<const std::byte>)>& sink) override;
    Result<std::string> id(std::uint64_t row) override;
    Result<std::optional<std::string_view>> text(std::uint64_t row) override;
    Result<std::optional<std::string_view>> metadata(std::uint64_t row) override;
    // Numbers in the damaged segment, ascending.
    const std::vector<std::uint32_t>& numbers() const noexcept { return rows_; }

private:
    Result<SalvagedRow> read(std::uint64_t row);
    DamagedSegment& segment_;
    std::vector<std::uint32_t> rows_;
};

// Live rows of the log as a source for a segment.
class LogRows : public RowSource {
public:
    explicit LogRows(const SalvagedMoment& moment) : moment_(moment) {}
    std::uint64_t rows() const override { return moment_.live_of_log().size(); }
    Status vectors(const std::function<Status(std::span<const std::byte>)>& sink) override;
    Result<std::string> id(std::uint64_t row) override { return read(row).id; }
    Result<std::optional<std::string_view>> text(std::uint64_t row) override {
        return read(row).text;
    }
    Result<std::optional<std::string_view>> metadata(std::uint64_t row) override {
        return read(row).metadata;
    }

private:
    SalvagedRow read(std::uint64_t row) const {
        return moment_.log_row(moment_.live_of_log()[row]);
    }
    const SalvagedMoment& moment_;
};

}  // namespace abikit::storage

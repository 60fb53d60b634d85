// Everything that happened to an id, in order: the last word counts.
#include "repair_collection.hpp"

#include <algorithm>
#include <limits>

namespace abikit::storage {

Status SalvagedMoment::resolve(const Context& context) {
    std::vector<Event> events;
    add_segments(events);
    ABI_CHECK(context.cancel.check());
    add_log(events);
    std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
        return a.hash != b.hash ? a.hash < b.hash : a.order < b.order;
    });
    ABI_CHECK(context.cancel.check());
    for (auto first = events.cbegin(); first != events.cend();) {
        const auto last = std::find_if(first, events.cend(), [first](const Event& event) {
            return event.hash != first->hash;
        });
        settle(first, last);
        first = last;
    }
    const auto before = [](const SalvagedPlace& a, const SalvagedPlace& b) {
        return a.unit != b.unit ? a.unit < b.unit : a.row < b.row;
    };
    std::sort(log_rows_.begin(), log_rows_.end(), before);
    return {};
}

void SalvagedMoment::add_segments(std::vector<Event>& events) {
    for (std::uint32_t unit = 0; unit < segments_.size(); ++unit) {
        SalvagedSegment& source = *segments_[unit];
        const std::uint64_t rows = source.segment == nullptr ? 0 : source.segment->rows();
        live_.emplace_back(rows);
        replaced_.push_back(0);
        for (std::uint32_t row = 0; row < rows; ++row) {
            if (source.readable.test(row) &&
                (deleted_[unit] == nullptr || !deleted_[unit]->test(row))) {
                const SalvagedPlace place{unit, row};
                const std::string id = id_of(place);
                note_id(id);
                events.push_back({hash_id(id), events.size(), place});
            }
        }
    }
}

// Within a part deletes come first, then each row replaces any earlier row of its id.
void SalvagedMoment::add_log(std::vector<Event>& events) {
    const auto first_part = static_cast<std::uint32_t>(segments_.size());
    for (std::uint32_t i = 0; i < parts_.size(); ++i) {
        const DecodedBatch& batch = parts_[i]->batch;
        next_ordinal_ = std::max(next_ordinal_, batch.next_ordinal);
        for (std::uint32_t at = 0; at < batch.deletes.size(); ++at) {
            events.push_back(
                {hash_id(batch.deletes[at]), events.size(), {first_part + i, at | kDelete}});
        }
        for (std::uint32_t row = 0; row < batch.rows; ++row) {
            note_id(batch.ids[row]);
            events.push_back({hash_id(batch.ids[row]), events.size(), {first_part + i, row}});
        }
    }
}

std::string SalvagedMoment::id_of(const SalvagedPlace& place) const {
    if (place.unit < segments_.size()) {
        return segments_[place.unit]->segment->id(place.row).value_or(std::string());
    }
    const DecodedBatch& batch = parts_[place.unit - segments_.size()]->batch;
    return std::string((place.row & kDelete) != 0 ? batch.deletes[place.row & ~kDelete]
                                                  : batch.ids[place.row]);
}

// Events of one hash, nearly always of one id.
void SalvagedMoment::settle(std::vector<Event>::const_iterator first,
                            std::vector<Event>::const_iterator last) {
    std::vector<std::string> settled;  // ids that a later event has spoken about
    for (auto at = last; at != first;) {
        --at;
        const bool single = last - first == 1;
        std::string id = single ? std::string() : id_of(at->place);
        const bool is_delete = at->place.unit >= segments_.size() && (at->place.row & kDelete) != 0;
        const bool newest =
            single || std::find(settled.begin(), settled.end(), id) == settled.end();
        if (newest && !is_delete) {
            if (at->place.unit < segments_.size()) {
                live_[at->place.unit].set(at->place.row);
            } else {
                log_rows_.push_back(at->place);
            }
        } else if (!is_delete && at->place.unit < segments_.size()) {
            ++replaced_[at->place.unit];
        }
        if (newest && !single) {
            settled.push_back(std::move(id));
        }
    }
}

void SalvagedMoment::note_id(std::string_view id) {
    if (const auto number = canonical_integer(id);
        number && *number != std::numeric_limits<std::uint64_t>::max()) {
        next_ordinal_ = std::max(next_ordinal_, *number + 1);
    }
}

std::uint64_t SalvagedMoment::rows() const noexcept {
    std::uint64_t rows = log_rows_.size();
    for (const Bitmap& live : live_) {
        rows += live.count();
    }
    return rows;
}

SalvagedRow SalvagedMoment::log_row(const SalvagedPlace& place) const {
    const DecodedBatch& batch = parts_[place.unit - segments_.size()]->batch;
    const std::size_t stride = batch.shape.row_bytes();
    const auto cell = [&](const data::StringColumn& column) {
        return column.has(place.row) ? std::optional(column[place.row]) : std::nullopt;
    };
    return {std::string(batch.ids[place.row]), batch.vectors.subspan(place.row * stride, stride),
            cell(batch.texts), cell(batch.metadata)};
}

SegmentRows::SegmentRows(DamagedSegment& segment, const Bitmap& rows) : segment_(segment) {
    rows_.reserve(rows.count());
    for (std::uint64_t row = 0; row < segment.rows(); ++row) {
        if (rows.test(row)) {
            rows_.push_back(static_cast<std::uint32_t>(row));
        }
    }
}

// It was read before: only a device that changes its mind makes this fail.
Result<SalvagedRow> SegmentRows::read(std::uint64_t row) {
    auto found = segment_.read(rows_[row]);
    if (!found) {
        return fail(Code::kIo, found.error().what, "the device gives different bytes each time");
    }
    return *std::move(found);
}

Status SegmentRows::vectors(const std::function<Status(std::span<const std::byte>)>& sink) {
    for (std::size_t at = 0; at < rows_.size();) {
        ABI_TRY(const SalvagedRow first, read(at));
        std::span<const std::byte> run = first.vector;
        std::size_t next = at + 1;
        for (; next < rows_.size() && rows_[next] == rows_[next - 1] + 1; ++next) {
            run = std::span(run.data(), run.size() + first.vector.size());
        }
        ABI_CHECK(sink(run));
        at = next;
    }
    return {};
}

Result<std::string> SegmentRows::id(std::uint64_t row) {
    return segment_.id(rows_[row]).value_or(std::string());
}

Result<std::optional<std::string_view>> SegmentRows::text(std::uint64_t row) {
    ABI_TRY(const SalvagedRow found, read(row));
    return found.text;
}

Result<std::optional<std::string_view>> SegmentRows::metadata(std::uint64_t row) {
    ABI_TRY(const SalvagedRow found, read(row));
    return found.metadata;
}

Status LogRows::vectors(const std::function<Status(std::span<const std::byte>)>& sink) {
    for (const SalvagedPlace& place : moment_.live_of_log()) {
        ABI_CHECK(sink(moment_.log_row(place).vector));
    }
    return {};
}

}  // namespace abikit::storage

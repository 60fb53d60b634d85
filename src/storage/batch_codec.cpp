// Coding of batches. Columns are a length table followed by the bytes; a run of consecutive integer
// ids is two numbers.
#include "batch_codec.hpp"

#include <charconv>
#include <optional>

#include "format.hpp"

namespace abikit::storage {

namespace {
constexpr std::uint32_t kAbsent = 0xffffffffu;
constexpr std::uint32_t kIdRange = 1, kHasTexts = 2, kHasMetadata = 4;

// The first id when all are consecutive integers in canonical form.
std::optional<std::uint64_t> id_range(const data::StringColumn& ids, std::size_t rows) {
    const auto first = canonical_integer(ids[0]);
    if (!first) {
        return std::nullopt;
    }
    for (std::size_t i = 1; i < rows; ++i) {
        const auto next = canonical_integer(ids[i]);
        if (!next || *next != *first + i) {
            return std::nullopt;
        }
    }
    return first;
}

void put_column(Encoder& out, const data::StringColumn& column, std::size_t rows) {
    for (std::size_t i = 0; i < rows; ++i) {
        out.put(column.has(i) ? static_cast<std::uint32_t>(column[i].size()) : kAbsent);
    }
    for (std::size_t i = 0; i < rows; ++i) {
        out.put_bytes(column[i]);
    }
}

bool get_column(Decoder& in, std::size_t rows, data::StringColumn& out) {
    const std::string_view table = in.get_bytes(rows * sizeof(std::uint32_t));
    Decoder lengths(table);
    for (std::size_t i = 0; i < rows && in.ok(); ++i) {
        const auto length = lengths.get<std::uint32_t>();
        if (length == kAbsent) {
            out.append_null();
        } else {
            out.append(in.get_bytes(length));
        }
    }
    return in.ok();
}

void append_range(std::uint64_t first, std::size_t rows, data::StringColumn& out) {
    char digits[20];
    for (std::size_t i = 0; i < rows; ++i) {
        const auto [end, error] = std::to_chars(digits, digits + sizeof digits, first + i);
        out.append(std::string_view(digits, static_cast<std::size_t>(end - digits)));
    }
}
}  // namespace

BatchView DecodedBatch::view() const {
    return {rows, dimension, next_ordinal, &ids, &texts, &metadata, &deletes, vectors};
}

std::string encode_batch(const BatchView& batch) {
    const std::size_t deletes = batch.deletes == nullptr ? 0 : batch.deletes->size();
    const auto range = batch.rows == 0 ? std::nullopt : id_range(*batch.ids, batch.rows);
    const bool has_texts = batch.texts != nullptr && !batch.texts->empty();
    const bool has_metadata = batch.metadata != nullptr && !batch.metadata->empty();
    Encoder out;
    out.put(static_cast<std::uint32_t>(deletes));
    out.put(static_cast<std::uint32_t>(batch.rows));
    out.put(batch.dimension);
    out.put((range ? kIdRange : 0u) | (has_texts ? kHasTexts : 0u) |
            (has_metadata ? kHasMetadata : 0u));
    out.put(batch.next_ordinal);
    if (deletes != 0) {
        put_column(out, *batch.deletes, deletes);
    }
    if (range) {
        out.put(*range);
    } else if (batch.rows != 0) {
        put_column(out, *batch.ids, batch.rows);
    }
    if (has_texts) {
        put_column(out, *batch.texts, batch.rows);
    }
    if (has_metadata) {
        put_column(out, *batch.metadata, batch.rows);
    }
    out.pad_to(8);
    return out.take();
}

bool decode_batch(std::string_view payload, DecodedBatch& out) {
    out = DecodedBatch();
    Decoder in(payload);
    const auto deletes = in.get<std::uint32_t>();
    out.rows = in.get<std::uint32_t>();
    out.dimension = in.get<std::uint32_t>();
    const auto flags = in.get<std::uint32_t>();
    out.next_ordinal = in.get<std::uint64_t>();
    if (!in.ok() || deletes > payload.size() || out.rows > payload.size()) {
        return false;
    }
    if (!get_column(in, deletes, out.deletes)) {
        return false;
    }
    if ((flags & kIdRange) != 0) {
        append_range(in.get<std::uint64_t>(), out.rows, out.ids);
    } else if (!get_column(in, out.rows, out.ids)) {
        return false;
    }
    if (((flags & kHasTexts) != 0 && !get_column(in, out.rows, out.texts)) ||
        ((flags & kHasMetadata) != 0 && !get_column(in, out.rows, out.metadata))) {
        return false;
    }
    in.align(8);
    const std::uint64_t floats = std::uint64_t{out.rows} * out.dimension;
    if (!in.ok() || in.remaining() % sizeof(float) != 0 ||
        in.remaining() / sizeof(float) != floats) {
        return false;
    }
    const std::string_view raw = in.get_bytes(in.remaining());
    out.vectors = {reinterpret_cast<const float*>(raw.data()), static_cast<std::size_t>(floats)};
    return true;
}

}  // namespace abikit::storage

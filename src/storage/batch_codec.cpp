// Coding of batches. Columns are a length table followed by the bytes; a run of consecutive integer
// ids is two numbers.
#include "batch_codec.hpp"

#include <array>
#include <charconv>
#include <optional>

#include "format.hpp"

namespace abikit::storage {

namespace {
constexpr std::uint32_t kAbsent = 0xffffffffu;
constexpr std::uint32_t kIdRange = 1, kHasTexts = 2, kHasMetadata = 4;
constexpr std::uint32_t kElementShift = 8;  // bits 8 to 15 of the flags

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
    return {rows, shape, next_ordinal, &ids, &texts, &metadata, &deletes, vectors};
}

std::string encode_batch(const BatchView& batch) {
    const std::size_t deletes = batch.deletes == nullptr ? 0 : batch.deletes->size();
    const auto range = batch.rows == 0 ? std::nullopt : id_range(*batch.ids, batch.rows);
    const bool has_texts = batch.texts != nullptr && !batch.texts->empty();
    const bool has_metadata = batch.metadata != nullptr && !batch.metadata->empty();
    Encoder out;
    out.put(static_cast<std::uint32_t>(deletes));
    out.put(static_cast<std::uint32_t>(batch.rows));
    out.put(batch.shape.dimension);
    out.put((range ? kIdRange : 0u) | (has_texts ? kHasTexts : 0u) |
            (has_metadata ? kHasMetadata : 0u) |
            (static_cast<std::uint32_t>(batch.shape.element) << kElementShift));
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
    out.shape.dimension = in.get<std::uint32_t>();
    const auto flags = in.get<std::uint32_t>();
    const std::uint32_t element = (flags >> kElementShift) & 0xffu;
    out.shape.element = static_cast<ElementType>(element);
    out.next_ordinal = in.get<std::uint64_t>();
    if (!in.ok() || element >= kElementTypes || deletes > payload.size() ||
        out.rows > payload.size()) {
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
    if (!in.ok() || in.remaining() != std::uint64_t{out.rows} * out.shape.row_bytes()) {
        return false;
    }
    out.vectors = as_bytes(in.get_bytes(in.remaining()));
    return true;
}

std::vector<std::span<const std::byte>> encode_parts(std::span<const CommitPart> parts,
                                                     std::vector<std::string>& heads) {
    heads.clear();
    heads.reserve(parts.size() + 1);
    Encoder start;
    start.put(static_cast<std::uint32_t>(parts.size()));
    start.put(std::uint32_t{0});
    heads.push_back(start.take());
    std::vector<std::span<const std::byte>> pieces{as_bytes(heads.back())};
    static constexpr std::array<std::byte, 8> zeros{};
    for (const CommitPart& part : parts) {
        const std::string batch = encode_batch(part.batch);
        const std::size_t length = batch.size() + part.batch.vectors.size();
        Encoder head;
        head.put(part.collection);
        head.put(std::uint32_t{0});
        head.put(std::uint64_t{length});
        head.put_bytes(batch);
        heads.push_back(head.take());
        pieces.push_back(as_bytes(heads.back()));
        pieces.push_back(part.batch.vectors);
        pieces.push_back(std::span(zeros).first((8 - length % 8) % 8));
    }
    return pieces;
}

bool decode_parts(std::string_view payload,
                  const std::function<bool(std::uint32_t, std::string_view)>& visit) {
    Decoder in(payload);
    const auto count = in.get<std::uint32_t>();
    in.get<std::uint32_t>();
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        const auto collection = in.get<std::uint32_t>();
        in.get<std::uint32_t>();
        const auto length = in.get<std::uint64_t>();
        const std::string_view batch = in.get_bytes(length);
        in.align(8);
        if (!in.ok() || !visit(collection, batch)) {
            return false;
        }
    }
    return in.ok() && count != 0 && in.remaining() == 0;
}

}  // namespace abikit::storage

// Writing and checking the index's bytes.
#include "ann/ann_file.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>

#include "ann/graph.hpp"
#include "format.hpp"

namespace abikit::storage::ann {

namespace {
constexpr std::string_view kMagic = "WDBXANN1";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::size_t kHeaderBytes = 4096;
constexpr std::size_t kSections = 6;
enum SectionPlace : std::size_t { kMean, kAxes, kCodes, kEdges, kEntries, kCurve };
constexpr std::uint32_t kMostDegree = 64;

std::span<const std::byte> whole(const auto& values) {
    return std::as_bytes(std::span(values));
}

Error damaged(std::uint64_t offset, std::string_view what) {
    return corruption("index", offset, what);
}

template <class T>
std::span<const T> numbers(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

template <class T>
std::vector<T> copied(std::span<const std::byte> bytes) {
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
    return values;
}

// The header's numbers, before anything is known of the sections.
struct Shape {
    std::uint32_t dimension = 0, metric = 0, code_dimension = 0, stride = 0, degree = 0,
                  build_effort = 0, is_identity = 0;
    float step = 0.0F, largest_norm = 0.0F;
    std::uint64_t rows = 0;
};

Shape get_shape(Decoder& in) {
    Shape shape;
    shape.rows = in.get<std::uint64_t>();
    shape.dimension = in.get<std::uint32_t>();
    shape.metric = in.get<std::uint32_t>();
    shape.code_dimension = in.get<std::uint32_t>();
    shape.stride = in.get<std::uint32_t>();
    shape.degree = in.get<std::uint32_t>();
    shape.build_effort = in.get<std::uint32_t>();
    shape.is_identity = in.get<std::uint32_t>();
    shape.step = in.get<float>();
    shape.largest_norm = in.get<float>();
    return shape;
}

bool is_sound(const Shape& shape) {
    const bool metric_known = shape.metric >= static_cast<std::uint32_t>(Metric::kL2) &&
                              shape.metric <= static_cast<std::uint32_t>(Metric::kDot);
    const std::uint64_t space = std::uint64_t{shape.dimension} +
                                (shape.metric == static_cast<std::uint32_t>(Metric::kDot) ? 1 : 0);
    return metric_known && shape.rows >= 1 && shape.rows <= AnnIndex::kMostRows &&
           shape.dimension >= 1 && shape.dimension <= 65536 && shape.code_dimension >= 1 &&
           shape.code_dimension <= space &&
           (shape.is_identity == 0 || shape.code_dimension == space) &&
           shape.stride == round_up(shape.code_dimension + kNormBytes, kCodeAlignment) &&
           shape.degree >= 8 && shape.degree <= kMostDegree && shape.degree % 8 == 0 &&
           shape.step > 0.0F;
}
}  // namespace

AlignedVector<std::byte> encode_index(const AnnParts& parts) {
    std::vector<float> mean_and_scales = parts.projection.mean;
    mean_and_scales.insert(mean_and_scales.end(), parts.projection.axis_scales.begin(),
                           parts.projection.axis_scales.end());
    const std::span<const std::byte> sections[kSections] = {
        whole(mean_and_scales), whole(parts.projection.axes), whole(parts.codes),
        whole(parts.edges),     whole(parts.entries),         whole(parts.info.curve)};

    Encoder header;
    header.put_bytes(kMagic);
    header.put(kVersion);
    header.put(kByteOrder);
    header.put(std::uint64_t{0});  // required features
    header.put(parts.info.rows);
    header.put(parts.info.dimension);
    header.put(static_cast<std::uint32_t>(parts.space.metric()));
    header.put(parts.projection.code_dimension);
    header.put(static_cast<std::uint32_t>(
        round_up(parts.projection.code_dimension + kNormBytes, kCodeAlignment)));
    header.put(parts.info.degree);
    header.put(parts.info.build_effort);
    header.put(std::uint32_t{parts.projection.is_identity ? 1U : 0U});
    header.put(parts.projection.step);
    header.put(parts.space.largest_norm());
    header.put(std::uint32_t{kSections});
    std::uint64_t offset = kHeaderBytes;
    for (const auto section : sections) {
        header.put(offset);
        header.put(std::uint64_t{section.size()});
        header.put(crc32c(section));
        offset = round_up(offset + section.size(), kHeaderBytes);
    }
    std::string head = header.take();
    head.resize(kHeaderBytes - 4, '\0');
    const std::uint32_t crc = crc32c(as_bytes(head));

    AlignedVector<std::byte> bytes(offset);
    std::memcpy(bytes.data(), head.data(), head.size());
    std::memcpy(bytes.data() + head.size(), &crc, sizeof crc);
    offset = kHeaderBytes;
    for (const auto section : sections) {
        if (!section.empty()) {
            std::memcpy(bytes.data() + offset, section.data(), section.size());
        }
        offset = round_up(offset + section.size(), kHeaderBytes);
    }
    return bytes;
}

namespace {
// The sections where the header says, each of the size that the shape asks for and whole.
Status find_sections(std::span<const std::byte> bytes, Decoder& in, const Shape& shape,
                     std::span<std::span<const std::byte>, kSections> sections) {
    const std::size_t space = std::size_t{shape.dimension} +
                              (shape.metric == static_cast<std::uint32_t>(Metric::kDot) ? 1 : 0);
    const std::size_t axes = shape.is_identity != 0 ? 0 : shape.code_dimension;
    const std::size_t expected[kSections] = {(space + axes) * sizeof(float),
                                             axes * round_up(space, kCodeAlignment),
                                             shape.rows * shape.stride,
                                             shape.rows * shape.degree * sizeof(std::uint32_t),
                                             0,
                                             0};
    if (in.get<std::uint32_t>() != kSections) {
        return fail(damaged(0, "it has an unknown number of sections"));
    }
    std::uint64_t next = kHeaderBytes;
    for (std::size_t i = 0; i < kSections; ++i) {
        const auto offset = in.get<std::uint64_t>();
        const auto length = in.get<std::uint64_t>();
        const auto crc = in.get<std::uint32_t>();
        const bool fits = offset == next && offset <= bytes.size() &&
                          length <= bytes.size() - offset &&
                          (i >= kEntries || length == expected[i]);
        if (!fits) {
            return fail(damaged(0, fmt::format("section {} is not where it should be", i)));
        }
        sections[i] = bytes.subspan(offset, length);
        if (crc32c(sections[i]) != crc) {
            return fail(damaged(offset, fmt::format("section {} fails its checksum", i)));
        }
        next = round_up(offset + length, kHeaderBytes);
    }
    if (next != bytes.size()) {
        return fail(damaged(bytes.size(), "it is longer or shorter than its header says"));
    }
    return {};
}

Status check_rows(std::span<const std::uint32_t> rows, std::uint64_t count, bool allows_none) {
    const bool fits = std::all_of(rows.begin(), rows.end(), [&](std::uint32_t row) {
        return row < count || (allows_none && row == kNoEdge);
    });
    return fits ? Status() : fail(damaged(0, "it names rows that are not there"));
}
}  // namespace

Result<AnnParts> decode_index(std::span<const std::byte> bytes) {
    if (bytes.size() < kHeaderBytes || !as_text(bytes).starts_with(kMagic)) {
        return fail(damaged(0, "it is cut short or no index"));
    }
    std::uint32_t crc = 0;
    std::memcpy(&crc, bytes.data() + kHeaderBytes - 4, sizeof crc);
    if (crc != crc32c(bytes.first(kHeaderBytes - 4))) {
        return fail(damaged(kHeaderBytes - 4, "its header fails its checksum"));
    }
    Decoder in(as_text(bytes.first(kHeaderBytes)).substr(kMagic.size()));
    const auto version = in.get<std::uint32_t>();
    const bool known = in.get<std::uint32_t>() == kByteOrder && in.get<std::uint64_t>() == 0;
    if (version != kVersion || !known) {
        return fail(newer_format("index", version));
    }
    const Shape shape = get_shape(in);
    if (!is_sound(shape)) {
        return fail(damaged(kMagic.size(), "its header contradicts itself"));
    }
    std::span<const std::byte> sections[kSections];
    ABI_CHECK(find_sections(bytes, in, shape, sections));

    AnnParts parts;
    parts.space =
        MetricSpace(static_cast<Metric>(shape.metric), shape.dimension, shape.largest_norm);
    parts.projection.step = shape.step;
    parts.projection.code_dimension = shape.code_dimension;
    parts.projection.is_identity = shape.is_identity != 0;
    std::vector<float> mean = copied<float>(sections[kMean]);
    const auto axes = static_cast<std::ptrdiff_t>(parts.space.dimension());
    parts.projection.axis_scales.assign(mean.begin() + axes, mean.end());
    mean.resize(parts.space.dimension());
    parts.projection.mean = std::move(mean);
    const auto axis_bytes = numbers<std::int8_t>(sections[kAxes]);
    parts.projection.axes.assign(axis_bytes.begin(), axis_bytes.end());
    parts.codes = numbers<std::int8_t>(sections[kCodes]);
    parts.edges = numbers<std::uint32_t>(sections[kEdges]);
    parts.entries = numbers<std::uint32_t>(sections[kEntries]);
    parts.info = {.rows = shape.rows,
                  .dimension = shape.dimension,
                  .code_dimension = shape.code_dimension,
                  .degree = shape.degree,
                  .build_effort = shape.build_effort,
                  .metric = static_cast<Metric>(shape.metric),
                  .size_bytes = bytes.size(),
                  .hot_bytes_per_row = shape.stride + std::uint64_t{shape.degree} * 4,
                  .curve = copied<AnnEffort>(sections[kCurve])};
    ABI_CHECK(check_rows(parts.edges, shape.rows, true));
    ABI_CHECK(check_rows(parts.entries, shape.rows, false));
    if (parts.entries.empty()) {
        return fail(damaged(0, "it has no entries"));
    }
    return parts;
}

}  // namespace abikit::storage::ann

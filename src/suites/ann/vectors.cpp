// Reads the files through the record readers. An .ivecs file is an .fvecs file whose four-byte
// values are integers, so the same reader gives them, bit for bit.
#include "vectors.hpp"

#include <fmt/format.h>

#include <bit>

#include <abi/data/reader.hpp>
#include <abi/simd/distance.hpp>

namespace abikit::suites {
namespace {

constexpr std::size_t kBatchRows = 4096;

Result<Vectors> read_all(const Context& context, const std::string& path, data::Format format) {
    ABI_TRY(const auto source, context.fs->open_source(path));
    data::ReaderOptions options;
    options.name = path;
    options.pool = context.pool;
    ABI_TRY(const auto reader, data::make_reader(format, *source, options));
    Vectors all;
    data::RecordBatch batch;
    while (true) {
        ABI_CHECK(context.cancel.check());
        ABI_TRY(const bool more, reader->next(batch, kBatchRows));
        if (!more) {
            break;
        }
        all.values.insert(all.values.end(), batch.vectors.begin(), batch.vectors.end());
        all.count += batch.rows;
        all.dimension = batch.dimension;
    }
    if (all.count == 0) {
        return fail(Code::kInvalidData, fmt::format("'{}' holds no rows", path));
    }
    return all;
}

}  // namespace

Result<Vectors> read_vectors(const Context& context, const std::string& path) {
    data::Format format{};
    const bool known = data::format_from_path(path, format);
    if (!known || (format != data::Format::kNpy && format != data::Format::kFvecs &&
                   format != data::Format::kFbin)) {
        return fail(Code::kInvalidArgument, fmt::format("'{}' is no file of vectors", path),
                    "vectors are read from .npy, .fvecs and .fbin files");
    }
    ABI_TRY(Vectors all, read_all(context, path, format));
    const std::size_t bad = simd::first_non_finite(all.values.data(), all.values.size());
    if (bad != all.values.size()) {
        return fail(Code::kInvalidData, fmt::format("'{}': row {} holds a value that is not finite",
                                                    path, bad / all.dimension));
    }
    return all;
}

Result<NearestRows> read_nearest(const Context& context, const std::string& path,
                                 std::size_t rows) {
    if (!path.ends_with(".ivecs")) {
        return fail(Code::kInvalidArgument, fmt::format("'{}' is no file of row numbers", path),
                    "the nearest rows are read from an .ivecs file");
    }
    ABI_TRY(const Vectors all, read_all(context, path, data::Format::kFvecs));
    NearestRows nearest;
    nearest.count = all.count;
    nearest.width = all.dimension;
    nearest.ids.reserve(all.values.size());
    for (const float value : all.values) {
        const auto id = std::bit_cast<std::uint32_t>(value);
        if (id >= rows) {
            return fail(Code::kInvalidData,
                        fmt::format("'{}': query {} names row {}, the base has {}", path,
                                    nearest.ids.size() / nearest.width,
                                    static_cast<std::int32_t>(id), rows));
        }
        nearest.ids.push_back(id);
    }
    return nearest;
}

}  // namespace abikit::suites

// Formats by name and extension, and the dispatch to each format's reader.
#include <abi/data/reader.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "reader_base.hpp"
#include "utf8.hpp"

namespace abikit::data {
namespace {

struct FormatRow {
    Format format;
    std::string_view name;
};
constexpr std::array kFormats = {
    FormatRow{Format::kNpy, "npy"},     FormatRow{Format::kNpz, "npz"},
    FormatRow{Format::kFvecs, "fvecs"}, FormatRow{Format::kBvecs, "bvecs"},
    FormatRow{Format::kFbin, "fbin"},   FormatRow{Format::kU8bin, "u8bin"},
    FormatRow{Format::kI8bin, "i8bin"}, FormatRow{Format::kCsv, "csv"},
    FormatRow{Format::kJsonl, "jsonl"},
};

struct ExtensionRow {
    std::string_view extension;
    Format format;
};
constexpr std::array kExtensions = {
    ExtensionRow{".npy", Format::kNpy},      ExtensionRow{".npz", Format::kNpz},
    ExtensionRow{".fvecs", Format::kFvecs},  ExtensionRow{".bvecs", Format::kBvecs},
    ExtensionRow{".fbin", Format::kFbin},    ExtensionRow{".u8bin", Format::kU8bin},
    ExtensionRow{".i8bin", Format::kI8bin},  ExtensionRow{".csv", Format::kCsv},
    ExtensionRow{".tsv", Format::kCsv},      ExtensionRow{".jsonl", Format::kJsonl},
    ExtensionRow{".ndjson", Format::kJsonl},
};

bool ends_with_ignoring_case(std::string_view path, std::string_view extension) {
    if (path.size() < extension.size()) {
        return false;
    }
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    };
    const std::string_view tail = path.substr(path.size() - extension.size());
    return std::equal(tail.begin(), tail.end(), extension.begin(),
                      [&lower](char a, char b) { return lower(a) == b; });
}

}  // namespace

Result<Format> parse_format(std::string_view name) {
    std::string names;
    for (const FormatRow& row : kFormats) {
        if (row.name == name) {
            return row.format;
        }
        names += names.empty() ? "" : ", ";
        names += row.name;
    }
    return fail(Code::kInvalidArgument, fmt::format("unknown data format '{}'", name),
                "use one of " + names);
}

std::string_view format_name(Format format) noexcept {
    for (const FormatRow& row : kFormats) {
        if (row.format == format) {
            return row.name;
        }
    }
    return {};
}

bool format_from_path(std::string_view path, Format& out) noexcept {
    for (const ExtensionRow& row : kExtensions) {
        if (ends_with_ignoring_case(path, row.extension)) {
            out = row.format;
            return true;
        }
    }
    return false;
}

char separator_from_path(std::string_view path) noexcept {
    return ends_with_ignoring_case(path, ".tsv") ? '\t' : ',';
}

std::string quote(std::string_view text) {
    constexpr std::size_t kShown = 40;
    constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
    std::string shown = "'";
    for (std::size_t at = 0; at < text.size();) {
        if (at >= kShown) {
            return shown + "...'";
        }
        const std::size_t length = utf8_sequence_length(text.substr(at));
        const bool printable = length > 1 || (length == 1 && text[at] >= 0x20 && text[at] != 0x7F);
        shown += printable ? text.substr(at, length) : kReplacement;
        at += std::max<std::size_t>(length, 1);
    }
    shown += '\'';
    return shown;
}

Status reject(const ReaderOptions& options, Rejection rejection) {
    if (options.on_reject) {
        return options.on_reject(rejection);
    }
    return fail(Code::kInvalidData, fmt::format("{}, line {}: {}", input_name(options),
                                                rejection.line, rejection.reason));
}

Status check_dimension(const ReaderOptions& options, std::uint64_t dimension) {
    if (options.dimension != 0 && dimension != options.dimension) {
        return fail(Code::kIncompatible,
                    fmt::format("{} has vectors of {} values, expected {}", input_name(options),
                                dimension, options.dimension));
    }
    return {};
}

Result<std::unique_ptr<RecordReader>> make_reader(Format format, ByteSource& source,
                                                  ReaderOptions options) {
    return guarded([&]() -> Result<std::unique_ptr<RecordReader>> {
        switch (format) {
            case Format::kNpy:
                return make_npy_reader(source, std::move(options));
            case Format::kNpz:
                return make_npz_reader(source, std::move(options));
            case Format::kFbin:
            case Format::kU8bin:
            case Format::kI8bin:
                return make_fbin_reader(format, source, std::move(options));
            case Format::kFvecs:
            case Format::kBvecs:
                return make_vecs_reader(format, source, std::move(options));
            case Format::kCsv:
                return make_csv_reader(source, std::move(options));
            case Format::kJsonl:
                return make_jsonl_reader(source, std::move(options));
        }
        return fail(Code::kInvalidArgument, "unknown data format");
    });
}

}  // namespace abikit::data

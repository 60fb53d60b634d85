// What all readers share: names in messages, limits, the border where exceptions stop, and the
// delivery of bad records. Read input_buffer.hpp and batch_builder.hpp next.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <abi/core/error.hpp>
#include <abi/core/memory.hpp>
#include <abi/data/reader.hpp>

namespace abikit::data {

// More values in a row than this are taken for a misread header, not for a vector.
inline constexpr std::uint64_t kMaxDimension = 1'000'000;
// Binary readers give fewer rows than asked rather than a batch of more bytes than this.
inline constexpr std::uint64_t kMaxBatchBytes = std::uint64_t{64} << 20;
// A line of JSON or a record of CSV that is longer is rejected without being kept.
inline constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;

// 'name' in quotes, or "the input" where it has none.
inline std::string input_name(const ReaderOptions& options) {
    return options.name.empty() ? "the input" : "'" + options.name + "'";
}

// A piece of the input in single quotes for a message: cut where it is long, with U+FFFD for what
// is no printable text.
std::string quote(std::string_view text);

// Runs `body`, which returns a Result or Status, tags its memory and turns exceptions into errors.
template <class Body>
auto guarded(Body&& body) -> decltype(body()) {
    const RoomScope room(Room::kData);
    try {
        return body();
    } catch (...) {
        return fail(error_from_current_exception());
    }
}

// Holds back an error that rises while a batch has rows already: the rows are given first, the
// error by the call after. Once given, it is given again by every later call.
class FailureGate {
public:
    // To be returned by next(): rows or the error.
    Result<bool> settle(const RecordBatch& out, Status status) {
        if (!status) {
            failure_ = std::move(status).error();
        }
        if (out.rows > 0) {
            return true;
        }
        return failure_ ? Result<bool>(std::unexpected(failure_->clone())) : Result<bool>(false);
    }
    bool failed() const noexcept { return failure_.has_value(); }

private:
    std::optional<Error> failure_;
};

// Hands a bad record to options.on_reject, or fails with it where there is none.
Status reject(const ReaderOptions& options, Rejection rejection);

// kIncompatible where a whole file has another dimension than the one expected; 0 expects any.
Status check_dimension(const ReaderOptions& options, std::uint64_t dimension);

// Each format's part of make_reader.
Result<std::unique_ptr<RecordReader>> make_npy_reader(ByteSource& source, ReaderOptions options);
Result<std::unique_ptr<RecordReader>> make_npz_reader(ByteSource& source, ReaderOptions options);
Result<std::unique_ptr<RecordReader>> make_fbin_reader(Format format, ByteSource& source,
                                                       ReaderOptions options);
Result<std::unique_ptr<RecordReader>> make_vecs_reader(Format format, ByteSource& source,
                                                       ReaderOptions options);
Result<std::unique_ptr<RecordReader>> make_csv_reader(ByteSource& source, ReaderOptions options);
Result<std::unique_ptr<RecordReader>> make_jsonl_reader(ByteSource& source, ReaderOptions options);

}  // namespace abikit::data

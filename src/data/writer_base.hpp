// What all writers share. make_writer and the checks are in batch_writer.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/data/writer.hpp>

namespace abikit::data {

// Gathers text and hands it to the sink in large pieces. Single thread.
class TextOut {
public:
    explicit TextOut(ByteSink& sink) : sink_(sink) {}
    std::string& text() noexcept { return text_; }
    // To be called after each row.
    Status drain_if_full() {
        constexpr std::size_t kFull = std::size_t{256} << 10;
        return text_.size() < kFull ? Status() : drain();
    }
    // What was printed elsewhere, after what is here.
    Status put(std::string_view text) {
        ABI_CHECK(drain());
        return sink_.write(text);
    }
    std::vector<std::string>& blocks() noexcept { return blocks_; }
    Status drain() {
        ABI_CHECK(sink_.write(std::string_view(text_)));
        text_.clear();
        return {};
    }
    Status finish() {
        ABI_CHECK(drain());
        return sink_.flush();
    }

private:
    ByteSink& sink_;
    std::string text_;
    std::vector<std::string> blocks_;  // of print_rows
};

// Prints rows in blocks of a fixed number, in parallel where there is a pool, and hands the blocks
// to `out` in order: the bytes do not depend on threads. `print` appends one row or fails and
// appends nothing; the rows before the first failure are handed out.
Status print_rows(TextOut& out, ThreadPool* pool, std::size_t rows,
                  const std::function<Status(std::string& text, std::size_t row)>& print);

// kInvalidArgument unless the batch has no vectors or rows x the announced dimension.
Status check_batch(const RecordBatch& batch, const WriterOptions& options);
// kInvalidArgument for rows without vectors, in a format that holds nothing else; `first_row` is
// the number of the batch's first row in the output.
Status check_vectors(const RecordBatch& batch, Format format, std::uint64_t first_row);
Status need_dimension(Format format, const WriterOptions& options);
// The error of a format that announces its rows and got another number of them.
Status wrong_count(const WriterOptions& options, std::uint64_t rows);

inline constexpr Columns kVectorsOnly{
    .ids = false, .texts = false, .metadata = false, .vectors = true};

// Little-endian.
void append_u32(std::string& out, std::uint32_t value);
void append_floats(std::string& out, std::span<const float> values);
Status write_floats(ByteSink& sink, std::span<const float> values);

Result<std::unique_ptr<RecordWriter>> make_npy_writer(ByteSink& sink, WriterOptions options);
Result<std::unique_ptr<RecordWriter>> make_npz_writer(ByteSink& sink, WriterOptions options);
Result<std::unique_ptr<RecordWriter>> make_vecs_writer(Format format, ByteSink& sink,
                                                       WriterOptions options);
Result<std::unique_ptr<RecordWriter>> make_fbin_writer(ByteSink& sink, WriterOptions options);
Result<std::unique_ptr<RecordWriter>> make_csv_writer(ByteSink& sink, WriterOptions options);
Result<std::unique_ptr<RecordWriter>> make_jsonl_writer(ByteSink& sink, WriterOptions options);

}  // namespace abikit::data

// What all writers share. make_writer and the checks are in batch_writer.cpp.
#pragma once

#include <string>

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
};

// kInvalidArgument unless the batch has no vectors or rows x the announced dimension.
Status check_batch(const RecordBatch& batch, const WriterOptions& options);

Result<std::unique_ptr<RecordWriter>> make_npy_writer(ByteSink& sink, WriterOptions options);
Result<std::unique_ptr<RecordWriter>> make_csv_writer(ByteSink& sink, WriterOptions options);
Result<std::unique_ptr<RecordWriter>> make_jsonl_writer(ByteSink& sink, WriterOptions options);

}  // namespace abikit::data

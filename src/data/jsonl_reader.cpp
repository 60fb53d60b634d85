// JSON lines: blocks of lines are parsed in parallel, a wave at a time and one wave ahead; rows and
// rejections are then taken from the blocks in order, so that the outcome never depends on threads.
#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "batch_builder.hpp"
#include "jsonl_record.hpp"
#include "reader_base.hpp"

namespace abikit::data {
namespace {

struct Block {
    TextBlock text;
    ParsedLines parsed;
    JsonlParser parser;
    std::size_t next_row = 0;
    std::size_t next_bad = 0;
};

// A row of a block, as the batch takes it.
RowView row_view(const ParsedLines& parsed, std::size_t row, std::uint64_t first_line) {
    const auto optional = [row](const StringColumn& column) {
        return column.has(row) ? std::optional(column[row]) : std::nullopt;
    };
    const std::size_t begin = row == 0 ? 0 : parsed.rows[row - 1].vector_end;
    RowView view;
    view.id = optional(parsed.ids);
    view.text = optional(parsed.texts);
    view.metadata = optional(parsed.metadata);
    view.vector = std::span(parsed.values).subspan(begin, parsed.rows[row].vector_end - begin);
    view.line = first_line + parsed.rows[row].line;
    return view;
}

class JsonlReader final : public RecordReader {
public:
    JsonlReader(ByteSource& source, ReaderOptions options)
        : options_(std::move(options)),
          cutter_(source),
          dimension_(options_.dimension),
          threads_(options_.pool != nullptr ? options_.pool->threads() : 1),
          group_(threads_ > 1 ? options_.pool : nullptr) {}

    Result<bool> next(RecordBatch& out, std::size_t max_rows) override {
        out.clear();
        if (gate_.failed()) {
            return gate_.settle(out, {});
        }
        BatchBuilder builder(out);
        Status status =
            guarded([&] { return fill(out, builder, std::max<std::size_t>(max_rows, 1)); });
        builder.finish();
        return gate_.settle(out, std::move(status));
    }
    std::uint64_t bytes_read() const noexcept override { return bytes_; }
    std::uint64_t rows_total() const noexcept override { return 0; }

private:
    Status fill(RecordBatch& out, BatchBuilder& builder, std::size_t max_rows) {
        bool full = false;
        while (!full) {
            if (current_ == wave_.size()) {
                ABI_TRY(const bool more, next_wave());
                if (!more) {
                    return {};
                }
            }
            ABI_CHECK(take_rows(*wave_[current_], out, builder, max_rows, full));
        }
        return {};
    }

    // Moves rows of one block into the batch; sets `full` when the batch must end.
    Status take_rows(Block& block, const RecordBatch& out, BatchBuilder& builder,
                     std::size_t max_rows, bool& full) {
        const ParsedLines& parsed = block.parsed;
        while (true) {
            if (block.next_bad < parsed.bad.size() &&
                parsed.bad[block.next_bad].before_row == block.next_row) {
                const ParsedLines::Bad& bad = parsed.bad[block.next_bad++];
                ABI_CHECK(reject(options_, {first_line_ + bad.line, bad.reason}));
                continue;
            }
            if (block.next_row == parsed.rows.size()) {
                end_block(block);
                return {};
            }
            const RowView row = row_view(parsed, block.next_row, first_line_);
            full = out.rows == max_rows || !builder.fits(!row.vector.empty());
            if (full) {
                return {};
            }
            ++block.next_row;
            if (has_dimension(row)) {
                builder.append(row);
            } else {
                ABI_CHECK(
                    reject(options_, {row.line, fmt::format("vector has {} values, expected {}",
                                                            row.vector.size(), dimension_)}));
            }
        }
    }

    // Whether the row may go with those before it. The first vector sets the dimension.
    bool has_dimension(const RowView& row) {
        if (row.vector.empty()) {
            return true;
        }
        if (dimension_ == 0) {
            dimension_ = row.vector.size();
        }
        return row.vector.size() == dimension_;
    }

    void end_block(const Block& block) {
        first_line_ += block.parsed.lines;
        bytes_ += block.text.consumed_bytes;
        ++current_;
    }

    // Makes the wave that was parsed ahead the current one and starts the next. False at the end.
    Result<bool> next_wave() {
        recycle_wave();
        if (!launched_) {
            start_wave();
        }
        group_.wait();
        std::swap(wave_, ahead_);
        if (wave_.empty()) {
            return source_failure_ ? Result<bool>(fail(*std::move(source_failure_))) : false;
        }
        launched_ = false;
        if (threads_ > 1) {
            start_wave();  // it is parsed while the caller works on this one
        }
        return true;
    }

    // Keeps the blocks of the wave for later, but not those that a very long line has swollen.
    void recycle_wave() {
        constexpr std::size_t kKeptBytes = std::size_t{8} << 20;
        for (std::unique_ptr<Block>& block : wave_) {
            if (block->text.bytes.size() <= kKeptBytes) {
                spare_.push_back(std::move(block));
            }
        }
        wave_.clear();
        current_ = 0;
    }

    // Reads blocks into ahead_ and has them parsed. A failure of the source is kept until the rows
    // before it are given.
    void start_wave() {
        launched_ = true;
        while (ahead_.size() < threads_ && !source_failure_) {
            std::unique_ptr<Block> block = take_spare();
            auto more = cutter_.next(block->text);
            if (!more) {
                source_failure_ = std::move(more).error();
            }
            if (!more || !*more) {
                spare_.push_back(std::move(block));
                break;
            }
            ahead_.push_back(std::move(block));
            group_.run([target = ahead_.back().get()] {
                const RoomScope room(Room::kData);
                target->parser.parse(target->text, target->parsed);
            });
        }
    }

    std::unique_ptr<Block> take_spare() {
        if (spare_.empty()) {
            return std::make_unique<Block>();
        }
        std::unique_ptr<Block> block = std::move(spare_.back());
        spare_.pop_back();
        block->next_row = 0;
        block->next_bad = 0;
        return block;
    }

    ReaderOptions options_;
    LineCutter cutter_;
    FailureGate gate_;
    std::size_t dimension_;
    unsigned threads_;
    std::uint64_t first_line_ = 1;  // of the current block
    std::uint64_t bytes_ = 0;
    bool launched_ = false;  // ahead_ is being parsed, or empty because the input has ended
    std::optional<Error> source_failure_;
    std::vector<std::unique_ptr<Block>> wave_;   // parsed
    std::vector<std::unique_ptr<Block>> ahead_;  // being parsed
    std::vector<std::unique_ptr<Block>> spare_;
    std::size_t current_ = 0;
    TaskGroup group_;  // last: its destructor waits for tasks that use the blocks
};

}  // namespace

Result<std::unique_ptr<RecordReader>> make_jsonl_reader(ByteSource& source, ReaderOptions options) {
    return std::unique_ptr<RecordReader>(std::make_unique<JsonlReader>(source, std::move(options)));
}

}  // namespace abikit::data

// CsvScanner: a state machine that eats runs of bytes, so that it does not matter where the source
// cuts them.
#include "csv_scanner.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "reader_base.hpp"

namespace abikit::data {
namespace {

// More fields than any header can have; further ones are counted only.
constexpr std::size_t kMaxStoredFields = kMaxDimension + 1024;

bool ends_line(char c) {
    return c == '\n' || c == '\r';
}

}  // namespace

void CsvRecord::clear() {
    bytes.clear();
    fields.clear();
    line = 0;
    width = 0;
    reason.clear();
}

CsvScanner::CsvScanner(ByteSource& source, char separator) : input_(source), separator_(separator) {
    for (const char stop : {separator, '\r', '\n'}) {
        stops_[static_cast<unsigned char>(stop)] = true;
    }
}

Result<bool> CsvScanner::next(CsvRecord& record) {
    ABI_CHECK(skip_byte_order_mark());
    record.clear();
    record.line = line_;
    record_done_ = false;
    bool empty = true;
    while (!record_done_) {
        ABI_TRY(const auto bytes, input_.peek(1));
        if (bytes.empty()) {
            if (empty) {
                return false;
            }
            end_input(record);
            return true;
        }
        std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        if (skip_line_feed_) {
            skip_line_feed_ = false;
            if (text.front() == '\n') {
                input_.consume(1);
                continue;
            }
        }
        empty = false;
        input_.consume(scan(text, record));
    }
    return true;
}

Status CsvScanner::skip_byte_order_mark() {
    if (started_) {
        return {};
    }
    started_ = true;
    ABI_TRY(const auto bytes, input_.peek(3));
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with("\xEF\xBB\xBF")) {
        input_.consume(3);
    }
    return {};
}

// Scans until the record or the text ends and returns the bytes used.
std::size_t CsvScanner::scan(std::string_view text, CsvRecord& record) {
    std::size_t used = 0;
    while (used < text.size() && !record_done_) {
        const std::string_view rest = text.substr(used);
        switch (state_) {
            case State::kFieldStart:
                used += scan_field_start(rest, record);
                break;
            case State::kUnquoted:
                used += scan_unquoted(rest, record);
                break;
            case State::kQuoted:
                used += scan_quoted(rest, record);
                break;
            case State::kQuoteSeen:
                used += scan_quote_seen(rest, record);
                break;
            case State::kSkipping:
                used += scan_skipping(rest);
                break;
        }
    }
    return used;
}

std::size_t CsvScanner::scan_field_start(std::string_view text, CsvRecord&) {
    field_quoted_ = text.front() == '"';
    if (!field_quoted_) {
        state_ = State::kUnquoted;
        return 0;
    }
    quote_line_ = line_;
    state_ = State::kQuoted;
    return 1;
}

std::size_t CsvScanner::scan_unquoted(std::string_view text, CsvRecord& record) {
    std::size_t end = 0;
    while (end < text.size() && !stops_[static_cast<unsigned char>(text[end])]) {
        ++end;
    }
    const std::size_t taken = append(text.substr(0, end), record);
    if (taken < end || end == text.size()) {
        return taken;
    }
    delimit(text[end], record);
    return end + 1;
}

std::size_t CsvScanner::scan_quoted(std::string_view text, CsvRecord& record) {
    text = text.substr(0, kMaxRecordBytes + 1);  // looking further than that would be in vain
    const std::size_t end = std::min(text.find('"'), text.size());
    const std::size_t taken = append(text.substr(0, end), record);
    line_ += static_cast<std::uint64_t>(
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(taken), '\n'));
    if (taken < end || end == text.size()) {
        return taken;
    }
    state_ = State::kQuoteSeen;
    return end + 1;
}

// A quote inside a quoted field: doubled it is itself, else it closes the field.
std::size_t CsvScanner::scan_quote_seen(std::string_view text, CsvRecord& record) {
    const char c = text.front();
    if (c == '"') {
        state_ = State::kQuoted;
        append("\"", record);
    } else if (stops_[static_cast<unsigned char>(c)]) {
        delimit(c, record);
    } else {
        record.reason = fmt::format("text behind the closing quote of field {}", record.width + 1);
        state_ = State::kSkipping;
    }
    return 1;
}

std::size_t CsvScanner::scan_skipping(std::string_view text) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    if (end == text.size()) {
        return end;
    }
    end_line(text[end]);
    return end + 1;
}

// Takes what fits into a record and returns how much that was: the same bytes, however the source
// cuts its pieces. If it was not all, the record is bad and the rest of its line is skipped.
std::size_t CsvScanner::append(std::string_view run, CsvRecord& record) {
    const std::size_t room = kMaxRecordBytes - record.bytes.size();
    if (run.size() <= room) {
        record.bytes.append(run);
        return run.size();
    }
    record.reason = fmt::format("record is longer than {} MiB", kMaxRecordBytes >> 20);
    if (state_ == State::kQuoted) {
        record.reason +=
            fmt::format("; the quote that opens in line {} is not closed", quote_line_);
    }
    record.bytes = {};  // frees it
    record.fields.clear();
    state_ = State::kSkipping;
    return room;
}

void CsvScanner::end_field(CsvRecord& record) {
    ++record.width;
    if (record.fields.size() < kMaxStoredFields) {
        record.fields.push_back({record.bytes.size(), field_quoted_});
    }
    field_quoted_ = false;
    state_ = State::kFieldStart;
}

void CsvScanner::delimit(char delimiter, CsvRecord& record) {
    end_field(record);
    if (ends_line(delimiter)) {
        end_line(delimiter);
    }
}

void CsvScanner::end_line(char delimiter) {
    ++line_;
    skip_line_feed_ = delimiter == '\r';
    state_ = State::kFieldStart;
    record_done_ = true;
}

// The last record may lack its line end.
void CsvScanner::end_input(CsvRecord& record) {
    if (state_ == State::kQuoted) {
        record.reason = fmt::format("the quote that opens in line {} is never closed", quote_line_);
    } else if (state_ != State::kSkipping) {
        end_field(record);
    }
    state_ = State::kFieldStart;
}

}  // namespace abikit::data

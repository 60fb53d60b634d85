// Splits a stream into the records and fields of CSV (RFC 4180). Their meaning is csv_columns.hpp
// and csv_row.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "input_buffer.hpp"

namespace abikit::data {

// One record: fields one after the other, quotes resolved.
struct CsvRecord {
    struct Field {
        std::size_t end = 0;  // in bytes; the field before tells the begin
        bool quoted = false;
    };
    std::string bytes;
    std::vector<Field> fields;
    std::uint64_t line = 0;  // 1-based, where the record begins
    std::size_t width = 0;   // fields that there are; those past a limit are not stored
    std::string reason;      // why it cannot be used; empty when it can

    std::string_view operator[](std::size_t field) const noexcept {
        const std::size_t begin = field == 0 ? 0 : fields[field - 1].end;
        return std::string_view(bytes).substr(begin, fields[field].end - begin);
    }
    bool is_blank() const noexcept { return width == 1 && bytes.empty() && !fields[0].quoted; }
    void clear();
};

// Single thread. The source must outlive it. Records end with LF, CRLF or CR. A quote is special
// at the start of a field only; `5" disk` is itself. A record over the limit, text behind a closing
// quote and a quote that never closes make a record with a reason; after the first two, scanning
// goes on at the next line.
class CsvScanner {
public:
    CsvScanner(ByteSource& source, char separator);
    // The next record, bad or blank ones included; false at the end.
    Result<bool> next(CsvRecord& record);
    std::uint64_t bytes_read() const noexcept { return input_.position(); }

private:
    enum class State { kFieldStart, kUnquoted, kQuoted, kQuoteSeen, kSkipping };

    Status skip_byte_order_mark();
    std::size_t scan(std::string_view text, CsvRecord& record);
    std::size_t scan_field_start(std::string_view text, CsvRecord& record);
    std::size_t scan_unquoted(std::string_view text, CsvRecord& record);
    std::size_t scan_quoted(std::string_view text, CsvRecord& record);
    std::size_t scan_quote_seen(std::string_view text, CsvRecord& record);
    std::size_t scan_skipping(std::string_view text);
    std::size_t append(std::string_view run, CsvRecord& record);
    void end_field(CsvRecord& record);
    void delimit(char delimiter, CsvRecord& record);
    void end_line(char delimiter);
    void end_input(CsvRecord& record);

    InputBuffer input_;
    char separator_;
    State state_ = State::kFieldStart;
    bool stops_[256] = {};  // bytes that end a run of unquoted text
    bool field_quoted_ = false;
    bool record_done_ = false;
    bool skip_line_feed_ = false;  // a CR has ended the line; its LF may follow
    bool started_ = false;
    std::uint64_t line_ = 1;
    std::uint64_t quote_line_ = 0;  // where the open quote stands
};

}  // namespace abikit::data

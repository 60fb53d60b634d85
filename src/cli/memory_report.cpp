// MemoryUsage to a value and to a table.
#include "memory_report.hpp"

namespace abikit::cli {
namespace {

data::Value room_value(std::string_view name, const RoomUsage& usage) {
    data::Value row;
    row.set("room", name);
    row.set("current_bytes", usage.current_bytes);
    row.set("peak_bytes", usage.peak_bytes);
    row.set("allocations", usage.allocations);
    row.set("live_allocations", usage.live_allocations);
    return row;
}

data::Value sum_value(const RoomUsage& usage) {
    data::Value row;
    row.set("current_bytes", usage.current_bytes);
    row.set("peak_bytes", usage.peak_bytes);
    row.set("allocations", usage.allocations);
    return row;
}

}  // namespace

data::Value memory_value(const MemoryUsage& usage) {
    data::Array rooms;
    std::uint64_t live_bytes = 0;
    std::uint64_t live_allocations = 0;
    for (std::size_t i = 0; i < usage.rooms.size(); ++i) {
        const auto room = static_cast<Room>(i);
        const RoomUsage& row = usage.rooms[i];
        if (row.allocations == 0) {
            continue;
        }
        rooms.push_back(room_value(room_name(room), row));
        if (room != Room::kReport) {
            live_bytes += row.current_bytes;
            live_allocations += row.live_allocations;
        }
    }
    data::Value live;
    live.set("bytes", live_bytes);
    live.set("allocations", live_allocations);
    data::Value memory;
    memory.set("peak_bytes", usage.peak_bytes);
    memory.set("limit_bytes",
               usage.limit_bytes == 0 ? data::Value() : data::Value(usage.limit_bytes));
    memory.set("heap", sum_value(usage.heap));
    memory.set("mapped", sum_value(usage.mapped));
    memory.set("rooms", std::move(rooms));
    memory.set("live_at_exit", std::move(live));
    return memory;
}

report::Report memory_table(const MemoryUsage& usage) {
    using report::Align;
    using report::Block;
    using report::Unit;
    report::Report table{.schema = "abi.memory/1"};
    table.body = memory_value(usage);
    table.blocks = {
        {.kind = Block::Kind::kTable,
         .text = "memory",
         .rows_path = "rooms",
         .columns = {{.key = "room", .header = "room"},
                     {"current_bytes", "at exit", Unit::kBytes, Align::kRight},
                     {"peak_bytes", "peak", Unit::kBytes, Align::kRight},
                     {"allocations", "allocations", Unit::kCount, Align::kRight},
                     {"live_allocations", "live", Unit::kCount, Align::kRight}}},
        {.kind = Block::Kind::kFields,
         .fields = {{"heap.peak_bytes", "heap peak", Unit::kBytes},
                    {"mapped.peak_bytes", "mapped peak", Unit::kBytes},
                    {"peak_bytes", "peak of both", Unit::kBytes},
                    {"limit_bytes", "limit", Unit::kBytes},
                    {"live_at_exit.bytes", "live at exit", Unit::kBytes},
                    {"live_at_exit.allocations", "live allocations", Unit::kCount}}},
    };
    return table;
}

}  // namespace abikit::cli

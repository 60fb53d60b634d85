// What users do with a database, each as one call from opening to closing, so that a sweep can
// break it at every point. Read sweep_test.cpp next.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <abi/core/context.hpp>

#include "rows.hpp"

namespace abikit::storage::test {

// What a command told while it ran: what stands here was promised.
struct Told {
    bool acknowledged = false;  // a commit, or the database that was made
};

struct Command {
    std::string name;
    std::function<Status(const Context&, Told&)> run;
    // What it makes of the rows.
    std::function<void(std::vector<Row>&)> effect = [](std::vector<Row>&) {};
    std::string made = {};                      // the database that it makes; "" : none
    std::optional<std::size_t> made_rows = {};  // how many that holds in any case
};
std::vector<Command> commands();

// Makes /db with a segment, deleted rows, rows in its log, a second collection and a named
// snapshot; and the inputs that commands read.
std::vector<Row> prepare_database(FileSystem& fs);

// A file system whose calls are places where memory may run out, and otherwise never fail for want
// of it: the double beneath keeps its books.
std::unique_ptr<FileSystem> sheltered(FileSystem& base);

}  // namespace abikit::storage::test

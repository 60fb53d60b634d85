// `abi db`: the group of the database commands.
#include "all.hpp"

namespace abikit::cli {

CommandSpec db_spec() {
    return {
        .path = {"db"},
        .summary = "keep vectors and texts in a durable database and find the nearest",
        .description =
            "WDBX is an embedded vector database: a directory with a manifest, a write-ahead log "
            "and immutable segments. "
            "Every commit is on disk before it is acknowledged and is there whole or not at all, "
            "whatever happens to the "
            "process or the machine. One process writes at a time; any number read meanwhile.\n\n"
            "Rows have an id, a vector, and optionally a text and metadata. A database made with "
            "an embedder turns texts "
            "into vectors by itself, so that documents can be imported and searched without a "
            "model.",
        .examples = {{"abi db init notes.wdbx --embedder hash", "make a database that takes text"},
                     {"abi db import notes.wdbx docs", "import a directory of documents"},
                     {"abi db query notes.wdbx --text 'how to restore a backup'",
                      "find what is nearest"}},
    };
}

}  // namespace abikit::cli

// The list of commands: one declaration here, one line in all.cpp, one file with the spec and the
// handler for each. Order is the order of the help text; a group stands before its verbs.
#pragma once

#include <vector>

#include "../spec.hpp"

namespace abikit::cli {

CommandSpec bench_spec();
CommandSpec bench_ann_spec();
CommandSpec bench_list_spec();
CommandSpec completion_spec();
CommandSpec config_spec();
CommandSpec config_path_spec();
CommandSpec config_show_spec();
CommandSpec config_validate_spec();
CommandSpec db_spec();
CommandSpec db_add_spec();
CommandSpec db_backup_spec();
CommandSpec db_backup_list_spec();
CommandSpec db_backup_prune_spec();
CommandSpec db_backup_verify_spec();
CommandSpec db_collection_spec();
CommandSpec db_collection_add_spec();
CommandSpec db_collection_drop_spec();
CommandSpec db_collection_list_spec();
CommandSpec db_count_spec();
CommandSpec db_delete_spec();
CommandSpec db_export_spec();
CommandSpec db_get_spec();
CommandSpec db_import_spec();
CommandSpec db_index_spec();
CommandSpec db_init_spec();
CommandSpec db_list_spec();
CommandSpec db_optimize_spec();
CommandSpec db_query_spec();
CommandSpec db_repair_spec();
CommandSpec db_restore_spec();
CommandSpec db_snapshot_spec();
CommandSpec db_snapshot_create_spec();
CommandSpec db_snapshot_drop_spec();
CommandSpec db_snapshot_list_spec();
CommandSpec db_stats_spec();
CommandSpec db_update_spec();
CommandSpec db_upgrade_spec();
CommandSpec db_watch_spec();
CommandSpec db_verify_spec();
CommandSpec help_spec();
CommandSpec version_spec();

// Every command, freshly built.
std::vector<CommandSpec> all_commands();

}  // namespace abikit::cli

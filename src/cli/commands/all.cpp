// The table of commands.
#include "all.hpp"

namespace abikit::cli {

std::vector<CommandSpec> all_commands() {
    using Maker = CommandSpec (*)();
    static constexpr Maker kMakers[] = {
        db_spec,
        db_init_spec,
        db_import_spec,
        db_add_spec,
        db_query_spec,
        db_get_spec,
        db_update_spec,
        db_delete_spec,
        db_list_spec,
        db_count_spec,
        db_stats_spec,
        db_verify_spec,
        db_index_spec,
        db_optimize_spec,
        db_export_spec,
        db_collection_spec,
        db_collection_list_spec,
        db_collection_add_spec,
        db_collection_drop_spec,
        db_snapshot_spec,
        db_snapshot_list_spec,
        db_snapshot_create_spec,
        db_snapshot_drop_spec,
        db_upgrade_spec,
        db_watch_spec,
        db_backup_spec,
        db_backup_list_spec,
        db_backup_verify_spec,
        db_backup_prune_spec,
        db_restore_spec,
        db_repair_spec,
        bench_spec,
        bench_ann_spec,
        bench_list_spec,
        config_spec,
        config_show_spec,
        config_path_spec,
        config_validate_spec,
        completion_spec,
        help_spec,
        version_spec,
    };
    std::vector<CommandSpec> commands;
    commands.reserve(std::size(kMakers));
    for (const Maker make : kMakers) {
        commands.push_back(make());
    }
    return commands;
}

}  // namespace abikit::cli

// Names of sync modes.
#include <abi/storage/sync.hpp>

#include <fmt/format.h>

namespace abikit::storage {

std::string_view sync_mode_name(SyncMode mode) noexcept {
    switch (mode) {
        case SyncMode::kFull:
            return "full";
        case SyncMode::kNormal:
            return "normal";
        case SyncMode::kOff:
            return "off";
    }
    return "full";
}

Result<SyncMode> parse_sync_mode(std::string_view name) {
    for (const SyncMode mode : {SyncMode::kFull, SyncMode::kNormal, SyncMode::kOff}) {
        if (name == sync_mode_name(mode)) {
            return mode;
        }
    }
    return fail(Code::kInvalidArgument, fmt::format("unknown sync mode '{}'", name),
                "use full, normal or off");
}

}  // namespace abikit::storage

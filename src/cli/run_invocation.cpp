// Values and services for a command handler.
#include "run_invocation.hpp"

#include <algorithm>

#include "log_spdlog.hpp"

namespace abikit::cli {
namespace {

// -q and -v say less or more than the configured level.
LogLevel level_of(const Settings& settings, const CommandLine& line) {
    if (settings.flag("quiet")) {
        return LogLevel::kError;
    }
    const LogLevel configured = log_level(settings.text("log-level"));
    const GivenOption* verbose = line.find("verbose");
    const std::size_t count = verbose == nullptr ? 0 : verbose->values.size();
    const LogLevel asked = count == 0   ? LogLevel::kOff
                           : count == 1 ? LogLevel::kInfo
                           : count == 2 ? LogLevel::kDebug
                                        : LogLevel::kTrace;
    return std::min(configured, asked);
}

Redactor redactor_for(const Settings& settings) {
    Redactor redactor;
    for (const Setting& setting : settings.all()) {
        if (setting.spec->secret) {
            for (const std::string& value : setting.values) {
                redactor.add(value);
            }
        }
    }
    return redactor;
}

}  // namespace

Result<std::unique_ptr<RunInvocation>> RunInvocation::create(RunParts parts,
                                                             OperandWords operands) {
    std::unique_ptr<RunInvocation> run(new RunInvocation(parts, std::move(operands)));
    ABI_CHECK(run->open_log());
    return run;
}

Status RunInvocation::open_log() {
    LogOptions options{.level = level_of(settings(), *parts_.toolkit->line),
                       .redactor = redactor_for(settings())};
    const std::string path = settings().text("log-file");
    if (settings().text("log-format") == "json") {
        options.format = LogFormat::kJson;
    } else if (!path.empty()) {
        options.format = LogFormat::kText;
    } else if (settings().flag("verbose")) {
        options.format = LogFormat::kPlainRooms;
    }
    if (path.empty()) {
        options.write = [err = parts_.err](std::string_view line) { err->line(line); };
    } else {
        ABI_TRY(options.write, append_to_file(*parts_.process->fs, path));
    }
    log_ = make_log(std::move(options));
    return {};
}

bool RunInvocation::has(std::string_view option) const {
    return settings().has(option);
}
bool RunInvocation::flag(std::string_view option) const {
    return settings().flag(option);
}
std::string RunInvocation::text(std::string_view option) const {
    return settings().text(option);
}
std::int64_t RunInvocation::integer(std::string_view option) const {
    return settings().integer(option);
}
double RunInvocation::number(std::string_view option) const {
    return settings().number(option);
}
std::uint64_t RunInvocation::size_bytes(std::string_view option) const {
    return settings().size_bytes(option);
}
std::vector<std::string> RunInvocation::list(std::string_view option) const {
    return settings().list(option);
}

std::vector<std::string> RunInvocation::operands(std::string_view name) const {
    for (std::size_t i = 0; i < operands_.size(); ++i) {
        if (parts_.command->operands[i].name == name) {
            return operands_[i];
        }
    }
    ABI_ASSERT(false && "the spec has no operand of that name");
    return {};
}

std::string RunInvocation::operand(std::string_view name) const {
    const auto words = operands(name);
    return words.empty() ? std::string() : words.front();
}

const Context& RunInvocation::context() const {
    if (!context_) {
        const Process& process = *parts_.process;
        const ProgressStyle style =
            settings().flag("quiet")
                ? ProgressStyle::kOff
                : progress_style(settings().text("progress"), process.err_terminal, *process.env);
        progress_ = std::make_unique<ProgressBar>(
            *parts_.err, ProgressOptions{.style = style, .width = process.err_terminal.width});
        pool_ = std::make_unique<ThreadPool>(static_cast<unsigned>(settings().integer("threads")));
        context_ = Context{.fs = process.fs,
                           .pool = pool_.get(),
                           .cancel = process.cancel,
                           .log = log_.get(),
                           .progress = progress_.get(),
                           .trace = parts_.trace};
    }
    return *context_;
}

ByteSource& RunInvocation::in() {
    if (in_ == nullptr) {
        in_ = parts_.process->open_in();
    }
    return *in_;
}

ByteSink& RunInvocation::out() {
    return *parts_.output;
}

bool RunInvocation::output_is_json() const {
    return parts_.toolkit->startup->format->json;
}

bool RunInvocation::dry_run() const {
    return settings().find("dry-run") != nullptr && settings().flag("dry-run");
}

}  // namespace abikit::cli

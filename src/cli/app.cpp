// The order of a run. Each step has its own file; read startup.hpp, run_invocation.hpp, output.hpp.
#include "app.hpp"

#include <fmt/format.h>

#include <abi/core/version.h>
#include <abi/core/memory.hpp>
#include <abi/simd/targets.hpp>

#include "commands/all.hpp"
#include "commands/simd_report.hpp"
#include "error_message.hpp"
#include "exit_code.hpp"
#include "gen/help.hpp"
#include "global_options.hpp"
#include "memory_report.hpp"
#include "profile.hpp"
#include "run_invocation.hpp"

namespace abikit::cli {
namespace {

class App {
public:
    explicit App(const Process& process)
        : process_(process), err_(*process.err), commands_(all_commands()) {}

    ExitStatus run();

private:
    Result<int> execute();
    Result<int> without_command();
    Result<int> print(std::string_view text);
    Result<int> print_help(const CommandSpec* command);
    Result<int> run_command(const CommandSpec& command);
    Status apply_settings();
    Result<Outcome> call_handler(const CommandSpec& command, Output& output);
    Status render(const Outcome& outcome, Output& output);
    report::RenderOptions render_options() const;
    void add_extras(Outcome& outcome) const;

    ExitStatus tell(const Error& error);
    void tell_memory() const;
    int write_profile(int code);

    const Process& process_;
    mutable ErrorStream err_;
    std::vector<CommandSpec> commands_;
    MessageStyle style_;
    CommandLine line_;
    Startup startup_;
    Toolkit toolkit_;
    OperandWords operands_;
    std::unique_ptr<Profile> profile_;
    MemoryUsage usage_;         // when the command had ended
    bool tracking_ = false;     // --memory-tracking is on
    bool memory_told_ = false;  // it stands in the report
};

// simdjson keeps the names of its implementations from first use to the end of the process: not a
// leak, so it is done before counting begins.
void build_lasting_tables() {
    static_cast<void>(data::to_json(data::Value("text")));
}

bool json_report(const Startup& startup, const Outcome& outcome) {
    const report::Format* own = report::find_format(outcome.format);
    return own == nullptr ? startup.format->json : own->json;
}

Result<int> App::print(std::string_view text) {
    ABI_CHECK(process_.out->write(text));
    ABI_CHECK(process_.out->flush());
    return 0;
}

Result<int> App::print_help(const CommandSpec* command) {
    const std::size_t width = process_.out_terminal.width;
    const GivenOption* when = line_.find("color");
    const bool colour = use_colour(when == nullptr ? "auto" : when->values.back(),
                                   process_.out_terminal, *process_.env);
    const HelpStyle style{.width = width == 0 ? 80 : std::min<std::size_t>(width, 100),
                          .colour = colour};
    return print(command == nullptr ? help_overview(commands_, global_options(), style)
                                    : help_command(*command, commands_, global_options(), style));
}

Result<int> App::without_command() {
    if (line_.find("check-simd") != nullptr) {
        static const CommandSpec kCheckSimd{
            .handler = [](Invocation&) -> Result<Outcome> { return Outcome{simd_report()}; }};
        return run_command(kCheckSimd);
    }
    return fail(Code::kInvalidArgument, "no command is given", "'abi help' lists the commands");
}

// Reads what the words say and decides what is run at all.
Result<int> App::execute() {
    const auto globals = global_options();
    ABI_TRY(line_, parse_command_line(process_.args, commands_, globals));
    toolkit_ = {commands_, globals, &process_, &startup_, &line_};
    if (line_.find("help") != nullptr) {
        return print_help(line_.command);
    }
    if (line_.find("version") != nullptr) {
        return print("abi " ABI_VERSION "\n");
    }
    if (line_.command == nullptr) {
        return without_command();
    }
    if (!line_.command->handler) {
        std::vector<std::string> names;
        for (const CommandSpec* child : children(commands_, line_.command->path)) {
            names.push_back(child->path.back());
        }
        return fail(Code::kInvalidArgument,
                    fmt::format("no command is given after 'abi {}'", command_name(*line_.command)),
                    fmt::format("one of {}", fmt::join(names, ", ")));
    }
    ABI_TRY(operands_, assign_operands(*line_.command, line_.words));
    return run_command(*line_.command);
}

// The options that act on the whole process.
Status App::apply_settings() {
    const Settings& settings = startup_.settings;
    style_.json = startup_.format->json;
    style_.verbose = settings.flag("verbose");
    style_.colour =
        use_colour(settings.text("color"), process_.err_terminal, *process_.env) && !style_.json;
    const bool scalar = !settings.flag("simd-enabled");
    const std::string target = scalar ? "none" : settings.text("simd");
    if (target != "auto") {
        auto forced = simd::force_target(target);
        const Setting* asked = settings.find("simd");
        if (!forced && asked->origin != Origin::kFlag) {
            return fail(std::move(forced).error().with_context(asked->source));
        }
        ABI_CHECK(std::move(forced));
    }
    tracking_ = settings.flag("memory-tracking");
    const std::uint64_t limit = settings.size_bytes("memory-limit");
    if ((tracking_ || limit > 0) && !process_.memory_hooks) {
        tracking_ = false;
        return fail(Code::kUnavailable,
                    "memory accounting is not available in this build: a sanitizer owns the heap",
                    "use a build without b_sanitize");
    }
    if (tracking_ || limit > 0) {
        build_lasting_tables();
        enable_memory_accounting(limit);
    }
    return {};
}

Result<Outcome> App::call_handler(const CommandSpec& command, Output& output) {
    ABI_TRY(const auto invocation,
            RunInvocation::create({&process_, &command, &toolkit_, &output, &err_, profile_.get()},
                                  operands_));
    const TraceSpan span(profile_.get(), "cli", "command");
    auto outcome = command.handler(*invocation);
    if (!tracking_) {
        return outcome;
    }
    // A deep copy in the report's own room: what the command's rooms still hold afterwards leaked.
    const RoomScope room(Room::kReport);
    return outcome ? Result<Outcome>(Outcome(*outcome)) : fail(outcome.error().clone());
}

// What the global options add to a report. Programs get it inside; people on standard error.
void App::add_extras(Outcome& outcome) const {
    const RoomScope room(Room::kReport);
    data::Value& body = outcome.report.body;
    if (startup_.settings.flag("check-simd") && body.find("simd") == nullptr) {
        body.set("simd", simd_value());
    }
    if (tracking_) {
        body.set("memory", memory_value(memory_usage()));
    }
    body.set("exit_code", outcome.exit_code);
}

report::RenderOptions App::render_options() const {
    const bool file = !startup_.output_path.empty();
    return {.colour = !file && use_colour(startup_.settings.text("color"), process_.out_terminal,
                                          *process_.env),
            .width = file ? 0 : process_.out_terminal.width};
}

Status App::render(const Outcome& outcome, Output& output) {
    const TraceSpan span(profile_.get(), "cli", "render");
    if (!outcome.silent) {
        const report::Format* own = report::find_format(outcome.format);
        const report::Format& format = own == nullptr ? *startup_.format : *own;
        ABI_CHECK(output.write_report(report::render(format, outcome.report, render_options())));
    }
    ABI_CHECK(output.commit());
    for (const ReportCopy& copy : startup_.copies) {
        ABI_CHECK(
            write_whole(*process_.fs, copy.path, report::render(*copy.format, outcome.report)));
    }
    return {};
}

Result<int> App::run_command(const CommandSpec& command) {
    ABI_TRY(startup_, start(process_, line_, command, commands_));
    if (!startup_.settings.text("profile").empty()) {
        profile_ = std::make_unique<Profile>("abi " + command_name(command), process_.process_id);
    }
    Output output(*process_.fs, *process_.out, startup_.output_path);
    ABI_CHECK(apply_settings());
    ABI_TRY(Outcome outcome, call_handler(command, output));
    const bool programs = !outcome.silent && json_report(startup_, outcome);
    const bool told = outcome.report.body.find("simd") != nullptr;  // by `abi --check-simd` alone
    if (startup_.settings.flag("check-simd") && !programs && !told) {
        err_.line(report::render(report::formats().front(), simd_report()));
    }
    add_extras(outcome);
    memory_told_ = programs;
    auto rendered = render(outcome, output);
    if (!rendered && !is_broken_pipe(rendered.error())) {
        return fail(std::move(rendered).error());
    }
    return outcome.exit_code;
}

// Tells the error and says how the process ends.
ExitStatus App::tell(const Error& error) {
    if (is_broken_pipe(error)) {
        return {};  // whoever read the output has seen enough
    }
    err_.line(error_text(error, style_));
    ExitStatus status{.code = exit_code(error.code())};
    if (error.code() == Code::kCancelled && process_.cancel.reason() > 1) {
        status.signal = process_.cancel.reason();
        status.code = 128 + status.signal;
    }
    return status;
}

void App::tell_memory() const {
    const report::Report table = memory_table(usage_);
    err_.line(report::render(*report::find_format(style_.json ? "jsonl" : "console"), table));
}

int App::write_profile(int code) {
    const std::string path = startup_.settings.text("profile");
    auto written = write_whole(*process_.fs, path, profile_->to_json());
    if (written) {
        return code;
    }
    err_.line(
        error_text(std::move(written).error().with_context("cannot write the trace"), style_));
    return code == 0 ? exit_code(Code::kIo) : code;
}

ExitStatus App::run() {
    style_.json = wants_json(process_);
    style_.colour = use_colour("auto", process_.err_terminal, *process_.env) && !style_.json;
    ExitStatus status;
    try {
        auto result = execute();
        usage_ = memory_usage();  // before telling anything takes memory of its own
        if (memory_accounting_enabled()) {
            enable_memory_accounting(0);  // telling of a limit must not run into it
        }
        status = result ? ExitStatus{.code = *result} : tell(result.error());
    } catch (...) {
        usage_ = memory_usage();
        if (memory_accounting_enabled()) {
            enable_memory_accounting(0);
        }
        status = tell(error_from_current_exception());
    }
    if (tracking_ && !memory_told_) {
        tell_memory();
    }
    if (profile_ != nullptr) {
        status.code = write_profile(status.code);
    }
    return status;
}

}  // namespace

ExitStatus run(const Process& process) {
    const RoomScope room(Room::kCli);
    try {
        return App(process).run();
    } catch (...) {
        const Error error = error_from_current_exception();
        ErrorStream(*process.err).line(error_text(error, {.json = wants_json(process)}));
        return {.code = exit_code(error.code())};
    }
}

}  // namespace abikit::cli

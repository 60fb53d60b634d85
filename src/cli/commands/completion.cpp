// `abi completion`: scripts that complete commands, options and values in a shell.
#include "../gen/generate.hpp"
#include "../invocation.hpp"
#include "../toolkit.hpp"
#include "all.hpp"

namespace abikit::cli {
namespace {

Result<Outcome> run_completion(Invocation& run) {
    const Toolkit& kit = *run.toolkit();
    const std::string shell = run.operand("SHELL");
    const std::string script = shell == "bash"  ? bash_completion(kit.commands, kit.globals)
                               : shell == "zsh" ? zsh_completion(kit.commands, kit.globals)
                                                : fish_completion(kit.commands, kit.globals);
    ABI_CHECK(run.out().write(script));
    return Outcome{.silent = true};
}

}  // namespace

CommandSpec completion_spec() {
    return {
        .path = {"completion"},
        .summary = "print a completion script for a shell",
        .description =
            "Prints a script that lets the shell complete commands, options, choices and file "
            "names. Installed packages bring the scripts along; this command is for a binary that "
            "was put somewhere by hand.\n\n"
            "bash: eval \"$(abi completion bash)\" in ~/.bashrc.\n"
            "zsh: abi completion zsh > a directory of $fpath, as _abi.\n"
            "fish: abi completion fish > ~/.config/fish/completions/abi.fish.",
        .operands = {{.name = "SHELL",
                      .type = ValueType::kChoice,
                      .help = "the shell",
                      .choices = {"bash", "zsh", "fish"}}},
        .examples = {{"abi completion bash", "the script for bash"},
                     {"abi completion fish --output abi.fish", "the script for fish, as a file"}},
        .handler = run_completion,
        .tolerates_bad_config = true};
}

}  // namespace abikit::cli

"""Shell scripts pass shellcheck; skipped where it is not installed."""

import shutil
import subprocess

import tree


def is_shell(path):
    text = tree.text_of(path)
    if text is None:
        return False
    first = text.split("\n", 1)[0]
    return (first.startswith("#!") and ("bash" in first or first.rstrip().endswith("/sh"))) or \
        first.startswith("# shellcheck shell=")


def main():
    root = tree.arguments(__doc__).root
    program = shutil.which("shellcheck")
    if program is None:
        tree.skip("shell", "shellcheck is not installed")
    paths = [p for p in tree.files(root, None, ("scripts", ".ci", "benchmarks", "tests")) if is_shell(p)]
    run = subprocess.run([program, "--external-sources", "--format=gcc", *[str(p.relative_to(root)) for p in paths]],
                         cwd=root, capture_output=True, text=True)
    violations = run.stdout.splitlines() or ([run.stderr.strip()] if run.returncode else [])
    tree.finish("shell", violations, f"{len(paths)} scripts")


if __name__ == "__main__":
    main()

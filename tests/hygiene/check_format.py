"""C++ files are laid out as clang-format 14 lays them out; skipped where that version is not installed."""

import concurrent.futures
import os
import re
import shutil
import subprocess

import tree

MAJOR = "14"


def formatter():
    """The program, or the reason why there is none."""
    for name in (f"clang-format-{MAJOR}", "clang-format"):
        program = shutil.which(name)
        if program:
            version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            found = re.search(r"version (\d+)", version)
            if found and found.group(1) == MAJOR:
                return program, None
            reason = f"'{name}' is version {found.group(1) if found else 'unknown'}, not {MAJOR}"
            return None, reason
    return None, f"clang-format {MAJOR} is not installed"


def main():
    root = tree.arguments(__doc__).root
    program, reason = formatter()
    if program is None:
        tree.skip("format", reason)
    paths = [p for p in tree.files(root, tree.CPP_SUFFIXES) if not tree.is_corpus(root, p)]

    def complaints(batch):
        run = subprocess.run([program, "--dry-run", "--style=file", *batch], cwd=root, capture_output=True, text=True)
        found = re.findall(r"^(.+?):\d+:\d+: (?:warning|error):", run.stderr, re.M)
        return found or ([run.stderr.strip()] if run.returncode else [])

    workers = os.cpu_count() or 1
    names = [str(p.relative_to(root)) for p in paths]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        bad = {name for found in pool.map(complaints, [names[i::workers] for i in range(workers)]) for name in found}
    tree.finish("format", [f"{name}: run '{program.rsplit('/', 1)[-1]} -i' on it" for name in sorted(bad)],
                f"{len(paths)} files")


if __name__ == "__main__":
    main()

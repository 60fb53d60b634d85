"""Installs into a temporary folder, moves the tree elsewhere, and uses it as its user would.

The program runs from the moved place, every installed header compiles, a small program is built
against it with pkg-config alone and runs, and the size of program and libraries is reported. In a
release build that size may not exceed 15 MB.
"""

import argparse
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

SIZE_LIMIT_BYTES = 15_000_000


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("build", "prefix", "libdir", "bindir", "buildtype", "cc", "cxx", "version", "consumer", "example"):
        parser.add_argument("--" + name, required=True)
    return parser.parse_args()


def run(command, **options):
    print("$", shlex.join(map(str, command)), flush=True)
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def install(options, folder):
    """Returns the moved tree: what lay under the prefix, now at a path nothing was configured for."""
    meson = shutil.which("meson")
    if meson is None:
        sys.exit("meson is not on the path")
    staged, moved = folder / "staged", folder / "moved-here" / "abi"
    run([meson, "install", "-C", options.build, "--no-rebuild", "--destdir", staged])
    moved.parent.mkdir()
    (staged / options.prefix.lstrip("/")).rename(moved)
    return moved


def check_program(options, tree, clean):
    program = tree / options.bindir / "abi"
    said = run([program, "version"], env=clean, cwd=tree)
    print(said, end="")
    if options.version not in said:
        sys.exit(f"'abi version' does not say {options.version}")
    linked = run(["ldd", program], env=clean)
    for line in linked.splitlines():
        if "libabi_" in line and str(tree) not in line.replace("/bin/..", ""):
            sys.exit(f"a library of ours comes from elsewhere: {line.strip()}")


def check_consumer(options, tree, clean, folder):
    config = tree / options.libdir / "pkgconfig"
    names = sorted(p.stem for p in config.glob("*.pc"))
    if names != ["abi_bench", "abi_core", "abi_simd", "abi_storage"]:
        sys.exit(f"unexpected pkg-config files: {names}")
    pkg_config = ["pkg-config", f"--define-variable=prefix={tree}"]
    found = dict(clean, PKG_CONFIG_PATH=str(config))
    version = run([*pkg_config, "--modversion", "abi_storage"], env=found).strip()
    if version != options.version:
        sys.exit(f"pkg-config says version {version}")
    flags = shlex.split(run([*pkg_config, "--cflags", "--libs", "abi_storage"], env=found))
    flags.append(f"-Wl,-rpath,{tree / options.libdir}")
    compiler = [*shlex.split(options.cxx), "--std=c++23", "-Wall", "-Wextra", "-Wno-missing-field-initializers",
                "-Werror"]
    built = folder / "consumer"
    run([*compiler, "-O1", options.consumer, "-o", built, *flags])
    print(run([built, folder], env=clean), end="")
    example = folder / "example"
    run([*shlex.split(options.cc), "-std=c11", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", options.example,
         "-o", example, *flags])
    print(run([example, folder / "of-c"], env=clean), end="")
    include = tree / "include"
    everything = "".join(f"#include <{p.relative_to(include).as_posix()}>\n"
                         for p in sorted(include.rglob("*")) if p.suffix in (".h", ".hpp"))
    run([*compiler, f"-I{include}", "-fsyntax-only", "-x", "c++", "-"], input=everything)


def check_size(options, tree):
    parts = [tree / options.bindir / "abi"]
    parts += [p for p in (tree / options.libdir).glob("libabi_*.so*") if not p.is_symlink()]
    total = sum(p.stat().st_size for p in parts)
    for part in parts:
        print(f"{part.stat().st_size:>12,} bytes  {part.name}")
    print(f"{total:>12,} bytes  program and libraries ({options.buildtype} build)")
    if options.buildtype == "release" and total > SIZE_LIMIT_BYTES:
        sys.exit(f"more than {SIZE_LIMIT_BYTES:,} bytes")


def main():
    options = parse()
    with tempfile.TemporaryDirectory(prefix="abi-install-") as name:
        folder = pathlib.Path(name).resolve()
        home = folder / "home"
        home.mkdir()
        clean = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8"}
        tree = install(options, folder)
        check_program(options, tree, clean)
        check_consumer(options, tree, clean, folder)
        check_size(options, tree)


if __name__ == "__main__":
    main()

"""Every public header compiles alone, twice in one file, without a warning; the .h ones as C17 too.

The compiler only reads (-fsyntax-only), one process per processor. Headers that passed are remembered in the
build folder under a hash of all headers and the command, so an unchanged tree is checked in no time.
"""

import concurrent.futures
import hashlib
import os
import pathlib
import shlex
import subprocess

import tree

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


def compile_one(job):
    name, command, code = job
    run = subprocess.run(command, input=code, capture_output=True, text=True)
    return name, run.returncode, run.stderr


def jobs_for(headers, include, generated, c_compiler, cpp_compiler):
    for header in headers:
        name = header.relative_to(include).as_posix()
        code = f"#include <{name}>\n#include <{name}>\n"
        paths = [f"-I{include}", f"-I{generated}"]
        yield name, [*cpp_compiler, "--std=c++23", *WARNINGS, "-Wold-style-cast", *paths,
                     "-fsyntax-only", "-x", "c++", "-"], code
        if header.suffix == ".h":
            # ISO C wants at least one declaration in a file.
            yield (f"{name} as C", [*c_compiler, "-std=c17", *WARNINGS, *paths, "-fsyntax-only", "-x", "c", "-"],
                   code + "typedef int abi_declaration;\n")


def main():
    options = tree.arguments(
        __doc__, ("--build", {"type": pathlib.Path, "required": True}),
        ("--cc", {"required": True}), ("--cxx", {"required": True}))
    include, generated = options.root / "include", options.build / "include"
    headers = tree.files(options.root, (".hpp", ".h"), ("include",)) + \
        tree.files(options.build, (".h",), ("include",))
    digest = hashlib.sha256(f"{options.cc}\n{options.cxx}\n{WARNINGS}".encode())
    for header in headers:
        digest.update(header.name.encode() + b"\0" + header.read_bytes())
    stamp = options.build / "tests" / "hygiene" / "headers.stamp"
    if stamp.is_file() and stamp.read_text() == digest.hexdigest():
        tree.finish("headers", [], f"{len(headers)} headers (unchanged since they last passed)")
    jobs = list(jobs_for([h for h in headers if include in h.parents], include, generated,
                         shlex.split(options.cc), shlex.split(options.cxx)))
    jobs += list(jobs_for([h for h in headers if include not in h.parents], generated, generated,
                          shlex.split(options.cc), shlex.split(options.cxx)))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(compile_one, jobs))
    violations = [f"{name} does not compile alone:\n{errors}" for name, status, errors in results if status != 0]
    if not violations:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(digest.hexdigest())
    tree.finish("headers", violations, f"{len(headers)} headers")


if __name__ == "__main__":
    main()

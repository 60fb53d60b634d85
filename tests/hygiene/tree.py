"""The project's files as the hygiene checks see them, and a C++ reader that hides comments and strings.

Every check is a program of its own: `check_NAME.py --root SOURCE_FOLDER`. It prints one line per
violation and ends with 0 (clean), 1 (violations) or 77 (skipped, with the reason).
"""

import argparse
import pathlib
import re
import sys

# What the project consists of; build folders, fetched subprojects and editors' files are not in it.
FOLDERS = ("include", "src", "tests", "benchmarks", "scripts", "docs", "man", "completions",
           "subprojects/packagefiles", ".ci", ".github")
CPP_SUFFIXES = (".cpp", ".hpp", ".h", ".c", ".cc")
SKIP = 77


def arguments(description, *extra):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=pathlib.Path, required=True, help="source folder")
    for name, options in extra:
        parser.add_argument(name, **options)
    return parser.parse_args()


def files(root, suffixes=None, under=FOLDERS):
    """Files of the project in a fixed order; those at the top level only when every folder is asked for."""
    found = []
    if under is FOLDERS:
        found += [p for p in root.iterdir() if p.is_file()]
    for folder in under:
        found += [p for p in (root / folder).rglob("*")
                  if p.is_file() and "__pycache__" not in p.parts]
    return sorted(p for p in found if suffixes is None or p.suffix in suffixes)


def text_of(path):
    """The text of a file, or None where it holds binary data."""
    data = path.read_bytes()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def is_corpus(root, path):
    """Test inputs may hold anything and are not written by hand."""
    parts = path.relative_to(root).parts
    return "corpus" in parts or "golden" in parts or "fixtures" in parts


_HIDE = re.compile(
    r'''//(?:\\\n|[^\n])*|/\*.*?\*/'''                      # comments
    r'''|(?:u8|[uUL])?R"([^()\\\s]{0,16})\(.*?\)\1"'''      # raw strings
    r'''|(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"'''                # strings
    r'''|(?<![0-9a-zA-Z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+'''  # characters, not digit separators
    r"'", re.S)


def code_only(text):
    """C++ text with comments and literals blanked out; every character keeps its line."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return _HIDE.sub(blank, text)


def finish(name, violations, looked_at):
    for line in violations:
        print(line)
    print(f"{name}: {len(violations)} violations in {looked_at}")
    sys.exit(1 if violations else 0)


def skip(name, reason):
    print(f"{name}: skipped: {reason}")
    sys.exit(SKIP)

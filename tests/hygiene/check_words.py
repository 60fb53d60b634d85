"""No words that mark unfinished work and no paths of one developer's machine in any text file."""

import pathlib
import re

import tree

WORDS = [
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), "finish it, or write it down where work is planned"),
    (re.compile(r"\bnot (yet )?implemented\b", re.I), "build it, or leave it out"),
    (re.compile(r"\b(in a real (system|implementation)|simplified version)\b", re.I),
     "say what holds and why"),
    (re.compile(r"(?<![\w.$}/-])/(work|root|farm)/"), "a path of one machine"),
    (re.compile(r"^(<{7}|>{7}) ", re.M), "a merge was left half done"),
]
EXEMPT = {"LICENSE", pathlib.Path(__file__).name}


def check(root, path):
    text = tree.text_of(path)
    if text is None or path.name in EXEMPT:
        return
    for pattern, reason in WORDS:
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path.relative_to(root)}:{line}: '{match.group(0)}': {reason}"


def main():
    root = tree.arguments(__doc__).root
    paths = [p for p in tree.files(root) if not tree.is_corpus(root, p)]
    tree.finish("words", [v for p in paths for v in check(root, p)], f"{len(paths)} files")


if __name__ == "__main__":
    main()

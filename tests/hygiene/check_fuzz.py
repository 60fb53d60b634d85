"""Every fuzz entry is built and has a corpus to start from; no corpus lies around without its entry."""

import re

import tree


def main():
    root = tree.arguments(__doc__).root
    folder = root / "tests" / "fuzz"
    entries = {p.name.removesuffix("_fuzz.cpp") for p in folder.glob("*_fuzz.cpp")}
    listed = set(re.findall(r"^  '(\w+)': \[", (folder / "meson.build").read_text(encoding="utf-8"), re.M))
    corpora = {p.name for p in (folder / "corpus").iterdir() if p.is_dir() and any(p.iterdir())}
    violations = [f"tests/fuzz/meson.build does not list '{name}'" for name in sorted(entries - listed)]
    violations += [f"tests/fuzz/{name}_fuzz.cpp is listed but missing" for name in sorted(listed - entries)]
    violations += [f"tests/fuzz/corpus/{name} is missing or empty" for name in sorted(entries - corpora)]
    violations += [f"tests/fuzz/corpus/{name} belongs to no entry" for name in sorted(corpora - entries)]
    tree.finish("fuzz", violations, f"{len(entries)} entries")


if __name__ == "__main__":
    main()

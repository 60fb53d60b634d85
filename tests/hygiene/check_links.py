"""Relative links in Markdown files lead somewhere: the file is there, and so is the heading."""

import re

import tree

LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|!\[[^\]\n]*\]\(<?([^)\s>]+)>?\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.M)


def without_code(text):
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    text = re.sub(r"^(```+|~~~+).*?^\1[`~]*[ \t]*$", blank, text, flags=re.M | re.S)
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", blank, text)


def anchors(text):
    """The names that code hosts give to headings: lower case, spaces to hyphens, punctuation dropped."""
    found = {}
    for title in HEADING.findall(re.sub(r"^(```+|~~~+).*?^\1", "", text, flags=re.M | re.S)):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        count = found.get(name, 0)
        found[name] = count + 1
        if count:
            found[f"{name}-{count}"] = 1
    return found


def check(root, path):
    text = path.read_text(encoding="utf-8")
    for match in LINK.finditer(without_code(text)):
        link = match.group(1) or match.group(2)
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        where = f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}"
        target, _, anchor = link.partition("#")
        to = (root / target.lstrip("/") if target.startswith("/") else path.parent / target) if target else path
        if not to.exists():
            yield f"{where}: '{link}' leads nowhere"
        elif anchor and to.suffix == ".md" and anchor not in anchors(to.read_text(encoding="utf-8")):
            yield f"{where}: '{target or path.name}' has no heading '{anchor}'"


def main():
    root = tree.arguments(__doc__).root
    paths = [p for p in tree.files(root, (".md",)) if not tree.is_corpus(root, p)]
    tree.finish("links", [v for p in paths for v in check(root, p)], f"{len(paths)} files")


if __name__ == "__main__":
    main()

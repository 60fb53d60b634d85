"""Files stay under 600 lines and functions under 70; a file whose first lines say 'table file' is exempt.

Functions are found by their braces: a '{' after a ')' outside any function opens one, whatever lies
inside it (lambdas, local classes) belongs to it. Namespaces, classes and test suites are looked into.
"""

import re

import tree

FILE_CAP = 600
FUNCTION_CAP = 70
SUFFIXES = tree.CPP_SUFFIXES + (".py", ".sh")
CONTAINER = re.compile(r"^\s*(?:(?:template\s*<.*>|inline|export|typedef|static|constexpr|const)\s*)*"
                       r"(?:namespace|class|struct|union|enum|extern|TEST_SUITE\w*)\b", re.S)


def functions(code):
    """Yields (first line, line count, head) of every outermost function body."""
    code = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda m: "\n" * m.group(0).count("\n"), code, flags=re.M)
    stack, start, head_from = [], None, 0
    for match in re.finditer(r"[{};]", code):
        position, sign = match.start(), match.group(0)
        if sign == "{":
            head = code[head_from:position]
            kind = "in" if "function" in stack or "in" in stack else (
                "function" if ")" in head and not CONTAINER.match(head.strip()) and
                not re.search(r"[=,(]\s*$", head) else "other")
            if kind == "function":
                start = (position, head)
            stack.append(kind)
        elif sign == "}" and stack:
            if stack.pop() == "function":
                if re.match(r"\s*[,{]", code[position + 1:]):
                    continue  # the brace initialiser of a member, before the constructor's body
                first = code.count("\n", 0, start[0]) + 1
                last = code.count("\n", 0, position) + 1
                yield first, last - first + 1, " ".join(start[1].split())[-60:]
        if "function" not in stack:
            head_from = position + 1


def check(root, path):
    text = tree.text_of(path)
    if text is None:
        return
    relative = path.relative_to(root)
    lines = text.splitlines()
    if any("table file" in line for line in lines[:5]):
        return
    if len(lines) > FILE_CAP:
        yield f"{relative}: {len(lines)} lines, the cap is {FILE_CAP}"
    if path.suffix in tree.CPP_SUFFIXES:
        for first, count, head in functions(tree.code_only(text)):
            if count > FUNCTION_CAP:
                yield f"{relative}:{first}: a function of {count} lines, the cap is {FUNCTION_CAP}: {head}"


def main():
    root = tree.arguments(__doc__).root
    paths = [p for p in tree.files(root, SUFFIXES) if not tree.is_corpus(root, p)]
    tree.finish("caps", [v for p in paths for v in check(root, p)], f"{len(paths)} files")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Runs the real `abi` the way its users do and checks what it says.

    run.py --abi BINARY CASES.test...        runs case files
    run.py --abi BINARY --update CASES.test  writes the golden files anew (review the diff)
    run.py --abi BINARY --markdown README.md runs the ```console blocks of a document
    run.py --schemas                         validates every JSON golden against docs/schemas

Every test runs in a fresh directory with an empty HOME and a clean environment; `abi` is on the PATH.

A case file is read line by line. `#` starts a comment line; a text block runs to the line `END`:

    == NAME                        a test begins
    only-if COMMAND                skips the test when the shell command fails
    env NAME=VALUE                 sets a variable from here on; `env NAME` takes it away
    normalise /REGEX/TEXT          one more replacement before outputs are compared whole
    write PATH <<END               writes a file
    stdin <<END                    what the next command reads (without it: nothing)
    $ COMMAND                      runs a command in bash with pipefail; what follows is about it;
                                   `flip FILE BYTE` turns the bits of one byte round (a constant
                                   written over it could be what stands there already)
    exit N                         its exit code (0 where nothing is said)
    stdout is <<END                the whole output; stderr likewise here and below
    stdout golden FILE             the whole output stands in tests/golden/FILE
    stdout empty
    stdout has TEXT                contains it; `lacks` is the opposite
    stdout matches REGEX           Python's re.search, ^ and $ at every line
    stdout json PATH OP VALUE      a JSON text; PATH is dotted: queries.0.hits.1.id, "." is the root;
                                   OP: == != < <= > >= has; VALUE is JSON; `length` counts, as in
                                   `stdout json hits length == 3`; `stdout json PATH absent|present`
    stdout line N json ...         the same for line N of JSON lines (from 1, -1 is the last)
    stdout schema                  its "schema" member names a file in docs/schemas that it keeps to
    path PATH exists|absent        a file or directory
    path PATH has|lacks TEXT       its content
    path PATH is <<END             its content, whole

`is` and `golden` compare after normalising: the version becomes {VERSION}, the test's directory
{DIR}; in JSON the numbers of members named *_us, *_ns, *_ms, *_seconds, *_per_second become 0, in text
a number before ns, µs, ms, s becomes {TIME}.

In Markdown all console blocks of a document share one directory. `$ ` lines are commands (a backslash
at the end continues them), the lines below are stdout and stderr together. There a line `...` stands for
any lines, `...` within a line for any text, two spaces for any number of them.
`<!-- run: COMMAND -->` runs unseen, `<!-- exit: N -->` and `<!-- skip -->` are about the next block. $REPO
is the source directory.
"""

import argparse
import difflib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parent.parent
GOLDEN = REPO / "tests" / "golden"
SCHEMAS = REPO / "docs" / "schemas"
TIMEOUT_S = 120
SKIPPED = 77


class Failure(Exception):
    pass


class Skip(Exception):
    pass


# ---------------------------------------------------------------------------------------------------
# Running commands

# What a command line finds beside bash's own: damage that is always a change.
SHELL_FUNCTIONS = """flip() {
    printf "\\x$(printf %x $((255 - $(od -An -tu1 -j "$2" -N 1 "$1"))))" |
        dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
"""


class Sandbox:
    """A fresh directory and a clean environment."""

    def __init__(self, abi):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="abi-cli-")).resolve()
        self.directory = self.root / "work"
        (self.root / "home").mkdir()
        self.directory.mkdir()
        self.env = {
            "HOME": str(self.root / "home"), "PATH": f"{abi.parent}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm", "REPO": str(REPO),
            "TMPDIR": str(self.root),
        }
        # Sanitizers are told what to do by the environment of the test run.
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS"):
                self.env[name] = value

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def run(self, command, stdin=b"", merge=False):
        try:
            return subprocess.run(
                ["bash", "-o", "pipefail", "-c", SHELL_FUNCTIONS + command], cwd=self.directory, env=self.env, input=stdin,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT if merge else subprocess.PIPE,
                timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"'{command}' ran longer than {TIMEOUT_S} s") from error


def project_version():
    return re.search(r"^  version: '([^']+)'", (REPO / "meson.build").read_text(), re.M).group(1)


VERSION = project_version()


def normalise(text, sandbox, extra=()):
    text = text.replace("\r\n", "\n")
    text = text.replace(str(sandbox.directory), "{DIR}").replace(str(sandbox.root), "{ROOT}")
    text = re.sub(r"(?<![\d.])" + re.escape(VERSION) + r"(?![\d.])", "{VERSION}", text)
    text = re.sub(r'("\w*(?:_us|_ns|_ms|_seconds|_per_second)(?:_p\d+)?": ?)-?\d[\d.e+-]*', r"\g<1>0", text)
    text = re.sub(r"\b\d[\d.,]* (ns|µs|ms|s)\b", "{TIME}", text)
    for pattern, replacement in extra:
        text = re.sub(pattern, replacement, text, flags=re.M)
    return text


# ---------------------------------------------------------------------------------------------------
# Case files


class Case:
    def __init__(self, name, line):
        self.name, self.line, self.steps = name, line, []


def parse_cases(path):
    """Lists of (line number, words of the directive, block or None) by test."""
    cases, block, lines = [], None, path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if block is not None:
            if line == "END":
                cases[-1].steps.append((block[0], block[1], "".join(t + "\n" for t in block[2])))
                block = None
            else:
                block[2].append(line)
        elif line.startswith("== "):
            cases.append(Case(line[3:].strip(), number))
        elif not line.strip() or line.startswith("#"):
            continue
        elif not cases:
            raise SystemExit(f"{path}:{number}: a directive before the first '== NAME'")
        elif line.endswith("<<END"):
            block = (number, line[:-len("<<END")].strip(), [])
        else:
            cases[-1].steps.append((number, line.strip(), None))
    if block is not None:
        raise SystemExit(f"{path}:{block[0]}: the block has no END")
    return cases


def json_at(document, path):
    """The value at a dotted path; KeyError when there is none. A key may contain dots itself."""
    if path in ("", "."):
        return document
    if isinstance(document, dict):
        for end in range(len(path), 0, -1):
            if path[:end] in document and (end == len(path) or path[end] == "."):
                return json_at(document[path[:end]], path[end + 1:])
    if isinstance(document, list):
        head, _, rest = path.partition(".")
        if re.fullmatch(r"-?\d+", head) and -len(document) <= int(head) < len(document):
            return json_at(document[int(head)], rest)
    raise KeyError(path)


COMPARE = {
    "==": lambda a, b: a == b and isinstance(a, bool) == isinstance(b, bool), "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "has": lambda a, b: b in a,
}


def check_json(text, expectation):
    path, _, rest = expectation.partition(" ")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Failure(f"no JSON: {error}\n{text[:2000]}") from error
    try:
        found = json_at(document, path)
    except KeyError:
        if rest.strip() == "absent":
            return
        raise Failure(f"no '{path}' in\n{json.dumps(document, indent=2)[:2000]}") from None
    rest = rest.strip()
    if rest == "present":
        return
    if rest == "absent":
        raise Failure(f"'{path}' is there: {json.dumps(found)[:200]}")
    if rest.startswith("length "):
        found, rest = len(found), rest[len("length "):]
    operator, _, literal = rest.partition(" ")
    if operator not in COMPARE:
        raise Failure(f"unknown operator '{operator}'")
    if not COMPARE[operator](found, json.loads(literal)):
        raise Failure(f"'{path}' is {json.dumps(found)[:500]}, expected {operator} {literal}")


def schema_path(name):
    """abi.db.query/1 -> docs/schemas/abi.db.query.1.schema.json"""
    return SCHEMAS / (name.replace("/", ".") + ".schema.json")


def check_schema(document):
    import jsonschema  # the caller has looked whether it is there
    name = document.get("schema") if isinstance(document, dict) else None
    if not name:
        raise Failure("the document has no 'schema' member")
    path = schema_path(name)
    if not path.is_file():
        raise Failure(f"{path.relative_to(REPO)} is missing")
    validator = jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
    problems = [f"{'/'.join(map(str, e.absolute_path)) or '.'}: {e.message}" for e in validator.iter_errors(document)]
    if problems:
        raise Failure(f"does not keep to {path.name}:\n  " + "\n  ".join(problems[:10]))


def have_jsonschema():
    try:
        import jsonschema
        return hasattr(jsonschema, "Draft202012Validator")
    except ImportError:
        return False


def diff(expected, found, name):
    lines = difflib.unified_diff(expected.splitlines(True), found.splitlines(True), f"expected {name}", "found")
    return "".join(line if line.endswith("\n") else line + "\n\\ no line feed at the end\n" for line in lines)


class CaseRun:
    """Carries out the steps of one case."""

    def __init__(self, case, sandbox, update):
        self.case, self.sandbox, self.update = case, sandbox, update
        self.stdin, self.result, self.command, self.extra = b"", None, None, []
        self.exit_expected = 0

    def run(self):
        for number, text, block in self.case.steps:
            try:
                self.step(text, block)
            except Failure as failure:
                raise Failure(f"line {number}: {text}\n{failure}{self.context()}") from failure
        self.finish_command()

    def context(self):
        if self.result is None:
            return ""
        return (f"\n--- $ {self.command}\n--- exit {self.result.returncode}, stderr:\n"
                + self.result.stderr.decode("utf-8", "replace")[:4000])

    def finish_command(self):
        if self.result is not None and self.result.returncode != self.exit_expected:
            raise Failure(f"exit code {self.result.returncode}, expected {self.exit_expected}{self.context()}")

    def step(self, text, block):
        word, _, rest = text.partition(" ")
        handler = {
            "$": self.do_command, "env": self.do_env, "only-if": self.do_only_if, "exit": self.do_exit,
            "normalise": self.do_normalise, "write": self.do_write, "stdin": self.do_stdin, "path": self.do_path,
        }.get(word)
        if handler:
            handler(rest, block)
        elif word in ("stdout", "stderr"):
            if self.result is None:
                raise Failure("no command was run before")
            self.check(getattr(self.result, word).decode("utf-8", "replace"), rest, block)
        else:
            raise Failure(f"unknown directive '{word}'")

    def do_command(self, rest, _):
        self.finish_command()
        self.command, self.exit_expected = rest, 0
        self.result = self.sandbox.run(rest, self.stdin)
        self.stdin = b""

    def do_env(self, rest, _):
        name, sign, value = rest.partition("=")
        self.sandbox.env.pop(name, None)
        if sign:
            self.sandbox.env[name] = value.replace("{DIR}", str(self.sandbox.directory))

    def do_only_if(self, rest, _):
        if self.sandbox.run(rest).returncode != 0:
            raise Skip(f"'{rest}' fails here")

    def do_exit(self, rest, _):
        self.exit_expected = int(rest)

    def do_normalise(self, rest, _):
        sign = rest[0]
        _, pattern, replacement = rest.split(sign, 2)
        self.extra.append((pattern, replacement))

    def do_write(self, rest, block):
        path = self.sandbox.directory / rest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block, encoding="utf-8")

    def do_stdin(self, _, block):
        self.stdin = block.encode()

    def do_path(self, rest, block):
        name, _, rest = rest.partition(" ")
        path = self.sandbox.directory / name
        if rest in ("exists", "absent"):
            if path.exists() != (rest == "exists"):
                raise Failure(f"'{name}' is " + ("absent" if rest == "exists" else "there"))
            return
        if not path.is_file():
            raise Failure(f"'{name}' is no file")
        self.check(path.read_text(encoding="utf-8", errors="replace"), rest, block)

    def check(self, text, rest, block):
        word, _, argument = rest.partition(" ")
        if word == "line":
            number, _, rest = argument.partition(" ")
            lines = text.splitlines()
            index = int(number) - 1 if int(number) > 0 else int(number)
            if not -len(lines) <= index < len(lines):
                raise Failure(f"there are {len(lines)} lines")
            self.check(lines[index], rest, block)
        elif word == "empty":
            if text:
                raise Failure(f"not empty:\n{text[:2000]}")
        elif word in ("has", "lacks"):
            if (argument.replace("{DIR}", str(self.sandbox.directory)) in text) != (word == "has"):
                raise Failure(("missing in:\n" if word == "has" else "present in:\n") + text[:4000])
        elif word == "matches":
            if not re.search(argument, text, re.M):
                raise Failure(f"no match in:\n{text[:4000]}")
        elif word == "json":
            check_json(text, argument)
        elif word == "schema":
            if have_jsonschema():
                check_schema(json.loads(text))
        elif word == "is":
            self.compare(block, text, "output")
        elif word == "golden":
            self.golden(argument, text)
        else:
            raise Failure(f"unknown expectation '{word}'")

    def compare(self, expected, text, name):
        found = normalise(text, self.sandbox, self.extra)
        if found != expected:
            raise Failure(diff(expected, found, name))

    def golden(self, name, text):
        path = GOLDEN / name
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(normalise(text, self.sandbox, self.extra), encoding="utf-8")
            return
        if not path.is_file():
            raise Failure(f"{path.relative_to(REPO)} is missing: write it with --update")
        self.compare(path.read_text(encoding="utf-8"), text, name)


def run_case_file(path, abi, update, tally):
    for case in parse_cases(path):
        sandbox = Sandbox(abi)
        try:
            CaseRun(case, sandbox, update).run()
            tally.passed(case.name)
        except Skip as skip:
            tally.skipped(case.name, str(skip))
        except Failure as failure:
            tally.failed(f"{path.name}:{case.line} {case.name}", str(failure))
        finally:
            sandbox.close()


# ---------------------------------------------------------------------------------------------------
# Markdown


def console_blocks(text):
    """Yields (line number, directives, lines) of the console blocks, and of the comments between."""
    directives, block, start = [], None, 0
    for number, line in enumerate(text.splitlines(), 1):
        if block is not None:
            if line.startswith("```"):
                yield start, directives, block
                directives, block = [], None
            else:
                block.append(line)
            continue
        comment = re.fullmatch(r"<!-- (run|exit|skip):? ?(.*?) ?-->", line.strip())
        if comment:
            directives.append((comment.group(1), comment.group(2)))
        elif line.startswith("```console"):
            block, start = [], number
    if directives:
        yield 0, directives, []


def sessions(lines):
    """Yields (command, expected output lines) of one block."""
    command, expected, more = None, [], False
    for line in lines:
        if more:
            command, more = command[:-1] + line.strip(), line.endswith("\\")
        elif line.startswith("$ "):
            if command is not None:
                yield command, expected
            command, expected, more = line[2:], [], line.endswith("\\")
        elif command is None:
            raise Failure("a console block begins with '$ '")
        else:
            expected.append(line)
    if command is not None:
        yield command, expected


def expected_pattern(lines):
    parts = []
    for line in lines:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
            continue
        # Columns are as wide as what stands in them: two spaces match any number.
        pieces = [" +".join(re.escape(word) for word in re.split("  +", piece)) for piece in line.rstrip().split("...")]
        parts.append(".*?".join(pieces) + r"[ \t]*\n")
    return "".join(parts) + r"\Z"


def run_session(sandbox, command, expected, code):
    result = sandbox.run(command, merge=True)
    output = result.stdout.decode("utf-8", "replace").replace("\r\n", "\n")  # CSV, as a terminal shows it
    if result.returncode != code:
        raise Failure(f"$ {command}\nexit code {result.returncode}, expected {code}\n{output[:4000]}")
    while expected and not expected[-1].strip():
        expected.pop()
    text = output if output.endswith("\n") or not output else output + "\n"
    if not re.match(expected_pattern(expected), text):
        raise Failure(f"$ {command}\n" + diff("".join(line + "\n" for line in expected), text, "by the document"))


def run_markdown(path, abi, tally):
    sandbox = Sandbox(abi)
    try:
        for number, directives, lines in console_blocks(path.read_text(encoding="utf-8")):
            name = f"{path.name}:{number}"
            given = dict(directives)
            try:
                for kind, text in directives:
                    if kind == "run":
                        hidden = sandbox.run(text, merge=True)
                        if hidden.returncode != 0:
                            raise Failure(f"'{text}' failed:\n{hidden.stdout.decode('utf-8', 'replace')}")
                if "skip" in given:
                    tally.skipped(name, "the document says so")
                    continue
                codes = given.get("exit", "0")
                for command, expected in sessions(lines):
                    run_session(sandbox, command, expected, int(codes))
                if lines:
                    tally.passed(name)
            except Failure as failure:
                tally.failed(name, str(failure))
    finally:
        sandbox.close()


# ---------------------------------------------------------------------------------------------------
# Schemas of goldens


def golden_documents(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        yield json.loads(text)
    elif path.suffix == ".jsonl":
        for line in text.splitlines():
            document = json.loads(line)
            if isinstance(document, dict) and "schema" in document:
                yield document


def run_schemas(tally):
    if not have_jsonschema():
        tally.skipped("schemas", "python3-jsonschema is not installed")
        return
    import jsonschema
    for path in sorted(SCHEMAS.glob("*.schema.json")):
        try:
            jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))
            tally.passed(path.name)
        except (ValueError, jsonschema.SchemaError) as error:
            tally.failed(path.name, str(error))
    for path in sorted(p for p in GOLDEN.rglob("*") if p.suffix in (".json", ".jsonl")):
        name = path.relative_to(GOLDEN).as_posix()
        try:
            for document in golden_documents(path):
                check_schema(document)
            tally.passed(name)
        except (ValueError, Failure) as error:
            tally.failed(name, str(error))


class Tally:
    def __init__(self):
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def passed(self, name):
        self.counts["passed"] += 1
        print(f"ok    {name}")

    def failed(self, name, why):
        self.counts["failed"] += 1
        print(f"FAIL  {name}\n      " + why.replace("\n", "\n      "))

    def skipped(self, name, why):
        self.counts["skipped"] += 1
        print(f"skip  {name}: {why}")

    def finish(self):
        print(", ".join(f"{count} {word}" for word, count in self.counts.items()))
        if self.counts["failed"]:
            return 1
        return SKIPPED if not self.counts["passed"] and self.counts["skipped"] else 0


def main():
    parser = argparse.ArgumentParser(description="Runs abi and checks what it says.")
    parser.add_argument("--abi", type=pathlib.Path, help="the binary to test")
    parser.add_argument("--update", action="store_true", help="write the golden files anew")
    parser.add_argument("--markdown", action="store_true", help="the files are documents with console blocks")
    parser.add_argument("--schemas", action="store_true", help="validate the JSON goldens")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    tally = Tally()
    if options.schemas:
        run_schemas(tally)
    elif not options.files or not options.abi:
        parser.error("--abi and at least one file are needed")
    for path in options.files:
        if options.markdown:
            run_markdown(path.resolve(), options.abi.resolve(), tally)
        else:
            run_case_file(path.resolve(), options.abi.resolve(), options.update, tally)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())

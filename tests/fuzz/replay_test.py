"""The replay program notices a violation, names the input, and tries the same input again when asked."""

import re
import subprocess
import sys
import tempfile
import pathlib

program = sys.argv[1]
failures = []


def replay(*arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)


def expect(what, condition):
    if not condition:
        failures.append(what)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    expect("an empty corpus is refused", replay(folder).returncode == 1)
    expect("no folder is a usage error", replay().returncode == 2)
    expect("an option without its number is a usage error", replay("--seed", folder).returncode == 2)
    (folder / "even").write_bytes(b"0123456789")
    expect("a good corpus passes", replay("--mutations", 0, folder).returncode == 0)

    found = replay("--mutations", 2000, folder)
    expect("a mutation of odd length ends the program by a signal", found.returncode < 0)
    number = re.search(r"violation in mutation (\d+)", found.stderr)
    expect("the mutation is named", number is not None)
    if number is not None:
        again = replay("--first", number.group(1), "--mutations", 1, folder)
        expect("the named mutation fails alone", again.returncode < 0)
        before = replay("--mutations", number.group(1), folder)
        expect("those before it pass", before.returncode == 0)
        other = replay("--seed", 7, "--mutations", 2000, folder)
        expect("another seed tries other inputs", other.stderr != found.stderr)

    (folder / "odd").write_bytes(b"012")
    expect("a bad file is named", "violation in file" in replay("--mutations", 0, folder).stderr)

for line in failures:
    print("not so:", line)
sys.exit(bool(failures))

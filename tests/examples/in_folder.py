"""Runs a program with a path in a fresh temporary directory; further arguments are the lines it must print."""

import pathlib
import subprocess
import sys
import tempfile


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([program, str(pathlib.Path(folder) / "database")], capture_output=True, text=True)
    print(run.stdout, run.stderr, sep="", end="")
    if run.returncode != 0:
        sys.exit(f"exit status {run.returncode}")
    if len(sys.argv) > 2 and run.stdout.splitlines() != sys.argv[2:]:
        sys.exit(f"expected {sys.argv[2:]}")


if __name__ == "__main__":
    main()

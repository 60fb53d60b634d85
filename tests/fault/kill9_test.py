"""scripts/kill9 must notice what it is there for: programs that lie in four ways are all caught."""

import argparse
import pathlib
import subprocess
import sys
import tempfile

# A program that calls the real one, and changes what it was asked to change.
LIAR = '''#!{python}
import json, os, subprocess, sys
real, lie, arguments = {real!r}, {lie!r}, sys.argv[1:]
verb = arguments[1]
if verb == "import":
    if lie == "early":  # acknowledges what it has not stored
        print(json.dumps({{"durable_rows": 1000000}}), flush=True)
    os.execv(real, [real, *arguments])
done = subprocess.run([real, *arguments], stdout=subprocess.PIPE)
text = done.stdout
if verb == "list" and lie == "content":
    text = text.replace(b"-200.0", b"-201.0", 1)
if verb == "count" and lie == "lost":
    text = json.dumps({{"rows": max(0, json.loads(text)["rows"] - 1)}}).encode()
if verb == "verify" and lie == "damage":
    text = json.dumps(dict(json.loads(text), ok=False)).encode()
sys.stdout.buffer.write(text)
sys.exit(done.returncode)
'''


def run(kill9, abi, folder):
    done = subprocess.run([sys.executable, kill9, "--abi", str(abi), "--cycles", "2", "--seed", "4",
                           "--moment", "close", "--directory", folder], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kill9")
    parser.add_argument("abi", type=pathlib.Path)
    options = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for lie in ("none", "early", "content", "lost", "damage"):
            liar = pathlib.Path(folder) / f"abi-{lie}"
            liar.write_text(LIAR.format(python=sys.executable, real=str(options.abi.resolve()), lie=lie),
                            encoding="utf-8")
            liar.chmod(0o755)
            code, output = run(options.kill9, liar, folder)
            noticed = code == 1 and "replay: " in output and "cycles, 0 violations" not in output
            sound = code == 0 and "kill9: 2 cycles, 0 violations" in output
            if not (sound if lie == "none" else noticed):
                failures += 1
                print(f"lie '{lie}': kill9 ended with {code}:\n{output}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

"""The shared libraries export their own marked names and nothing else.

A name is ours when it lives in namespace abikit (functions, data, vtables, type information, guards) or
begins with abi_ (C interfaces). Instantiated templates of the standard library or of a package must stay
inside: two libraries built with different versions would otherwise mix them at run time.
"""

import re
import shutil
import subprocess

import tree

OURS = re.compile(r"^(?:_Z(?:T[VISTC]|Th\w*?_|Tv\w*?_|Tc\w*?_|G[VR])?N[rVKRO]*6abikit|abi_[a-z0-9_]+$)")


def main():
    options = tree.arguments(__doc__, ("libraries", {"nargs": "+"}))
    program = shutil.which("nm")
    if program is None:
        tree.skip("symbols", "nm is not installed")
    violations, total = [], 0
    for library in options.libraries:
        run = subprocess.run([program, "-D", "--defined-only", "--format=posix", library],
                             capture_output=True, text=True, check=True)
        names = [line.split()[0].split("@")[0] for line in run.stdout.splitlines()]
        total += len(names)
        if not names:
            violations.append(f"{library}: exports nothing")
        strangers = [n for n in names if not OURS.match(n)]
        readable = subprocess.run(["c++filt"], input="\n".join(strangers), capture_output=True,
                                  text=True, check=True).stdout.splitlines() if strangers else []
        violations += [f"{library.rsplit('/', 1)[-1]}: exports {name}" for name in readable]
    tree.finish("symbols", violations, f"{total} exported names of {len(options.libraries)} libraries")


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# Start-up: the median wall time of 50 runs of `abi version`, with a clean home. Bar: 15 ms.
set -euo pipefail
: "${ABI:?set by scripts/bars}"
exec python3 - "$ABI" <<'PY'
import os, statistics, subprocess, sys, tempfile, time

bar_ms, runs, warm = 15.0, 50, 5
with tempfile.TemporaryDirectory() as home:
    environment = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8"}
    taken = []
    for number in range(warm + runs):
        begin = time.perf_counter_ns()
        subprocess.run([sys.argv[1], "version"], env=environment, stdout=subprocess.DEVNULL, check=True)
        if number >= warm:
            taken.append((time.perf_counter_ns() - begin) / 1e6)
median = statistics.median(taken)
print(f"abi version: median {median:.2f} ms, fastest {min(taken):.2f}, slowest {max(taken):.2f} (bar {bar_ms:g} ms)")
sys.exit(median > bar_ms)
PY

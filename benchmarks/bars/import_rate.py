#!/usr/bin/env python3
"""The bars of importing: 100,000 x 128 floats from .npy, durable, with the default commit size, at 200,000 rows/s or more;
the same rows as JSON lines at 60 MB/s or more. Medians of whole runs as the user sees them, process start and closing
checkpoint included; beside them what the disk takes for the same bytes written and synced once. Exits 1 below a bar."""
import json
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROWS, DIM, ROUNDS = 100_000, 128, 7
ROWS_BAR, BYTES_BAR = 200_000, 60e6


def write_inputs(folder):
    rng = random.Random(7)
    values = [rng.gauss(0, 1) for _ in range(65_521)]  # a prime: rows differ
    npy, jsonl = os.path.join(folder, "rows.npy"), os.path.join(folder, "rows.jsonl")
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (ROWS, DIM)
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    with open(npy, "wb") as binary, open(jsonl, "w") as text:
        binary.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        for row in range(ROWS):
            vector = [values[(row * DIM + i * 7) % len(values)] for i in range(DIM)]
            packed = struct.pack("<%df" % DIM, *vector)
            binary.write(packed)
            short = ",".join("%.9g" % v for v in struct.unpack("<%df" % DIM, packed))
            text.write('{"id":"row-%d","vector":[%s]}\n' % (row, short))
    return npy, jsonl


def run_import(abi, folder, source):
    path = os.path.join(folder, "db")
    shutil.rmtree(path, ignore_errors=True)
    subprocess.run([abi, "db", "init", path, "--dim", str(DIM), "--metric", "l2"], check=True, stdout=subprocess.DEVNULL)
    os.sync()
    start = time.monotonic()
    done = subprocess.run([abi, "db", "import", path, source, "--format", "json"], check=True, stdout=subprocess.PIPE)
    seconds = time.monotonic() - start
    report = json.loads(done.stdout)
    assert report["rows_added"] == ROWS and report["rows_rejected"] == 0, report
    return seconds


def disk_seconds(folder, size):
    block = os.urandom(1 << 22)
    path = os.path.join(folder, "probe")
    start = time.monotonic()
    with open(path, "wb", buffering=0) as probe:
        written = 0
        while written < size:
            written += probe.write(block)
            os.fdatasync(probe.fileno())
    seconds = time.monotonic() - start
    os.unlink(path)
    return seconds


def main():
    abi = os.environ.get("ABI", "abi")
    folder = tempfile.mkdtemp(prefix="abi-import-rate-", dir=os.environ.get("ABI_BARS_TMPDIR"))
    try:
        npy, jsonl = write_inputs(folder)
        npy_times, jsonl_times, probe_times = [], [], []
        for _ in range(ROUNDS):
            probe_times.append(disk_seconds(folder, os.path.getsize(npy)))
            npy_times.append(run_import(abi, folder, npy))
            jsonl_times.append(run_import(abi, folder, jsonl))
        npy_rate = ROWS / statistics.median(npy_times)
        jsonl_rate = os.path.getsize(jsonl) / statistics.median(jsonl_times)
        print("import_rate npy: %.0f rows/s (bar %d); best %.0f; the disk alone would take %.0f rows/s written once"
              % (npy_rate, ROWS_BAR, ROWS / min(npy_times), ROWS / statistics.median(probe_times)))
        print("import_rate jsonl: %.1f MB/s (bar %.0f); best %.1f"
              % (jsonl_rate / 1e6, BYTES_BAR / 1e6, os.path.getsize(jsonl) / min(jsonl_times) / 1e6))
        return 0 if npy_rate >= ROWS_BAR and jsonl_rate >= BYTES_BAR else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

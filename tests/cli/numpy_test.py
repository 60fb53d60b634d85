#!/usr/bin/env python3
"""Compares what `abi db export` writes with what NumPy and struct read, bit for bit, and imports what
NumPy writes. Skipped (77) where no python3 on the PATH has NumPy.

    numpy_test.py --abi BINARY
"""

import argparse
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

SKIPPED = 77
ROWS, DIM = 300, 7


def interpreter_with_numpy():
    """The first python3 on the PATH that has NumPy; None when there is none."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        program = shutil.which("python3", path=folder)
        if program and subprocess.run([program, "-c", "import numpy"], capture_output=True).returncode == 0:
            return program
    return None


try:
    import numpy
except ImportError:
    OTHER = interpreter_with_numpy()
    if OTHER is None:
        print("skipped: no python3 on the PATH has NumPy")
        sys.exit(SKIPPED)
    os.execv(OTHER, [OTHER] + sys.argv)

ABI = None


def bits(array):
    return numpy.ascontiguousarray(array, dtype="<f4").view("<u4")


def awkward_vectors(seed=20240617):
    """Every kind of finite float32: random bits, both zeros, denormals, the extremes."""
    random = numpy.random.default_rng(seed)
    values = random.integers(0, 2**32, ROWS * DIM, dtype="u4").view("<f4").copy()
    values[~numpy.isfinite(values)] = 0.5
    values[:6] = [0.0, -0.0, 1e-45, -1e-40, 3.4028235e38, -3.4028235e38]
    return values.reshape(ROWS, DIM)


class Exports(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def abi(self, *words):
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder.name, "LC_ALL": "C.UTF-8"}
        done = subprocess.run([ABI, *words], cwd=self.path, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def export(self, to):
        self.abi("db", "export", "p.wdbx", "--to", to, "--output", "out." + to)
        return self.path / ("out." + to)

    def vectors_after_import(self, name, dim=DIM):
        self.abi("db", "init", "q.wdbx", "--dim", str(dim), "--metric", "l2")
        self.abi("db", "import", "q.wdbx", name)
        self.abi("db", "export", "q.wdbx", "--to", "npy", "--output", "q.npy")
        return numpy.load(self.path / "q.npy", allow_pickle=False)

    def make(self, vectors, texts=False):
        """A database whose rows are these, some of them deleted again."""
        with open(self.path / "rows.jsonl", "w", encoding="utf-8") as out:
            for i, vector in enumerate(vectors):
                row = {"id": f"r\u00e9{i}", "vector": [float(x) for x in vector]}
                if texts and i % 3 != 0:
                    row["text"] = ["", "caf\u00e9 \U0001f600", "two\nlines, \"quoted\""][i % 7 % 3]
                if texts and i % 2 != 0:
                    row["metadata"] = {"n": i}
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.abi("db", "init", "p.wdbx", "--dim", str(vectors.shape[1]), "--metric", "l2")
        self.abi("db", "import", "p.wdbx", "rows.jsonl", "--commit-every", "100")
        gone = list(range(0, 40, 2)) + [len(vectors) - 1]
        self.abi("db", "delete", "p.wdbx", *[f"r\u00e9{i}" for i in gone])
        return [i for i in range(len(vectors)) if i not in gone]

    def test_npy(self):
        vectors = awkward_vectors()
        live = self.make(vectors)
        numpy.testing.assert_array_equal(bits(numpy.load(self.export("npy"))), bits(vectors[live]))

    def test_npz(self):
        vectors = awkward_vectors()
        live = self.make(vectors, texts=True)
        with numpy.load(self.export("npz"), allow_pickle=False) as loaded:
            numpy.testing.assert_array_equal(bits(loaded["vectors"]), bits(vectors[live]))
            self.assertEqual(list(loaded["ids"]), [f"r\u00e9{i}" for i in live])
            lines = (self.path / "rows.jsonl").read_text(encoding="utf-8").splitlines()
            rows = [json.loads(line) for line in lines]
            self.assertEqual(list(loaded["texts"]), [rows[i].get("text", "") for i in live])
            self.assertEqual(list(loaded["texts_present"]), ["text" in rows[i] for i in live])
            metadata = [json.loads(m) if m else None for m in loaded["metadata"]]
            self.assertEqual(metadata, [rows[i].get("metadata") for i in live])

    def test_npz_that_numpy_wrote(self):
        vectors = awkward_vectors()
        for save in (numpy.savez, numpy.savez_compressed):
            save(self.path / "in.npz", vectors=vectors, ids=numpy.array([f"k{i}" for i in range(ROWS)]))
            numpy.testing.assert_array_equal(bits(self.vectors_after_import("in.npz")), bits(vectors))
            shutil.rmtree(self.path / "q.wdbx")
        save(self.path / "lone.npz", train=numpy.asfortranarray(vectors), labels=numpy.arange(ROWS))
        numpy.testing.assert_array_equal(bits(self.vectors_after_import("lone.npz")), bits(vectors))

    def test_fvecs(self):
        vectors = awkward_vectors()
        live = self.make(vectors)
        raw = numpy.frombuffer(self.export("fvecs").read_bytes(), dtype="<u4").reshape(-1, DIM + 1)
        self.assertTrue((raw[:, 0] == DIM).all())
        numpy.testing.assert_array_equal(raw[:, 1:], bits(vectors[live]))
        numpy.testing.assert_array_equal(bits(self.vectors_after_import("out.fvecs")), bits(vectors[live]))

    def test_bvecs(self):
        vectors = numpy.random.default_rng(5).integers(0, 256, (ROWS, DIM)).astype("<f4")
        live = self.make(vectors)
        raw = numpy.frombuffer(self.export("bvecs").read_bytes(), dtype="u1").reshape(-1, DIM + 4)
        self.assertTrue((raw[:, :4].copy().view("<i4") == DIM).all())
        numpy.testing.assert_array_equal(raw[:, 4:], vectors[live].astype("u1"))
        numpy.testing.assert_array_equal(bits(self.vectors_after_import("out.bvecs")), bits(vectors[live]))

    def test_fbin(self):
        vectors = awkward_vectors()
        live = self.make(vectors)
        data = self.export("fbin").read_bytes()
        self.assertEqual(struct.unpack("<II", data[:8]), (len(live), DIM))
        numpy.testing.assert_array_equal(numpy.frombuffer(data, "<u4", offset=8).reshape(-1, DIM), bits(vectors[live]))
        numpy.testing.assert_array_equal(bits(self.vectors_after_import("out.fbin")), bits(vectors[live]))

    def test_u8bin_and_i8bin(self):
        for name, dtype in (("in.u8bin", "u1"), ("in.i8bin", "i1")):
            values = numpy.arange(256, dtype="u1").view(dtype).reshape(64, 4)
            (self.path / name).write_bytes(struct.pack("<II", 64, 4) + values.tobytes())
            numpy.testing.assert_array_equal(self.vectors_after_import(name, dim=4), values.astype("<f4"))
            shutil.rmtree(self.path / "q.wdbx")

    def test_text_formats(self):
        vectors = awkward_vectors()
        live = self.make(vectors, texts=True)
        lines = self.export("jsonl").read_text(encoding="utf-8").splitlines()
        numpy.testing.assert_array_equal(bits([json.loads(line)["vector"] for line in lines]), bits(vectors[live]))
        for to in ("jsonl", "csv"):
            self.export(to)
            numpy.testing.assert_array_equal(bits(self.vectors_after_import("out." + to)), bits(vectors[live]))
            shutil.rmtree(self.path / "q.wdbx")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--abi", required=True)
    ABI = os.path.abspath(parser.parse_args().abi)
    unittest.main(argv=sys.argv[:1], verbosity=2)

"""FAISS beside exact_scan, for information: the same scan by IndexFlat on one thread.

Run with `OMP_NUM_THREADS=1 python3 exact_scan_faiss.py` where numpy and faiss-cpu are installed. It is no bar
and not executable, so that `scripts/bars` leaves it alone.
"""

import statistics
import time

import faiss
import numpy

ROWS, DIM, NEAREST, ROUNDS = 200_000, 128, 10, 41


def median_ms(index, query):
    times = []
    for _ in range(ROUNDS):
        begin = time.thread_time()
        index.search(query, NEAREST)
        times.append((time.thread_time() - begin) * 1e3)
    return statistics.median(times)


def main():
    faiss.omp_set_num_threads(1)
    rows = numpy.random.default_rng(42).uniform(-1, 1, (ROWS, DIM)).astype("float32")
    query = rows[777:778]
    for name, index in (("l2", faiss.IndexFlatL2(DIM)), ("dot", faiss.IndexFlatIP(DIM))):
        index.add(rows)
        print(f"faiss {faiss.__version__} {name}: top-{NEAREST} {median_ms(index, query):.2f} ms")


if __name__ == "__main__":
    main()

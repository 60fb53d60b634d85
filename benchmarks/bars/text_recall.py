#!/usr/bin/env python3
"""The bar of text search: 1,000 real text files are imported with the embedded hash embedder, and a query made of six of a
document's own rare words returns that document first in at least 95 of 100 cases.

The files are drawn with a seed from the machine's own documentation, Python library and C headers. The six words are the
document's rarest by the number of drawn files that hold them, ties broken at random. Of files with equal bytes one is
taken, and a document whose six words all stand in a second file has no answer and is not asked for. Exits 1 below the
bar, 2 when there is too little text to measure."""
import argparse
import collections
import glob
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

BAR_PERCENT = 95
WORDS_PER_QUERY = 6
MIN_BYTES, MAX_BYTES = 400, 1_000_000
WORD = re.compile(r"[^\W\d_]{4,30}")
# Formats that are read as rows, not as documents.
ROW_FORMATS = (".npy", ".fvecs", ".bvecs", ".csv", ".tsv", ".jsonl", ".ndjson")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--abi", default=os.environ.get("ABI", "abi"), metavar="BINARY")
    parser.add_argument("--files", action="append", metavar="DIR", help="where to look for text files (repeatable)")
    parser.add_argument("--count", type=int, default=1000, help="files to import (default 1000)")
    parser.add_argument("--queries", type=int, default=100, help="queries to ask (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="of the files, documents and words drawn (default 1)")
    parser.add_argument("--embedder", default="hash", help="as for 'abi db init' (default hash)")
    parser.add_argument("--show-misses", action="store_true", help="print the queries that found another file first")
    return parser.parse_args()


def candidates(roots):
    paths = []
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = os.path.join(folder, name)
                ordinary = not name.startswith(".") and not name.lower().endswith(ROW_FORMATS)
                if ordinary and os.path.isfile(path) and not os.path.islink(path):
                    paths.append(path)
    return sorted(set(paths))


def read_text(path):
    try:
        if not MIN_BYTES <= os.path.getsize(path) <= MAX_BYTES:
            return None
        with open(path, "rb") as file:
            data = file.read()
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    controls = sum(1 for c in text if ord(c) < 32 and c not in "\t\n\v\f\r\x1b")
    return None if "\0" in text or controls * 64 > len(text) else text


def draw_files(roots, count, rng):
    paths = candidates(roots)
    rng.shuffle(paths)
    seen, words = set(), {}
    for path in paths:
        if len(words) == count:
            break
        text = read_text(path)
        if text is None:
            continue
        digest = hashlib.sha256(text.encode()).digest()
        if digest not in seen:
            seen.add(digest)
            words[path] = set(WORD.findall(text.lower()))
    return words


def draw_queries(words, count, rng):
    holders = collections.defaultdict(set)
    for path, own in words.items():
        for word in own:
            holders[word].add(path)
    order = sorted(words)
    rng.shuffle(order)
    queries = []
    for path in order:
        if len(queries) == count:
            break
        own = sorted(words[path])
        rng.shuffle(own)
        own.sort(key=lambda word: len(holders[word]))
        six = own[:WORDS_PER_QUERY]
        if len(six) == WORDS_PER_QUERY and set.intersection(*(holders[word] for word in six)) == {path}:
            queries.append((path, " ".join(six)))
    return queries


def first_path(abi, database, text):
    command = [abi, "db", "query", database, "--text", text, "-k", "1", "--format", "json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    hits = json.loads(done.stdout)["queries"][0]["hits"]
    return hits[0]["metadata"]["path"] if hits else None


def main():
    options = arguments()
    rng = random.Random(options.seed)
    roots = options.files or ["/usr/share/doc", *sorted(glob.glob("/usr/lib/python3*")), "/usr/include"]
    words = draw_files(roots, options.count, rng)
    queries = draw_queries(words, options.queries, rng)
    if len(words) < options.count or len(queries) < options.queries:
        print("text_recall: only %d files and %d queries below %s" % (len(words), len(queries), " ".join(roots)),
              file=sys.stderr)
        return 2
    folder = tempfile.mkdtemp(prefix="abi-text-recall-", dir=os.environ.get("ABI_BARS_TMPDIR"))
    try:
        database = os.path.join(folder, "db")
        subprocess.run([options.abi, "db", "init", database, "--embedder", options.embedder],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run([options.abi, "db", "import", database, *sorted(words), "--format", "json"],
                       check=True, stdout=subprocess.DEVNULL)
        found = 0
        for path, text in queries:
            answer = first_path(options.abi, database, text)
            found += answer == path
            if answer != path and options.show_misses:
                print("  '%s' is of %s, found %s" % (text, path, answer))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    bar = -(-BAR_PERCENT * len(queries) // 100)
    print("text_recall: %d/%d (bar %d) found first by six rare words among %d files, seed %d"
          % (found, len(queries), bar, len(words), options.seed))
    return 0 if found >= bar else 1


if __name__ == "__main__":
    sys.exit(main())

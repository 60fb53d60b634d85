"""What the campaigns against the store have in common: seeds go to processes, their results to a file.

A campaign is a program that does one seed's share and prints it as a line of JSON with "seed",
its count and "failures". A share that was done is not done again when the file is given again.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/release/tests/fault/fault_campaign"
EVERYTHING = sys.maxsize  # as many as there are: for campaigns with a last seed


def parser(description, counted, wanted):
    """Options that all campaigns take. `counted` is what they count: "states", "cycles"."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--program", type=pathlib.Path, default=PROGRAM,
                      help="the campaign program, built with the tests (default: %(default)s)")
    made.add_argument(f"--{counted}", dest="wanted", type=int, default=wanted,
                      help=f"how many at least (default: {wanted or 'all'})")
    made.add_argument("--first-seed", type=int, default=1, help="seeds count up from here (default: %(default)s)")
    made.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time (default: %(default)s)")
    made.add_argument("--resume", type=pathlib.Path, metavar="FILE",
                      help="where results are kept; what stands in it already is not done again")
    return made


class Campaign:
    """Runs `command(seed)` for seed after seed until enough is counted, and adds up the results."""

    def __init__(self, name, options, counted, command, replay):
        self.name, self.options, self.counted = name, options, counted
        self.command, self.replay = command, replay
        self.done, self.total, self.failures, self.started = {}, 0, 0, time.monotonic()
        self.finished = lambda result: None  # called with each result that was not kept from before
        self.file, self.last_seed, self.stopped = None, None, False  # a last seed of None: no end

    def run(self):
        """Returns the exit status: 1 when something was found, 2 when the campaign cannot run."""
        program = self.options.program
        if not os.access(program, os.X_OK):
            print(f"{self.name}: there is no program at '{program}': build it with "
                  "'meson setup build/release --buildtype=release && ninja -C build/release'", file=sys.stderr)
            return 2
        if self.options.resume:
            self.take_up(self.options.resume)
        try:
            self.go_on()
        except KeyboardInterrupt:
            self.stopped = True
            print(f"\n{self.name}: stopped; '--resume FILE' goes on", file=sys.stderr)
        finally:
            if self.file:
                self.file.close()
        print(json.dumps(self.summary(), sort_keys=True))
        return 1 if self.failures else 3 if self.stopped else 0

    def take_up(self, path):
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    self.add(json.loads(line))
                except ValueError:
                    continue  # cut off when the campaign was stopped: that seed is done again
        self.file = path.open("a", encoding="utf-8")
        self.file.write("\n")

    def go_on(self):
        seed, running = self.options.first_seed, {}
        shown = 0.0
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            while running or self.more(seed):
                while len(running) < self.options.jobs and self.more(seed):
                    if seed not in self.done:
                        running[pool.submit(self.share, seed)] = seed
                    seed += 1
                finished, _ = concurrent.futures.wait(running, timeout=5,
                                                      return_when=concurrent.futures.FIRST_COMPLETED)
                for future in finished:
                    del running[future]
                    result = future.result()
                    if self.file:
                        self.file.write(json.dumps(result) + "\n")
                        self.file.flush()
                    self.add(result)
                    self.finished(result)
                if time.monotonic() - shown > 5:
                    shown = time.monotonic()
                    self.show()

    def more(self, seed):
        return self.total < self.options.wanted and (self.last_seed is None or seed <= self.last_seed)

    def share(self, seed):
        """What the program says of one seed; a program that dies is a failure like any other."""
        done = subprocess.run(self.command(seed), capture_output=True, check=False)
        try:
            return json.loads(done.stdout)
        except ValueError:
            what = f"the program ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()}"
            return {"seed": seed, self.counted: 0, "failures": [{"kind": "crashed", "what": what}]}

    def add(self, result):
        self.done[result["seed"]] = result
        self.total += result[self.counted]
        for failure in result["failures"]:
            self.failures += 1
            if self.failures <= 100:
                print(f"{self.name}: seed {result['seed']}: {json.dumps(failure)}\n"
                      f"  replay: {self.replay(result['seed'], failure)}", flush=True)

    def show(self):
        wanted = f" of {self.options.wanted}" if self.options.wanted != EVERYTHING else ""
        print(f"{self.name}: {self.total}{wanted} {self.counted}, {len(self.done)} seeds, "
              f"{self.failures} failures, {time.monotonic() - self.started:.0f} s", file=sys.stderr, flush=True)

    def summary(self):
        """Numbers are added up over the seeds, tables of numbers entry by entry."""
        added = {}
        for result in self.done.values():
            for key, value in result.items():
                if key == "seed" or isinstance(value, bool):
                    continue
                if isinstance(value, int):
                    added[key] = added.get(key, 0) + value
                elif key == "database":  # the same in every share
                    added[key] = value
                elif isinstance(value, dict):
                    table = added.setdefault(key, {})
                    for entry, count in value.items():
                        table[entry] = table.get(entry, 0) + count
        kinds = {}
        for result in self.done.values():
            for failure in result["failures"]:
                kinds[failure["kind"]] = kinds.get(failure["kind"], 0) + 1
        return {"campaign": self.name, "seeds": len(self.done), "first_seed": min(self.done, default=None),
                "last_seed": max(self.done, default=None), "failures": kinds, **added}

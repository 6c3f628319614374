#!/usr/bin/env python3
"""Try what nobody thought of, for as long as one likes.

    tests/fuzz.py --minutes 2                 # everything in turn, by a new seed, which it prints
    tests/fuzz.py --minutes 60 --kind programs --seed 7
    tests/fuzz.py --replay programs:7:1234    # one case again, as it was printed
    tests/sanitizers.sh --run tests/fuzz.py --minutes 10     # on the debug build

Kinds: `programs` (random functions with captured Values, branches, batches, to third order: the
native engine, the readable one and every replay give the same bits), `arguments` (anything at all
for every public callable: it is taken or refused clearly), `pickles` and `files` (damaged: refused,
or as they were), `properties` (the tests of Hypothesis, on other examples than the fixed ones).

A case runs in a child, so that one that ends its process, hangs or fills the memory is named too.
It fails if any case did. `tests/fuzzed.txt` keeps seeds, counts, core-hours and faults found.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: cases a child runs: of each kind about ten seconds' worth
BATCHES = {"programs": 120, "arguments": 1500, "pickles": 400, "files": 400, "properties": 1}
SECONDS = 30  # of the processor that a case may take
WAITING = 10  # times as many by the clock: others may be at work
MEMORY = 3 << 30
#: files of tests by Hypothesis
PROPERTIES = (
    "tests/engine/test_random_graphs.py", "tests/tape/test_compile_programs.py",
    "tests/expressions/test_expression.py", "tests/engine/test_engines.py",
    "tests/tape/test_compile_captured.py",
)  # fmt: skip


def trier(kind: str) -> Callable[[str], str]:
    """Return the function that tries a case of a kind."""
    sys.path[:0] = [str(HERE), str(HERE / "helpers"), str(HERE.parent)]
    if kind == "programs":
        from fuzzing.programs import try_program

        return try_program
    if kind == "arguments":
        from fuzzing.arguments import try_arguments

        return try_arguments
    from fuzzing import damage

    return damage.try_pickle if kind == "pickles" else damage.try_file


def run_cases(kind: str, seed: int, start: int, count: int) -> None:
    """Run cases in this process: say before each which it is, and behind it what came of it."""
    attempt = trier(kind)
    if "SCALARGRAD_SANITIZED" not in os.environ:  # which reserves terabytes
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    said = os.fdopen(os.dup(1), "w", buffering=1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)  # what a case prints does not count
    os.chdir(tempfile.mkdtemp())
    for index in range(start, start + count):
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.alarm(WAITING * SECONDS)
        print(f"at {index}", file=said)  # if it ends this process, the last one said is at fault
        try:
            print(f"got {attempt(f'{kind}:{seed}:{index}')}", file=said)
        except BaseException as error:
            text = traceback.format_exc()[-3000:].replace("\n", "\n    ")
            print(f"fault {_kind_of(error)}\n    {text}", file=said)
            if isinstance(error, MemoryError):
                break


def _kind_of(error: BaseException) -> str:
    """Return what kind of fault it is: the exception, and where it arose."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "scalargrad" in frame.filename] or frames
    where = f"{Path(ours[-1].filename).name}:{ours[-1].name}" if ours else ""
    what = str(error).partition(":")[0][:100] if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__} in {where} {what}".strip()


class Fuzzer:
    """Runs children, and keeps what they say."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.counts: collections.Counter[str] = collections.Counter()
        self.faults: dict[str, list[str]] = {}

    def fault(self, case: str, what: str, text: str = "") -> None:
        """Keep a fault, and tell of it if it is the first of its kind."""
        cases = self.faults.setdefault(what, [])
        cases.append(case)
        if len(cases) == 1:
            print(f"\nFAULT {what}\n  again: tests/fuzz.py --replay {case}\n{text}", flush=True)

    def child(self, kind: str, start: int, count: int, engine: str = "") -> dict[int, str]:
        """Run cases in a child; return what came of each that was no fault."""
        command = [sys.executable, "-W", "ignore", "-X", "faulthandler", __file__,
                   "--cases", kind, str(self.seed), str(start), str(count)]  # fmt: skip
        environment = {**os.environ, "SCALARGRAD_ENGINE": engine, "MPLBACKEND": "Agg"}
        limit = WAITING * SECONDS + 20 * count  # of the child; each case has its own alarm
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, errors="replace",
                timeout=limit, check=False,
            )  # fmt: skip
            output, status, errors = done.stdout, done.returncode, done.stderr
        except subprocess.TimeoutExpired as expired:
            output, status, errors = str(expired.stdout or ""), 0, ""
        results: dict[int, str] = {}
        at, last = start, ""
        for line in output.splitlines():
            if line.startswith("at "):
                at, last = int(line[3:]), "at"
            elif line.startswith("got "):
                results[at], last = line[4:], "got"
            elif line.startswith("fault "):
                what, last = line[6:], "fault"
                self.fault(f"{kind}:{self.seed}:{at}", what, _indented(output, line))
        if status != 0:
            self.fault(f"{kind}:{self.seed}:{at}", f"process ended by {status}", errors[-3000:])
        elif last == "at":
            self.fault(f"{kind}:{self.seed}:{at}", "hangs")
        self.counts[kind] += len(results)
        return results

    def batch(self, kind: str, start: int) -> None:
        """Run some cases of a kind; programs, on both engines."""
        count = BATCHES[kind]
        if kind == "properties":
            self.properties(start)
            return
        results = self.child(kind, start, count)
        if kind == "programs":
            readable = self.child(kind, start, count, "python")
            self.counts[kind] -= len(readable)
            for index in results.keys() & readable.keys():
                if results[index] != readable[index]:
                    text = f"  native   {results[index]}\n  readable {readable[index]}"
                    self.fault(f"{kind}:{self.seed}:{index}", "engines differ", text)

    def properties(self, start: int) -> None:
        """Run the tests of Hypothesis by another seed."""
        seed = str(random.Random(f"{self.seed} {start}").randrange(2**32))
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider",
                   "--hypothesis-profile=explore", f"--hypothesis-seed={seed}",
                   "-m", "hypothesis", *PROPERTIES]  # fmt: skip
        done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
        self.counts["properties"] += 1
        if done.returncode != 0:
            self.fault(f"properties:{self.seed}:{start}", f"Hypothesis, seed {seed}",
                       done.stdout[-4000:])  # fmt: skip


def _indented(output: str, line: str) -> str:
    """Return the traceback below a line."""
    below = output.partition(line + "\n")[2].splitlines()
    text = []
    for row in below:
        if not row.startswith("    "):
            break
        text.append(row)
    return "\n".join(text[-14:])


def main() -> int:
    """Run the command line; 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=2.0, help="how long")
    parser.add_argument("--seed", type=int, help="instead of a new one")
    parser.add_argument("--kind", choices=BATCHES, action="append", help="only this; or more")
    parser.add_argument("--replay", metavar="CASE", help="kind:seed:number, in this process")
    parser.add_argument("--cases", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cases:
        kind, *numbers = options.cases
        run_cases(kind, *map(int, numbers))
        return 0
    if options.replay:
        kind, seed, index = options.replay.split(":")
        if kind == "properties":
            fuzzer = Fuzzer(int(seed))
            fuzzer.properties(int(index))
            return 1 if fuzzer.faults else 0
        print(trier(kind)(options.replay))
        return 0
    return fuzz(options.minutes, options.seed, options.kind or list(BATCHES))


def fuzz(minutes: float, seed: int | None, kinds: list[str]) -> int:
    """Run batches of all kinds in turn, for so many minutes."""
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    print(f"seed {seed}", flush=True)
    fuzzer, begin, start = Fuzzer(seed), time.monotonic(), 0
    spent = dict.fromkeys(kinds, 0.0)
    while time.monotonic() < begin + 60 * minutes:
        kind = min(spent, key=spent.__getitem__)  # each gets as much time as any other
        at = time.monotonic()
        fuzzer.batch(kind, start)
        spent[kind] += time.monotonic() - at
        start += BATCHES[kind]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    hours = (used.ru_utime + used.ru_stime) / 3600
    print(f"\nseed {seed}: {dict(fuzzer.counts)}, {hours:.3f} core-hours")
    for what, cases in fuzzer.faults.items():
        print(f"{len(cases):5} × {what}; first {cases[0]}")
    return 1 if fuzzer.faults else 0


if __name__ == "__main__":
    sys.exit(main())

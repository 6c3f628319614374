#!/usr/bin/env python3
"""Plant small bugs in the package, one at a time, and see whether the tests find each.

    tests/mutate.py --count 400 --seed 1      # draw as many by a seed, of every area alike
    tests/mutate.py --some 20                 # of these, twenty by the day: what CI runs
    tests/mutate.py --file core/order.py      # every mutant of a file

Every file of an area is as likely as any other, and in it every kind of bug, so that rare kinds in
small files are drawn too. A bug is planted in a scratch copy, never here; tests are run until one
fails, those of its package first, for so many `--seconds`. A test that fails there without a bug
too does not count. What became of each mutant is kept in `--work`, so that a run can be taken up
where it ended; those that lived are tried again. It fails if a mutant lives that is not listed in
`tests/mutants.toml`.

There are mutation testers for Python (mutmut, cosmic-ray); none plants bugs in C or in formulas
of a table, and none runs tests in a child that has imported the tools already, which makes
four hundred affordable.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import shutil
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import zip_longest
from pathlib import Path

from mutation import of_c, of_python, of_rows, trial
from mutation.mutant import Mutant, read
from mutation.tree import CHECKOUT, Tree, is_table

LIST = Path(__file__).with_name("mutants.toml")
#: the areas, and the files of each
AREAS = {
    "rows": ("scalargrad/table/ops.py", "scalargrad/table/optimizers.py"),
    "table": ("scalargrad/table/*.py",),
    "sweep": ("scalargrad/core/*.py", "scalargrad/_python.py", "scalargrad/_native/*.py"),
    "calculus": ("scalargrad/calculus/*.py", "scalargrad/functions/*.py", "scalargrad/math.py"),
    "tape": ("scalargrad/tape/*.py",),
    "layout": ("scalargrad/drawing/layout/*.py",),
    "words": ("scalargrad/drawing/words/*.py", "scalargrad/drawing/select/*.py"),
    "learning": ("scalargrad/optim.py", "scalargrad/learning/*.py", "scalargrad/nn/*.py"),
    "core in C": ("scalargrad/_native/*.c",),
    "machine in C": (
        "scalargrad/_native/machine/*.c", "scalargrad/_native/machine/*.h",
        "scalargrad/_native/machine/kernels.inc", "scalargrad/_native/machine/products.inc",
    ),
}  # fmt: skip
#: they say nothing of results: costs, what checks the planner in debug builds, wider kernels
LEFT_OUT = ("verify.c", "verify.h", "costs.h", "kernels_avx512.c", "version.py", "__main__.py")


def files_of(area: str) -> list[str]:
    """Return the files of an area."""
    paths = sorted(path for pattern in AREAS[area] for path in CHECKOUT.glob(pattern))
    names = [str(path.relative_to(CHECKOUT)) for path in paths if path.name not in LEFT_OUT]
    return [name for name in names if area == "rows" or not is_table(name)]


def mutants_of(file: str) -> list[Mutant]:
    """Return every mutant of a file."""
    maker = of_rows if is_table(file) else of_python if file.endswith(".py") else of_c
    return list(maker.mutants(file, read(CHECKOUT, file)))


def draw(seed: int, count: int) -> list[tuple[str, Mutant]]:
    """Draw mutants, of every area as many: files are alike, in each the kinds, in these mutants.

    Each has a time of its own, by the seed and its text, and the first ones are drawn: so a change
    of the sources changes the draw no more than it must.
    """
    drawn: dict[str, list[Mutant]] = {}
    for area in AREAS:
        times: dict[str, tuple[float, Mutant]] = {}
        for file in files_of(area):
            by_kind: dict[str, dict[str, Mutant]] = defaultdict(dict)
            for mutant in mutants_of(file):
                by_kind[mutant.kind].setdefault(key(mutant), mutant)
            for alike in by_kind.values():
                for name, mutant in alike.items():
                    wait = random.Random(f"{seed} {name}").expovariate(1.0)
                    times[name] = wait * len(alike) * len(by_kind), mutant
        drawn[area] = [mutant for _, mutant in sorted(times.values(), key=lambda each: each[0])]
    turns = [(area, mutant) for row in zip_longest(*drawn.values()) for area, mutant in
             zip(drawn, row, strict=True) if mutant is not None]  # fmt: skip
    return turns[:count]


def key(mutant: Mutant) -> str:
    """Return what names a mutant, even when other lines of its file change."""
    before, after = mutant.change(read(CHECKOUT, mutant.file))
    return f"{mutant.file}: {before} -> {after}"


def listed() -> dict[str, str]:
    """Return the reason why each mutant of the list may live."""
    entries = tomllib.loads(LIST.read_text(encoding="utf-8")).get("mutant", [])
    return {f"{e['file']}: {e['was']} -> {e['now']}": e["reason"] for e in entries}


_court: trial.Judge


def _begin(work: Path, seconds: float, found: Counter[tuple[str, str]]) -> None:
    """Give a worker its tree."""
    global _court
    trial.preload()
    _court = trial.Judge(Tree(work / f"tree-{os.getpid()}"), seconds)
    _court.memory.found.update(found)
    _court.tree.make()


def _judge(mutant: Mutant) -> tuple[str, str, float]:
    begin = time.monotonic()
    return *_court.judge(mutant), time.monotonic() - begin


def trials(
    mutants: list[Mutant], options: argparse.Namespace, found: Counter[tuple[str, str]]
) -> Iterator[tuple[Mutant, str, str, float]]:
    """Judge mutants beside each other; yield what became of each."""
    for tree in options.work.glob("tree-*"):  # of a run that was broken off
        shutil.rmtree(tree)
    given = options.work, options.seconds, found
    with ProcessPoolExecutor(options.jobs, initializer=_begin, initargs=given) as pool:
        running = {pool.submit(_judge, mutant): mutant for mutant in mutants}
        for future in as_completed(running):
            try:
                yield running[future], *future.result()
            except Exception:  # else it is seen only when all others are done
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def chosen(options: argparse.Namespace) -> list[tuple[str, Mutant]]:
    """Return the mutants to try, and the area of each."""
    if options.file:
        return [
            (area, mutant)
            for area in AREAS
            for file in files_of(area)
            if file.endswith(options.file)
            for mutant in mutants_of(file)
            if options.line in (None, mutant.lines(read(CHECKOUT, file))[0])
        ]
    drawn = draw(options.seed, options.count)
    if options.some is None:
        return drawn
    day = options.day or datetime.datetime.now(datetime.UTC).date().isoformat()
    print(f"of the day; the same again: --count {options.count} --some {options.some} --day {day}")
    return random.Random(day).sample(drawn, min(options.some, len(drawn)))


def main() -> int:
    """Run the command line; 1 if a mutant lives that is not listed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--count", type=int, default=400, help="how many to draw")
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    parser.add_argument("--some", type=int, help="so many of these, drawn by the day")
    parser.add_argument("--day", help="with --some: another than today, as 2026-01-31")
    parser.add_argument("--file", help="every mutant of the files whose name ends so")
    parser.add_argument("--line", type=int, help="with --file: of that line only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--seconds", type=float, default=60.0, help="of tests for each")
    parser.add_argument("--anew", action="store_true", help="forget what was judged")
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "scalargrad-mutants",
        help="where copies and results are kept",
    )  # fmt: skip
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    results_path = options.work / "results.json"
    results: dict[str, list[str]] = {}
    if results_path.exists() and not options.anew:
        results = json.loads(results_path.read_text(encoding="utf-8"))
    drawn = chosen(options)
    results |= {name: ["listed", ""] for name in listed()}
    waiting = [mutant for _, mutant in drawn if results.get(key(mutant), [""])[0] not in SETTLED]
    print(f"{len(drawn)} mutants, {len(drawn) - len(waiting)} of them judged before", flush=True)
    found = Counter(
        (trial.package(name.split(":")[0]), test)
        for name, (_, test) in results.items()
        if (CHECKOUT / trial.file_of(test)).is_file()
    )
    for mutant, outcome, by, seconds in trials(waiting, options, found) if waiting else ():
        results[key(mutant)] = [outcome, by]
        results_path.write_text(json.dumps(results, indent=1), encoding="utf-8")
        print(f"{outcome:8} {seconds:5.1f} s  {key(mutant)}  {by}", flush=True)
    return report(drawn, results)


#: what need not be judged again when it was
SETTLED = ("killed", "timeout", "no bug", "listed")


def report(drawn: list[tuple[str, Mutant]], results: dict[str, list[str]]) -> int:
    """Print how many lived and died in each area, and who lives; 1 if one is not listed."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    alive = []
    for area, mutant in drawn:
        outcome = results[key(mutant)][0]
        alive += [mutant] if outcome == "survived" else []
        counts[area][outcome] += 1
        counts["all"][outcome] += 1
    names = ("killed", "timeout", "survived", "listed", "no bug")
    print("\n" + " " * 14 + "".join(f"{name:>10}" for name in names))
    for area, by_outcome in counts.items():
        print(f"{area:14}" + "".join(f"{by_outcome[name]:10}" for name in names))
    for mutant in alive:
        source = read(CHECKOUT, mutant.file)
        before, after = mutant.change(source)
        print(f"\nsurvived: {mutant.file}:{mutant.lines(source)[0]}\n- {before}\n+ {after}")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())

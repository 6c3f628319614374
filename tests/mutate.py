#!/usr/bin/env python3
"""Plant small bugs in the package, one at a time, and see whether the tests find each.

    tests/mutate.py --count 400 --seed 1      # draw as many by a seed, of every area alike
    tests/mutate.py --count 20 --date         # by the day: what CI runs
    tests/mutate.py --file core/order.py      # every mutant of a file

Every operator of every file of an area is as likely as any other, so that rare kinds in small files
are drawn too. A bug is planted in a scratch copy, never here; only the tests that run its lines are
run, those of its package first. Which they are is measured first, which takes as long as the suite
twice; that, and what became of each mutant, is kept in `--work`, so that a run can be taken up
where it ended. It fails if a mutant survives that is not listed in `tests/mutants.toml`.

There are mutation testers for Python (mutmut, cosmic-ray); none plants bugs in C or in formulas
of a table, and none runs tests in a child that has imported the tools already, which makes
four hundred affordable. coverage.py and gcov do the measuring.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from mutation import of_c, of_python, of_rows, selection, trial
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
    """Draw mutants: the areas in turn; in each a file, one of its kinds, and one of these."""
    source = random.Random(seed)
    known: dict[str, dict[str, list[Mutant]]] = {}
    drawn: dict[Mutant, str] = {}
    areas = list(AREAS)
    source.shuffle(areas)
    tries = 0
    while len(drawn) < count and tries < 20 * count:
        area = areas[tries % len(areas)]
        tries += 1
        file = source.choice(files_of(area))
        if file not in known:
            by_kind: dict[str, list[Mutant]] = defaultdict(list)
            for mutant in mutants_of(file):
                by_kind[mutant.kind].append(mutant)
            known[file] = dict(by_kind)
        if known[file]:
            kind = source.choice(sorted(known[file]))
            drawn.setdefault(source.choice(known[file][kind]), area)
    return [(area, mutant) for mutant, area in drawn.items()]


def key(mutant: Mutant) -> str:
    """Return what names a mutant, even when other lines of its file change."""
    before, after = mutant.change(read(CHECKOUT, mutant.file))
    return f"{mutant.file}: {before} -> {after}"


def listed() -> dict[str, str]:
    """Return the reason why each mutant of the list may live."""
    entries = tomllib.loads(LIST.read_text(encoding="utf-8")).get("mutant", [])
    return {f"{e['file']}: {e['was']} -> {e['now']}": e["reason"] for e in entries}


_tree: Tree
_known: selection.Map


def _begin(work: Path, known: selection.Map) -> None:
    """Give a worker its tree."""
    global _tree, _known
    trial.preload()
    _known, _tree = known, Tree(work / f"tree-{os.getpid()}")
    _tree.make()


def _judge(mutant: Mutant) -> tuple[str, str, float]:
    begin = time.monotonic()
    return *trial.judge(mutant, _tree, _known), time.monotonic() - begin


def trials(
    mutants: list[Mutant], work: Path, known: selection.Map, jobs: int
) -> Iterator[tuple[Mutant, str, str, float]]:
    """Judge mutants beside each other; yield what became of each."""
    with ProcessPoolExecutor(jobs, initializer=_begin, initargs=(work, known)) as pool:
        running = {pool.submit(_judge, mutant): mutant for mutant in mutants}
        for future in as_completed(running):
            try:
                yield running[future], *future.result()
            except Exception:  # else it is seen only when all others are done
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def known_map(work: Path, anew: bool) -> selection.Map:
    """Return which tests run which lines, as it was measured, or measure it."""
    path = work / "map.json"
    if path.exists() and not anew:
        known: selection.Map = json.loads(path.read_text(encoding="utf-8"))
        return known
    print("measuring which tests run which lines ...", flush=True)
    tree = Tree(work / "measured", ["--coverage", "-fprofile-update=atomic"])
    tree.make()
    return selection.measure(tree, path)


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
    seed = options.seed
    if options.date:
        seed = datetime.datetime.now(datetime.UTC).date().toordinal()
    print(f"seed {seed}")
    return draw(seed, options.count)


def main() -> int:
    """Run the command line; 1 if a mutant lives that is not listed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--count", type=int, default=400, help="how many to draw")
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    parser.add_argument("--date", action="store_true", help="the day is the seed")
    parser.add_argument("--file", help="every mutant of the files whose name ends so")
    parser.add_argument("--line", type=int, help="with --file: of that line only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--anew", action="store_true", help="forget what was measured and judged")
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
    waiting = [mutant for _, mutant in drawn if results.get(key(mutant), [""])[0] not in SETTLED]
    print(f"{len(drawn)} mutants, {len(drawn) - len(waiting)} of them judged before", flush=True)
    if waiting:
        known = known_map(options.work, options.anew)
        for mutant, outcome, by, seconds in trials(waiting, options.work, known, options.jobs):
            results[key(mutant)] = [outcome, by]
            results_path.write_text(json.dumps(results, indent=1), encoding="utf-8")
            print(f"{outcome:8} {seconds:5.1f} s  {key(mutant)}  {by}", flush=True)
    return report(drawn, results)


#: what need not be judged again when it was
SETTLED = ("killed", "timeout", "no bug")


def report(drawn: list[tuple[str, Mutant]], results: dict[str, list[str]]) -> int:
    """Print how many lived and died in each area, and who lives; 1 if one is not listed."""
    reasons = listed()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    alive = []
    for area, mutant in drawn:
        outcome = results[key(mutant)][0]
        if outcome in ("survived", "untested"):
            outcome = "listed" if key(mutant) in reasons else outcome
            alive += [(outcome, mutant)] if outcome != "listed" else []
        counts[area][outcome] += 1
        counts["all"][outcome] += 1
    names = ("killed", "timeout", "survived", "untested", "listed", "no bug")
    print("\n" + " " * 14 + "".join(f"{name:>10}" for name in names))
    for area, by_outcome in counts.items():
        print(f"{area:14}" + "".join(f"{by_outcome[name]:10}" for name in names))
    for outcome, mutant in alive:
        source = read(CHECKOUT, mutant.file)
        before, after = mutant.change(source)
        print(f"\n{outcome}: {mutant.file}:{mutant.lines(source)[0]}\n- {before}\n+ {after}")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())

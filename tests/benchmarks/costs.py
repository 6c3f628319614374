"""Measure what costs.def says, and print it beside the number that stands there.

A cost is the difference between programs that are equal but for what is measured, in nanoseconds,
at one point. A limit is tried with other numbers: printed is the time of a program that meets it,
against the time with the number that stands there. Those that Python reads are set; for the others
the machine is compiled anew, half a minute a number: they are tried where they are named.

    python tests/benchmarks/costs.py [rounds] [name ... | all]
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import math
import operator
import os
import random
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import replay_peers as peers

import scalargrad as sg
from scalargrad import _engine
from scalargrad.tape.machine import NEVER, Machine
from scalargrad.tape.replay import BY_INPUTS, VALUES

ROOT = Path(__file__).parents[2]
BLOCK = ROOT / "scalargrad" / "_native" / "machine" / "costs.def"
NATIVE = _engine.machine()
ALWAYS = math.inf
#: rounds of instructions in the shorter of two programs: more than a processor learns by heart
DEPTH = 128
#: so many numbers a lane from which operands are gathered, to which terms are scattered
POOL = 4
NARROW, WIDE = 32, 256

Layer = Callable[[int, list[Any], list[Any], Any], list[Any]]

# -- the block -------------------------------------------------------------------------------


def block() -> dict[str, tuple[str, str]]:
    """Return what costs.def says: the kind and the number, by name."""
    entry = re.compile(r"^(COST|LIMIT)\((\w+), (\d+),", re.MULTILINE)
    found = entry.findall(BLOCK.read_text(encoding="utf-8"))
    return {name: (kind, number) for kind, name, number in found}


# -- costs: an instruction more --------------------------------------------------------------


def seconds(action: Callable[[], Any], rounds: int) -> float:
    """Return the least seconds of a call."""
    start = time.perf_counter()
    action()
    repeats = max(1, int(1e-3 / (time.perf_counter() - start)))
    best = math.inf
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            action()
        best = min(best, (time.perf_counter() - start) / repeats)
    return best


def contiguous(turn: int, xs: list[Any], ys: list[Any], same: Any) -> list[Any]:
    return [x * y for x, y in zip(xs, ys, strict=False)]


def uniform(turn: int, xs: list[Any], ys: list[Any], same: Any) -> list[Any]:
    return [x * same for x in xs]


def scattered(turn: int, xs: list[Any], ys: list[Any], same: Any) -> list[Any]:
    drawn = random.Random(turn).sample(ys, len(xs))
    return [x * y for x, y in zip(xs, drawn, strict=True)]


def mixed(turn: int, xs: list[Any], ys: list[Any], same: Any) -> list[Any]:
    draw = random.Random(turn)
    rows = operator.mul, operator.sub, operator.truediv
    return [draw.choice(rows)(x, y) for x, y in zip(xs, ys, strict=False)]


def listed(operands: int, turn: int, xs: list[Any], ys: list[Any], same: Any) -> list[Any]:
    others = range(turn, turn + operands - 1)
    return [sg.sum([x, *(ys[(i + k) % len(ys)] for k in others)]) for i, x in enumerate(xs)]


def program(layer: Layer, depth: int, width: int) -> tuple[Machine, list[float]]:
    """Return the sum of some numbers, each changed so many times, and a point."""
    draw = random.Random(0)
    point = [draw.uniform(0.9, 1.1) for _ in range((1 + POOL) * width + 1)]

    def function(xs: list[Any]) -> Any:
        changed = xs[:width]
        for turn in range(depth):
            changed = layer(turn, changed, xs[width:-1], xs[-1])
        return sg.sum(changed)

    f = sg.compile(function)
    f(point)
    return Machine(f.tape, NATIVE, "strict"), point


@functools.cache
def a_layer(layer: Layer, width: int, wanted: int, share: float, rounds: int) -> float:
    """Return nanoseconds of a layer: forward, or forward and back."""
    times = []
    for depth in (DEPTH, 2 * DEPTH):
        machine, point = program(layer, depth, width)
        call = functools.partial(machine.planned(wanted, 0, share).point, point, array("d"), 1.0)
        times.append(seconds(call, rounds))
    return (times[1] - times[0]) / DEPTH * 1e9


def forward(layer: Layer, width: int, share: float, rounds: int) -> float:
    return a_layer(layer, width, VALUES, share, rounds)


def back(layer: Layer, width: int, share: float, rounds: int) -> float:
    return a_layer(layer, width, BY_INPUTS, share, rounds) - forward(layer, width, share, rounds)


def scalar(rounds: int) -> float:
    return forward(mixed, NARROW, NEVER, rounds) / NARROW


def scalar_both(rounds: int) -> float:
    return back(mixed, NARROW, NEVER, rounds) / NARROW


def scalar_operand(rounds: int) -> float:
    few, many = (
        forward(functools.partial(listed, operands), NARROW, NEVER, rounds) / NARROW
        for operands in (4, 20)
    )
    return (many - few) / 16


def vector(width: int, rounds: int) -> float:
    return forward(contiguous, width, ALWAYS, rounds)


def gather(width: int, rounds: int) -> float:
    return forward(scattered, width, ALWAYS, rounds) - vector(width, rounds)


def fill(width: int, rounds: int) -> float:
    return forward(uniform, width, ALWAYS, rounds) - vector(width, rounds)


def scatter(width: int, rounds: int) -> float:
    """Return what targets cost that are not contiguous: on the way back an operand is, too."""
    more = back(scattered, width, ALWAYS, rounds) - back(contiguous, width, ALWAYS, rounds)
    return more - gather(width, rounds)


def fitted(action: Callable[[int, int], float]) -> tuple[Callable[[int], float], ...]:
    """Return what is the same for any number of lanes, and what a lane takes."""

    def a_lane(rounds: int) -> float:
        return (action(WIDE, rounds) - action(NARROW, rounds)) / (WIDE - NARROW)

    return lambda rounds: action(NARROW, rounds) - NARROW * a_lane(rounds), a_lane


COSTS: dict[str, Callable[[int], float]] = {
    "COST_SCALAR": scalar,
    "COST_SCALAR_BOTH": scalar_both,
    "COST_SCALAR_OPERAND": scalar_operand,
}
for name, action in (("VECTOR", vector), ("GATHER", gather), ("FILL", fill), ("SCATTER", scatter)):
    COSTS[f"COST_{name}"], COSTS[f"COST_{name}_LANE"] = fitted(action)

# -- limits: programs that meet them ---------------------------------------------------------


def a_point(function: Callable[[Any], Any], size: int) -> Callable[[Any], Callable[[], Any]]:
    """Return what plans a function for one point on some machine, after many calls."""
    point = np.random.default_rng(0).uniform(0.5, 1.5, size).tolist()

    def make(native: Any) -> Callable[[], Any]:
        f = sg.compile(function)
        f(point)
        machine = Machine(f.tape, native, "strict")
        for _ in range(40):
            machine.point(point, array("d"), BY_INPUTS)
        return lambda: machine.point(point, array("d"), BY_INPUTS)

    return make


def valley(xs: Any) -> Any:
    return sum(100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2 for a, b in pairwise(xs))


def crossed(xs: Any) -> Any:
    for step in (7, 11, 13, 17):
        xs = [xs[i * step % 41] * xs[i * step * 3 % 41] for i in range(41)]
    return sum(xs)


def lists(count: int, xs: Any) -> Any:
    return sg.sum([sg.sin(sg.sum(xs[i : i + count])) for i in range(len(xs) - count)])


def chains(xs: Any) -> Any:
    return sg.sum([sg.sin(a + b + c + a) for a, b, c in zip(xs, xs[1:], xs[2:], strict=False)])


def a_batch(
    function: Callable[..., Any], columns: Sequence[Any], threads: int = 1
) -> Callable[[Any], Callable[[], Any]]:
    def make(native: Any) -> Callable[[], Any]:
        f = sg.compile(function, threads=threads)
        with machine_instead(native):
            f.value_and_grad(*columns)
        return lambda: f.value_and_grad(*columns)

    return make


def options(count: int) -> tuple[Any, ...]:
    draw = np.random.default_rng(0)
    limits = (80.0, 120.0), (80.0, 120.0), (0.0, 0.05), (0.1, 0.5), (0.1, 2.0)
    return tuple(draw.uniform(low, high, count) for low, high in limits)


price = functools.partial(peers.black_scholes, sg)


def recurrence(length: int, x: Any, y: Any) -> Any:
    u, v = x, y
    for _ in range(length):
        u, v = u * x - v * y, u * y + v * x
    return u


def turned(length: int, count: int) -> Callable[[Any], Callable[[], Any]]:
    """Return a long program on lanes: four instructions, and so many rows, a turn."""
    angles = np.random.default_rng(0).uniform(0.0, 6.28, count)
    return a_batch(functools.partial(recurrence, length), (np.cos(angles), np.sin(angles)))


def training(sizes: Sequence[int]) -> Callable[[Any], Callable[[], Any]]:
    """Return a step of a network on a batch of a hundred."""
    x = np.random.default_rng(0).uniform(size=(100, sizes[0]))

    def make(native: Any) -> Callable[[], Any]:
        net = sg.nn.MLP(sizes[0], list(sizes[1:]), seed=0)
        f = sg.compile(lambda x: sg.sum([y * y for y in net(x)]))
        with machine_instead(native):
            f.backward(x)
        return lambda: f.backward(x)

    return make


@contextmanager
def machine_instead(native: Any) -> Iterator[None]:
    """Let what is recorded from now on run on another machine."""
    usual = _engine.machine
    _engine.machine = lambda: native  # type: ignore[assignment]
    try:
        yield
    finally:
        _engine.machine = usual


Make = Callable[[Any], Callable[[], Any]]
#: other numbers, and a program for each
LIMITS: dict[str, tuple[tuple[int, ...], Make]] = {
    "VECTOR_LINES": ((0,), a_point(lambda xs: sum(map(sg.sin, xs)), 30)),
    "VECTOR_PERCENT": ((40, 160), a_point(crossed, 41)),
    "MOST_LANES": ((128, 512), a_point(valley, 1000)),
    "MOST_OPERANDS": ((8, 16), a_point(functools.partial(lists, 24), 200)),
    "LATE_GAIN": ((2, 1 << 20), a_point(valley, 1000)),
    "LEAST_TERMS": ((3, 5, 8), a_point(chains, 100)),
    "LEAST_DOTS": ((2, 8), training((6, 6, 6))),
    "LEAST_ALONE": ((8, 256), training((100, 1))),
    "BLOCK_PRODUCTS": ((32, 64, 256), training((64, 64, 10))),
    "BLOCK_FEW": ((16, 32, 128, 256), turned(100, 10_000)),
    "ROWS_FEW": ((512, 32_000), turned(1_000, 10_000)),
    "BLOCK_SOME": ((16, 64), turned(2_000, 5_000)),
    "ROWS_SOME": ((5_000, 200_000), turned(10_000, 1_000)),
    "BLOCK_MANY": ((8, 32), turned(20_000, 500)),
    "ROWS_MANY": ((40_000, 2_000_000), turned(100_000, 100)),
    "BLOCK_MOST": ((16, 32), turned(100_000, 100)),
    "CHUNK": ((512, 1024, 16_384, 1 << 20), a_batch(price, options(100_000))),
    "SMALL": ((0, 1 << 40), a_batch(price, options(3_000))),
    "SHORT_RUN": ((0, 1 << 30), a_point(valley, 100)),
    "KEPT_SPACES": ((1, 16), a_batch(price, options(50_000), threads=2)),
    "PANEL_BASE": ((2, 8), training((200, 100, 10))),
    "ACROSS_BASE": ((1, 4), training((200, 100, 10))),
    "PANEL_AVX2": ((2, 6, 8), training((200, 100, 10))),
    "ACROSS_AVX2": ((1, 3), training((200, 100, 10))),
    "PANEL_AVX512": ((4, 8), training((200, 100, 10))),
    "ACROSS_AVX512": ((2, 3), training((200, 100, 10))),
    "STRIP": ((8, 1024), training((784, 50, 10))),
}
#: limits that Python reads from the module
READ = ("VECTOR_LINES", "VECTOR_PERCENT", "CHUNK", "SMALL")
KINDS = {"BASE": "baseline", "AVX2": "AVX2", "AVX512": "AVX-512"}


def break_even(rounds: int) -> float:
    """Return after how many points the vectorised plan has paid for itself: VECTOR_POINTS."""
    f = sg.compile(valley)
    point = np.random.default_rng(0).uniform(0.5, 1.5, 40).tolist()
    f(point)
    machine = Machine(f.tape, NATIVE, "strict")
    planning = seconds(lambda: machine.planned(BY_INPUTS, 0, ALWAYS), rounds)
    times = [
        seconds(functools.partial(plan.point, point, array("d"), 1.0), rounds)
        for plan in (machine.planned(BY_INPUTS, 0, share) for share in (NEVER, ALWAYS))
    ]
    return planning / max(times[0] - times[1], 1e-12)


# -- other machines --------------------------------------------------------------------------


@functools.cache
def compiled_with(name: str, number: int) -> Any:
    """Return the machine, compiled with another number in its block."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        modules = tomllib.load(file)["tool"]["setuptools"]["ext-modules"]
    (module,) = (one for one in modules if one["name"].endswith("._machine"))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "scalargrad" / "_native", f"{folder}/scalargrad/_native")
        there = Path(folder, BLOCK.relative_to(ROOT))
        text = there.read_text(encoding="utf-8")
        text, count = re.subn(rf"(LIMIT\({name}, )\d+", rf"\g<1>{number}", text)
        assert count == 1, name
        there.write_text(text, encoding="utf-8")
        library = f"{folder}/_machine{sysconfig.get_config_var('EXT_SUFFIX')}"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-DNDEBUG", *module["extra-compile-args"],
             f"-I{sysconfig.get_path('include')}", *module["sources"], "-lm", "-o", library],
            check=True, cwd=folder,
        )  # fmt: skip
        loader = importlib.machinery.ExtensionFileLoader("_machine", library)
        spec = importlib.util.spec_from_loader("_machine", loader)
        assert spec is not None
        machine = importlib.util.module_from_spec(spec)
        loader.exec_module(machine)
    return machine


def tried(name: str, make: Make, numbers: Sequence[int], rounds: int) -> Iterator[str]:
    """Compare a program with other numbers, one after the other in each round."""
    kind = KINDS.get(name.rsplit("_", 1)[-1])
    if kind is not None and kind not in NATIVE.kinds():
        yield "not on this processor"
        return
    usual = NATIVE.costs[name]
    actions: dict[int, Callable[[], Any]] = {}
    for number in (usual, *numbers):
        native = NATIVE if name in READ or number == usual else compiled_with(name, number)
        native.use(kind or native.kinds()[0])
        NATIVE.costs[name] = number
        actions[number] = make(native)
    best = dict.fromkeys(actions, math.inf)
    for _ in range(rounds):
        for number, action in actions.items():
            NATIVE.costs[name] = number
            best[number] = min(best[number], seconds(action, 1))
    NATIVE.costs[name] = usual
    NATIVE.use(NATIVE.kinds()[0])
    for number in numbers:
        yield f"{number}: {best[number] / best[usual]:.2f}x"


# -- the table -------------------------------------------------------------------------------


def measured(name: str, rounds: int) -> str:
    if name in COSTS:
        return f"{COSTS[name](rounds):.2f} ns"
    if name == "VECTOR_POINTS":
        return f"pays after {break_even(rounds):.0f}"
    numbers, make = LIMITS[name]
    return ", ".join(tried(name, make, numbers, rounds))


def main(arguments: list[str]) -> int:
    if NATIVE is None:
        print("costs: the machine was not built", file=sys.stderr)
        return 2
    rounds = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else 20
    entries = block()
    quick = [name for name in entries if name not in LIMITS or name in READ]
    names = list(entries) if arguments == ["all"] else arguments or quick
    if unknown := set(names) - set(entries):
        print(f"costs: costs.def has no {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    print(f"{NATIVE.kinds()[0]}, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    for name, (kind, number) in entries.items():
        if name in names:
            stands = f"{int(number) / 10:g} ns" if kind == "COST" else number
            print(f"{name:20}{stands:>10}  {measured(name, rounds)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

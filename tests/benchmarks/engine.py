"""Print what a Value costs: next to a plain float, to micrograd, and in bytes, all in one run.

Times are minima of turns that change places; memory is that of a process of its own.

    python tests/benchmarks/engine.py [rounds]
"""

from __future__ import annotations

import gc
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import tiny_gpt
import two_moons

import scalargrad as sg

LOOPS = 200_000
LARGE = 10_000_000


def seconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


# -- one operation, one node -----------------------------------------------------------------


def hot_loop(kind: type) -> None:
    a, b, c = kind(1.5), kind(2.5), kind(0.5)
    for _ in range(LOOPS):
        a * b + c


def chain(length: int) -> Any:
    z = w = sg.Value(0.9999999)
    for _ in range(length):
        z = z * w
    return z


def hot_loop_ratio(rounds: int) -> float:
    """Return the time of a*b + c on Values over that on floats."""
    times = [(seconds(lambda: hot_loop(sg.Value)), seconds(lambda: hot_loop(float)))
             for _ in range(rounds)]  # fmt: skip
    values, floats = zip(*times, strict=True)
    return min(values) / min(floats)


def backward_ratio(rounds: int, length: int) -> float:
    """Return the time of a backward pass over that of building what it passes through."""
    forward, backward = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        z = chain(length)
        forward.append(time.perf_counter() - start)
        backward.append(seconds(z.backward))
        del z
    return min(backward) / min(forward)


# -- a very long chain -------------------------------------------------------------------------


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def measure_memory() -> None:
    """Print bytes a node, bytes at the peak, and seconds, for a chain of ten million nodes."""
    before = resident()
    start = time.perf_counter()
    z = chain(LARGE)
    per_node = (resident() - before) / LARGE
    z.backward()
    assert z.grad == 1.0
    del z
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(per_node, peak, took)


def memory() -> tuple[float, float, float]:
    here = [sys.executable, __file__, "memory"]
    done = subprocess.run(here, capture_output=True, text=True, check=True)
    per_node, peak, took = map(float, done.stdout.split())
    return per_node, peak, took


# -- the table -----------------------------------------------------------------------------------


def main(rounds: int) -> int:
    gc.collect()
    per_node, peak, took = memory()
    moons = {
        name: min(turn for turn, _ in turns) for name, turns in two_moons.measured(rounds).items()
    }
    gpt = {
        name: min(turn for turn, _ in turns) for name, turns in tiny_gpt.measured(rounds).items()
    }
    plain, micrograd = moons["floats, forward only"], moons["micrograd"]
    same, dot, layers = (moons[f"scalargrad, {name}"] for name in ("same code", "sg.dot", "sg.nn"))
    rows = [
        ("a*b + c in a loop / on plain floats", f"{hot_loop_ratio(8 * rounds):.2f}"),
        ("backward per node / forward operation, 10^3 nodes",
         f"{backward_ratio(200 * rounds, 1_000):.2f}"),
        ("  the same, 10^5 nodes", f"{backward_ratio(4 * rounds, 100_000):.2f}"),
        ("  the same, 10^6 nodes", f"{backward_ratio(rounds, 1_000_000):.2f}"),
        ("bytes a binary node, chain of 10^7", f"{per_node:.1f}"),
        ("two moons, same code / forward pass on floats", f"{same / plain:.2f}"),
        ("  the same with sg.dot", f"{dot / plain:.2f}"),
        ("micrograd / two moons, same code", f"{micrograd / same:.0f}"),
        ("  the same with sg.dot", f"{micrograd / dot:.0f}"),
        ("  the same with sg.nn and sg.hinge", f"{micrograd / layers:.0f}"),
        ("chain of 10^7: build, backward, free; peak GB", f"{peak / 1e9:.2f}"),
        ("  the same, seconds", f"{took:.1f}"),
        ("tiny_gpt: class in micrograd's style / scalargrad",
         f"{gpt['micrograd style'] / gpt['scalargrad']:.1f}"),
        ("  the same, a lean class with slots", f"{gpt['lean class'] / gpt['scalargrad']:.1f}"),
    ]  # fmt: skip
    print(f"engine {sg.engine}, Python {platform.python_version()}, {rounds} rounds")
    for what, measured in rows:
        print(f"{what:52}{measured:>10}")
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["memory"]:
        measure_memory()
    else:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))

"""Print how long large graphs take: a chain and a sum of 10⁶, 2²⁰⁰⁰ paths, 1,000 drawn nodes.

Next to each time stands its ratio to a plain-float loop of a million additions in the same run.

    python tests/benchmarks/limits.py
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import scalargrad as sg

MILLION = 1_000_000


def plain() -> str:
    total = 0.0
    for _ in range(MILLION):
        total = total + 1.0
    return f"{total:.0f}"


def chain() -> str:
    x = sg.Value(0.0)
    total = x
    for _ in range(MILLION):
        total = total + 1.0
    total.backward()
    return f"value {total.data:.0f}, gradient {x.grad:.0f}, freed"


def wide_sum() -> str:
    xs = [sg.Value(1.0) for _ in range(MILLION)]
    total = sg.sum(xs)
    total.backward()
    return f"value {total.data:.0f}, gradient {xs[-1].grad:.0f}, freed"


def many_paths() -> str:
    x = sg.Value(2.0**-1000)
    total = x
    for _ in range(2000):
        total = total + total
    total.backward(2.0**-1000)  # the gradient itself, 2²⁰⁰⁰, is no double
    return f"value {total.data:g}, gradient {x.grad:g} for 2⁻¹⁰⁰⁰ upstream"


def picture() -> str:
    rng = random.Random(3)
    pool = [sg.Value(rng.uniform(-1, 1), f"x{i}") for i in range(20)]
    while len(pool) < 1400:
        a, b = rng.choice(pool[-40:]), rng.choice(pool[-40:])
        pool.append(rng.choice([a * b, a + b, a.tanh()]))
    total = sg.sum(pool[-40:])
    total.backward()
    start = time.perf_counter()
    drawing = sg.draw(total, max_nodes=1000)
    size = len(drawing.svg)
    seconds = time.perf_counter() - start
    shown = len(drawing.picture.shapes)
    return f"{shown} operators, {size // 1000} kB of SVG, drawing alone {seconds:.2f} s"


def main() -> None:
    tasks: dict[str, Callable[[], str]] = {
        "10⁶ float additions": plain,
        "chain of 10⁶ nodes": chain,
        "sum of 10⁶ terms": wide_sum,
        "2²⁰⁰⁰ paths": many_paths,
        "picture of 1,000 nodes": picture,
    }
    unit = 0.0
    print(f"engine {sg.engine}")
    for name, task in tasks.items():
        start = time.perf_counter()
        result = task()
        seconds = time.perf_counter() - start
        unit = unit or seconds
        print(f"{name:24}{seconds:8.3f} s{seconds / unit:8.1f}x  {result}")


if __name__ == "__main__":
    main()

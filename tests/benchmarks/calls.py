"""Time calls of compiled functions: what a call costs beside the numbers that it computes.

Both sides of each ratio are timed turn by turn in one process, and the least times are compared.

    python tests/benchmarks/calls.py [rounds]
"""

from __future__ import annotations

import gc
import math
import random
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import scalargrad as sg

Call = Callable[[], Any]


def least(calls: list[Call], rounds: int) -> list[float]:
    """Return the least seconds of each call, all of them timed in turn."""
    best = [math.inf] * len(calls)
    for call in calls:
        call()
    for _ in range(rounds):
        for index, call in enumerate(calls):
            start = time.perf_counter()
            call()
            repeats = max(1, min(2000, int(1e-3 / max(time.perf_counter() - start, 1e-9))))
            start = time.perf_counter()
            for _ in range(repeats):
                call()
            best[index] = min(best[index], (time.perf_counter() - start) / repeats)
    return best


def six(x: Any, y: Any) -> Any:
    """Return something of six operations."""
    return (x * y + sg.sin(x)) * (x - y) + y * y


def raw() -> Any:
    """Compute it on Values, with its gradient."""
    x, y = sg.Value(1.5), sg.Value(2.5)
    result = six(x, y)
    result.backward()
    return result.data, (x.grad, y.grad)


def valley(xs: Any) -> Any:
    """Return Rosenbrock's function."""
    total = 0.0
    for a, b in pairwise(xs):
        total = total + 100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2
    return total


def bodies(state: Any) -> Any:
    """Return how bodies of place, speed and mass move."""
    moves = []
    for a in state:
        pull = [0.0, 0.0, 0.0]
        for b in state:
            if a is not b:
                way = [b[k] - a[k] for k in range(3)]
                square = way[0] * way[0] + way[1] * way[1] + way[2] * way[2] + 0.01
                force = b[6] / (square * sg.sqrt(square))
                pull = [p + w * force for p, w in zip(pull, way, strict=True)]
        moves.append([*a[3:6], *pull])
    return moves


def attention(queries: Any, keys: Any, values: Any) -> Any:
    """Return a head of attention."""
    rows = []
    for query in queries:
        shares = sg.softmax([sg.dot(query, key) * 0.25 for key in keys])
        rows.append([sg.dot(shares, column) for column in zip(*values, strict=True)])
    return rows


RNG = random.Random(0)


def matrix(rows: int, columns: int) -> list[list[float]]:
    """Return lists of numbers."""
    return [[RNG.uniform(-1, 1) for _ in range(columns)] for _ in range(rows)]


WEIGHTS = matrix(100, 100)


def outputs(xs: Any) -> Any:
    """Return as many numbers as go in, each of all of them."""
    hidden = [sg.tanh(sum(w * x for w, x in zip(row, xs, strict=True))) for row in WEIGHTS]
    return [h * x + sg.sin(h) for h, x in zip(hidden, xs, strict=True)]


def share_outside(function: Any, arguments: tuple[Any, ...], rounds: int) -> tuple[float, float]:
    """Return the seconds of a call, and which share of them is not the machine's."""
    f = sg.compile(function)
    for _ in range(40):
        f(*arguments)
    ((path,),) = (paths.known for paths in f._paths.values())
    plan = path.runner._plan_for_points(0)
    numbers = np.array([[x for argument in arguments for row in argument for x in row]])
    values = np.empty((1, len(f.tape.outputs)))
    status = np.empty(1, np.int32) if f.tape.guards else None
    held, shared, captured = [(0, numbers)], [0.0] * numbers.size, path.read()

    def machine() -> None:
        plan.run(0, 1, 1, shared, held, captured, 1.0, values, None, None, status, None)

    alone, whole = least([machine, lambda: f(*arguments)], rounds)
    return whole, 1.0 - alone / whole


def main() -> None:
    """Print every row."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    gc.disable()
    f = sg.compile(six)
    ours, theirs = least([lambda: f.value_and_grad(1.5, 2.5), raw], rounds)
    print(f"value_and_grad of 6 operations / on raw Values: {ours / theirs:.2f}")
    for count in (10, 1000):
        g = sg.compile(valley)
        both, point = sg.value_and_grad(g), [0.1 * (k % 7) for k in range(count)]
        calls: list[Call] = [lambda: both(point), lambda: g.value_and_grad(point)]  # noqa: B023
        ours, theirs = least(calls, rounds)
        print(f"sg.value_and_grad(f) / f.value_and_grad, Rosenbrock {count}: {ours / theirs:.2f}")
    for name, function, arguments in (
        ("30 bodies", bodies, (matrix(30, 7),)),
        ("8 x 16 attention", attention, (matrix(8, 16), matrix(8, 16), matrix(8, 16))),
    ):
        whole, outside = share_outside(function, arguments, rounds)
        print(f"{name}: {whole * 1e6:.1f} us a call, {outside:.0%} of it outside the machine")
    slopes, point = sg.jacobian(sg.compile(outputs)), [RNG.uniform(-1, 1) for _ in range(100)]
    (ours,) = least([lambda: slopes(point)], rounds)
    print(f"Jacobian 100 x 100: {ours * 1e3:.2f} ms")


if __name__ == "__main__":
    main()

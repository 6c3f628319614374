"""The memory of compiled functions, and the threads beside them."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import replays

import scalargrad as sg

runner = replays.runner


def test_memory_stays_flat(runner: str) -> None:
    w = sg.Value(0.5)
    f = sg.compile(lambda x, y: sg.sin(x * w) + y if x > 0 else y)
    x = np.linspace(-1, 1, 9)
    rounds = 300 if runner == "replay" else 1000

    def work() -> None:
        for _ in range(rounds):
            f(x, 1.0)
            f.value_and_grad(x, 1.0)
            f.backward(x, 1.0)
            f(0.5, 1.0)

    work()
    gc.collect()
    tracemalloc.start()
    work()
    gc.collect()
    first = tracemalloc.get_traced_memory()[0]
    work()
    gc.collect()
    second = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert second - first < 50 * 4 * rounds  # bytes; an object a call would be more

"""Time a training step of examples/tiny_gpt.py against pure-Python classes of Values, in turn.

The model, the loss and Adam are the example's own code; only the class of Value differs. A step is
all of it: forward, backward, update, freeing the graph, and what the garbage collector does
meanwhile. One class is built as micrograd's is: a closure a node, its operands in a set, a
difference or quotient by way of a negation or power. The lean one keeps operands and partials in
slots and has no closures, which is about as fast as such a class gets. All learn the same names,
so their losses must agree.

    python tests/benchmarks/tiny_gpt.py [rounds]
"""

from __future__ import annotations

import gc
import math
import platform
import random
import runpy
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import scalargrad as sg

EXAMPLE = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "tiny_gpt.py"))
NAMES = ["marina", "oliver", "ruth", "josephine"]  # a turn: these four, one a step


# -- the peers: a Value as scripts on scalars write it ---------------------------------------


class Quotients:
    """What both classes make of other operations."""

    __slots__ = ()

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __truediv__(self, other: Any) -> Any:
        return self * other**-1

    def __radd__(self, other: float) -> Any:
        return self + other

    def __rmul__(self, other: float) -> Any:
        return self * other

    def __rsub__(self, other: float) -> Any:
        return -self + other

    def __rtruediv__(self, other: float) -> Any:
        return self**-1 * other


class ClosureValue(Quotients):
    """A number that knows by a closure how to hand its gradient on."""

    def __init__(self, data: float, operands: tuple[ClosureValue, ...] = (), op: str = "") -> None:
        self.data = data
        self.grad = 0.0
        self.hand_on: Callable[[], None] = lambda: None
        self.operands = set(operands)
        self.op = op

    def __add__(self, other: Any) -> ClosureValue:
        other = other if isinstance(other, ClosureValue) else ClosureValue(other)
        out = ClosureValue(self.data + other.data, (self, other), "+")

        def hand_on() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out.hand_on = hand_on
        return out

    def __mul__(self, other: Any) -> ClosureValue:
        other = other if isinstance(other, ClosureValue) else ClosureValue(other)
        out = ClosureValue(self.data * other.data, (self, other), "*")

        def hand_on() -> None:
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.hand_on = hand_on
        return out

    def __pow__(self, power: float) -> ClosureValue:
        out = ClosureValue(self.data**power, (self,), f"**{power}")

        def hand_on() -> None:
            self.grad += power * self.data ** (power - 1) * out.grad

        out.hand_on = hand_on
        return out

    def exp(self) -> ClosureValue:
        out = ClosureValue(math.exp(self.data), (self,), "exp")

        def hand_on() -> None:
            self.grad += out.data * out.grad

        out.hand_on = hand_on
        return out

    def log(self) -> ClosureValue:
        out = ClosureValue(math.log(self.data), (self,), "log")

        def hand_on() -> None:
            self.grad += out.grad / self.data

        out.hand_on = hand_on
        return out

    def relu(self) -> ClosureValue:
        out = ClosureValue(0.0 if self.data < 0 else self.data, (self,), "relu")

        def hand_on() -> None:
            self.grad += (out.data > 0) * out.grad

        out.hand_on = hand_on
        return out

    def backward(self) -> None:
        order, seen = [], set()

        def visit(node: ClosureValue) -> None:  # this model's graphs are less than 200 deep
            if node not in seen:
                seen.add(node)
                for operand in node.operands:
                    visit(operand)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node.hand_on()


class PlainValue(Quotients):
    """A number, its operands, and how fast it changes with each."""

    __slots__ = ("data", "grad", "operands", "partials")

    def __init__(
        self,
        data: float,
        operands: tuple[PlainValue, ...] = (),
        partials: tuple[float, ...] = (),
    ) -> None:
        self.data = data
        self.grad = 0.0
        self.operands = operands
        self.partials = partials

    def __add__(self, other: PlainValue | float) -> PlainValue:
        other = other if isinstance(other, PlainValue) else PlainValue(other)
        return PlainValue(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: PlainValue | float) -> PlainValue:
        other = other if isinstance(other, PlainValue) else PlainValue(other)
        return PlainValue(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, power: float) -> PlainValue:
        return PlainValue(self.data**power, (self,), (power * self.data ** (power - 1),))

    def exp(self) -> PlainValue:
        data = math.exp(self.data)
        return PlainValue(data, (self,), (data,))

    def log(self) -> PlainValue:
        return PlainValue(math.log(self.data), (self,), (1 / self.data,))

    def relu(self) -> PlainValue:
        return PlainValue(max(0.0, self.data), (self,), (float(self.data > 0),))

    def backward(self) -> None:
        order, seen = [], set()

        def visit(node: PlainValue) -> None:  # this model's graphs are less than 200 deep
            if node not in seen:
                seen.add(node)
                for operand in node.operands:
                    visit(operand)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            grad = node.grad
            for operand, partial in zip(node.operands, node.partials):  # noqa: B905 - faster
                operand.grad += grad * partial


# -- the table -------------------------------------------------------------------------------


def training(value: Any, steps: int) -> Callable[[str], float]:
    """Return the example's step of training for a class of Values."""
    model = EXAMPLE["GPT"](value, random.Random(1))
    adam = EXAMPLE["Adam"](model.parameters(), steps)

    def step(name: str) -> float:
        loss = model.loss(name)
        loss.backward()
        adam.step()
        return float(loss.data)

    return step


def timed(step: Callable[[str], float]) -> tuple[float, list[float]]:
    """Return seconds a step and the losses of a few steps in a row, as training runs them.

    Within the steps the garbage collector works as it will. What it has not collected at the end
    of a peer's turn is cleared off the clock, so that no peer pays for another.
    """
    start = time.perf_counter()
    losses = [step(name) for name in NAMES]
    seconds = (time.perf_counter() - start) / len(NAMES)
    gc.collect()
    return seconds, losses


PEERS = {"micrograd style": ClosureValue, "lean class": PlainValue, "scalargrad": sg.Value}


def measured(rounds: int) -> dict[str, list[tuple[float, list[float]]]]:
    """Return seconds a step and the losses of each peer, as often as there are rounds."""
    steps = rounds * len(NAMES)
    peers = {name: training(value, steps) for name, value in PEERS.items()}
    results: dict[str, list[tuple[float, list[float]]]] = {name: [] for name in peers}
    gc.collect()
    for _ in range(rounds):
        for name, step in peers.items():
            results[name].append(timed(step))
    return results


def main(rounds: int) -> int:
    results = measured(rounds)
    seconds = {name: [second for second, _ in turns] for name, turns in results.items()}
    losses = {name: [x for _, turn in turns for x in turn] for name, turns in results.items()}
    version = platform.python_version()
    print(f"engine {sg.engine}, Python {version}, {rounds} turns of {len(NAMES)} steps each")
    for heads in (
        ("minimum", "median", "ratio of", "ratio of", "loss at", "loss after"),
        ("ms", "ms", "minima", "medians", "the start", "the run"),
    ):
        widths = (28, 10, 10, 10, 16, 16)
        print("".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True)))
    least, middle = min(seconds["micrograd style"]), statistics.median(seconds["micrograd style"])
    for name in results:
        low, median = min(seconds[name]), statistics.median(seconds[name])
        ratios = f"{least / low:9.1f}x{middle / median:9.1f}x"
        ends = f"{losses[name][0]:16.10f}{losses[name][-1]:16.10f}"
        print(f"{name:18}{low * 1e3:10.1f}{median * 1e3:10.1f}{ratios}{ends}")

    apart = max(max(column) - min(column) for column in zip(*losses.values(), strict=True))
    agree = apart < 1e-9
    print(f"losses {'agree' if agree else 'DISAGREE'}: at most {apart:.1e} apart")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))

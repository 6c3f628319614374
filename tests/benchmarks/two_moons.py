"""Time a whole training step on two moons against micrograd 0.1.0, in turn, in one run.

100 points, 2-16-16-1, hinge loss and L2, as in micrograd's demo. A step is all of it: forward,
zero_grad, backward, update, freeing the graph, and what the garbage collector does meanwhile.
Beside it stands the forward pass alone, on plain floats: what no scalar program can be without.

    python tests/benchmarks/two_moons.py [rounds]
"""

from __future__ import annotations

import gc
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import scalargrad as sg

INPUTS, TARGETS = sg.datasets.moons(100, noise=0.1, seed=0)
LABELS = [2 * target - 1 for target in TARGETS]
RATE = 0.05
STEPS = 4  # in a row, before the next peer has its turn


# -- micrograd's own demo, with the class of Value as its only parameter ---------------------


class Neuron:
    def __init__(self, value: Any, nin: int, nonlin: bool) -> None:
        self.w = [value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = value(0)
        self.nonlin = nonlin

    def __call__(self, x: list[Any]) -> Any:
        act = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        return act.relu() if self.nonlin else act


class Network:
    def __init__(self, value: Any, neuron: type[Neuron] = Neuron) -> None:
        random.seed(1337)
        sizes = [(2, 16), (16, 16), (16, 1)]
        self.layers = [[neuron(value, nin, nout != 1) for _ in range(nout)] for nin, nout in sizes]

    def __call__(self, x: list[Any]) -> Any:
        for layer in self.layers:
            x = [neuron(x) for neuron in layer]
        return x[0]

    def parameters(self) -> list[Any]:
        return [p for layer in self.layers for neuron in layer for p in [*neuron.w, neuron.b]]

    def zero_grad(self) -> None:
        for p in self.parameters():
            p.grad = 0


def demo(value: Any) -> Callable[[], float]:
    """Return the step of the demo for a class of Values."""
    model = Network(value)

    def step() -> float:
        inputs = [list(map(value, row)) for row in INPUTS]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * score).relu() for yi, score in zip(LABELS, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        total = data_loss + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= RATE * p.grad
        return float(total.data)

    return step


# -- the forward pass on plain floats ---------------------------------------------------------


class PlainNeuron(Neuron):
    def __call__(self, x: list[float]) -> float:
        act = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        return (act if act > 0.0 else 0.0) if self.nonlin else act


def plain_forward() -> Callable[[], float]:
    """Return the forward pass of the demo on floats, without gradient or update."""
    model = Network(float, PlainNeuron)

    def forward() -> float:
        scores = list(map(model, map(list, INPUTS)))
        losses = [max(0.0, 1.0 - yi * score) for yi, score in zip(LABELS, scores, strict=True)]
        return sum(losses) / len(losses)

    return forward


# -- the same with fewer nodes ----------------------------------------------------------------


class DotNeuron(Neuron):
    def __call__(self, x: list[Any]) -> Any:
        act = sg.dot(self.w, x) + self.b
        return act.relu() if self.nonlin else act


def with_dot() -> Callable[[], float]:
    """Return the step of the demo with the neurons, the loss and L2 of few nodes each."""
    model = Network(sg.Value, DotNeuron)

    def step() -> float:
        parameters = model.parameters()
        scores = list(map(model, INPUTS))
        total = sg.hinge(scores, LABELS) + 1e-4 * sg.dot(parameters, parameters)
        sg.zero_grad(parameters)
        total.backward()
        for p in parameters:
            p.data -= RATE * p.grad
        return float(total.data)

    return step


def with_layers() -> Callable[[], float]:
    """Return the step with scalargrad's own network, which also keeps scopes for pictures."""
    random.seed(1337)
    model = sg.nn.MLP(2, [16, 16, 1])

    def step() -> float:
        parameters = model.parameters()
        total = sg.hinge([model(x) for x in INPUTS], LABELS) + 1e-4 * sg.dot(parameters, parameters)
        model.zero_grad()
        total.backward()
        for p in parameters:
            p.data -= RATE * p.grad
        return float(total.data)

    return step


# -- the table -------------------------------------------------------------------------------


def timed(step: Callable[[], float]) -> tuple[float, float]:
    """Return seconds a step and the last loss of a few steps in a row, as training runs them.

    Within the steps the garbage collector works as it will. What it has not collected at the end
    of a peer's turn is cleared off the clock, so that no peer pays for another.
    """
    start = time.perf_counter()
    for _ in range(STEPS):
        loss = step()
    seconds = (time.perf_counter() - start) / STEPS
    gc.collect()
    return seconds, loss


def measured(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return seconds a step and the last loss of each peer, as often as there are rounds.

    Raises: `ImportError` where micrograd is not installed.
    """
    from micrograd.engine import Value as MicrogradValue

    from scalargrad.micrograd.engine import Value as SameManners

    peers = {
        "micrograd": demo(MicrogradValue),
        "scalargrad.micrograd": demo(SameManners),
        "scalargrad, same code": demo(sg.Value),
        "scalargrad, sg.dot": with_dot(),
        "scalargrad, sg.nn": with_layers(),
        "floats, forward only": plain_forward(),
    }
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in peers}
    gc.collect()
    for _ in range(rounds):
        for name, step in peers.items():
            results[name].append(timed(step))
    return results


def main(rounds: int) -> int:
    try:
        results = measured(rounds)
    except ImportError:
        print(
            "two_moons: needs micrograd, which is not installed; run:"
            ' python3 -m pip install ".[bench]" in the scalargrad checkout',
            file=sys.stderr,
        )
        return 2
    version = platform.python_version()
    print(f"engine {sg.engine}, Python {version}, {rounds} turns of {STEPS} steps each")
    for heads in (
        ("minimum", "median", "ratio of", "ratio of", "loss after"),
        ("ms", "ms", "minima", "medians", "the run"),
    ):
        print(" " * 24 + "".join(f"{head:>10}" for head in heads[:-1]) + f"{heads[-1]:>12}")
    least, middle = (
        kind(seconds for seconds, _ in results["micrograd"]) for kind in (min, statistics.median)
    )
    for name, turns in results.items():
        seconds = [second for second, _ in turns]
        low, median = min(seconds), statistics.median(seconds)
        ratios = f"{least / low:9.1f}x{middle / median:9.1f}x"
        print(f"{name:24}{low * 1e3:10.1f}{median * 1e3:10.1f}{ratios}{turns[-1][1]:12.6f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8))

"""Time value_and_grad of plain Python against its peers, on the same function, in turn, in one run.

The chained Rosenbrock function in scalar style, Σ 100·(x_{i+1} − x_i²)² + (1 − x_i)²: one Python
loop that every peer runs as it is. Below: the cost of a variable from n = 10 to 10⁵, and what the
Hessian of a function of 20 inputs costs in gradients.

    python3 -m pip install -e ".[peers]" && python3 tests/benchmarks/calculus.py [rounds]
"""

from __future__ import annotations

import gc
import platform
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import scalargrad as sg

COUNT = 1000
POINT = [0.5 + 0.001 * (i % 7) for i in range(COUNT)]
#: calls in a row in one turn; what the garbage collector does meanwhile counts
REPEATS = 20

Result = tuple[float, list[float]]


def rosenbrock(x: Any) -> Any:
    total = 0.0
    for a, b in pairwise(x):
        total = total + 100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2
    return total


# -- peers -----------------------------------------------------------------------------------


def by_scalargrad(point: list[float]) -> Result:
    return _BOTH(point)  # type: ignore[no-any-return]


_BOTH = sg.value_and_grad(rosenbrock)


def by_autograd() -> Callable[[list[float]], Result]:
    import autograd

    both = autograd.value_and_grad(rosenbrock)
    return lambda point: both(list(point))


def by_torch() -> Callable[[list[float]], Result]:
    import torch

    torch.set_num_threads(1)

    def both(point: list[float]) -> Result:
        x = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in point]
        value = rosenbrock(x)
        value.backward()
        return value.item(), [leaf.grad.item() for leaf in x]

    return both


def by_micrograd() -> Callable[[list[float]], Result]:
    from micrograd.engine import Value

    def both(point: list[float]) -> Result:
        x = list(map(Value, point))
        value = rosenbrock(x)
        value.backward()
        return value.data, [leaf.grad for leaf in x]

    return both


def by_xad() -> Callable[[list[float]], Result]:
    import xad.adj_1st as xad

    tape = xad.Tape()
    tape.activate()

    def both(point: list[float]) -> Result:
        x = list(map(xad.Real, point))
        tape.registerInputs(x)
        tape.newRecording()
        value = rosenbrock(x)
        tape.registerOutput(value)
        value.derivative = 1.0
        tape.computeAdjoints()
        return value.value, [leaf.derivative for leaf in x]

    return both


#: name, how to get it, and how many calls a turn
PEERS: list[tuple[str, Callable[[], Callable[[list[float]], Result]], int]] = [
    ("HIPS autograd", by_autograd, 2),
    ("PyTorch", by_torch, 10),
    ("micrograd", by_micrograd, 10),
    ("XAD", by_xad, REPEATS),
]

# -- the tables ------------------------------------------------------------------------------


def timed(action: Callable[[Any], Any], point: Any, repeats: int) -> tuple[float, Any]:
    """Return seconds a call, and what it gave; what is not collected yet is, off the clock."""
    start = time.perf_counter()
    for _ in range(repeats):
        result = action(point)
    seconds = (time.perf_counter() - start) / repeats
    gc.collect()
    return seconds, result


def deep(count: int) -> None:
    """Allow micrograd, which recurses over its graph, as deep a graph as this one."""
    sys.setrecursionlimit(10 * count)


def against_peers(rounds: int) -> None:
    deep(COUNT)
    peers = [(name, make(), repeats) for name, make, repeats in PEERS]
    best: dict[str, float] = {}
    for _ in range(rounds):
        ours, (value, gradient) = timed(by_scalargrad, POINT, REPEATS)
        best["scalargrad"] = min(best.get("scalargrad", ours), ours)
        for name, both, repeats in peers:
            seconds, (their_value, their_gradient) = timed(both, POINT, repeats)
            best[name] = min(best.get(name, seconds), seconds)
            pairs = zip(gradient, their_gradient, strict=True)
            assert abs(value - their_value) <= 1e-9 * abs(value), name
            assert all(abs(a - b) <= 1e-9 * max(1.0, abs(a)) for a, b in pairs), name
    print(f"value and gradient, n = {COUNT}         ms   / scalargrad")
    print(f"{'scalargrad':24}{best['scalargrad'] * 1e3:12.3f}")
    for name, *_ in peers:
        print(f"{name:24}{best[name] * 1e3:12.3f}{best[name] / best['scalargrad']:12.0f}x")


def by_size(rounds: int) -> None:
    print("\nn            µs a variable")
    for count in (10, 100, 1000, 10_000, 100_000):
        point = [0.5 + 0.001 * (i % 7) for i in range(count)]
        repeats = max(1, 20_000 // count)
        seconds = min(timed(by_scalargrad, point, repeats)[0] for _ in range(rounds))
        print(f"{count:<8}{seconds / count * 1e6:16.2f}")


def of_hessian(rounds: int) -> None:
    count = 20
    point = POINT[:count]
    gradient, hessian = sg.grad(rosenbrock), sg.hessian(rosenbrock)
    pairs = [(timed(gradient, point, 200)[0], timed(hessian, point, 10)[0]) for _ in range(rounds)]
    gradients, hessians = zip(*pairs, strict=True)
    ratio = min(hessians) / min(gradients)
    print(f"\nHessian of {count} inputs / gradient  {ratio:.1f}")


def main(rounds: int) -> None:
    print(f"engine {sg.engine}, Python {platform.python_version()}, {rounds} rounds")
    against_peers(rounds)
    by_size(rounds)
    of_hessian(rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)

"""What the tests of `compile` share: every replay, and comparisons with the function itself."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import _engine
from scalargrad.tape import compiled
from scalargrad.tape.machine import Machine
from scalargrad.tape.replay import VALUES, Replay

KINDS = _engine.machine().kinds() if _engine.machine() else []
#: what costs.def says, by name
COSTS = _engine.machine().costs if _engine.machine() else {}


@pytest.fixture(params=["replay", *KINDS, *["vectorized"][: len(KINDS)]])
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What replays: the readable replay, and the machine with each kind of kernels.

    "vectorized": points run on vectorised plans from the first one on.
    """
    if request.param == "replay":
        monkeypatch.setattr(compiled, "runner_for", lambda tape, mode: Replay(tape))
        yield "replay"
        return
    if request.param == "vectorized":
        vectorize(monkeypatch)
        yield "vectorized"
        return
    _engine.machine().use(request.param)
    yield request.param
    _engine.machine().use(KINDS[0])


def vectorize(patch: pytest.MonkeyPatch) -> None:
    """Let points run on vectorised plans at once, however little there is to gain."""
    for name, limit in (("VECTOR_POINTS", 1), ("VECTOR_LINES", 0), ("VECTOR_PERCENT", math.inf)):
        patch.setitem(COSTS, name, limit)


def bits(numbers: Sequence[float]) -> list[bytes]:
    """Return numbers bit by bit, but for what a nan carries."""
    return [b"nan" if x != x else struct.pack("d", x) for x in map(float, numbers)]


def eager(function: Callable[..., Any], point: Sequence[float]) -> tuple[float, list[float]]:
    """Return value and gradient without any tape."""
    inputs = [sg.Value(x) for x in point]
    result = function(*inputs)
    if not isinstance(result, sg.Value):
        return float(result), [0.0] * len(point)
    result.backward()
    return result.data, [x.grad for x in inputs]


def agrees(
    function: Callable[..., Any], lanes: Sequence[Sequence[float]], **options: Any
) -> sg.tape.Compiled:
    """Compare a batch, and every point of it, with the function itself, bit for bit."""
    f = sg.compile(function, **options)
    columns = [np.array(column) for column in zip(*lanes, strict=True)]
    values = f(*columns)
    both, grads = f.value_and_grad(*columns)
    for row, lane in enumerate(lanes):
        value, grad = eager(function, lane)
        alone, by_argument = f.value_and_grad(*map(float, lane))
        results = [values[row], both[row], f(*map(float, lane)), alone]
        assert bits(results) == bits([value] * 4)
        assert bits([column[row] for column in grads]) == bits(grad)
        assert bits(by_argument) == bits(grad)
    return f


def machines(f: sg.tape.Compiled) -> list[Machine]:
    """Return the machine of each path."""
    paths = [path for known in f._paths.values() for path in known.known]
    return [path.runner for path in paths if isinstance(path.runner, Machine)]


def has_products(f: sg.tape.Compiled) -> bool:
    """Tell whether the machine planned matrix products, whose sums have another order."""
    return any(runner.plan(VALUES).describe()["products"] for runner in machines(f))


def stretches(plan: Any) -> list[dict[str, Any]]:
    """Return how a vectorised plan runs, forward and back."""
    programs = plan.describe()
    return [*programs["forward"]["stretches"], *programs["backward"]["stretches"]]


@sg.custom(lambda x, y: y, lambda x, y: x)
def times(x: float, y: float) -> float:
    """Multiply, as an operation of one's own."""
    return x * y

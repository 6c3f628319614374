"""Random functions give what they give eagerly, on every replay."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replays import KINDS, agrees, plans

import scalargrad as sg
from scalargrad import _engine
from scalargrad.tape import compiled
from scalargrad.tape.replay import Replay

UNARY = ("sin", "exp", "tanh", "relu", "sigmoid", "abs", "sqrt", "log", "erf", "floor", "softplus")


BINARY = ("add", "sub", "mul", "div", "pow", "maximum", "hypot", "atan2", "if", "compare")


MANY = ("sum", "dot", "max", "logsumexp", "softmax", "mean", "mse", "cross_entropy")


@st.composite
def programs(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Draw a list of operations on a growing list of numbers: two inputs, two parameters."""
    steps: list[tuple[Any, ...]] = []
    for known in range(5, 5 + draw(st.integers(1, 14))):
        place = st.integers(0, known - 1)
        kind = draw(st.sampled_from(["unary", "binary", "many", "detach", "number"]))
        if kind == "unary":
            steps.append((draw(st.sampled_from(UNARY)), draw(place)))
        elif kind == "binary":
            steps.append((draw(st.sampled_from(BINARY)), draw(place), draw(place)))
        elif kind == "many":
            size = draw(st.integers(1, 6))
            lists = [draw(st.lists(place, min_size=size, max_size=size)) for _ in range(2)]
            steps.append((draw(st.sampled_from(MANY)), *lists))
        elif kind == "detach":
            steps.append(("detach", draw(place)))
        else:
            steps.append(("number", draw(st.sampled_from([0.0, 1.0, 2.0, -0.5, 3.0]))))
    return steps


def run(steps: list[tuple[Any, ...]], known: list[Any]) -> Any:
    """Run a program; a condition is a Python `if`."""
    for op, *given_ in steps:
        if op == "number":
            known.append(known[0] * 0.0 + given_[0])
            continue
        if op in MANY:
            xs, ys = ([known[i] for i in places] for places in given_)
            if op in ("dot", "mse", "cross_entropy"):
                known.append(getattr(sg, op)(xs, ys))
            else:
                result = getattr(sg, op)(xs)
                known.append(result[-1] if op == "softmax" else result)
            continue
        x, y = known[given_[0]], known[given_[-1]]
        if op == "detach":
            known.append(x.detach())
        elif op == "if":
            known.append(x * 2.0 if x > y else y - 1.0)
        elif op == "compare":
            known.append(x if x >= y and bool(y) else x * y)
        elif op in ("add", "sub", "mul", "div"):
            sign = {"add": "+", "sub": "-", "mul": "*", "div": "/"}[op]
            known.append(eval(f"x {sign} y"))
        elif op == "abs":
            known.append(abs(x))
        elif len(given_) == 2:
            known.append(getattr(sg, op)(x, y))
        else:
            known.append(getattr(sg, op)(x))
    return known[-1]


NUMBERS = st.one_of(
    st.floats(-3, 3), st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 1e300, math.inf, math.nan])
)


@settings(max_examples=200, deadline=None)
@given(programs(), st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=11), st.data())
def test_random_functions_give_what_they_give_eagerly(
    steps: list[tuple[Any, ...]], lanes: list[tuple[float, float]], data: st.DataObject
) -> None:
    w, u = sg.Value(data.draw(st.floats(-2, 2))), sg.Value(0.5)

    def function(x: Any, y: Any) -> Any:
        return run(steps, [x, y, w, u, x * y])

    replays = [Replay, *KINDS]
    for kind in replays:
        with pytest.MonkeyPatch.context() as patch:
            if kind is Replay:
                patch.setattr(compiled, "runner_for", lambda tape, mode: Replay(tape))
            else:
                _engine.machine().use(kind)
            if kind is Replay or not has_long_dots(function, lanes):
                agrees(function, lanes)
            _agrees_in_parameters(function, lanes, (w, u))
    if KINDS:
        _engine.machine().use(KINDS[0])


def has_long_dots(function: Callable[..., Any], lanes: Any) -> bool:
    """Tell whether there are matrix products, which are added up in another order."""
    f = sg.compile(function)
    f(*map(np.array, zip(*lanes, strict=True)))
    return any(groups for *_, groups, _, _ in plans(f))


def _agrees_in_parameters(function: Callable[..., Any], lanes: Any, parameters: Any) -> None:
    sums, sizes = [0.0, 0.0], [0.0, 0.0]
    for lane in lanes:
        sg.zero_grad(parameters)
        result = function(*map(sg.Value, lane))
        result.backward()
        sums = [a + p.grad for a, p in zip(sums, parameters, strict=True)]
        sizes = [a + abs(p.grad) for a, p in zip(sizes, parameters, strict=True)]
    sg.zero_grad(parameters)
    f = sg.compile(function)
    f.backward(*map(np.array, zip(*lanes, strict=True)), reduction="sum")
    for parameter, total, size in zip(parameters, sums, sizes, strict=True):
        found = parameter.grad
        if math.isfinite(total) and math.isfinite(size) and size < 1e290:
            assert abs(found - total) <= 1e-9 * max(size, 1e-290), (found, total)
    sg.zero_grad(parameters)

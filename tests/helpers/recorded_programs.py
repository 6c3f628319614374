"""Random functions for `compile`: programs on a growing list of numbers, drawn by Hypothesis."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any, NamedTuple

from hypothesis import strategies as st

import scalargrad as sg

UNARY = ("sin", "exp", "tanh", "relu", "sigmoid", "abs", "sqrt", "log", "erf", "floor", "softplus")


BINARY = ("add", "sub", "mul", "div", "pow", "maximum", "hypot", "atan2", "if", "compare")


MANY = ("sum", "dot", "max", "logsumexp", "softmax", "mean", "mse", "cross_entropy", "chain")


@st.composite
def programs(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Draw a list of operations on a growing list of numbers: two inputs, two parameters."""
    steps: list[tuple[Any, ...]] = []
    for known in range(5, 5 + draw(st.integers(1, 14))):
        index = st.integers(0, known - 1)
        kind = draw(st.sampled_from(["unary", "binary", "many", "detach", "number"]))
        if kind == "unary":
            steps.append((draw(st.sampled_from(UNARY)), draw(index)))
        elif kind == "binary":
            steps.append((draw(st.sampled_from(BINARY)), draw(index), draw(index)))
        elif kind == "many":
            size = draw(st.integers(1, 6))
            lists = [draw(st.lists(index, min_size=size, max_size=size)) for _ in range(2)]
            steps.append((draw(st.sampled_from(MANY)), *lists))
        elif kind == "detach":
            steps.append(("detach", draw(index)))
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
            xs, ys = ([known[i] for i in indices] for indices in given_)
            if op in ("dot", "mse", "cross_entropy"):
                known.append(getattr(sg, op)(xs, ys))
            elif op == "chain":
                known.append(functools.reduce(operator.add, map(operator.mul, xs, ys)))
            else:
                result = getattr(sg, op)(xs)
                known.append(result[-1] if op == "softmax" else result)
            continue
        x, y = known[given_[0]], known[given_[-1]]
        if op == "detach":
            known.append(x.detach() if isinstance(x, sg.Value) else x)
        elif op == "if":
            known.append(x * 2.0 if x > y else y - 1.0)
        elif op == "compare":
            known.append(x if x >= y and y != 0 else x * y)
        elif op in ("add", "sub", "mul", "div"):
            known.append(_arithmetic(op, x, y))
        elif op == "abs":
            known.append(abs(x))
        elif len(given_) == 2:
            known.append(getattr(sg, op)(x, y))
        else:
            known.append(getattr(sg, op)(x))
    return known[-1]


def _arithmetic(op: str, x: Any, y: Any) -> Any:
    sign = {"add": "+", "sub": "-", "mul": "*", "div": "/"}[op]
    try:
        return eval(f"x {sign} y")
    except ZeroDivisionError:  # of two plain numbers
        return math.nan


#: what an operand can be to a function that is traced
ROLES = ("input", "captured", "plain")


class Signed(NamedTuple):
    """A random function: its first numbers are inputs, captured Values and plain numbers."""

    steps: list[tuple[Any, ...]]
    roles: tuple[str, ...]
    numbers: tuple[float, ...]
    captured: list[sg.Value]  # one for each that is captured, from left to right

    def __call__(self, *inputs: Any) -> Any:
        given, kept = iter(inputs), iter(self.captured)
        known: list[Any] = []
        for role, number in zip(self.roles, self.numbers, strict=True):
            known.append(
                next(given) if role == "input" else next(kept) if role == "captured" else number
            )
        known.append(sum(x for x in known if isinstance(x, sg.Value)) + 0.0)
        result = run(self.steps, known)
        return result if isinstance(result, sg.Value) else known[len(self.roles)] * result

    @property
    def point(self) -> list[float]:
        """The numbers of the inputs."""
        return [x for role, x in zip(self.roles, self.numbers, strict=True) if role == "input"]


@st.composite
def signed_programs(draw: st.DrawFn, numbers: st.SearchStrategy[float] | None = None) -> Signed:
    """Draw a program, and what each of its first four operands is to the function.

    At least one is an input, one is captured.
    """
    drawn = draw(st.lists(numbers or NUMBERS, min_size=4, max_size=4))
    roles = ["input", "captured", *draw(st.lists(st.sampled_from(ROLES), min_size=2, max_size=2))]
    roles = draw(st.permutations(roles))
    captured = [sg.Value(x) for role, x in zip(roles, drawn, strict=True) if role == "captured"]
    return Signed(draw(programs()), tuple(roles), tuple(drawn), captured)


NUMBERS = st.one_of(
    st.floats(-3, 3), st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 1e300, math.inf, math.nan])
)

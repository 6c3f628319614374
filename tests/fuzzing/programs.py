"""Random programs: eager and replayed, with captured Values, branches, batches, to third order."""

from __future__ import annotations

import math
import random
import struct
from typing import Any

import numpy as np
from recorded_programs import BINARY, MANY, UNARY, run

import scalargrad as sg

NUMBERS = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, 1e-3, 1e300, math.inf, math.nan)


def drawn_steps(source: random.Random) -> list[tuple[Any, ...]]:
    """Draw a program: a list of operations on a list of numbers that grows, five at first."""
    steps: list[tuple[Any, ...]] = []
    for known in range(5, 6 + source.randrange(12)):
        kind = source.choice(("unary", "binary", "binary", "many", "number"))
        if kind == "unary":
            steps.append((source.choice(UNARY), source.randrange(known)))
        elif kind == "binary":
            steps.append((source.choice(BINARY), *source.choices(range(known), k=2)))
        elif kind == "many":
            size = source.randint(1, 6)
            lists = [source.choices(range(known), k=size) for _ in range(2)]
            steps.append((source.choice(MANY), *lists))
        else:
            steps.append(("number", source.choice((0.0, 1.0, 2.0, -0.5, 3.0))))
    return steps


def drawn_number(source: random.Random) -> float:
    return source.choice(NUMBERS) if source.random() < 0.2 else source.uniform(-3, 3)


def text(numbers: Any, zero: float = -0.0) -> str:
    """Return numbers bit by bit, but for what a nan carries; with zero=0.0, a 0 has no sign."""
    flat = np.asarray(numbers, dtype=object).ravel()
    floats = [float(x.data if isinstance(x, sg.Value) else x) + zero for x in flat]
    return " ".join("nan" if x != x else struct.pack(">d", x).hex() for x in floats)


def try_program(seed: str) -> str:
    """Run a program eagerly and replayed; return its numbers, which the other engine gives too.

    Raises: `AssertionError` where the replay differs.
    """
    source = random.Random(seed)
    steps = drawn_steps(source)
    captured = [sg.Value(drawn_number(source)), sg.Value(drawn_number(source))]
    plain = drawn_number(source)
    points = [(drawn_number(source), drawn_number(source)) for _ in range(source.randint(1, 9))]

    def function(x: Any, y: Any) -> Any:
        return run(steps, [x, y, *captured, x * plain])

    derived = sg.grad(function)
    second = sg.grad(lambda x, y: derived(x, y) * 1.0)
    third = sg.grad(lambda x, y: second(x, y) * 1.0)
    parts = []
    for name, f in (("value", function), ("first", derived), ("second", second)):
        parts.append(_same_replayed(name, f, points))
    parts.append(text([third(*points[0])], 0.0))
    return " | ".join(parts)


def _same_replayed(name: str, f: Any, points: list[tuple[float, float]]) -> str:
    zero = -0.0 if name == "value" else 0.0  # a gradient at a kink may be either
    right = text([_number(f(sg.Value(x), sg.Value(y))) for x, y in points], zero)
    compiled = sg.compile(f)
    alone = text([compiled(*point) for point in points], zero)
    assert alone == right, f"{name} at one point: replayed {alone}, eager {right}"
    if not _has_products(compiled):
        together = text(compiled(*map(np.array, zip(*points, strict=True))), zero)
        assert together == right, f"{name} in a batch: replayed {together}, eager {right}"
    return right


def _number(result: Any) -> float:
    return float(result.data if isinstance(result, sg.Value) else result)


def _has_products(compiled: Any) -> bool:
    """Tell whether a batch is added up in another order, as matrix products are."""
    from replays import has_products

    return has_products(compiled)

"""Toy data, drawn by a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, TypeAlias

from .. import errors
from ..core.arguments import Seed, generator, number, whole

Dataset: TypeAlias = tuple[list[list[float]], list[int]]


def moons(n: int = 100, noise: float = 0.1, seed: Seed = 0) -> Dataset:
    """Draw two interleaving half circles, of classes 0 and 1.

    >>> inputs, targets = moons(100)
    >>> len(inputs), len(inputs[0]), sorted(set(targets)), sum(targets)
    (100, 2, [0, 1], 50)
    """

    def point(part: float, target: int) -> list[float]:
        x, y = math.cos(math.pi * part), math.sin(math.pi * part)
        return [1.0 - x, 0.5 - y] if target else [x, y]

    return _drawn("moons", n, 2, noise, seed, point, ends=1)


def circles(n: int = 100, noise: float = 0.05, seed: Seed = 0, factor: float = 0.5) -> Dataset:
    """Draw a circle of class 0 and one of class 1 inside it, `factor` times as large.

    >>> inputs, targets = circles(10, noise=0.0)
    >>> sorted({round(math.hypot(*x), 6) for x in inputs})
    [0.5, 1.0]
    """
    factor = number("circles", "factor", factor, "0.5")

    def point(part: float, target: int) -> list[float]:
        radius = factor if target else 1.0
        return [radius * math.cos(math.tau * part), radius * math.sin(math.tau * part)]

    return _drawn("circles", n, 2, noise, seed, point)


def spirals(
    n: int = 100, noise: float = 0.02, seed: Seed = 0, classes: int = 2, turns: float = 1.0
) -> Dataset:
    """Draw one spiral arm a class, from the middle outwards.

    >>> inputs, targets = spirals(90, classes=3)
    >>> [targets.count(target) for target in range(3)]
    [30, 30, 30]
    """
    classes = whole("spirals", "classes", classes)
    turns = number("spirals", "turns", turns)

    def point(part: float, target: int) -> list[float]:
        angle = math.tau * (turns * part + target / classes)
        radius = 0.1 + 0.9 * part
        return [radius * math.cos(angle), radius * math.sin(angle)]

    return _drawn("spirals", n, classes, noise, seed, point, ends=1)


def xor(n: int = 4, noise: float = 0.0, seed: Seed = 0) -> Dataset:
    """Give the corners of the unit square in turn, of class 1 where just one coordinate is 1.

    >>> xor()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    draw, deviation = generator("xor", seed), _deviation("xor", noise)
    corners = [(i >> 1 & 1, i & 1) for i in range(whole("xor", "n", n))]
    inputs = [[_noisy(float(x), deviation, draw) for x in corner] for corner in corners]
    return inputs, [x ^ y for x, y in corners]


def _drawn(
    who: str,
    n: int,
    classes: int,
    noise: float,
    seed: Seed,
    point: Callable[[float, int], list[float]],
    ends: int = 0,
) -> Dataset:
    """Spread n points evenly over the classes' curves, then add noise and shuffle.

    An open curve (`ends` = 1) has a point at either end, a closed one meets itself.
    """
    draw, deviation = generator(who, seed), _deviation(who, noise)
    n, points = whole(who, "n", n), []
    for target in range(min(classes, n)):  # others have no point
        many = (n + classes - 1 - target) // classes
        for step in range(many):
            x = point(step / max(many - ends, 1), target)
            points.append(([_noisy(each, deviation, draw) for each in x], target))
    draw.shuffle(points)
    return [x for x, _ in points], [target for _, target in points]


def _noisy(x: float, deviation: float, draw: random.Random) -> float:
    return x + draw.gauss(0.0, deviation) if deviation else x


def _deviation(who: str, noise: Any) -> float:
    deviation = number(who, "noise", noise, "0.1")
    if not 0.0 <= deviation < math.inf:
        raise errors.InputError(
            errors.unwanted(who, "noise must be at least 0 and finite", noise, "pass e.g. 0.1")
        )
    return deviation

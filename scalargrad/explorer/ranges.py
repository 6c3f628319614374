"""The slider of a value: steps that fit its size, on the side where the expression has a number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..expressions.expression import Expression

#: steps to either side of the value
STEPS = 100


@dataclass(frozen=True)
class Range:
    """Where a slider may go: `start + k * pitch` for k from `first` to `last`."""

    start: float
    pitch: float
    first: int
    last: int

    def plain(self) -> dict[str, Any]:
        """Return it as a message carries it."""
        return dict(vars(self))


def slider_range(formula: Expression, point: Mapping[str, float], name: str) -> Range | None:
    """Return where a slider may move a value; None for one that is not finite.

    A hundred steps to either side, each 1, 2 or 5 of the digit two places behind the first one:
    0.01 moves by 0.0001. Where the expression has no finite number at 0, or none with the other
    sign, as for log(x) and 1/x, the value keeps its sign.

    >>> from ..expressions.expression import expression
    >>> slider_range(expression("x * y"), {"x": 0.01, "y": 2}, "x")
    Range(start=0.01, pitch=0.0001, first=-100, last=100)
    >>> slider_range(expression("1 / x"), {"x": 3}, "x")
    Range(start=3, pitch=0.05, first=-59, last=100)
    """
    start = point[name]
    size = abs(start) or 1.0
    power = 10.0 ** math.floor(math.log10(size)) if math.isfinite(size) else math.inf
    pitch = next((step for step in (1, 2, 5, 10) if step * power >= size), 10) * power / STEPS
    if not (math.isfinite(pitch) and pitch):
        return None
    first, last = -STEPS, STEPS
    if start and not _passes_zero(formula, point, name):
        inside = math.ceil(size / pitch - 1e-9) - 1  # steps that keep the sign
        first, last = (max(first, -inside), last) if start > 0 else (first, min(last, inside))
    return Range(start, pitch, first, last)


def _passes_zero(formula: Expression, point: Mapping[str, float], name: str) -> bool:
    """Tell whether the expression has a number at 0 and with the other sign, if it has one here."""

    def is_finite(value: float) -> bool:
        return math.isfinite(float(formula(**{**point, name: value})))

    start = point[name]
    return not is_finite(start) or (is_finite(0.0) and is_finite(-start))

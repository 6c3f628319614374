"""Nudges of an input: the change of the result, beside what its gradient foretells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..drawing.words import text
from .live_expression import LiveExpression
from .ranges import slider_range

#: steps of the slider, from coarse to fine
STEPS = 100, 10, 1


def nudges(live: LiveExpression, name: str) -> Iterator[dict[str, Any]]:
    """Yield for some δ how the result changes from x to x + δ, and the gradient times δ.

    The change is computed at x + δ itself. Where an input must keep its sign, δ may be negative.
    """
    digits = live.state.digits
    point = {other: value.data for other, value in live.values.items()}
    gradient = live.seen.graph.gradients.get(live.values[name], 0.0)
    span = slider_range(live.formula, point, name)
    for size in STEPS if span is not None else ():
        assert span is not None
        steps = size if size <= span.last else -size
        if steps < span.first:
            continue
        delta = float(_typed(steps * span.pitch))
        typed = _typed(span.start + delta)
        there = float(live.formula(**{**point, name: float(typed)}))
        yield {
            "name": name,
            "delta": text.number(delta, digits),
            "typed": typed,
            "change": text.number(there - live.root.data, digits),
            "linear": text.number(gradient * delta, digits),
        }


def _typed(value: float) -> str:
    """Return a number as one would type it: without the noise of its last bits."""
    return f"{value:.12g}"

"""Central differences of a function of floats, and a verdict on each claimed derivative."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

#: agreement that is asked for, relative to the larger of 1 and the derivative
TOLERANCE = 1e-6
_ROUNDING = 2.0**-52

OK, MISMATCH, KINK = "ok", "MISMATCH", "kink"
ROUGH, INFINITE = "not compared", "not finite"

#: what a verdict means, where it says no more than that
REASONS = {
    KINK: "kink: the slopes of both sides differ; the gradient lies between them",
    ROUGH: "not compared: the function is not smooth enough nearby",
    INFINITE: "not finite: the function or its gradient overflows or is not defined there",
}


class Comparison(NamedTuple):
    """One derivative as claimed and as measured."""

    claimed: float
    measured: float
    verdict: str


class _Measurement(NamedTuple):
    slope: float
    error: float  # estimated: of the formula and of rounding


def compare(
    function: Callable[..., float], point: Sequence[float], claimed: Sequence[float]
) -> list[Comparison]:
    """Compare every claimed partial derivative with central differences at `point`.

    Where the slopes of the two sides differ the verdict is "kink", provided that the claim lies
    between them; where the claim or the function nearby is not finite, "not finite"; where the
    function nearby is too rough for differences, "not compared".

    Maths: (4·d(h/2) − d(h)) / 3 with d(h) = (f(x + h) − f(x − h)) / 2h, over many widths h
    Source: Richardson, The deferred approach to the limit

    >>> [result.verdict for result in compare(lambda x, y: x * y, [2.0, 3.0], [3.0, 2.5])]
    ['ok', 'MISMATCH']
    """
    return [
        _compare(_along(function, point, i), point[i], claim) for i, claim in enumerate(claimed)
    ]


def _along(
    function: Callable[..., float], point: Sequence[float], index: int
) -> Callable[[float], float]:
    """Return the function of one operand alone, the others staying at the point."""

    def along(x: float) -> float:
        return function(*point[:index], x, *point[index + 1 :])

    return along


def _compare(f: Callable[[float], float], x: float, claim: float) -> Comparison:
    if not (math.isfinite(x) and math.isfinite(f(x))):
        return Comparison(claim, math.nan, INFINITE)
    if not math.isfinite(claim):  # right only where there is no finite slope
        slopes = [m.slope for m in _measurements(f, x) if m.error <= TOLERANCE * abs(m.slope)]
        measured = slopes[-1] if slopes else math.nan
        return Comparison(claim, measured, MISMATCH if slopes else INFINITE)
    if sides := _kink(f, x):
        slack = 1e-3 * max(1.0, abs(claim))  # one-sided slopes are rough
        within = sides[0] - slack <= claim <= sides[1] + slack
        return Comparison(claim, (sides[0] + sides[1]) / 2, KINK if within else MISMATCH)
    best = _Measurement(math.nan, math.inf)
    for one in _measurements(f, x):
        if abs(one.slope - best.slope) > 10 * (one.error + best.error):
            continue  # so wide that f turns within it
        best = min(best, one, key=lambda measurement: measurement.error)
        scale = TOLERANCE * max(1.0, abs(claim), abs(one.slope))
        if one.error <= 1e-2 * scale and abs(one.slope - claim) <= scale:
            return Comparison(claim, one.slope, OK)  # near enough not to look on
    if math.isnan(best.slope):  # no width was narrow enough to stay finite
        return Comparison(claim, math.nan, INFINITE)
    scale = TOLERANCE * max(1.0, abs(best.slope))
    if not best.error <= 100 * scale:
        return Comparison(claim, best.slope, ROUGH)
    agree = abs(best.slope - claim) <= scale + 10 * best.error  # rounding inside f hides more
    return Comparison(claim, best.slope, OK if agree else MISMATCH)


def _measurements(f: Callable[[float], float], x: float) -> Iterator[_Measurement]:
    """Measure the slope with widths from narrow to wide, where all is finite."""
    h = _scale(x) * 2.0**-36
    while h <= max(1.0, abs(x)) / 32:
        points = [x - h, x - h / 2, x + h / 2, x + h]  # rounded: so are the widths between them
        values = list(map(f, points))
        far = (values[3] - values[0]) / (points[3] - points[0])
        near = (values[2] - values[1]) / (points[2] - points[1])
        slope = (4 * near - far) / 3
        if all(map(math.isfinite, values)) and math.isfinite(slope):
            noise = 4 * _ROUNDING * max(map(abs, values)) / h
            yield _Measurement(slope, abs(near - far) + noise)
        h *= 16


def _kink(f: Callable[[float], float], x: float) -> tuple[float, float] | None:
    """Return the slopes of both sides, the smaller first, where they differ at any width.

    The slopes of a smooth function approach one another as the width shrinks.
    """
    widths = (2.0**-18, 2.0**-22, 2.0**-32)
    wide, narrow, narrower = (_sides(f, x, _scale(x) * width) for width in widths)
    if not all(map(math.isfinite, (*wide, *narrow, *narrower))):
        return None
    jump, narrower_jump = abs(narrow[1] - narrow[0]), abs(narrower[1] - narrower[0])
    noise, narrower_noise = (
        64 * _ROUNDING * abs(f(x)) / (_scale(x) * width) for width in widths[1:]
    )
    if not 0.75 * jump <= narrower_jump <= 1.5 * jump + narrower_noise:
        return None  # f turns within the width, or is rough
    if jump < 0.75 * abs(wide[1] - wide[0]) or jump <= 1e-3 * max(map(abs, narrow)) + noise:
        return None
    return min(narrow), max(narrow)


def _sides(f: Callable[[float], float], x: float, h: float) -> tuple[float, float]:
    return (f(x) - f(x - h)) / h, (f(x + h) - f(x)) / h


def _scale(x: float) -> float:
    return abs(x) if abs(x) > 1e-290 else 1.0  # no width may become 0

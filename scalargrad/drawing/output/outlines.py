"""Coordinates and round corners, the same in every format that has positions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..layout import measures as m
from ..layout.picture import Position, Shape


def short(number: float) -> str:
    """Return a coordinate with at most one decimal, the same in every process.

    >>> short(12.04), short(3.25)
    ('12', '3.2')
    """
    text = f"{number:.1f}"
    return text[:-2] if text.endswith(".0") else text


def open_edges(frame: Shape) -> list[tuple[Position, ...]]:
    """Return the edges of a frame that goes on in another line: it has no edge at that side.

    >>> open_edges(Shape(5, 5, 10, 10, cut=(False, True)))
    [((10.0, 0.0), (0.0, 0.0), (0.0, 10.0), (10.0, 10.0))]
    """
    left, top, right, bottom = frame.box()
    upper, lower = ((left, top), (right, top)), ((left, bottom), (right, bottom))
    if frame.cut == (True, True):
        return [upper, lower]
    return [(*upper, *lower[::-1])] if frame.cut[0] else [(*upper[::-1], *lower)]


def rounded(points: Sequence[Position]) -> list[tuple[Position, ...]]:
    """Return a line with round corners: its start, then where every piece of it leads.

    A piece is the end of a straight line, or the control point and the end of a quadratic curve.

    >>> rounded([(0, 0), (20, 0), (20, 20)])
    [((0, 0),), ((14.0, 0.0),), ((20, 0), (20.0, 6.0)), ((20, 20),)]
    """
    pieces: list[tuple[Position, ...]] = [(points[0],)]
    for (ax, ay), (bx, by), (cx, cy) in zip(points, points[1:], points[2:], strict=False):
        before, after = math.hypot(bx - ax, by - ay), math.hypot(cx - bx, cy - by)
        cut = min(m.CORNER, before / 2, after / 2)
        if cut < 0.5:
            pieces.append(((bx, by),))
            continue
        start = bx - (bx - ax) / before * cut, by - (by - ay) / before * cut
        end = bx + (cx - bx) / after * cut, by + (cy - by) / after * cut
        pieces += [(start,), ((bx, by), end)]
    return [*pieces, (points[-1],)]

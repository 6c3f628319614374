"""Lines of straight pieces: one beside another, shortened to a rim, with a head at the end."""

from __future__ import annotations

import math
from itertools import pairwise

from . import measures as m
from .picture import Arrow, Position


def without_needless(points: list[Position]) -> list[Position]:
    """Leave out points on a straight line between their neighbours."""
    kept = [points[0]]
    for point, following in pairwise(points[1:]):
        (ax, ay), (bx, by), (cx, cy) = kept[-1], point, following
        if abs((bx - ax) * (cy - by) - (by - ay) * (cx - bx)) > 1e-6 and (bx, by) != (ax, ay):
            kept.append(point)
    return [*kept, points[-1]]


def parallel(points: list[Position], offset: float) -> list[Position]:
    """Return the line at a distance beside another; positive is above a line to the right."""
    normals = []
    for (ax, ay), (bx, by) in pairwise(points):
        length = math.hypot(bx - ax, by - ay) or 1.0
        normals.append(((by - ay) / length, (ax - bx) / length))
    shifted = []
    for index, (x, y) in enumerate(points):
        nx, ny = normals[max(index - 1, 0)]
        ox, oy = normals[min(index, len(normals) - 1)]
        share = offset / (1.0 + nx * ox + ny * oy)
        shifted.append((x + (nx + ox) * share, y + (ny + oy) * share))
    return shifted


def trimmed(
    points: list[Position], start_gap: float, end_gap: float, rim: tuple[Position, bool] | None
) -> list[Position]:
    """Shorten a line at both ends; where it enters an operator, end at the rim."""
    (ax, ay), (bx, by) = points[0], points[1]
    length = math.hypot(bx - ax, by - ay) or 1.0
    points = [
        (ax + (bx - ax) / length * start_gap, ay + (by - ay) / length * start_gap),
        *points[1:],
    ]
    (ax, ay), (bx, by) = points[-2], points[-1]
    length = math.hypot(bx - ax, by - ay) or 1.0
    ux, uy = (bx - ax) / length, (by - ay) / length
    reach = length - end_gap
    if rim is not None:
        (cx, cy), straight = rim
        along, across = (cx - ax) * ux + (cy - ay) * uy, (cx - ax) * uy - (cy - ay) * ux
        radius = m.RADIUS + end_gap
        if straight:
            reach = (cx - end_gap - ax) / ux
        elif abs(across) < radius:
            reach = along - math.sqrt(radius * radius - across * across)
    return [*points[:-1], (ax + ux * reach, ay + uy * reach)]


def arrow_along(points: list[Position], head: float, *, backward: bool) -> Arrow:
    """Return a line whose shaft ends where its head begins."""
    neck = _towards(points[-1], points[-2], head)
    return Arrow((*points[:-1], neck), backward, (neck, points[-1]))


def headed(points: list[Position], away: float) -> Arrow:
    """Return a backward line whose head ends so far before its end."""
    tip = _towards(points[-1], points[-2], away)
    return Arrow(tuple(points), True, (_towards(tip, points[-2], m.BACKWARD_HEAD[0]), tip))


def _towards(start: Position, end: Position, distance: float) -> Position:
    """Return the point at a distance from `start` on the way to `end`, short of it."""
    length = math.hypot(end[0] - start[0], end[1] - start[1]) or 1.0
    share = min(distance / length, 0.8)
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share

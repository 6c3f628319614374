"""Where arrows enter and leave an operator: at angles of a circle, or on levels of a box."""

from __future__ import annotations

import math
from collections.abc import Sequence

from . import measures as m
from .grid import Cell
from .isotonic import isotonic
from .items import Item

_SMALLEST_ANGLE = math.radians(44)  # between two arrows into one circle
_LARGEST_ANGLE = math.radians(58)  # steeper, and an arrow would touch the circle beside


def entries_of(cell: Cell, item: Item) -> list[float]:
    """Return, for each arrow into an operator, its angle on the circle or its level."""
    count = len(cell.before)
    by_level = sorted(range(count), key=lambda i: (cell.before[i].position, cell.ports[i]))
    if item.ordered:  # x - y must not read as y - x
        by_level = sorted(range(count), key=lambda i: cell.ports[i])
    entries = [0.0] * count
    if item.kind == "box":
        levels = [cell.before[index].y - cell.y for index in by_level]
        for index, level in zip(by_level, apart(levels, m.PORT_PITCH, *reach(cell)), strict=True):
            entries[index] = level
        return entries
    if m.is_straight(item):
        for rank, index in enumerate(by_level):
            entries[index] = (rank - (count - 1) / 2) * m.PORT_PITCH
        return entries
    angles, weights = [], []
    for index in by_level:
        rise = cell.before[index].y - cell.y
        level = abs(rise) <= 9.0  # so small a step is no slant: the arrow just enters off-centre
        angles.append(math.asin(rise / m.RADIUS) if level else math.atan2(rise, m.LEG + m.RADIUS))
        weights.append(9.0 if level else 1.0)  # a straight arrow stays straight, others give way
    most = _LARGEST_ANGLE
    spread = apart(angles, _SMALLEST_ANGLE, -most, most, weights)
    for index, angle in zip(by_level, spread, strict=True):
        entries[index] = angle
    return entries


def reach(box: Cell) -> tuple[float, float]:
    """Return between which levels, from its own, arrows may enter or leave a box."""
    assert box.item is not None
    margin = m.PORT_MARGIN if box.item.kind == "box" else m.RADIUS
    half, (up, down) = m.size_of(box.item)[1] / 2 - margin, box.grown
    return -half - up, half + down


def apart(
    targets: Sequence[float],
    least: float,
    lowest: float,
    highest: float,
    weights: Sequence[float] | None = None,
) -> list[float]:
    """Return the numbers nearest to the targets, at least so far apart, within two bounds."""
    shifted = [target - index * least for index, target in enumerate(targets)]
    highest -= (len(targets) - 1) * least  # with the distances taken out
    nearest = isotonic(shifted, weights or [1.0] * len(shifted))
    return [max(lowest, min(highest, mean)) + index * least for index, mean in enumerate(nearest)]

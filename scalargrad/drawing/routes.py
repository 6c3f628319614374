"""From columns with levels to a picture: horizontal positions, and the way of every arrow.

A centre line runs level behind its producer and slants once into the next column; out of a
branch dot the slant comes first. All slants of one gap share its width, so arrows that keep
their order never meet. Forward and backward are the two copies beside the centre line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

from . import measures as m
from .columns import Cell, Column, Grid, Path
from .picture import Blank, Line, Picture, Point, Shape, Text
from .scene import Item, Labels, Scene
from .text import width

_SMALLEST_ANGLE = math.radians(44)  # between two arrows into one circle
_LARGEST_ANGLE = math.radians(58)  # steeper, and an arrow would touch the circle beside


@dataclass(eq=False)
class Span:
    """The horizontal room of one column and of the slants behind it."""

    left: float
    start: float  # where the arrows of leaves begin, behind the names
    right: float
    legs: tuple[float, float] = (0.0, 0.0)


@dataclass(eq=False)
class Router:
    """Turns a grid into a picture."""

    scene: Scene
    grid: Grid
    picture: Picture
    spans: list[Span] = field(default_factory=list)
    column_of: dict[int, int] = field(default_factory=dict)
    entries: dict[int, list[float]] = field(default_factory=dict)  # where arrows enter an operator

    def route(self) -> Picture:
        for index, column in enumerate(self.grid.columns):
            for cell in column.cells:
                self.column_of[id(cell)] = index
        self._measure_columns()
        for column, span in zip(self.grid.columns, self.spans, strict=True):
            for cell in column.cells:
                if cell.item is not None:
                    self._place_item(cell, cell.item, span)
        for path in self.grid.paths:
            self._place_path(path)
        return self.picture

    # -- horizontal positions ------------------------------------------------------------

    def _measure_columns(self) -> None:
        x = 0.0
        columns = self.grid.columns
        for index, column in enumerate(columns):
            following = columns[index + 1] if index + 1 < len(columns) else None
            start = x + _items_width(column)
            span = Span(x, start, start + (_label_width(column) if column.lanes else 0.0))
            self.spans.append(span)
            if following is None:
                break
            start = span.right + (0.0 if column.lanes else _label_width(column))
            span.legs = start, start + _leg_width(following)
            x = span.legs[1]

    # -- items -----------------------------------------------------------------------------

    def _place_item(self, cell: Cell, item: Item, span: Span) -> None:
        picture = self.picture
        if item.is_circled:
            wide, tall = m.size_of(item)
            x = span.left + wide / 2
            picture.shapes.append(Shape(x, cell.y, wide, tall, dashed=item.kind == "folded"))
            size = m.symbol_size(item.text)
            baseline = cell.y + (0.33 if len(item.text) == 1 else 0.3) * size
            picture.texts.append(Text(x, baseline, item.text, "symbol", size))
        elif item.text:
            at_end = item.kind == "result"
            x, anchor = (span.left + 5.0, "start") if at_end else (span.start - 5.0, "end")
            y = cell.y + 0.3 * m.NAME_SIZE
            picture.texts.append(Text(x, y, item.text, "name", m.NAME_SIZE, anchor))  # type: ignore[arg-type]
        if item.stem is not None:
            dot = (span.legs[0], cell.y)
            picture.dots.append(dot)
            points = [(_exit(item, span), cell.y), dot]
            self._draw_pair(points, item.stem, item, None)
            self._write((points[0][0] + dot[0] - m.DOT) / 2, cell.y, item.stem)

    # -- arrows ----------------------------------------------------------------------------

    def _place_path(self, path: Path) -> None:
        source, target = path.cells[0], path.cells[-1]
        span = self.spans[self.column_of[id(source)]]
        assert source.item is not None
        assert target.item is not None
        forked = source.item.stem is not None
        x = span.legs[0] if forked else _exit(source.item, span)
        points = [(x, source.y)]
        for left, right in pairwise(path.cells):
            legs = self.spans[self.column_of[id(left)]].legs
            points.append((legs[0], left.y))
            points.append((legs[1], right.y) if right is not target else self._rim(left, right))
        points = _without_needless(points)
        labels = path.link.labels
        head_at = None
        if len(source.item.links) > 2:  # at the dot itself the heads would hide each other
            head_at = span.legs[1] + m.CORNER
        self._draw_pair(points, labels, None if forked else source.item, target, head_at=head_at)
        if forked:
            lane = path.cells[1]
            lane_span = self.spans[self.column_of[id(lane)]]
            begin = lane_span.start + (m.BACKWARD_HEAD[0] if head_at is not None else 0.0)
            self._write((begin + lane_span.legs[0]) / 2, lane.y, labels)
        else:
            end = next((x for x, y in points[1:][::-1] if y == points[0][1]), points[1][0])
            # in the middle of the level, but not where other arrows slant
            limit = span.legs[0] - _wide(labels) / 2 - 1.0
            self._write(min((x + end) / 2, limit), source.y, labels)

    def _rim(self, left: Cell, right: Cell) -> Point:
        """Return the point of the consumer that the arrow out of `left` enters."""
        item = right.item
        assert item is not None
        start = self.spans[self.column_of[id(right)]].left
        if item.kind == "result":
            return start, left.y
        if id(right) not in self.entries:
            self.entries[id(right)] = _entries(right, item)
        entry = self.entries[id(right)][right.before.index(left)]
        if item.inputs > m.MOST_PORTS_OF_A_CIRCLE:
            return start, right.y + entry
        return start + m.RADIUS * (1 - math.cos(entry)), right.y + m.RADIUS * math.sin(entry)

    def _draw_pair(
        self,
        points: list[Point],
        labels: Labels,
        source: Item | None,
        target: Cell | None,
        *,
        head_at: float | None = None,
    ) -> None:
        """Draw the forward copy of a centre line and, where something flows back, the backward.

        No source means that the line begins at a branch dot, no target that it ends there.
        """
        start_gap = 0.0 if source is not None else m.DOT + 0.8
        if source is not None and source.is_circled:
            start_gap = 1.2
        end_gap = 1.2 if target is not None else m.DOT + 0.8
        rim = self._target_rim(target)
        forward = _trimmed(_beside(points, m.OFFSET), start_gap, end_gap, rim)
        self.picture.lines.append(_arrow(forward, m.FORWARD_HEAD[0], backward=False))
        if labels.backward is not None:
            backward = _trimmed(_beside(points, -m.OFFSET), start_gap, end_gap, rim)[::-1]
            arrow = _arrow(backward, m.BACKWARD_HEAD[0], backward=True)
            self.picture.lines.append(arrow if head_at is None else _headed(backward, head_at))

    def _target_rim(self, target: Cell | None) -> tuple[Point, bool] | None:
        """Return the circle that an arrow enters, or the edge of a tall operator (True)."""
        if target is None or target.item is None or target.item.kind != "operator":
            return None
        left = self.spans[self.column_of[id(target)]].left
        tall = target.item.inputs > m.MOST_PORTS_OF_A_CIRCLE
        return ((left, target.y), True) if tall else ((left + m.RADIUS, target.y), False)

    def _write(self, x: float, y: float, labels: Labels) -> None:
        """Write the texts of an arrow pair at the middle `x` of its level `y`."""
        texts, blanks = self.picture.texts, self.picture.blanks
        away = m.OFFSET + m.BLANK_GAP + m.BLANK_HEIGHT / 2
        if labels.forward_box is not None:
            blanks.append(Blank(x, y - away, labels.forward_box, backward=False))
        elif labels.forward:
            above = y + m.forward_baseline(labels.forward)
            texts.append(Text(x, above, labels.forward, "forward", m.SIZE))
        if labels.backward_box is not None:
            blanks.append(Blank(x, y + away, labels.backward_box, backward=True))
        elif labels.backward is not None:
            texts.append(Text(x, y + m.BACKWARD_BASELINE, labels.backward, "backward", m.SIZE))


def _exit(item: Item, span: Span) -> float:
    """Return where the level behind an item begins."""
    return span.left + m.size_of(item)[0] if item.is_circled else span.start


def _items_width(column: Column) -> float:
    """Return the room that operators and names of a column need."""
    items = [cell.item for cell in column.cells if cell.item is not None]
    operators = [m.size_of(item)[0] for item in items if item.is_circled]
    names = [width(i.text, m.NAME_SIZE) + 6.0 for i in items if i.kind == "leaf" and i.text]
    if operators and names:  # the last bit of a slant reaches into the column
        names.append(max(names) + m.RADIUS)
    return max([*operators, *names], default=0.0)


def _label_width(column: Column) -> float:
    """Return the room for the widest text of a column, and for the heads beside it."""
    widest = max((_wide(cell.labels) for cell in column.cells if cell.labels), default=0.0)
    return widest + 30.0 if column.lanes else max(34.0, widest + 20.0)


def _wide(labels: Labels) -> float:
    forward = m.BLANK_WIDTH if labels.forward_box is not None else width(labels.forward, m.SIZE)
    if labels.backward_box is not None:
        return max(forward, m.BLANK_WIDTH)
    return max(forward, width(labels.backward or "", m.SIZE))


def _leg_width(column: Column) -> float:
    """Return the width of the slants into a column, so that none is too steep."""
    if all(cell.item is not None and cell.item.kind == "result" for cell in column.cells):
        return 12.0
    highest = max((abs(b.y - c.y) for c in column.cells for b in c.before), default=0.0)
    return max(m.LEG, highest / m.STEEPEST)


def _entries(cell: Cell, item: Item) -> list[float]:
    """Return, for each arrow into an operator, its angle on the circle or its level."""
    count = len(cell.before)
    by_level = sorted(range(count), key=lambda i: (cell.before[i].place, cell.ports[i]))
    if item.ordered:  # x - y must not read as y - x
        by_level = sorted(range(count), key=lambda i: cell.ports[i])
    entries = [0.0] * count
    if item.inputs > m.MOST_PORTS_OF_A_CIRCLE:
        for rank, index in enumerate(by_level):
            entries[index] = (rank - (count - 1) / 2) * m.PORT_PITCH
        return entries
    wanted = []
    for index in by_level:
        rise = cell.before[index].y - cell.y
        level = abs(rise) <= 9.0  # so small a step is no slant: the arrow just enters off-centre
        wanted.append(math.asin(rise / m.RADIUS) if level else math.atan2(rise, m.LEG + m.RADIUS))
    for index, angle in zip(by_level, _apart(wanted, _SMALLEST_ANGLE, _LARGEST_ANGLE), strict=True):
        entries[index] = angle
    return entries


def _apart(wanted: list[float], least: float, most: float) -> list[float]:
    """Return the angles nearest to the wanted ones, at least so far apart, between ±most."""
    blocks: list[tuple[float, int]] = []
    for index, angle in enumerate(wanted):
        mean, count = angle - index * least, 1
        while blocks and blocks[-1][0] >= mean:
            other, other_count = blocks.pop()
            mean = (mean * count + other * other_count) / (count + other_count)
            count += other_count
        blocks.append((mean, count))
    flat = [mean for mean, count in blocks for _ in range(count)]
    lowest, highest = -most, most - (len(wanted) - 1) * least  # with the distances taken out
    return [max(lowest, min(highest, mean)) + index * least for index, mean in enumerate(flat)]


def _without_needless(points: list[Point]) -> list[Point]:
    """Leave out points on a straight line between their neighbours."""
    kept = [points[0]]
    for point, following in pairwise(points[1:]):
        (ax, ay), (bx, by), (cx, cy) = kept[-1], point, following
        if abs((bx - ax) * (cy - by) - (by - ay) * (cx - bx)) > 1e-6 and (bx, by) != (ax, ay):
            kept.append(point)
    return [*kept, points[-1]]


def _beside(points: list[Point], offset: float) -> list[Point]:
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


def _trimmed(
    points: list[Point], start_gap: float, end_gap: float, rim: tuple[Point, bool] | None
) -> list[Point]:
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


def _arrow(points: list[Point], head: float, *, backward: bool) -> Line:
    """Return a line whose shaft ends where its head begins."""
    neck = _towards(points[-1], points[-2], head)
    return Line((*points[:-1], neck), backward, (neck, points[-1]))


def _headed(points: list[Point], x: float) -> Line:
    """Return a backward line whose head is not at its end but where it passes `x`."""
    for (bx, by), (ax, ay) in pairwise(points):  # from right to left
        if ax <= x <= bx and ax < bx:
            tip = (x, by + (ay - by) * (bx - x) / (bx - ax))
            return Line(tuple(points), True, (_towards(tip, (bx, by), m.BACKWARD_HEAD[0]), tip))
    return _arrow(points, m.BACKWARD_HEAD[0], backward=True)


def _towards(start: Point, end: Point, distance: float) -> Point:
    """Return the point at a distance from `start` on the way to `end`, short of it."""
    length = math.hypot(end[0] - start[0], end[1] - start[1]) or 1.0
    share = min(distance / length, 0.8)
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def draw_routes(scene: Scene, grid: Grid) -> Picture:
    """Return the picture of a scene whose grid has its levels."""
    picture = Router(scene, grid, Picture(scene.title, scene.summary)).route()
    picture.fit()
    if scene.title:
        x = (picture.box[0] + picture.box[2]) / 2
        picture.texts.append(Text(x, picture.box[1] + 6.0, scene.title, "title", m.NAME_SIZE))
    if scene.note:
        x = picture.box[0] + m.MARGIN
        picture.texts.append(Text(x, picture.box[3] + 8.0, scene.note, "note", 13.0, "start"))
    if scene.title or scene.note:
        picture.fit()
    return picture

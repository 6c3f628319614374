"""From columns with levels to a picture: horizontal positions, and the way of every arrow.

A centre line runs level behind its producer and slants once into the next column; out of a
branch dot the slant comes first. All slants of one gap share its width, so arrows that keep
their order never meet. Forward and backward are the two copies beside the centre line.

The line bends only where a dummy cell stands, as in Sugiyama's drawings; a slant of its own before
every column is what the book draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise

from ..words.text import width
from ..words.wording import Labels
from . import measures as m
from .frame_titles import clear_title
from .grid import Border, Cell, Column, Grid, Route
from .items import Frame, Item, Scene
from .picture import Blank, Dot, Picture, Position, Shape, Text
from .polylines import arrow_along, headed, parallel, trimmed, without_needless
from .ports import apart, entries_of, reach

_JOG = 0.3  # so little is no step: an arrow stays level
_HEADS_APART = math.radians(36)  # nearer, and of two heads at a dot one hides the other


@dataclass(eq=False)
class Span:
    """The horizontal room of one column and of the slants behind it."""

    left: float
    start: float  # where the arrows of leaves begin, behind the names
    right: float
    legs: tuple[float, float] = (0.0, 0.0)
    pad: float = 0.0  # between the items and their texts: room for the edges of frames


@dataclass(eq=False)
class Router:
    """Turns a grid into a picture."""

    scene: Scene
    grid: Grid
    picture: Picture
    spans: list[Span] = field(default_factory=list)
    column_of: dict[int, int] = field(default_factory=dict)
    entries: dict[int, list[float]] = field(default_factory=dict)  # where arrows enter an operator
    outlets: dict[int, list[float]] = field(default_factory=dict)  # where they leave a box

    def route(self) -> Picture:
        for index, column in enumerate(self.grid.columns):
            for cell in column.cells:
                self.column_of[id(cell)] = index
        self.measure_columns()
        for column, span in zip(self.grid.columns, self.spans, strict=True):
            for cell in column.cells:
                if cell.item is not None:
                    self._place_item(cell, cell.item, span)
        for route in self.grid.routes:
            self._place_route(route)
        borders = self.grid.borders
        for upper, lower in zip(borders[::2], borders[1::2], strict=True):
            self._place_frame(upper, lower)
        return self.picture

    # -- horizontal positions ------------------------------------------------------------

    def measure_columns(self) -> None:
        """Give every column its horizontal room."""
        x = 0.0
        columns = self.grid.columns
        for index, column in enumerate(columns):
            following = columns[index + 1] if index + 1 < len(columns) else None
            x += m.beside(self.framed(index, first=True))
            start = x + _items_width(column)
            pad = m.beside(self.framed(index, first=False))
            right = start + (_label_width(column) if column.lanes else 0.0)
            span = Span(x, start, right, pad=pad)
            self.spans.append(span)
            if following is None:
                break
            start = span.right + pad + (0.0 if column.lanes else _label_width(column))
            span.legs = start, start + _leg_width(following)
            x = span.legs[1]

    def framed(self, index: int, *, first: bool) -> int:
        """Return how many frames begin, or end, at a column."""
        borders = self.grid.borders[::2]
        ends = (b.first if first else b.first + len(b.cells) - 1 for b in borders)
        return sum(end == index for end in ends)

    def _place_frame(self, upper: Border, lower: Border) -> None:
        """Draw the frame between its two edges, unless something foreign stands in it."""
        first, last = upper.first, upper.first + len(upper.cells) - 1
        inner = [
            border for border in self.grid.borders[::2]
            if border is not upper and upper.frame in self._around(border)
        ]  # fmt: skip
        inside = sum(border.first == first for border in inner)
        after = sum(border.first + len(border.cells) - 1 == last for border in inner)
        left = self.spans[first].left - m.FRAME_EDGE - m.FRAME_PAD * inside
        items = [c.item for c in self.grid.columns[last].cells if c.item and c.item.is_shaped]
        width = max((m.size_of(item)[0] for item in items), default=0.0)
        right = self.spans[last].left + width + m.FRAME_EDGE
        if upper.frame.cut[1] and last == len(self.spans) - 1:
            right = self._right_edge()
        right += m.FRAME_PAD * after
        if len({cell.y for cell in upper.cells}) > 1 or len({cell.y for cell in lower.cells}) > 1:
            return  # there was no room for straight edges
        top, bottom = upper.cells[0].y, lower.cells[0].y
        shape = Shape((left + right) / 2, (top + bottom) / 2, right - left, bottom - top,
                      corner=m.BOX_CORNER, cut=upper.frame.cut)  # fmt: skip
        self.picture.frames.append(shape)
        if not upper.frame.title:
            return
        y = top + m.FRAME_TITLE_SIZE + 2.0
        title = Text(left + 8.0, y, upper.frame.title, "frame title", m.FRAME_TITLE_SIZE, "start")
        if title.box()[2] > right - 4.0:
            title = replace(title, content=upper.frame.short)
        self.picture.texts.append(clear_title(title, right, self.picture))

    def _right_edge(self) -> float:
        """Return where the tags at the end of a line end."""
        tags = [cell.item for cell in self.grid.columns[-1].cells if cell.item is not None]
        return self.spans[-1].left + max(map(m.tag_width, tags)) + 2 * m.TAG_GAP

    def _around(self, border: Border) -> tuple[Frame, ...]:
        """Return the frames that a frame stands in."""
        return next((cell.frames for cell in border.cells if cell.frames), ())

    # -- items -----------------------------------------------------------------------------

    def _place_item(self, cell: Cell, item: Item, span: Span) -> None:
        picture = self.picture
        if item.is_shaped:
            self._place_shape(cell, item, span)
        elif item.kind == "branch":
            shift = m.OFFSET if item.links[0].labels.backward is None else 0.0
            picture.dots.append(Dot(span.left + m.DOT, cell.y - shift, item.about))
        elif item.ringed:
            self._place_ring(cell, item, span)
        elif item.text:
            at_end = item.kind in ("result", "beyond") or _ends_a_line(item)
            x, anchor = (span.left + 5.0, "start") if at_end else (span.start - 5.0, "end")
            y = cell.y + 0.3 * m.NAME_SIZE
            alone = cell.labels is not None and cell.labels.backward is None
            if alone or (item.kind == "tag" and item.fixed):
                y -= m.OFFSET  # beside the only arrow, not between two
            name = Text(x, y, item.text, "name", m.NAME_SIZE, anchor, item.about)  # type: ignore[arg-type]
            picture.texts.append(name)
        if item.stem is not None:
            dot = (span.legs[0], cell.y)
            about = item.stem_about
            shift = m.OFFSET if item.stem.backward is None else 0.0  # on the only line
            picture.dots.append(Dot(dot[0], dot[1] - shift, about))
            points = [(_exit(item, span), cell.y), dot]
            self._draw_pair(points, item.stem, item, None, about=about)
            start = points[0][0] + span.pad
            self._write((start + dot[0] - m.DOT) / 2, cell.y, item.stem, about)

    def _place_ring(self, cell: Cell, tag: Item, span: Span) -> None:
        """Draw the letter in a ring where an arrow leaves a line, or comes from another one."""
        wide, tall = m.tag_width(tag), 2 * m.TAG_RADIUS
        away = m.TAG_GAP + wide / 2
        x = span.left + away if _ends_a_line(tag) else span.start - away
        y = cell.y - (m.OFFSET if tag.fixed else 0.0)  # beside the only arrow
        self.picture.shapes.append(Shape(x, y, wide, tall, corner=m.TAG_RADIUS))
        rise = m.SIGN_MIDDLE if len(tag.text) == 1 else 0.3
        baseline = y + rise * m.TAG_SIZE
        self.picture.texts.append(Text(x, baseline, tag.text, "symbol", m.TAG_SIZE))

    def _place_shape(self, cell: Cell, item: Item, span: Span) -> None:
        """Draw an outline with what is written in it."""
        texts, about = self.picture.texts, item.about
        wide, tall = m.size_of(item)
        up, down = cell.grown
        tall += up + down
        x, y = span.left + wide / 2, cell.y + (down - up) / 2
        corner = m.BOX_CORNER if item.kind == "box" else m.RADIUS
        dashed = item.kind == "folded"
        self.picture.shapes.append(Shape(x, y, wide, tall, dashed, corner, about, item.idle))
        if item.under is not None:
            for word, style, below in zip(
                item.under, ("symbol", "mirror"), (-3.0, 10.0), strict=True
            ):
                size = m.UNDER_SIZE + 4.0 * (word == "+")
                texts.append(Text(x, y + below, word, style, size, about=about))  # type: ignore[arg-type]
        elif item.kind == "box":
            lines = m.title_lines(item.text)
            first = y + 0.33 * m.WORD_SIZE - m.LINE * (len(lines) - 1) / 2
            for number, line in enumerate(lines):
                baseline = first + m.LINE * number
                texts.append(Text(x, baseline, line, "symbol", m.WORD_SIZE, about=about))
        else:
            size = m.symbol_size(item.text)
            baseline = y + (m.SIGN_MIDDLE if len(item.text) == 1 else 0.3) * size
            texts.append(Text(x, baseline, item.text, "symbol", size, about=about))

    # -- arrows ----------------------------------------------------------------------------

    def _place_route(self, route: Route) -> None:
        source, target = route.cells[0], route.cells[-1]
        span = self.spans[self.column_of[id(source)]]
        assert source.item is not None
        assert target.item is not None
        has_stem = source.item.stem is not None
        from_dot = has_stem or (source.item.kind == "branch" and source.item.under is None)
        forked = len(source.item.links) > 1
        x = span.legs[0] if has_stem else _exit(source.item, span)
        x = span.left + m.DOT if from_dot and not has_stem else x
        points = [(x, source.y)]
        if not from_dot and (source.item.kind == "box" or m.forks_at_ports(source.item)):
            points = [(x, self._outlet(source, route.cells[1]))]
        for left, right in pairwise(route.cells):
            legs = self._legs_between(left, right)
            if not (left is source and from_dot):  # out of a dot the slant comes first
                points.append((legs[0], points[0][1] if left is source else left.y))
            points.append((legs[1], right.y) if right is not target else self._rim(left, right))
        points = without_needless(points)
        labels, about = route.link.labels, route.link.about
        away = self._away(source, route.cells[1], span.legs[1] - x) if from_dot and forked else 0.0
        start = None if from_dot else source.item
        self._draw_pair(points, labels, start, target, about=about, away=away)
        if forked:
            lane = route.cells[1]
            lane_span = self.spans[self.column_of[id(lane)]]
            self._write((lane_span.start + lane_span.legs[0]) / 2, lane.y, labels, about)
        else:
            end = next((x for x, y in points[1:][::-1] if y == points[0][1]), points[1][0])
            # in the middle of the level, but not where other arrows slant
            limit = span.legs[0] - m.labels_width(labels) / 2 - 1.0
            middle = (x + span.pad + end) / 2
            self._write(min(middle, limit), points[0][1], labels, about)

    def _legs_between(self, left: Cell, right: Cell) -> tuple[float, float]:
        """Return where the slants between two cells of a route begin and end."""
        rises, falls = left.kind == "below", right.kind == "below"
        index = self.column_of[id(right)] - 1 if rises else self.column_of[id(left)]
        start, end = self.spans[index].legs
        return start, end - m.CORNER - m.OFFSET if rises or falls else end  # it is steep

    def _away(self, dot: Cell, lane: Cell, wide: float) -> float:
        """Return how far from a dot the head of a fork ends: 0 unless it would hide another one."""
        away, before = 0.0, -math.inf
        for fork in sorted(dot.after, key=lambda cell: cell.position):
            angle = math.atan2(fork.y - dot.y, wide)
            away = m.BACKWARD_HEAD[0] if not away and angle - before < _HEADS_APART else 0.0
            before = angle
            if fork is lane:
                break
        return away

    def _outlet(self, box: Cell, lane: Cell) -> float:
        """Return the level at which an arrow leaves a box: its own, as far as the box reaches."""
        assert box.item is not None
        if lane.kind != "lane":
            return box.y
        after = box.after
        if id(box) not in self.outlets:
            levels = [cell.y - box.y for cell in sorted(after, key=lambda cell: cell.position)]
            self.outlets[id(box)] = apart(levels, m.PORT_PITCH, *reach(box))
        outlet = sorted(after, key=lambda cell: cell.position).index(lane)
        level = box.y + self.outlets[id(box)][outlet]
        return lane.y if abs(level - lane.y) < _JOG else level

    def _rim(self, left: Cell, right: Cell) -> Position:
        """Return the point of the consumer that the arrow out of `left` enters."""
        item = right.item
        assert item is not None
        start = self.spans[self.column_of[id(right)]].left
        dot = item.kind == "branch" and item.under is None
        if dot or item.kind in ("result", "beyond", "tag"):
            return start, left.y
        if id(right) not in self.entries:
            self.entries[id(right)] = entries_of(right, item)
        entry = self.entries[id(right)][right.before.index(left)]
        if item.kind == "box" and abs(right.y + entry - left.y) < _JOG:
            return start, left.y
        if m.is_straight(item):
            return start, right.y + entry
        return start + m.RADIUS * (1 - math.cos(entry)), right.y + m.RADIUS * math.sin(entry)

    def _draw_pair(
        self,
        points: list[Position],
        labels: Labels,
        source: Item | None,
        target: Cell | None,
        *,
        about: str = "",
        away: float = 0.0,
    ) -> None:
        """Draw the forward copy of a centre line and, where something flows back, the backward.

        No source means that the line begins at a branch dot, no target that it ends there.
        """
        start_gap = 0.0 if source is not None else m.DOT + 0.8
        if source is not None and source.is_shaped:
            start_gap = 1.2
        end_gap = 1.2 if target is not None else m.DOT + 0.8
        rim = self._target_rim(target)
        forward = trimmed(parallel(points, m.OFFSET), start_gap, end_gap, rim)
        line = arrow_along(forward, m.FORWARD_HEAD[0], backward=False)
        self.picture.arrows.append(replace(line, about=about))
        if labels.backward is not None:
            backward = trimmed(parallel(points, -m.OFFSET), start_gap, end_gap, rim)[::-1]
            arrow = arrow_along(backward, m.BACKWARD_HEAD[0], backward=True)
            arrow = headed(backward, away) if away else arrow
            stroke = arrow.stroke if labels.stroke is None else round(labels.stroke, 1)
            self.picture.arrows.append(replace(arrow, about=about, stroke=stroke))

    def _target_rim(self, target: Cell | None) -> tuple[Position, bool] | None:
        """Return the circle that an arrow enters, or the edge of a tall operator (True)."""
        if target is None or target.item is None or not target.item.is_shaped:
            return None
        left = self.spans[self.column_of[id(target)]].left
        tall = m.is_straight(target.item)
        return ((left, target.y), True) if tall else ((left + m.RADIUS, target.y), False)

    def _write(self, x: float, y: float, labels: Labels, about: str) -> None:
        """Write the texts of an arrow pair at the middle `x` of its level `y`."""
        texts, blanks = self.picture.texts, self.picture.blanks
        away = m.OFFSET + m.BLANK_GAP + m.BLANK_HEIGHT / 2
        if labels.forward_box is not None:
            blanks.append(Blank(x, y - away, labels.forward_box, backward=False, about=about))
        elif labels.forward:
            for line, level in m.forward_lines(labels.forward):
                texts.append(Text(x, y + level, line, "forward", m.SIZE, about=about))
        if labels.backward_box is not None:
            blanks.append(Blank(x, y + away, labels.backward_box, backward=True, about=about))
        elif labels.backward:
            for line, level in m.backward_lines(labels.backward):
                texts.append(Text(x, y + level, line, "backward", m.SIZE, about=about))


def _ends_a_line(item: Item) -> bool:
    """Tell whether an arrow goes on from here in another line."""
    return item.kind == "tag" and not item.links


def _exit(item: Item, span: Span) -> float:
    """Return where the level behind an item begins."""
    shaped = item.is_shaped or item.kind == "branch"
    return span.left + m.size_of(item)[0] if shaped else span.start


def _items_width(column: Column) -> float:
    """Return the room that operators and names of a column need."""
    items = [cell.item for cell in column.cells if cell.item is not None]
    operators = [m.size_of(item)[0] for item in items if item.is_shaped or item.kind == "branch"]
    names = [width(i.text, m.NAME_SIZE) + 6.0 for i in items if i.kind == "leaf" and i.text]
    names += [m.tag_width(i) + 6.0 for i in items if i.kind == "tag" and i.links]
    if operators and names:  # the last bit of a slant reaches into the column
        names.append(max(names) + m.RADIUS)
    return max([*operators, *names], default=0.0)


def _label_width(column: Column) -> float:
    """Return the room for the widest text of a column, and for the heads beside it."""
    labels = [cell.labels for cell in column.cells if cell.labels]
    if not labels and not column.lanes and any(cell.item for cell in column.cells):
        ports = (cell.item for cell in column.cells if cell.item and len(cell.item.links) > 1)
        return 17.0 if any(item.is_shaped for item in ports) else 8.0  # forks begin at once
    widest = max(map(m.labels_width, labels), default=0.0)
    return widest + 30.0 if column.lanes else max(34.0, widest + 20.0)


def _leg_width(column: Column) -> float:
    """Return the width of the slants into a column, so that none is too steep."""
    ends = ("result", "beyond", "tag")
    if all(
        cell.kind in ("top", "bottom") or (cell.item is not None and cell.item.kind in ends)
        for cell in column.cells
    ):
        return 12.0
    highest = max(
        (abs(b.y - c.y) for c in column.cells if c.kind not in ("top", "bottom") for b in c.before),
        default=0.0,
    )
    return max(m.LEG, highest / m.STEEPEST)


def draw_routes(scene: Scene, grid: Grid) -> Picture:
    """Return the picture of a scene whose grid has its levels."""
    picture = Router(scene, grid, Picture(scene.title, scene.summary)).route()
    caption(picture, scene)
    return picture


def rank_starts(grid: Grid) -> list[float]:
    """Return where the column of each rank begins, and where all ends."""
    router = Router(Scene([], None, "", "", ""), grid, Picture("", ""))
    router.measure_columns()
    starts = [
        span.left - m.beside(router.framed(index, first=True))
        for index, (column, span) in enumerate(zip(grid.columns, router.spans, strict=True))
        if not column.lanes
    ]
    return [*starts, router.spans[-1].right]


def caption(picture: Picture, scene: Scene) -> None:
    """Write title and note around what is drawn."""
    picture.fit()
    if scene.title:
        x = (picture.box[0] + picture.box[2]) / 2
        picture.texts.append(Text(x, picture.box[1] + 6.0, scene.title, "title", m.NAME_SIZE))
    if scene.note:
        x = picture.box[0] + m.MARGIN
        picture.texts.append(Text(x, picture.box[3] + 8.0, scene.note, "note", 13.0, "start"))
    if scene.title or scene.note:
        picture.fit()

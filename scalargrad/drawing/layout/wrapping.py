"""A picture as wide as it may be: a long graph goes on in the next line, as music does."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from . import measures as m
from .breaking import LINE, breaks, costs_of
from .columns import arrange, arrange_line
from .grid import Grid
from .heights import settle
from .items import Scene
from .picture import Arrow, Picture, Position
from .routes import caption, draw_routes, rank_starts
from .splitting import Split, write_letters

#: on paper with so much room for a picture, its values have 6 points
PAPER = 1050.0, 1575.0
#: a picture is not wrapped by itself where a line ends in more tags, or where it has more items
MOST_TAGS, MANY = 6, 1000
#: what margins and tags add to the columns of a line, about; and how often lines are broken
EDGES, TRIES = 110.0, 12


def wrapped(scene: Scene, width: float | None) -> tuple[Picture, list[int]]:
    """Return a picture in lines of a width, and the ranks behind which they end.

    Without a width it is wrapped where it is too wide for a page, few arrows are cut, and its type
    is larger on the page then.
    """
    grid = arrange(scene)
    whole = _drawn(scene, [grid])
    widest = PAPER[0] if width is None else width
    if _wide(whole) <= widest or (width is None and len(scene.items) > MANY):
        return whole, []
    ends = _ends(scene, rank_starts(grid), widest)
    if not ends:
        return whole, []
    split = Split(scene, ends)
    picture = _drawn(scene, _lines(split))
    if width is None and not _is_better(split, whole, picture):
        return whole, []
    return picture, ends


def wrapped_like(scene: Scene, plain: Scene, width: float | None) -> Picture:
    """Return the picture of a scene in the lines of another one, which differs in its texts."""
    _, ends = wrapped(plain, width)
    grid = arrange(scene)
    return _drawn(scene, _lines(Split(scene, ends)) if ends else [grid])


def _ends(scene: Scene, starts: Sequence[float], width: float) -> list[int]:
    """Return the ranks behind which few lines end that are not wider, or not much."""
    costs, widths = costs_of(scene.items), _Widths(starts)
    best: tuple[tuple[float, float], list[int]] | None = None
    for _ in range(TRIES):
        ends = breaks(widths.wide, costs, width)
        spans = list(pairwise([0, *(end + 1 for end in ends), len(costs)]))
        new = [span not in widths.known for span in spans]
        if any(new):
            for unknown, span, line in zip(new, spans, Split(scene, ends).lines(), strict=True):
                if unknown:
                    widths.learn(*span, _wide(_line(arrange_line(line))))
        widest = max(width, *(widths.known[span] for span in spans))
        quality = widest, sum(LINE + costs[end] for end in ends)
        if best is None or quality < best[0]:
            best = quality, ends
        if not any(new):
            break
    assert best is not None
    return best[1]


class _Widths:
    """How wide lines are: those that were tried, and what others may be.

    A line alone is mostly narrower than its columns in the whole picture: how much is learnt.
    """

    def __init__(self, starts: Sequence[float]) -> None:
        self.known: dict[tuple[int, int], float] = {}
        self.starts = list(starts)

    def wide(self, start: int, end: int) -> float:
        """Return the width of a line from a rank up to another one, without it."""
        columns = self.starts[end] - self.starts[start]
        return self.known.get((start, end), columns + EDGES)

    def learn(self, start: int, end: int, wide: float) -> None:
        """Note how wide a line is; its columns take as much in others."""
        self.known[start, end] = wide
        left, right = self.starts[start], self.starts[end]
        part = max(1.0, wide - EDGES) / max(1.0, right - left)
        columns = [end - start for start, end in pairwise(self.starts)]
        columns[start:end] = [part * one for one in columns[start:end]]
        self.starts = list(accumulate(columns, initial=0.0))


def _is_better(split: Split, whole: Picture, lines: Picture) -> bool:
    """Tell whether a careful hand would wrap a picture that has to fit a page."""
    leaving = Counter(split.line_of[id(cut.source)] for cut in split.cuts)
    return max(leaving.values(), default=0) <= MOST_TAGS and _scale(lines) > _scale(whole)


def _scale(picture: Picture) -> float:
    """Return how large a picture may be on a page."""
    left, top, right, bottom = picture.box
    return min(PAPER[0] / (right - left), PAPER[1] / (bottom - top))


def _wide(picture: Picture) -> float:
    return math.floor(10 * (picture.box[2] - picture.box[0])) / 10


def _lines(split: Split) -> list[Grid]:
    """Return the columns of every line of a scene that has its ranks."""
    grids = [arrange_line(line) for line in split.lines()]
    write_letters(split.cuts, grids)
    return grids


def _drawn(scene: Scene, grids: Sequence[Grid]) -> Picture:
    """Return the picture of a scene that has its columns, line by line."""
    if len(grids) > 1:
        return _stacked(scene, [_line(grid) for grid in grids])
    settle(grids[0])
    return draw_routes(scene, grids[0])


def _line(grid: Grid) -> Picture:
    settle(grid)
    return draw_routes(Scene([], None, "", "", ""), grid)


def _stacked(scene: Scene, lines: Sequence[Picture]) -> Picture:
    """Return a picture of lines, one below the other."""
    picture, bottom = Picture(scene.title, scene.summary), 0.0
    for line in lines:
        left, top, _, low = line.box
        _add(picture, line, -left, bottom - top)
        bottom += low - top + m.LINE_GAP
    caption(picture, scene)
    return picture


def _add(picture: Picture, line: Picture, dx: float, dy: float) -> None:
    """Add what is drawn in a line, moved to its place."""
    for name in ("frames", "shapes", "dots", "texts", "blanks"):
        getattr(picture, name).extend(
            replace(thing, x=thing.x + dx, y=thing.y + dy) for thing in getattr(line, name)
        )
    picture.arrows += [_moved(arrow, dx, dy) for arrow in line.arrows]


def _moved(arrow: Arrow, dx: float, dy: float) -> Arrow:
    def moved(point: Position) -> Position:
        return point[0] + dx, point[1] + dy

    neck, tip = arrow.head
    return replace(arrow, points=tuple(map(moved, arrow.points)), head=(moved(neck), moved(tip)))

"""The grid of a picture: columns of cells, and the way of each arrow through them.

Between the column of rank r and the next there is a column of lanes where a value of rank r
branches: there each fork has a level of its own. An arrow that only passes gets a dummy cell.

Source: K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system
structures", 1981: dummies on long arrows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from ..words.wording import Labels
from .items import Frame, Item, Link, Scene

#: an arrow over more ranks than that is long, where arrows pass so many columns in all
LONG, MANY = 20, 60_000


@dataclass(eq=False, slots=True)
class Cell:
    """A slot of a column: an item, a lane of a branch, a passing arrow, an edge of a frame.

    What is `below` stands in no column: there an arrow passes many of them, below all others.
    """

    kind: Literal["item", "lane", "dummy", "top", "bottom", "below"]
    item: Item | None = None
    frames: tuple[Frame, ...] = ()
    outlet: float = 0.0  # of a lane: how far below the middle of a box it begins, in lanes
    labels: Labels | None = None  # what is written on the level behind this cell
    before: list[Cell] = field(default_factory=list)
    after: list[Cell] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)  # for an item: the port of each `before`
    position: int = 0  # from the top of its column
    y: float = 0.0
    grown: tuple[float, float] = (0.0, 0.0)  # how much further a box reaches up and down


@dataclass(eq=False)
class Column:
    """Cells from top to bottom."""

    cells: list[Cell] = field(default_factory=list)
    lanes: bool = False


@dataclass(eq=False, slots=True)
class Route:
    """The cells that one link runs through, from its source to its target."""

    link: Link
    cells: list[Cell]


@dataclass(eq=False)
class Border:
    """The upper or the lower edge of a frame: a cell in each of its columns."""

    frame: Frame
    first: int  # column
    cells: list[Cell]


@dataclass(eq=False)
class Grid:
    """Columns from left to right, and the way of each link through them."""

    columns: list[Column]
    routes: list[Route]
    cell_of: dict[int, Cell]  # id of an item -> its cell
    borders: list[Border] = field(default_factory=list)  # upper and lower in turn, outer first


def build(scene: Scene) -> Grid:
    """Return the grid of a scene, its cells in no order yet."""
    ranks = max(item.rank for item in scene.items) + 1
    branching = {item.rank for item in scene.items if len(item.links) > 1}
    columns: list[Column] = []
    item_column: list[int] = []  # rank -> index of its column
    lane_column: dict[int, int] = {}
    for rank in range(ranks):
        item_column.append(len(columns))
        columns.append(Column())
        if rank in branching:
            lane_column[rank] = len(columns)
            columns.append(Column(lanes=True))
    # a leaf of one use stands beside the forks of its rank, nearer to its consumer
    home = {
        id(item): lane_column[item.rank]
        if item.is_end and item.stem is None and item.rank in lane_column
        else item_column[item.rank]
        for item in scene.items
    }
    cell_of = {}
    for item in scene.items:
        cell = Cell("item", item, item.frames)
        cell_of[id(item)] = cell
        if item.stem is not None:
            cell.labels = item.stem
        elif len(item.links) == 1:
            cell.labels = item.links[0].labels
        columns[home[id(item)]].cells.append(cell)
    routes = []
    spans = spans_of(columns)
    longest = _longest(scene)
    for item in scene.items:
        for link in item.links:
            cells = [cell_of[id(item)]]
            first, last = home[id(item)] + 1, home[id(link.target)]
            below = range(last, last)
            if link.target.rank - item.rank > longest and not (item.frames or link.target.frames):
                below = range(item_column[item.rank + 1] + 1, item_column[link.target.rank - 1])
            for index in range(first, last):
                if index in below:
                    if index == below.start:
                        cells.append(Cell("below"))
                    continue
                frames = _frames_between(item.frames, link.target.frames, index, spans)
                cell = Cell("dummy", frames=frames)
                if len(item.links) > 1 and index == lane_column[item.rank]:
                    cell = Cell("lane", frames=frames, labels=link.labels)
                    cell.outlet = link.outlet - (item.outlets - 1) / 2
                columns[index].cells.append(cell)
                cells.append(cell)
            cells.append(cell_of[id(link.target)])
            for left, right in pairwise(cells):
                if "below" not in (left.kind, right.kind):
                    left.after.append(right)
                    right.before.append(left)
            cells[-1].ports.append(link.port)
            routes.append(Route(link, cells))
    return Grid(columns, routes, cell_of)


def _longest(scene: Scene) -> int:
    """Return how many ranks an arrow may pass in columns; longer ones pass below."""
    passed = sum(link.target.rank - item.rank for item in scene.items for link in item.links)
    return LONG if passed > MANY else passed


def spans_of(columns: list[Column]) -> dict[Frame, tuple[int, int]]:
    """Return the first and the last column of every frame."""
    spans: dict[Frame, tuple[int, int]] = {}
    for index, column in enumerate(columns):
        for cell in column.cells:
            for frame in cell.frames:
                spans[frame] = spans.get(frame, (index, index))[0], index
    return spans


def _frames_between(
    source: tuple[Frame, ...],
    target: tuple[Frame, ...],
    index: int,
    spans: dict[Frame, tuple[int, int]],
) -> tuple[Frame, ...]:
    """Return the frames in which an arrow passes a column.

    It leaves frames at their right edge and enters others at their left edge.
    """
    shared = tuple(a for a, b in zip(source, target, strict=False) if a is b)
    entered = tuple(frame for frame in target[len(shared) :] if spans[frame][0] <= index)
    left = tuple(frame for frame in source[len(shared) :] if index <= spans[frame][1])
    return shared + (entered or left)


def sort_column(column: Column, key: Callable[[Cell], float]) -> None:
    """Sort the cells of a column; those of one frame stay together, at their mean."""
    keys = {id(cell): key(cell) for cell in column.cells}
    if not any(cell.frames for cell in column.cells):
        column.cells.sort(key=lambda cell: keys[id(cell)])  # stable: ties keep their order
        return
    groups: dict[Frame, list[int]] = {}
    for position, cell in enumerate(column.cells):
        for frame in cell.frames:
            groups.setdefault(frame, []).append(position)

    def mean(positions: list[int]) -> float:
        total = 0.0
        for position in positions:
            total += keys[id(column.cells[position])]
        return total / len(positions)

    means = {frame: (mean(positions), positions[0]) for frame, positions in groups.items()}
    full = {
        id(cell): [*(means[frame] for frame in cell.frames), (keys[id(cell)], position)]
        for position, cell in enumerate(column.cells)
    }
    column.cells.sort(key=lambda cell: full[id(cell)])


def number(columns: list[Column]) -> None:
    """Tell all cells their position."""
    for column in columns:
        for position, cell in enumerate(column.cells):
            cell.position = position

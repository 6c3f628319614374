"""From a scene to columns: long arrows get a cell in every column, crossings are reduced.

Between the column of rank r and the next there is a column of lanes where a value of rank r
branches: there each fork has a level of its own. An arrow that only passes gets a dummy cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from .scene import Item, Labels, Link, Scene

SWEEPS = 24


@dataclass(eq=False)
class Cell:
    """A place in a column: an item, a lane behind a branch dot, or a passing arrow."""

    kind: Literal["item", "lane", "dummy"]
    item: Item | None = None
    labels: Labels | None = None  # what is written on the level behind this cell
    before: list[Cell] = field(default_factory=list)
    after: list[Cell] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)  # for an item: the port of each `before`
    place: int = 0  # from the top of its column
    y: float = 0.0


@dataclass(eq=False)
class Column:
    """Cells from top to bottom."""

    cells: list[Cell] = field(default_factory=list)
    lanes: bool = False


@dataclass(eq=False)
class Path:
    """The cells that one link runs through, from its source to its target."""

    link: Link
    cells: list[Cell]


@dataclass(eq=False)
class Grid:
    """Columns from left to right, and the way of each link through them."""

    columns: list[Column]
    paths: list[Path]
    cell_of: dict[int, Cell]  # id of an item -> its cell


def arrange(scene: Scene) -> Grid:
    """Return the columns of a scene, ordered so that few arrows cross."""
    grid = _build(scene)
    _order_depth_first(grid, scene)
    _reduce_crossings(grid)
    return grid


def _build(scene: Scene) -> Grid:
    ranks = scene.result.rank + 1
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
        if item.kind in ("leaf", "constant") and item.stem is None and item.rank in lane_column
        else item_column[item.rank]
        for item in scene.items
    }
    cell_of = {}
    for item in scene.items:
        cell = Cell("item", item)
        cell_of[id(item)] = cell
        if item.stem is not None:
            cell.labels = item.stem
        elif item.links:
            cell.labels = item.links[0].labels
        columns[home[id(item)]].cells.append(cell)
    paths = []
    for item in scene.items:
        for link in item.links:
            cells = [cell_of[id(item)]]
            first, last = home[id(item)] + 1, home[id(link.target)]
            for index in range(first, last):
                fork = item.stem is not None and index == lane_column[item.rank]
                cell = Cell("lane", labels=link.labels) if fork else Cell("dummy")
                columns[index].cells.append(cell)
                cells.append(cell)
            cells.append(cell_of[id(link.target)])
            for left, right in pairwise(cells):
                left.after.append(right)
                right.before.append(left)
            cells[-1].ports.append(link.port)
            paths.append(Path(link, cells))
    return Grid(columns, paths, cell_of)


def _order_depth_first(grid: Grid, scene: Scene) -> None:
    """Order each column as a walk from the result meets its cells, operands from left to right."""
    stack = [grid.cell_of[id(scene.result)]]
    met: dict[int, int] = {}
    while stack:
        cell = stack.pop()
        if id(cell) not in met:
            met[id(cell)] = len(met)
            ports = cell.ports or range(len(cell.before))
            ordered = sorted(zip(ports, range(len(cell.before)), cell.before, strict=True))
            stack.extend(before for _, _, before in reversed(ordered))
    for column in grid.columns:
        column.cells.sort(key=lambda cell: met[id(cell)])
    _number(grid.columns)


def _number(columns: list[Column]) -> None:
    for column in columns:
        for place, cell in enumerate(column.cells):
            cell.place = place


def _reduce_crossings(grid: Grid) -> None:
    """Sweep to and fro, ordering each column by the places of its neighbours; keep the best."""
    best = [list(column.cells) for column in grid.columns]
    fewest = _crossings(grid.columns)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        forward = sweep % 2 == 0
        for column in grid.columns if forward else reversed(grid.columns):
            column.cells.sort(key=_barycentre(forward))  # stable: ties keep their order
            for place, cell in enumerate(column.cells):
                cell.place = place
        crossings = _crossings(grid.columns)
        if crossings < fewest:
            best, fewest = [list(column.cells) for column in grid.columns], crossings
    for column, cells in zip(grid.columns, best, strict=True):
        column.cells = cells
    _number(grid.columns)


def _barycentre(forward: bool) -> Callable[[Cell], float]:
    def place(cell: Cell) -> float:
        neighbours = cell.before if forward else cell.after
        if not neighbours:
            return float(cell.place)
        if forward:
            return sum(before.place for before in neighbours) / len(neighbours)
        total = 0.0  # not `sum`: from Python 3.12 it rounds floats in another way
        for after in neighbours:
            total += _entry(after, cell)
        return total / len(neighbours)

    return place


def _entry(after: Cell, cell: Cell) -> float:
    """Return where `cell` enters `after`: its place, and its port as a fraction."""
    if not after.ports:
        return float(after.place)
    port = after.ports[next(i for i, before in enumerate(after.before) if before is cell)]
    return after.place + (port + 1) / (len(after.ports) + 1) - 0.5


def _crossings(columns: list[Column]) -> int:
    """Count the crossings of arrows between neighbouring columns."""
    total = 0
    for column in columns[1:]:
        # right ends in order of the left ends; equal ends do not cross, but where it matters
        # which operand is first each port is an end of its own
        ends = sorted((before.place, end) for end, before in _ends(column))
        if len(ends) > 1:
            total += _inversions([right for _, right in ends])
    return total


def _ends(column: Column) -> Iterator[tuple[int, Cell]]:
    """Yield each arrow into a column: a number for where it ends, and the cell it comes from."""
    end = 0
    for cell in column.cells:
        ordered = cell.item is not None and cell.item.ordered
        ports = cell.ports if ordered else [0] * len(cell.before)
        for port, before in zip(ports, cell.before, strict=True):
            yield end + port, before
        end += max(ports, default=0) + 1


def _inversions(numbers: list[int]) -> int:
    """Count pairs in the wrong order, with a tree of partial counts (Fenwick)."""
    size = max(numbers) + 1
    tree = [0] * (size + 1)
    inversions = 0
    for seen, number in enumerate(numbers):
        index, at_most = number + 1, 0
        while index:
            at_most += tree[index]
            index &= index - 1
        inversions += seen - at_most
        index = number + 1
        while index <= size:
            tree[index] += 1
            index += index & -index
    return inversions

"""From a scene to columns: long arrows get a cell in every column, crossings are reduced.

Between the column of rank r and the next there is a column of lanes where a value of rank r
branches: there each fork has a level of its own. An arrow that only passes gets a dummy cell.

Source: K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system
structures", 1981: dummies on long arrows, sweeps that sort each column by barycentres. Crossings
are counted as by W. Barth, P. Mutzel, M. Jünger, "Simple and efficient bilayer cross counting",
2004, in the tree of P. M. Fenwick, "A new data structure for cumulative frequency tables", 1994.
Here a depth-first walk gives the first order, the best of 24 sweeps is kept, cells of one frame
stay together, and where the order of operands matters every port is an end of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from ..words.wording import Labels
from .scene import Frame, Item, Link, Scene

SWEEPS = 24
MANY_CELLS = 1000


@dataclass(eq=False)
class Cell:
    """A slot of a column: an item, a lane of a branch, a passing arrow, an edge of a frame."""

    kind: Literal["item", "lane", "dummy", "top", "bottom"]
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


@dataclass(eq=False)
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


def arrange(scene: Scene) -> Grid:
    """Return the columns of a scene, ordered so that few arrows cross."""
    grid = _build(scene)
    _order_depth_first(grid, scene)
    _reduce_crossings(grid)
    _prefer_first_on_top(grid)
    _add_borders(grid)
    return grid


def reading_order(grid: Grid) -> dict[int, int]:
    """Return a new number for every empty box: as they are met from column to column.

    Forward values come first, from left to right, then backward ones, from right to left.
    """
    boxes: list[tuple[bool, int, int, int]] = []
    for index, column in enumerate(grid.columns):
        for position, cell in enumerate(column.cells):
            if cell.labels is not None and cell.labels.forward_box is not None:
                boxes.append((False, index, position, cell.labels.forward_box))
            if cell.labels is not None and cell.labels.backward_box is not None:
                boxes.append((True, -index, position, cell.labels.backward_box))
    old = dict.fromkeys(number for *_, number in sorted(boxes))
    return {number: new for new, number in enumerate(old, 1)}


def _build(scene: Scene) -> Grid:
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
    spans = _spans(columns)
    for item in scene.items:
        for link in item.links:
            cells = [cell_of[id(item)]]
            first, last = home[id(item)] + 1, home[id(link.target)]
            for index in range(first, last):
                frames = _frames_between(item.frames, link.target.frames, index, spans)
                cell = Cell("dummy", frames=frames)
                if len(item.links) > 1 and index == lane_column[item.rank]:
                    cell = Cell("lane", frames=frames, labels=link.labels)
                    cell.outlet = link.outlet - (item.outlets - 1) / 2
                columns[index].cells.append(cell)
                cells.append(cell)
            cells.append(cell_of[id(link.target)])
            for left, right in pairwise(cells):
                left.after.append(right)
                right.before.append(left)
            cells[-1].ports.append(link.port)
            routes.append(Route(link, cells))
    return Grid(columns, routes, cell_of)


def _spans(columns: list[Column]) -> dict[Frame, tuple[int, int]]:
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


def _order_depth_first(grid: Grid, scene: Scene) -> None:
    """Order each column as a walk from the result meets its cells, operands from left to right."""
    ends = [grid.cell_of[id(item)] for item in scene.items if not item.links]
    stack = ends[::-1]
    entered: dict[int, int] = {}
    while stack:
        cell = stack.pop()
        if id(cell) not in entered:
            entered[id(cell)] = len(entered)
            ports = cell.ports or range(len(cell.before))
            ordered = sorted(zip(ports, range(len(cell.before)), cell.before, strict=True))
            stack.extend(before for _, _, before in reversed(ordered))
    for column in grid.columns:
        _sort(column, lambda cell: entered[id(cell)])
    _number(grid.columns)


def _sort(column: Column, key: Callable[[Cell], float]) -> None:
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


def _add_borders(grid: Grid) -> None:
    """Put the edges of every frame around its cells, the outer frames first."""
    paths = (cell.frames for column in grid.columns for cell in column.cells)
    depth = {frame: position for frames in paths for position, frame in enumerate(frames)}
    spans = _spans(grid.columns)
    for frame in sorted(spans, key=lambda frame: depth[frame]):
        first, last = spans[frame]
        upper, lower = Border(frame, first, []), Border(frame, first, [])
        for column in grid.columns[first : last + 1]:
            cells = column.cells
            inside = [position for position, cell in enumerate(cells) if frame in cell.frames]
            start, end = (inside[0], inside[-1] + 1) if inside else (len(cells), len(cells))
            outer = cells[start].frames[: cells[start].frames.index(frame)] if inside else ()
            top, bottom = Cell("top", frames=outer), Cell("bottom", frames=outer)
            cells[start:end] = [top, *cells[start:end], bottom]
            upper.cells.append(top)
            lower.cells.append(bottom)
        for border in (upper, lower):
            for left, right in pairwise(border.cells):
                left.after.append(right)
                right.before.append(left)
        grid.borders += [upper, lower]
    _number(grid.columns)


def _number(columns: list[Column]) -> None:
    for column in columns:
        for position, cell in enumerate(column.cells):
            cell.position = position


def _reduce_crossings(grid: Grid) -> None:
    """Sweep to and fro, ordering each column by the positions of its neighbours; keep the best."""
    best = [list(column.cells) for column in grid.columns]
    fewest = _crossings(grid.columns)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        forward = sweep % 2 == 0
        for column in grid.columns if forward else reversed(grid.columns):
            _sort(column, _barycentre(forward))
            for position, cell in enumerate(column.cells):
                cell.position = position
        crossings = _crossings(grid.columns)
        if crossings < fewest:
            best, fewest = [list(column.cells) for column in grid.columns], crossings
    for column, cells in zip(grid.columns, best, strict=True):
        column.cells = cells
    _number(grid.columns)


def _prefer_first_on_top(grid: Grid) -> None:
    """Swap two neighbours that feed one item where the first operand is not on top.

    Only where that makes no crossing; and not in huge pictures, where it takes long.
    """
    if sum(len(column.cells) for column in grid.columns) > MANY_CELLS:
        return
    fewest = _crossings(grid.columns)
    for column in grid.columns:
        cells = column.cells
        for position in range(len(cells) - 1):
            above, below = cells[position], cells[position + 1]
            if above.frames != below.frames or not _is_swapped(above, below):
                continue
            cells[position], cells[position + 1] = below, above
            above.position, below.position = position + 1, position
            crossings = _crossings(grid.columns)
            if crossings > fewest:
                cells[position], cells[position + 1] = above, below
                above.position, below.position = position, position + 1
            fewest = min(fewest, crossings)


def _is_swapped(above: Cell, below: Cell) -> bool:
    """Tell whether two cells feed the same item and nothing else, the second operand on top."""
    if len(above.after) != 1 or len(below.after) != 1 or above.after[0] is not below.after[0]:
        return False
    target = above.after[0]
    if not target.ports:
        return False
    ports = [target.ports[target.before.index(cell)] for cell in (above, below)]
    return ports[0] > ports[1]


def _barycentre(forward: bool) -> Callable[[Cell], float]:
    def position(cell: Cell) -> float:
        neighbours = cell.before if forward else cell.after
        if not neighbours:
            return float(cell.position)
        if forward:
            return sum(before.position for before in neighbours) / len(neighbours)
        total = 0.0  # not `sum`: from Python 3.12 it rounds floats in another way
        for after in neighbours:
            total += _entry(after, cell)
        return total / len(neighbours)

    return position


def _entry(after: Cell, cell: Cell) -> float:
    """Return where `cell` enters `after`: its position, and its port as a fraction."""
    if not after.ports:
        return float(after.position)
    port = after.ports[next(i for i, before in enumerate(after.before) if before is cell)]
    return after.position + (port + 1) / (len(after.ports) + 1) - 0.5


def _crossings(columns: list[Column]) -> int:
    """Count the crossings of arrows between neighbouring columns."""
    total = 0
    for column in columns[1:]:
        # right ends in order of the left ends; equal ends do not cross, but where it matters
        # which operand is first each port is an end of its own
        ends = sorted((before.position, end) for end, before in _ends(column))
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

"""From a scene to columns in which few arrows cross.

Source: crossings are counted as by W. Barth, P. Mutzel, M. Jünger, "Simple and efficient bilayer
cross counting", 2004, in the tree of P. M. Fenwick, "A new data structure for cumulative frequency
tables", 1994. Where the order of operands matters every port is an end of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from .compact import Compact
from .grid import Border, Cell, Column, Grid, build, number, spans_of
from .items import Scene
from .leaves import move_leaves
from .ordering import SOME, improve
from .ranks import assign_ranks
from .sifting import CROSSING


def arrange(scene: Scene) -> Grid:
    """Return the columns of a scene, ordered so that few arrows cross."""
    return _finished(_ordered(scene))


def arrange_line(scene: Scene) -> Grid:
    """Return the columns of one line of a picture, whose items have their ranks already."""
    return _finished(_tried(scene)[0])


def _finished(compact: Compact) -> Grid:
    """Return the grid of what is ordered, complete."""
    grid = compact.grid
    compact.sort_cells()
    _turn_operands(grid)
    _add_borders(grid)
    return grid


def _ordered(scene: Scene) -> Compact:
    """Return the columns of a scene in an order.

    In a small picture equal parts are given up where fewer arrows cross without, and leaves move.
    """
    compact, crossings = _tried(scene)
    if not crossings or len(compact.order.place) > SOME:
        return compact
    alike = [item.rank for item in scene.items]
    assign_ranks(scene.items, alike=False)
    if [item.rank for item in scene.items] != alike:
        other, fewer = _tried(scene)
        if fewer < crossings:
            compact, crossings = other, fewer
        else:
            assign_ranks(scene.items)

    def found() -> int:
        order = Compact(build(scene)).order
        improve(order, hastily=True)
        return order.cost() // CROSSING

    return _tried(scene)[0] if move_leaves(scene, crossings, found) else compact


def _tried(scene: Scene) -> tuple[Compact, int]:
    """Return the columns of a scene in an order as its ranks are, and how many arrows cross."""
    compact = Compact(build(scene))
    improve(compact.order)
    return compact, compact.order.cost() // CROSSING


def reading_order(grid: Grid) -> dict[int, int]:
    """Return a new number for every empty box: as they are met from column to column.

    Forward values come first, from left to right, then backward ones, from right to left. Lines of
    a wrapped picture change nothing: where they end goes by the widths of texts, numbers never do.
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


def _add_borders(grid: Grid) -> None:
    """Put the edges of every frame around its cells, the outer frames first."""
    paths = (cell.frames for column in grid.columns for cell in column.cells)
    depth = {frame: position for frames in paths for position, frame in enumerate(frames)}
    spans = spans_of(grid.columns)
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
    number(grid.columns)


def _turn_operands(grid: Grid) -> None:
    """Let operands that may change places have ports in the order in which they come."""
    for column in grid.columns:
        for cell in column.cells:
            item = cell.item
            if item is not None and item.kind == "operator" and not item.ordered:
                come = sorted(
                    range(len(cell.ports)), key=lambda i: (cell.before[i].position, cell.ports[i])
                )
                ports = sorted(cell.ports)
                for port, index in zip(ports, come, strict=True):
                    cell.ports[index] = port


def crossings(columns: list[Column]) -> int:
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
    for seen, end in enumerate(numbers):
        index, at_most = end + 1, 0
        while index:
            at_most += tree[index]
            index &= index - 1
        inversions += seen - at_most
        index = end + 1
        while index <= size:
            tree[index] += 1
            index += index & -index
    return inversions

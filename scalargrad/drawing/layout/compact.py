"""The order of a grid without its lanes: what forks leaves its item itself."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from .grid import Cell, Grid, Route, number, sort_column
from .sifting import Order


class Compact:
    """Numbers for the cells of a grid whose order is free, and the `order` of them.

    A passing arrow has cells in the column of a rank and in the lanes behind it: they are one node.
    Lanes, and leaves whose one arrow goes straight into the next column, have no node: in the end
    they stand as what they go to.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.node_of: dict[int, int] = {}  # id of a cell -> node
        lanes = {id(cell) for column in grid.columns if column.lanes for cell in column.cells}
        beside = {
            id(route.cells[0]) for route in grid.routes
            if len(route.cells) == 2 and id(route.cells[0]) in lanes
        }  # fmt: skip
        columns: list[list[int]] = []
        cells: list[Cell] = []
        for column in grid.columns:
            if not column.lanes:
                columns.append([])
            for cell in column.cells:
                if id(cell) not in lanes or (cell.item is not None and id(cell) not in beside):
                    self.node_of[id(cell)] = len(cells)
                    columns[-1].append(len(cells))
                    cells.append(cell)
        self.order: Order = Order(columns, [cell.frames for cell in cells])
        for node, cell in enumerate(cells):
            if cell.item is not None:
                self.order.ordered[node] = cell.item.ordered
                self.order.numbers[node] = node
        for route in grid.routes:
            self._enter(route)

    def _enter(self, route: Route) -> None:
        """Enter the arrows between the nodes of a route."""
        nodes = [self.node_of.get(id(cell), -1) for cell in route.cells if self._has_rank(cell)]
        for source, target in pairwise(nodes[:-1]):
            if source >= 0 and target >= 0:
                self.order.join(source, target)
        if len(nodes) > 1:
            self.order.join(nodes[-2], nodes[-1], route.link.port, _lean(route))

    def _has_rank(self, cell: Cell) -> bool:
        """Tell whether a cell has a node, or passes below all nodes."""
        return id(cell) in self.node_of or cell.kind == "below"

    def sort_cells(self) -> None:
        """Bring the cells of the grid into the order of their nodes."""
        place = {key: self.order.place[node] for key, node in self.node_of.items()}
        lanes = self._lanes()
        for column in self.grid.columns:
            if column.lanes:
                into: dict[int, list[Lane]] = {}
                for cell in column.cells:
                    lane = lanes[id(cell)]
                    into.setdefault(self.node_of[id(lane.target)], []).append(lane)
                rank = {
                    id(lane.cell): (self.order.place[node], index)
                    for node, entering in into.items()
                    for index, lane in enumerate(_entering(entering))
                }
                column.cells.sort(key=lambda cell: rank[id(cell)])
            else:
                column.cells.sort(key=lambda cell: place[id(cell)])
            for position, cell in enumerate(column.cells):
                cell.position = position
            sort_column(column, lambda cell: cell.position)
        number(self.grid.columns)

    def _lanes(self) -> dict[int, Lane]:
        """Return what stands in columns of lanes, by the id of its cell."""
        lanes = {}
        for route in self.grid.routes:
            begun = None  # the place of the node where the arrow comes from
            for index, cell in enumerate(route.cells[:-1]):
                if id(cell) in self.node_of:
                    begun = self.order.place[self.node_of[id(cell)]]
                target = route.cells[index + 1]
                at_end = target is route.cells[-1]
                if id(target) in self.node_of:
                    lanes[id(cell)] = Lane(cell, target, begun, route.link.port if at_end else 0)
        return lanes


class Lane(NamedTuple):
    """A cell in a column of lanes, the cell that follows, and how it comes there."""

    cell: Cell
    target: Cell
    begun: int | None  # the place of the node before it; none before a leaf
    port: int


def _entering(lanes: list[Lane]) -> list[Lane]:
    """Return the lanes into one cell from top to bottom.

    Where the order of operands does not matter, leaves keep their ports and the others do not
    cross.
    """
    lanes = sorted(lanes, key=lambda lane: lane.port)
    item = lanes[0].target.item
    if item is not None and item.ordered:
        return lanes
    coming = (lane for lane in lanes if lane.begun is not None)
    level = iter(sorted(coming, key=lambda lane: lane.begun or 0))
    return [lane if lane.begun is None else next(level) for lane in lanes]


def _lean(route: Route) -> float:
    """Return how far from the middle of its target an arrow enters it, from −0.5 to 0.5."""
    return (route.link.port + 1) / (len(route.cells[-1].ports) + 1) - 0.5

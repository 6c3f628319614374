"""Vertical positions: every cell as near as its neighbours ask, in order, with room for texts.

Each arrow is a spring between its two ends. Sweeping over the columns, a column settles at the
weighted least squares of its springs, projected on its order by pooling adjacent violators.
Stiff springs join cells into chains (long arrows, operators with one operator before them);
a chain is then drawn level wherever its neighbours leave room, and the others settle around it.

Source: the weights that keep long arrows straight are an idea of E. R. Gansner, E. Koutsofios,
S. C. North, K.-P. Vo, "A technique for drawing directed graphs", 1993; chains on one level are
one of U. Brandes, B. Köpf, "Fast and simple horizontal coordinate assignment", 2001. Instead of
a network simplex or of four alignments, each column is solved exactly in least squares (see
`isotonic`), and chains are made level afterwards, the longest first.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from .grid import Cell, Column, Grid
from .isotonic import isotonic
from .measures import LANE_PITCH, PORT_MARGIN, clearance, size_of

SWEEPS = 24
ROUNDS = 6  # of levelling chains and settling around them
MANY = 5000  # cells: with so many
FEWER_SWEEPS, FEWER_ROUNDS = 8, 2
STIFF = 8.0
PINNED = 1e4
SLACK = 0.4  # so much nearer than its gap a cell may come: it keeps arrows level
BELOW = 20.0  # between two arrows that pass below
OUTWARD, STRAIGHTENINGS = 30, 200  # turns of making the edges of frames straight


@dataclass(eq=False, slots=True)
class Spring:
    """Asks for other.y + offset."""

    other: Cell
    offset: float
    weight: float


@dataclass(eq=False)
class Stack:
    """A column, the gaps between its cells, and what pulls at them."""

    column: Column
    gaps: list[float]
    pins: dict[int, float]


def settle(grid: Grid) -> None:
    """Give every cell its y."""
    springs = _springs(grid)
    stacks = [Stack(column, _gaps(column), {}) for column in grid.columns]
    for stack in stacks:
        y = 0.0
        for cell, step in zip(stack.column.cells, [*stack.gaps, 0.0], strict=True):
            cell.y = y
            y += step
        for cell in stack.column.cells:
            cell.y -= y / 2
    columns = _Columns(stacks, springs)
    many = len(columns.cells) > MANY
    columns.sweep(FEWER_SWEEPS if many else SWEEPS)
    chains = _chains(grid, springs)
    where = {id(cell): stack for stack in stacks for cell in stack.column.cells}
    for _ in range(FEWER_ROUNDS if many else ROUNDS):
        for chain in chains:
            _level(chain, where, springs, pushing=True)
        for stack in stacks:
            stack.pins.clear()
        for chain in chains:
            for cell in chain:
                where[id(cell)].pins[id(cell)] = cell.y
        columns.sweep(4)
    for chain in chains:
        _level(chain, where, springs)
    _tighten(grid, where)
    _straighten(grid, where)
    for stack in stacks:
        for cell in stack.column.cells:
            if cell.item is not None and cell.item.kind == "box":
                cell.grown = _growth(cell, stack)
    for column in grid.columns:
        for cell in column.cells:
            cell.y = round(cell.y, 1)
    _pass_below(grid)


def _pass_below(grid: Grid) -> None:
    """Give what passes below all columns levels of their own, shared where it has ended."""
    column_of = {id(cell): i for i, column in enumerate(grid.columns) for cell in column.cells}
    passing = []
    for route in grid.routes:
        for before, cell, after in zip(route.cells, route.cells[1:], route.cells[2:], strict=False):
            if cell.kind == "below":
                passing.append((column_of[id(before)], column_of[id(after)], cell))
    if not passing:
        return
    level = max(cell.y + clearance(cell)[1] for c in grid.columns for cell in c.cells) + BELOW
    ends: list[int] = []  # of levels: the column behind which they are free
    for start, end, cell in sorted(passing, key=lambda one: one[:2]):
        lane = next((i for i, taken in enumerate(ends) if taken < start), len(ends))
        ends[lane : lane + 1] = [end]
        cell.y = round(level + lane * BELOW, 1)


def _growth(box: Cell, stack: Stack) -> tuple[float, float]:
    """Return how much further a box may reach, up and down, to meet its arrows on their level."""
    assert box.item is not None
    half = size_of(box.item)[1] / 2
    levels = [cell.y - box.y for cell in (*box.before, *box.after)]
    low, high = _room(box, stack)
    up = min(PORT_MARGIN - half - min(levels), box.y - low)
    down = min(PORT_MARGIN - half + max(levels), high - box.y)
    return max(0.0, up), max(0.0, down)


def _tighten(grid: Grid, where: dict[int, Stack]) -> None:
    """Move the edges of frames inwards, as near as they may be to what is inside."""
    for border in reversed(grid.borders):  # the inner frames first
        down = 1 if border.cells[0].kind == "top" else -1
        nearest: list[float] = []
        for cell in border.cells:
            stack = where[id(cell)]
            inner = stack.column.cells[cell.position + down]
            if inner.kind in ("item", "lane", "dummy") or inner.kind == cell.kind:
                gap = stack.gaps[cell.position if down > 0 else cell.position - 1]
                nearest.append(down * (inner.y - down * gap))
        for cell in border.cells:
            cell.y = down * max(down * cell.y, min(nearest))


def _straighten(grid: Grid, where: dict[int, Stack]) -> None:
    """Make the edges of frames straight, and move what is outside further out.

    Where one frame pushes up what another one pushes down, all is pushed down: that has an end.
    """
    for turn in range(STRAIGHTENINGS):
        straight = True
        for border in grid.borders:
            levels = [cell.y for cell in border.cells]
            up = border.cells[0].kind == "top" and turn < OUTWARD
            level = min(levels) if up else max(levels)
            for cell in border.cells:
                if abs(cell.y - level) > 1e-6:
                    straight = False
                    cell.y = level
                    _push(cell, where[id(cell)], -1 if up else 1)
        if straight:
            return


def _push(cell: Cell, stack: Stack, step: int) -> None:
    """Move what stands above (-1) or below (1) a cell so far that all gaps are kept."""
    cells, gaps = stack.column.cells, stack.gaps
    position = cell.position
    while 0 <= position + step < len(cells):
        gap = gaps[position - 1] if step < 0 else gaps[position]
        limit = cells[position].y + step * gap
        following = cells[position + step]
        if step * (following.y - limit) >= 0:
            return
        following.y = limit
        position += step


class _Columns:
    """All columns as lists of numbers, for sweeps: what never changes while they settle."""

    def __init__(self, stacks: list[Stack], springs: dict[int, list[Spring]]) -> None:
        self.stacks = stacks
        self.cells = [cell for stack in stacks for cell in stack.column.cells]
        number = {id(cell): index for index, cell in enumerate(self.cells)}
        self.weights: list[float] = []
        self.pulls: list[list[tuple[int, float, float]]] = []  # other, offset, weight
        for cell in self.cells:
            weight = 1e-6
            for spring in springs[id(cell)]:
                weight += spring.weight
            self.weights.append(weight)
            self.pulls.append(
                [(number[id(s.other)], s.offset, s.weight) for s in springs[id(cell)]]
            )
        starts = list(accumulate((len(stack.column.cells) for stack in stacks), initial=0))
        self.ranges = [range(first, end) for first, end in pairwise(starts)]
        self.shifts = [list(accumulate([0.0, *stack.gaps])) for stack in stacks]

    def sweep(self, times: int) -> None:
        """Settle column by column, to and fro."""
        y = [cell.y for cell in self.cells]
        pins = [
            [stack.pins.get(id(cell)) for cell in stack.column.cells] if stack.pins else None
            for stack in self.stacks
        ]
        columns = list(zip(self.ranges, self.shifts, pins, strict=True))
        for sweep in range(times):
            for numbers, shifts, pinned in columns if sweep % 2 else reversed(columns):
                self._settle(y, numbers, shifts, pinned)
        for cell, level in zip(self.cells, y, strict=True):
            cell.y = level

    def _settle(
        self, y: list[float], numbers: range, shifts: list[float], pinned: list[float | None] | None
    ) -> None:
        """Settle a column: with the gaps taken out, the order asks for non-decreasing levels."""
        targets = []
        for number, shift in zip(numbers, shifts, strict=False):
            pull = 1e-6 * y[number]
            for other, offset, weight in self.pulls[number]:
                pull += weight * (y[other] + offset)
            targets.append(pull / self.weights[number] - shift)
        weights = self.weights[numbers.start : numbers.stop]
        if pinned is not None:
            for place, level in enumerate(pinned):
                if level is not None:
                    targets[place] = PINNED * level / PINNED - shifts[place]
                    weights[place] = PINNED
        settled = isotonic(targets, weights)
        for number, level, shift in zip(numbers, settled, shifts, strict=False):
            y[number] = level + shift


def _chains(grid: Grid, springs: dict[int, list[Spring]]) -> list[list[Cell]]:
    """Return the maximal runs of cells joined by stiff springs, from left to right."""
    chains = []
    for column in grid.columns:
        for cell in column.cells:
            if cell.kind in ("top", "bottom"):
                continue  # the edges of frames give way to what they frame
            if _stiff(cell.before, cell, springs) is None:
                chain = [cell]
                while (following := _stiff(chain[-1].after, chain[-1], springs)) is not None:
                    chain.append(following)
                if len(chain) > 1:
                    chains.append(chain)
    return sorted(chains, key=len, reverse=True)


def _stiff(among: list[Cell], cell: Cell, springs: dict[int, list[Spring]]) -> Cell | None:
    for spring in springs[id(cell)]:
        if spring.weight >= STIFF and spring.other in among:
            return spring.other
    return None


def _level(
    chain: list[Cell],
    where: dict[int, Stack],
    springs: dict[int, list[Spring]],
    *,
    pushing: bool = False,
) -> None:
    """Put runs of a chain on one level, as long as the neighbours of every cell leave room."""
    start = 0
    while start < len(chain):
        low, high = float("-inf"), float("inf")
        end = start
        while end < len(chain):
            least, most = _room(chain[end], where[id(chain[end])], pushing=pushing)
            if max(low, least) > min(high, most):
                break
            low, high, end = max(low, least), min(high, most), end + 1
        if end == start:  # no room at all: leave the cell where it is
            start += 1
            continue
        run = chain[start:end]
        inside = {id(cell) for cell in run}
        pull = weight = 0.0
        for cell in run:
            for spring in springs[id(cell)]:
                if id(spring.other) not in inside:
                    pull += spring.weight * (spring.other.y + spring.offset)
                    weight += spring.weight
        level = pull / weight if weight else run[0].y
        for cell in run:
            cell.y = max(low, min(high, level))
        start = end


def _room(cell: Cell, stack: Stack, *, pushing: bool = False) -> tuple[float, float]:
    """Return between which levels a cell may move; `pushing` moves names and edges out of its way.

    What is pushed has gone when the column settles the next time.
    """

    def limit(step: int) -> float:
        position, gap = cell.position, 0.0
        while 0 <= position + step < len(stack.column.cells):
            gap += stack.gaps[position - 1] if step < 0 else stack.gaps[position]
            position += step
            other = stack.column.cells[position]
            if not (pushing and (other.kind in ("top", "bottom") or _is_end(other))):
                return other.y - step * gap
        return step * float("inf")

    return limit(-1) - SLACK, limit(1) + SLACK


def _gaps(column: Column) -> list[float]:
    return [clearance(above)[1] + clearance(below)[0] for above, below in pairwise(column.cells)]


def _springs(grid: Grid) -> dict[int, list[Spring]]:
    springs: dict[int, list[Spring]] = {id(cell): [] for c in grid.columns for cell in c.cells}

    def tie(left: Cell, right: Cell, offset: float, weight: float) -> None:
        springs[id(left)].append(Spring(right, offset, weight))
        springs[id(right)].append(Spring(left, -offset, weight))

    for column in grid.columns:
        for cell in column.cells:
            base = _level_port(cell)
            inner = sum(not _is_end(before) for before in cell.before)
            for index, before in enumerate(cell.before):
                offset, weight = 0.0, 1.0
                if cell.kind == "lane":
                    weight = 0.5 if _leaves_a_box(cell) else 1.0
                    offset = -cell.outlet * LANE_PITCH
                elif cell.kind != "item":
                    weight = 16.0
                elif _is_end(before):
                    offset = (cell.ports[index] - base) * LANE_PITCH
                    weight = 0.6 if inner else 4.0
                elif inner == 1:
                    weight = (
                        STIFF if before.kind != "lane" else 4.0 if _leaves_a_box(before) else 2.0
                    )
                tie(before, cell, offset, weight)
        for above, below in pairwise(column.cells):  # an edge keeps near to what it frames
            if above.kind == "top" or below.kind == "bottom":
                tie(above, below, -clearance(above)[1] - clearance(below)[0], 0.3)
    return springs


def _leaves_a_box(lane: Cell) -> bool:
    """Tell whether a lane begins at a box, not at a branch dot."""
    return any(before.item is not None and before.item.kind == "box" for before in lane.before)


def _is_end(cell: Cell) -> bool:
    """Tell whether a cell is the left end of an arrow that goes nowhere else."""
    item = cell.item
    return item is not None and item.is_end and item.stem is None


def _level_port(cell: Cell) -> float:
    """Return the port that is level with an operator: that of its only operator, or the middle."""
    inner = [
        port for port, before in zip(cell.ports, cell.before, strict=False) if not _is_end(before)
    ]
    if len(inner) == 1:
        return float(inner[0])
    return (len(cell.ports) - 1) / 2

"""The order of nodes in columns, on flat lists of numbers; how many arrows cross in it.

Source: crossings are counted as by W. Barth, P. Mutzel, M. Jünger, "Simple and efficient bilayer
cross counting", 2004, with a sorted list instead of a tree; a node is moved by R. Rudell, "Dynamic
variable ordering for ordered binary decision diagrams", 1993: sifting.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Hashable, Iterator, Sequence
from itertools import accumulate, chain, groupby, pairwise

from ..._engine import sift

#: more than any operator has ports
PORTS = 1 << 20
#: what a crossing costs, against one pair that does not stand in its natural order
CROSSING = 1 << 32


class Order:
    """Columns of nodes, and which arrows join them.

    `up` has the nodes from which arrows come; `down` the nodes where they go, and their ports.
    `ordered` tells where the order of operands matters, and `leans` how far from the middle of its
    target an arrow enters it, from −0.5 to 0.5. `numbers` count what is shown as it was made, and
    are -1 for an arrow that passes. What is in one frame stays together.
    """

    def __init__(self, columns: list[list[int]], frames: Sequence[tuple[Hashable, ...]]) -> None:
        count = len(frames)
        self.frames = frames
        self.up: list[list[int]] = [[] for _ in range(count)]
        self.down: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        self.leans: list[list[float]] = [[] for _ in range(count)]
        self.operands: list[list[tuple[int, int]]] = [[] for _ in range(count)]  # port, source
        self.ordered: list[bool] = [False] * count
        self.numbers: list[int] = [-1] * count
        self.framed: list[bool] = [any(frames[node] for node in column) for column in columns]
        self.place: list[int] = [0] * count
        self._flat: _Flat | None = None
        self.columns: list[list[int]] = []
        self.restore(columns)

    def join(self, source: int, target: int, port: int = 0, lean: float = 0.0) -> None:
        """Enter an arrow between two neighbouring columns."""
        self.up[target].append(source)
        self.operands[target].append((port, source))
        self.down[source].append((target, port))
        self.leans[source].append(lean)

    def saved(self) -> list[list[int]]:
        """Return a copy of the columns."""
        return [list(column) for column in self.columns]

    def restore(self, columns: list[list[int]]) -> None:
        """Take columns that were saved."""
        self.columns = [list(column) for column in columns]
        for column in self.columns:
            self._number(column)

    def _number(self, column: list[int]) -> None:
        for place, node in enumerate(column):
            self.place[node] = place

    # -- counting ------------------------------------------------------------------------

    def cost(self) -> int:
        """Return how many arrows cross, as a multiple of CROSSING, and then how natural it looks.

        Operands in the wrong order count as two crossings where their order matters. Where it does
        not they count as two pairs, like those that do not stand as they were made.
        """
        cost = self._in_c(0, 0)
        if cost is not None:
            return cost
        return sum(self._cost_behind(column) + self._disorder(column) for column in self.columns)

    def _cost_behind(self, column: list[int]) -> int:
        place, cost = self.place, 0
        ends: list[int] = []  # of the arrows that begin further up, sorted
        for node in column:
            new = [place[target] * PORTS + port for target, port in self.down[node]]
            for end, (target, _) in zip(new, self.down[node], strict=True):
                further = bisect_left(ends, (place[target] + 1) * PORTS)
                cost += CROSSING * (len(ends) - further)
                pair = 2 * CROSSING if self.ordered[target] else 2
                cost += pair * (further - bisect_right(ends, end))
            for end in new:
                insort(ends, end)
        return cost

    def _disorder(self, column: list[int]) -> int:
        disorder = 0
        seen: list[int] = []
        for node in column:
            number = self.numbers[node]
            if number >= 0:
                disorder += len(seen) - bisect_right(seen, number)
                insort(seen, number)
        return disorder

    def gain(self, above: int, below: int) -> int:
        """Return by how much the cost falls when two neighbours change places."""
        place, crossings, disorder = self.place, 0, 0
        if self.numbers[above] >= 0 and self.numbers[below] >= 0:
            disorder = 1 if self.numbers[above] > self.numbers[below] else -1
        for one in self.up[above]:
            for other in self.up[below]:
                crossings += (place[one] > place[other]) - (place[one] < place[other])
        for one, port in self.down[above]:
            for other, other_port in self.down[below]:
                if one != other:
                    crossings += (place[one] > place[other]) - (place[one] < place[other])
                elif self.ordered[one]:
                    crossings += 2 * ((port > other_port) - (port < other_port))
                else:
                    disorder += 2 * ((port > other_port) - (port < other_port))
        return crossings * CROSSING + disorder

    # -- moving ----------------------------------------------------------------------------

    def turn(self, index: int) -> None:
        """Turn a column upside down."""
        self.columns[index].reverse()
        self._number(self.columns[index])

    def sort(self, index: int, keys: Sequence[float]) -> None:
        """Sort a column by the keys of its nodes; those of one frame stay together, at their mean.

        Equal keys leave the order as it is.
        """
        column = self.columns[index]
        keyed = dict(zip(column, keys, strict=True))
        if self.framed[index]:
            self._sort_framed(column, keyed)
        else:
            column.sort(key=keyed.__getitem__)
        self._number(column)

    def _sort_framed(self, column: list[int], keys: dict[int, float]) -> None:
        members: dict[Hashable, list[int]] = {}
        for place, node in enumerate(column):
            for frame in self.frames[node]:
                members.setdefault(frame, []).append(place)

        def mean(places: list[int]) -> float:
            total = 0.0  # not `sum`: from Python 3.12 it rounds floats in another way
            for place in places:
                total += keys[column[place]]
            return total / len(places)

        means = {frame: (mean(places), places[0]) for frame, places in members.items()}
        full = {
            node: [*(means[frame] for frame in self.frames[node]), (keys[node], place)]
            for place, node in enumerate(column)
        }
        column.sort(key=full.__getitem__)

    def sift(self, rounds: int, window: int) -> None:
        """Move each node to the best place in its column, but not far; again while it helps.

        The native engine does it in C, to the same order.
        """
        if self._in_c(rounds, window) is not None:
            return
        for _ in range(rounds):
            moved = False
            for column in self.columns:
                for node in list(column):
                    moved |= self._sift(column, node, window)
            if not moved:
                return

    def _in_c(self, rounds: int, window: int) -> int | None:
        """Sift in C, and return the cost; None where that was not built."""
        if self._flat is None:
            self._flat = _Flat(self)
        return self._flat.sift(self, rounds, window)

    def _sift(self, column: list[int], node: int, window: int) -> bool:
        """Move one node to the best place nearby; tell whether that is another one."""
        start = best_place = self.place[node]
        frames, best = self.frames[node], 0
        for step in (1, -1):
            total, place = 0, start + step
            while 0 <= place < len(column) and abs(place - start) <= window:
                other = column[place]
                if self.frames[other] != frames:
                    break
                total += self.gain(node, other) if step > 0 else self.gain(other, node)
                if total > best:
                    best, best_place = total, place
                place += step
        if best_place == start:
            return False
        column.insert(best_place, column.pop(start))
        for place in range(min(start, best_place), max(start, best_place) + 1):
            self.place[column[place]] = place
        return True

    def swap_blocks(self) -> None:
        """Exchange neighbouring frames, and what stands beside them, where fewer arrows cross."""
        for index, column in enumerate(self.columns):
            if not self.framed[index]:
                continue
            deepest = max(len(self.frames[node]) for node in column)
            for depth in range(deepest):
                self.columns[index] = column = self._swapped(column, depth)

    def _swapped(self, column: list[int], depth: int) -> list[int]:
        blocks = list(self._blocks(column, depth))
        for index in range(len(blocks) - 1):
            above, below = blocks[index], blocks[index + 1]
            if self.frames[above[0]][:depth] != self.frames[below[0]][:depth]:
                continue
            if sum(self.gain(one, other) for one in above for other in below) > 0:
                blocks[index], blocks[index + 1] = below, above
                column = [node for block in blocks for node in block]
                self._number(column)
        return column

    def _blocks(self, column: list[int], depth: int) -> Iterator[list[int]]:
        """Yield what stays together at a depth: a frame there, or a single node."""

        def block(node: int) -> Hashable:
            frames = self.frames[node]
            return frames[: depth + 1] if len(frames) > depth else node

        for _, nodes in groupby(column, block):
            yield list(nodes)


class _Flat:
    """What never changes of an order, as blocks of ints."""

    def __init__(self, order: Order) -> None:
        numbers: dict[tuple[Hashable, ...], int] = {}
        groups = [numbers.setdefault(frames, len(numbers)) for frames in order.frames]
        arrows = [end for ends in order.down for end in ends]
        self.blocks = (
            _starts(order.columns),
            array("i", groups),
            array("i", order.numbers),
            array("i", order.ordered),
            _starts(order.up),
            array("i", chain.from_iterable(order.up)),
            _starts(order.down),
            array("i", [target for target, _ in arrows]),
            array("i", [port for _, port in arrows]),
        )

    def sift(self, order: Order, rounds: int, window: int) -> int | None:
        nodes = array("i", chain.from_iterable(order.columns))
        place = array("i", order.place)
        cost = sift(*self.blocks, nodes, place, rounds=rounds, window=window)
        if cost is not None and rounds:
            order.restore([nodes[a:b].tolist() for a, b in pairwise(self.blocks[0])])
        return cost


def _starts(lists: Sequence[Sequence[object]]) -> array[int]:
    """Return where each list begins when they are joined, and where the last one ends."""
    return array("i", accumulate(map(len, lists), initial=0))

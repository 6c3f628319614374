"""Inputs that are read from tables of captured numbers: the rows, and where gradients go.

Each gather reads a row of a table by an argument, as `take` and an embedding do, in every lane its
own. The gradients of a row are added to what was captured, those of each gather in its turn. An
index that is out of range reads the first row, and is refused where the lane stays on its path.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ..core.tracer import Gather
from ..functions.gathering import out_of_range
from .lane_arguments import Lanes
from .tape import Tape


def rows_at(tape: Tape, inputs: Sequence[float], numbers: Sequence[float]) -> list[float]:
    """Return the inputs of one lane that are no arguments, of what was captured."""
    return [numbers[position] for gather in tape.gathers for position in _row(gather, inputs)]


def check_range(tape: Tape, inputs: Sequence[float]) -> None:
    """Refuse an index of one lane that is out of range."""
    for gather in tape.gathers:
        if not -gather.rows <= inputs[gather.by] < gather.rows:
            raise out_of_range(gather.rows, int(inputs[gather.by]))


def scatter(tape: Tape, inputs: Sequence[float], gradient: Sequence[float], captured: Any) -> None:
    """Add the gradients of one lane's rows to those of what was captured."""
    for gather in tape.gathers:
        for at, position in enumerate(_row(gather, inputs), gather.first):
            captured[position] += gradient[at]


def _row(gather: Gather, inputs: Sequence[float]) -> Sequence[int]:
    row = int(inputs[gather.by])
    row = row + gather.rows if -gather.rows <= row < 0 else row
    start = (row if 0 <= row < gather.rows else 0) * gather.width
    return gather.table[start : start + gather.width]


class Reads:
    """What the lanes of a batch read."""

    def __init__(self, tape: Tape, lanes: Lanes, captured: Any) -> None:
        numpy = self._numpy = sys.modules["numpy"]
        self._tape, self._captured = tape, captured
        numbers = numpy.frombuffer(captured) if len(tape.captured) else numpy.empty(0)
        #: of each gather, where the numbers of each lane stand, and which lanes are out of range
        self._places, outside = [], numpy.zeros(lanes.count, dtype=bool)
        for gather in tape.gathers:
            rows = _indices(lanes, gather.by)
            is_outside = (rows < -gather.rows) | (rows >= gather.rows)
            outside |= is_outside
            table = numpy.frombuffer(gather.table, numpy.uint32).reshape(-1, gather.width)
            self._places.append(table[numpy.where(is_outside, 0, rows)])
        self._outside = outside if outside.any() else None
        self.lanes: Lanes = beside(
            lanes, numpy.concatenate([numbers[at] for at in self._places], axis=1)
        )

    def check_range(self, lanes: Lanes, status: Any) -> None:
        """Refuse an index that is out of range in a lane that is done."""
        if self._outside is None:
            return
        wrong = self._outside if status is None else self._outside & (status == 0)
        for lane in wrong.nonzero()[0].tolist():
            check_range(self._tape, lanes.lane(lane))

    def scattered(self, gradients: Any, status: Any) -> Any:
        """Return the gradients of rows, a row a lane, added up for what was captured."""
        done = slice(None) if status is None else status == 0
        at = self._numpy.concatenate([places[done] for places in self._places], axis=1)
        size = len(self._tape.captured)
        sums = self._numpy.bincount(at.ravel(), gradients[done].ravel(), size)
        return sums.astype(float, copy=False)  # where no lane is done, they are whole numbers


def _indices(lanes: Lanes, place: int) -> Any:
    """Return the numbers of an input in all lanes."""
    for column in lanes.columns_at(place):
        return column
    return sys.modules["numpy"].full(lanes.count, lanes.shared[place])


def beside(lanes: Lanes, read: Any) -> Lanes:
    """Return lanes with one more array of inputs, a row a lane."""
    first, width = len(lanes.shared), read.shape[1]
    arrays = [
        (start, array if lanes.rows is None else array[lanes.rows]) for start, array in lanes.arrays
    ]
    parts = [*lanes.parts, (first, width)]
    shared = [*lanes.shared, *[0.0] * width]
    return Lanes(shared, False, [*arrays, (first, read)], lanes.count, False, None, parts)

"""What a replay is asked for, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from .lane_arguments import Lanes
from .tape import Tape

#: what is wanted besides values, to be added up: gradients by the inputs, by what was captured
VALUES, INPUTS, CAPTURED = 0, 1, 2


class Point(NamedTuple):
    """What a replay at one point gave."""

    values: list[float]
    inputs: list[float] | None
    captured: Any  # a sequence of numbers, or None
    broken: int | None  # the first guard that turned out otherwise


class Batch(NamedTuple):
    """What a replay of some lanes gave.

    `inputs` has a matrix for each argument: a row a lane. `status` is None where all is done; else
    it has 0 for a lane that is, the number of a guard (from 1) for one that took another path, and
    -1 for one that must be run again beside others.
    """

    values: Any
    inputs: Any
    captured: Any
    status: Any


class Runner(Protocol):
    """What replays a tape."""

    tape: Tape

    def point(
        self, inputs: Sequence[float], captured: Any, wanted: int, output: int = 0
    ) -> Point: ...
    def total(self, values: Any) -> float: ...
    def batch(
        self, lanes: Lanes, captured: Any, wanted: int, upstream: float, threads: int
    ) -> Batch: ...

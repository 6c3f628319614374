"""Replays a batch on all known paths of a function in one call of the machine.

Lanes begin on the path that is likely and go on to others by themselves, so that each path is run
once, on all lanes that come to it: see `_native/machine/all_paths.c`. What comes back to Python is
where no path is known yet.
"""

from __future__ import annotations

import functools
import sys
from array import array
from collections.abc import Callable
from typing import Any

from .. import _engine
from .lane_arguments import Lanes
from .machine import MOST_ARRAYS, Machine, in_chunks, matrices
from .paths import Collected, Path, Paths
from .replay import BY_CAPTURED, BY_INPUTS, UNSOLVED

#: lanes that are run together, in chunks of the machine: few would be one or two on each path
CHUNKS = 4


class Forest:
    """The known paths as the machine takes them."""

    def __init__(self, paths: Paths, request: int) -> None:
        known = list(paths.known)
        machines = [path.runner for path in known if isinstance(path.runner, Machine)]
        self.plans: list[Any] = [machine.plan(request) for machine in machines]  # of all: it fits
        self.selects: bool = any(path.selects for path in known)
        self.branches: array[int] = array("i")  # path, guard, the path behind it
        for path in known:
            for guard, other in sorted(path.branches.copy().items()):
                self.branches.extend((path.index, guard, other))
        #: those that capture the same numbers share them, and the sums
        numbers: dict[tuple[int, ...], int] = {}
        keys = [tuple(map(id, path.captured)) for path in known]
        self.set_of: array[int] = array(
            "i", [numbers.setdefault(key, len(numbers)) for key in keys]
        )
        self.firsts: list[Path] = []  # one of each set
        for path, one in zip(known, self.set_of, strict=True):
            if one == len(self.firsts):
                self.firsts.append(path)


def fits(paths: Paths, lanes: Lanes) -> bool:
    """Tell whether the machine can run all paths side by side.

    A lane by itself has its path's plan for points, whose gradients of what is captured have the
    bits of an eager pass.
    """
    if lanes.count == 1 or lanes.rows is not None:
        return False
    if max(len(lanes.arrays), len(lanes.parts)) > MOST_ARRAYS:
        return False
    if len(paths.known) == 1 and not paths.known[0].tape.guards:
        return False
    return paths.all_are(_is_plain)


def _is_plain(path: Path, first: Path) -> bool:
    runner, tape = path.runner, path.tape
    return isinstance(runner, Machine) and not tape.gathers and path.structure == first.structure


class Asked:
    """A batch, and what is asked of it."""

    def __init__(
        self,
        paths: Paths,
        lanes: Lanes,
        request: int,
        upstream: float,
        threads: int,
        read: Callable[[Path], Any],
    ) -> None:
        self.paths: Paths = paths
        self.lanes: Lanes = lanes
        self.read: Callable[[Path], Any] = read
        self.request: int = request
        self.upstream: float = upstream
        self.threads: int = threads


class AllPaths(Asked):
    """A batch, and what its lanes gave so far, on all paths side by side."""

    def __init__(self, *asked: Any) -> None:
        super().__init__(*asked)
        paths, lanes, request = self.paths, self.lanes, self.request
        self._machine = _engine.machine()
        numpy, widths = sys.modules["numpy"], [columns for _, columns in lanes.parts]
        wanted = [len(paths.known[0].tape.outputs), *(widths if request & BY_INPUTS else [])]
        self.values: Any
        self.inputs: list[Any]
        self.values, *self.inputs = matrices(lanes.count, wanted, self._machine.costs["SMALL"])
        #: the path of each lane, and 0, or the guard (from 1) at which it left that
        self._fates = numpy.zeros((lanes.count, 2), numpy.int32)
        self._captured: list[tuple[Path, Any]] = []

    def all(self) -> Collected | None:
        """Replay all lanes; None where they must be run path by path."""
        numpy, paths = sys.modules["numpy"], self.paths
        known = paths.known
        for path, rows in paths.by_pins(self.lanes):
            self._fates[rows, 0] = path.index
        waiting = numpy.arange(self.lanes.count)
        while len(waiting):
            if paths.known is not known or not fits(paths, self.lanes):
                return None  # another thread made guards of all comparisons, or a path is no tape
            self._run(paths.forest(self.request, Forest), waiting)
            waiting = waiting[self._fates[waiting, 1] > 0]
            try:
                self._go_on(waiting)
            except UNSOLVED:
                return None  # a lane has no path, and is nan
        if paths.is_lazy and paths.forest(self.request, Forest).selects and self._has_nan():
            return None  # which a line may have given that was not chosen
        return Collected(known[0].structure, self.values, self.inputs, self._captured)

    def _run(self, forest: Forest, waiting: Any) -> None:
        """Run lanes until they are done, or no path is known for them."""
        numpy, lanes = sys.modules["numpy"], self.lanes
        numbers = [self.read(path) for path in forest.firsts]
        targets = [
            (start, grad) for (start, _), grad in zip(lanes.parts, self.inputs, strict=False)
        ]
        ends = numpy.cumsum([0, *(len(path.captured) for path in forest.firsts)]).tolist()

        def run(first: int, last: int) -> tuple[int, Any]:
            sums = numpy.zeros(ends[-1]) if self.request & BY_CAPTURED else None
            parts = sums if sums is None else numpy.split(sums, ends[1:-1])
            self._machine.run_paths(
                forest.plans, forest.set_of, numbers, parts, forest.branches, waiting[first:last],
                self._fates, lanes.shared, lanes.arrays, self.upstream, self.values,
                targets or None,
            )  # fmt: skip
            return 0, sums

        size = CHUNKS * self._machine.costs["CHUNK"]
        _, sums = in_chunks(run, len(waiting), size, self.threads)
        if sums is not None:
            done = self._fates[waiting[self._fates[waiting, 1] == 0], 0]
            for one in sorted({forest.set_of[path] for path in numpy.unique(done).tolist()}):
                self._captured.append((forest.firsts[one], sums[ends[one] : ends[one + 1]]))

    def _go_on(self, rows: Any) -> None:
        """Let lanes that left a path begin on the next one, which is traced where it is new."""
        numpy, paths = sys.modules["numpy"], self.paths
        if not len(rows):
            return
        leavings, place = numpy.unique(self._fates[rows], axis=0, return_inverse=True)
        for at, (path, guard) in enumerate(leavings.tolist()):
            left = rows[place.ravel() == at]
            lane = functools.partial(self.lanes.lane, int(left[0]))
            other = paths.after(paths.known[path], guard - 1, lane, self.read)
            self._fates[left] = other.index, 0

    def _has_nan(self) -> bool:
        numpy = sys.modules["numpy"]
        columns = [self.values, *self.inputs, *(sums for _, sums in self._captured)]
        return any(numpy.isnan(column).any() for column in columns)

"""Replays a point or a batch, each lane on its own path."""

from __future__ import annotations

import functools
import math
import sys
import warnings
from array import array
from collections.abc import Callable, Mapping
from typing import Any

from .. import errors
from ..core.source_lines import level_of_user
from .forest import AllPaths, Asked, fits
from .lane_arguments import Lanes
from .paths import Collected, Path, Paths
from .replay import BY_CAPTURED, UNSOLVED, Batch, Point
from .tracing import Parting


def run_point(paths: Paths, point: list[Any], request: int, output: int = 0) -> tuple[Path, Point]:
    """Replay one point."""
    try:
        path = paths.likely(point)
        while True:
            result = path.runner.point(point, path.read(), request, output)
            if result.broken is None:
                break
            path = paths.after(path, result.broken, lambda: point)
    except Parting:
        paths.part()
        return run_point(paths, point, request, output)
    paths.last = path
    if path.selects and paths.is_lazy and _has_nan(result):  # perhaps from what it did not choose
        return run_point(paths.parting, point, request, output)
    return path, result


def _has_nan(point: Point) -> bool:
    columns = point.values, point.inputs, point.captured
    return any(x != x for column in columns if column is not None for x in _iterable(column))


def _iterable(numbers: Any) -> Any:
    """Return numbers as what can be iterated: a list as it is, bytes as doubles."""
    return numbers if isinstance(numbers, list) else memoryview(numbers).cast("B").cast("d")


def run_batch(
    paths: Paths,
    lanes: Lanes,
    request: int,
    upstream: float,
    threads: int,
    read: Callable[[Path], Any] = Path.read,
) -> Collected:
    """Replay every lane on its own path; one without a solution is nan.

    Raises: `ValueError` where paths return results of different structures; what the first lane
    raises where none has a solution and nothing is known of the result.
    """
    asked = paths, lanes, request, upstream, threads, read
    try:
        return _run_batch(*asked)
    except Parting:
        paths.part()
        return _run_batch(*asked)


def _run_batch(paths: Paths, lanes: Lanes, *how: Any) -> Collected:
    if not paths.known:
        _begin(paths, lanes)
    collected = AllPaths(paths, lanes, *how).all() if fits(paths, lanes) else None
    return collected or _PathByPath(paths, lanes, *how).all()


def _begin(paths: Paths, lanes: Lanes) -> None:
    """Have the path of the first lane that has one."""
    failed: Exception | None = None
    for row in range(lanes.count):
        try:
            paths.first(functools.partial(lanes.lane, row))
            return
        except UNSOLVED as error:
            failed = failed or error
    assert failed is not None  # a batch has a lane
    failed.add_note(f"It is lane 0 of {lanes.count}, none of which has a solution.")
    raise failed


def warn_of_unsolved(name: str, batch: Collected) -> None:
    """Say how many lanes of a batch are nan for want of a solution, and why the first one is."""
    if batch.unsolved:
        first = min(batch.unsolved)
        warnings.warn(
            f"{name}: every lane of a batch should have a solution; got none in"
            f" {len(batch.unsolved)} of {len(batch.values)}, which are nan, the first of them lane"
            f" {first} ({batch.unsolved[first]}); leave them out, or look for nan",
            RuntimeWarning,
            stacklevel=level_of_user(),
        )


class _PathByPath(Asked):
    """A batch, and what its lanes gave so far, on one path after the other."""

    def __init__(self, *asked: Any) -> None:
        super().__init__(*asked)
        self.values: Any = None
        self.inputs: list[Any] = []
        self.captured: list[tuple[Path, Any]] = []
        self.unsolved: dict[int, Exception] = {}

    def all(self) -> Collected:
        """Replay all lanes."""
        paths, lanes = self.paths, self.lanes
        first = paths.known[0]
        waiting: list[tuple[Path, Any]] = paths.by_pins(lanes) or [(first, None)]
        while waiting:
            path, rows = waiting.pop()
            if path.structure != first.structure:
                raise errors.InputError(
                    f"{paths.name}: every lane of a batch must return numbers in the same"
                    " structure; got different ones on different paths; return the same lists on"
                    " each"
                )
            waiting += self._replay(path, rows)
        return Collected(
            first.structure, self.values, self.inputs, self.captured, self.unsolved
        )  # fmt: skip

    def _replay(self, path: Path, rows: Any) -> list[tuple[Path, Any]]:
        """Replay some rows on a path; return those that are left, with the path of each."""
        lanes = self.lanes if rows is None else self.lanes.take(rows)
        result = self._batch(path, lanes)
        left: list[tuple[Path, Any]] = []
        unsolved = dict(result.unsolved)
        if result.status is not None:
            left, failed = _left(self.paths, path, lanes, result.status, self.read)
            self._spoil(path, result, list(failed))
            unsolved.update(failed)
        self._put(rows, result)
        self._note(rows, unsolved)
        if path.selects and self.paths.is_lazy and self._has_nan(result):
            self._part(path, rows, lanes, result, list(unsolved))
        else:
            self.captured.append((path, result.captured))
        if rows is None:
            return left
        return [(other, rows[part]) for other, part in left]

    def _spoil(self, path: Path, result: Batch, rows: list[int]) -> None:
        """Put nan where rows that have no path were to put numbers, and add it to sums."""
        for columns in (result.values, *result.inputs):
            columns[rows] = math.nan
        if rows and self.request & BY_CAPTURED:
            self.captured.append((path, array("d", [math.nan] * len(path.captured))))

    def _note(self, rows: Any, unsolved: Mapping[int, Exception]) -> None:
        """Keep which rows have no solution."""
        for row, error in unsolved.items():
            self.unsolved[row if rows is None else int(rows[row])] = error

    def _batch(self, path: Path, lanes: Lanes) -> Batch:
        return path.runner.batch(lanes, self.read(path), self.request, self.upstream, self.threads)

    def _put(self, rows: Any, result: Batch) -> None:
        """Keep what some rows gave; those that are left will be overwritten."""
        if rows is None:
            self.values, self.inputs = result.values, list(result.inputs)
            return
        if self.values is None:
            empty, count = sys.modules["numpy"].empty, self.lanes.count
            self.values = empty((count, result.values.shape[1]))
            self.inputs = [empty((count, part.shape[1])) for part in result.inputs]
        self.values[rows] = result.values
        for whole, part in zip(self.inputs, result.inputs, strict=True):
            whole[rows] = part

    def _has_nan(self, result: Batch) -> bool:
        numpy = sys.modules["numpy"]
        columns = [result.values, *result.inputs]
        if self.request & BY_CAPTURED:
            columns.append(numpy.asarray(result.captured))
        return any(numpy.isnan(column).any() for column in columns)

    def _part(
        self, path: Path, rows: Any, lanes: Lanes, result: Batch, unsolved: list[int]
    ) -> None:
        """Replay the lanes with a nan where every comparison is a guard: it may be none there."""
        numpy = sys.modules["numpy"]
        done = numpy.arange(lanes.count)
        if result.status is not None:
            (done,) = (result.status == 0).nonzero()
        columns = [result.values, *result.inputs]
        is_nan = functools.reduce(
            numpy.logical_or, [numpy.isnan(column[done]).any(axis=1) for column in columns]
        )
        is_solved = ~numpy.isin(done, unsolved)  # else it is nan on every path
        is_nan &= is_solved
        if self.request & BY_CAPTURED:  # whose gradients are those of all lanes together
            alone = [self._batch(path, lanes.take(done[i : i + 1])) for i in range(len(done))]
            is_nan |= [numpy.isnan(numpy.asarray(one.captured)).any() for one in alone]
            is_nan &= is_solved
            if not is_nan.all():
                self.captured.append((path, self._batch(path, lanes.take(done[~is_nan])).captured))
        strays = done[is_nan]
        if not len(strays):
            return
        strays = strays if rows is None else rows[strays]
        parted = run_batch(
            self.paths.parting, self.lanes.take(strays), self.request, self.upstream, self.threads,
            self.read,
        )  # fmt: skip
        self._put(strays, Batch(parted.values, parted.inputs, None, None))
        self._note(strays, parted.unsolved)
        self.captured += parted.captured


def _left(
    paths: Paths, path: Path, lanes: Lanes, status: Any, read: Callable[[Path], Any]
) -> tuple[list[tuple[Path, Any]], dict[int, Exception]]:
    """Return the lanes that are not done, those of each guard with the path they take there.

    With them comes what was raised for those that have no path, as they have no solution.
    """
    left: list[tuple[Path, Any]] = []
    failed: dict[int, Exception] = {}
    for outcome in sorted(set(status.tolist()) - {0}):
        (rows,) = (status == outcome).nonzero()
        other = path if outcome < 0 else None
        while other is None and len(rows):
            lane = functools.partial(lanes.lane, int(rows[0]))
            try:
                other = paths.after(path, outcome - 1, lane, read)
            except UNSOLVED as error:
                failed[int(rows[0])] = error
                rows = rows[1:]
        if other is not None:
            left.append((other, rows))
    return left, failed

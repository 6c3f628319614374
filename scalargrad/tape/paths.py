"""The paths of a function: one tape for each way through its comparisons.

Lanes run on the tape of the first path. Those for which a guard turns out otherwise go on to the
tape of their own path, which is traced when it is first needed.
"""

from __future__ import annotations

import functools
from array import array
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import errors
from .._engine import add_gradients, numbers
from ..core.arithmetic import data_of, is_value
from ..core.modes import recording
from ..core.nesting import Structure
from ..core.source_lines import line_text
from ..core.turns import take_turn
from ..functions import elementary
from ..table.codes import INDEX
from .lane_arguments import Lanes
from .replay import Point, Replay, Runner
from .tape import Tape, seeded


class Path:
    """One way through a function."""

    def __init__(
        self, runner: Runner, structure: Structure, again: Callable[[Tape], Runner]
    ) -> None:
        self.runner = runner
        self._again = again  # what makes a runner of another tape
        self.structure = structure  # of what the function returns
        self.captured: tuple[Any, ...] = runner.tape.captured
        #: whether each of them is a Value, and a leaf: the common case
        self._are_values = all(is_value(x) for x in self.captured)
        self.are_leaves: bool = self._are_values and not any(x.parents for x in self.captured)

    @property
    def tape(self) -> Tape:
        """What was traced."""
        return self.runner.tape

    @functools.cached_property
    def seeded(self) -> Runner:
        """What replays the sum of all results, each times an input of its own: for Jacobians."""
        return self._again(seeded(self.tape))

    def read(self) -> Any:
        """Return the numbers of what was captured, as they are now."""
        if self._are_values:
            return numbers(self.captured)
        return array("d", map(data_of, self.captured))

    def pairs(self, sums: Any) -> list[tuple[Any, float]]:
        """Return each Value that was captured with its gradient."""
        numbers = memoryview(sums).cast("B").cast("d").tolist()
        return [pair for pair in zip(self.captured, numbers, strict=True) if is_value(pair[0])]


def add_sums(parts: Sequence[tuple[Path, Any]]) -> None:
    """Add gradients to what paths captured, all of them or none."""
    (path, sums), *others = parts
    if path.are_leaves and not others:
        add_gradients(path.captured, sums)
        return
    totals: dict[int, Any] = {}  # a Value may be captured on several paths
    for path, sums in parts:
        for value, grad in path.pairs(sums):
            _, total = totals.get(id(value), (value, 0.0))
            totals[id(value)] = value, total + grad
    if not totals:
        return
    values, grads = zip(*totals.values(), strict=True)
    if all(path.are_leaves for path, _ in parts):
        add_gradients(values, array("d", grads))
    else:  # a pass goes on through the graphs below
        with recording():
            elementary.dot(values, grads).backward()


class Paths:
    """All ways through a function that arguments of one structure took so far."""

    def __init__(
        self, name: str, trace: Callable[[Sequence[Any]], Path], most: int, mode: str, remedy: str
    ) -> None:
        self.name: str = name
        self.mode: str = mode
        self._remedy = remedy
        self.known: list[Path] = []
        self.gradients: Sequence[Structure] = ()  # of the gradient by each argument
        self.calls: dict[str, Any] = {}  # what answers calls like earlier ones: see calls.py
        #: what must be as it was, for them: see watched.py
        self.watched: Callable[[], tuple[Any, ...]] = tuple
        self._trace = trace
        self._most = most
        self._next: dict[tuple[int, int, int | str], int] = {}
        self._tree = _Tree()

    def first(self, lane: Callable[[], Sequence[Any]]) -> Path:
        """Return the path to try first."""
        if not self.known:
            take_turn(self._trace_first, lane)
        return self.known[0]

    def _trace_first(self, lane: Callable[[], Sequence[Any]]) -> None:
        if not self.known:  # by another thread meanwhile
            self.add(self._trace(lane()))

    def add(self, path: Path) -> int:
        """Take a path that was traced; return its index."""
        index = len(self.known)
        self.known.append(path)
        self._tree.add(path.tape.outcomes, index)
        return index

    def after(
        self,
        path: Path,
        guard: int,
        lane: Callable[[], Sequence[Any]],
        read: Callable[[Path], Any] = Path.read,
    ) -> Path:
        """Return the path of a lane that left another one at a guard.

        Raises: `RuntimeError` where there are too many, or where the function changes its mind.
        """
        outcome: int | str = not path.tape.guards[guard].outcome
        if path.tape.guards[guard].comparison == INDEX:
            outcome = Replay(path.tape).outcome(guard, lane(), read(path))
            if outcome == path.tape.outcomes[guard]:  # which fast kernels computed otherwise
                raise self._changed(path, guard)
        step = id(path), guard, outcome
        if step not in self._next:  # one traces, and the others find it
            self._next[step] = take_turn(self._find, path, guard, outcome, lane)
        return self.known[self._next[step]]

    def _find(
        self, path: Path, guard: int, outcome: int | str, lane: Callable[[], Sequence[Any]]
    ) -> int:
        outcomes = (*path.tape.outcomes[:guard], outcome)
        known = self._tree.find(outcomes)
        if known is not None:
            return known
        where = line_text(path.tape.guards[guard].source)
        if len(self.known) >= self._most:
            raise errors.StateError(
                f"{self.name}: the arguments must lead through at most {self._most} different"
                f" paths; got one more, which parts at {where}; {self._remedy}"
            )
        other = self._trace(lane())
        if other.tape.outcomes[: guard + 1] != outcomes:
            raise self._changed(path, guard)
        return self.add(other)

    def _changed(self, path: Path, guard: int) -> errors.StateError:
        """Return the error for a comparison that turns out otherwise when the function is run."""
        where = line_text(path.tape.guards[guard].source)
        if self.mode == "fast":
            return errors.StateError(
                f"{self.name}: numbers that are compared must differ by more than the error of fast"
                f' mode; got a closer pair at {where}; use mode="strict"'
            )
        return errors.StateError(
            f"{self.name}: the function must do the same each time it is called; got another"
            f" outcome at {where} when it was run again; pass what is random, or changes, as an"
            " argument"
        )


class _Tree:
    """Finds a path by how its first comparisons turn out."""

    def __init__(self) -> None:
        #: outcome of the next comparison -> the tree behind it, and a path that leads there
        self._root: dict[int | str, Any] = {}

    def find(self, outcomes: Sequence[int | str]) -> int | None:
        """Return the index of a path that begins so, or None."""
        tree, index = self._root, 0
        for outcome in outcomes:
            if outcome not in tree:
                return None
            tree, index = tree[outcome]
        return index

    def add(self, outcomes: Sequence[int | str], index: int) -> None:
        """Take a path; an interrupt leaves a beginning of it, which is no fault."""
        tree = self._root
        for outcome in outcomes:
            tree, _ = tree.setdefault(outcome, ({}, index))


def run_point(paths: Paths, point: list[Any], request: int, output: int = 0) -> tuple[Path, Point]:
    """Replay one point on its own path."""
    path = paths.first(lambda: point)
    while True:
        result = path.runner.point(point, path.read(), request, output)
        if result.broken is None:
            return path, result
        path = paths.after(path, result.broken, lambda: point)


class Collected(NamedTuple):
    """What all lanes of a batch gave together."""

    structure: Structure
    values: Any
    inputs: Any
    captured: list[tuple[Path, Any]]


def run_batch(
    paths: Paths,
    lanes: Lanes,
    request: int,
    upstream: float,
    threads: int,
    read: Callable[[Path], Any] = Path.read,
) -> Collected:
    """Replay every lane on its own path.

    Raises: `ValueError` where paths return results of different structures.
    """
    first = paths.known[0] if paths.known else paths.first(lambda: lanes.lane(0))
    result = first.runner.batch(lanes, read(first), request, upstream, threads)
    if result.status is None:
        return Collected(first.structure, result.values, result.inputs, [(first, result.captured)])
    values, inputs, captured = result.values, result.inputs, [(first, result.captured)]
    waiting = _left(paths, first, lanes, result.status, read)
    while waiting:
        path, rows = waiting.pop()
        if path.structure != first.structure:
            raise errors.InputError(
                f"{paths.name}: every lane of a batch must return numbers in the same structure;"
                " got different ones on different paths; return the same lists on each"
            )
        some = lanes.take(rows)
        result = path.runner.batch(some, read(path), request, upstream, threads)
        captured.append((path, result.captured))
        if result.status is None:
            done, finished = slice(None), rows
        else:
            done = result.status == 0
            finished = rows[done]
            waiting += [
                (other, rows[part]) for other, part in _left(paths, path, some, result.status, read)
            ]
        values[finished] = result.values[done]
        for whole, part in zip(inputs, result.inputs, strict=True):
            whole[finished] = part[done]
    return Collected(first.structure, values, inputs, captured)


def _left(
    paths: Paths, path: Path, lanes: Lanes, status: Any, read: Callable[[Path], Any]
) -> list[tuple[Path, Any]]:
    """Return the lanes that are not done, those of each guard with the path they take there."""
    left = []
    for outcome in sorted(set(status.tolist()) - {0}):
        (rows,) = (status == outcome).nonzero()
        if outcome > 0:
            lane = functools.partial(lanes.lane, int(rows[0]))
            other = paths.after(path, outcome - 1, lane, read)
            left.append((other, rows))
        else:
            left.append((path, rows))
    return left

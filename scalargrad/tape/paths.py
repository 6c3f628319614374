"""The paths of a function: one tape for each way through its comparisons.

Lanes run on the tape of the first path. Those for which a guard turns out otherwise go on to the
tape of their own path, which is traced when it is first needed.
"""

from __future__ import annotations

import functools
import sys
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from .. import errors
from .._engine import add_gradients, numbers
from ..core.arithmetic import data_of, is_value
from ..core.modes import recording
from ..core.nesting import Structure
from ..core.source_lines import line_text
from ..core.tracer import unpack
from ..core.turns import take_turn
from ..functions import elementary
from ..table import ops
from ..table.codes import INDEX, INPUT
from .lane_arguments import Lanes
from .replay import Replay, Runner
from .tape import NAMES, Tape, seeded
from .tracing import Parting

_KEEP = NAMES.index(ops.KEEP.name)

#: what the tapes and plans of all paths may take, where their number is not given
MOST_BYTES = 2**27
#: so many paths may be there whatever they take
LEAST_MOST = 16
#: about: of a path, with what Python keeps; of a line, with the plans for values and gradients
BYTES_A_PATH, BYTES_A_LINE = 8192, 200


class Path:
    """One way through a function."""

    def __init__(
        self, runner: Runner, structure: Structure, again: Callable[[Tape], Runner]
    ) -> None:
        self.runner = runner
        self._again = again  # what makes a runner of another tape
        self.structure = structure  # of what the function returns
        self.index = 0  # among all paths
        #: the path to which a comparison leads that turns out otherwise, by its guard
        self.branches: dict[int, int] = {}
        self.captured: tuple[Any, ...] = runner.tape.captured
        self.bytes: int = BYTES_A_PATH + BYTES_A_LINE * len(runner.tape)
        #: whether its lines compute what they do not choose: it may be nan, and so may a gradient
        self.selects: bool = _KEEP in runner.tape.ops
        #: whole numbers of the arguments that Python asked for: where they stand, which they are
        self.pins: dict[int, int | str] = _pins_of(runner.tape)
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


def _pins_of(tape: Tape) -> dict[int, int | str]:
    return {
        unpack(guard.left).position: outcome
        for guard, outcome in zip(tape.guards, tape.outcomes, strict=True)
        if guard.comparison == INDEX and unpack(guard.left).kind == INPUT
    }


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


class Collected(NamedTuple):
    """What all lanes of a batch gave together."""

    structure: Structure
    values: Any
    inputs: Any
    captured: list[tuple[Path, Any]]
    #: what was raised for lanes without a solution, which are nan
    unsolved: Mapping[int, Exception] = MappingProxyType({})


class Paths:
    """All ways through a function that arguments of one structure took so far."""

    def __init__(
        self,
        name: str,
        trace: Callable[[Sequence[Any], bool], Path],
        most: int | None,
        mode: str,
        remedy: str,
        *,
        is_lazy: bool = True,
    ) -> None:
        self.name: str = name
        self.mode: str = mode
        self._remedy = remedy
        self.known: list[Path] = []
        self.gradients: Sequence[Structure] = ()  # of the gradient by each argument
        self.calls: dict[str, Any] = {}  # what answers calls like earlier ones: see calls.py
        #: what must be as it was, for them: see watched.py
        self.watched: Callable[[], tuple[Any, ...]] = tuple
        #: whether comparisons part paths only where Python asks how they turn out
        self.is_lazy: bool = is_lazy
        self.is_restored: bool = False  # whether a pickle had some of them
        self.last: Path | None = None  # that of the last point
        self._pinned: tuple[int, ...] = ()  # where whole numbers stand that paths ask for
        self._by_pins: dict[tuple[int | str, ...], Path] = {}  # those that ask for these
        self._trace = trace
        self._most = most
        self._bytes = 0  # of all known paths
        self._next: dict[tuple[int, int, int | str], int] = {}
        self._branches = 0  # of all paths
        self._forests: dict[int, tuple[tuple[int, int], Any]] = {}  # by request
        self._fitting = 0, True  # how many paths were asked, and whether all of them fit
        self._tree = _Tree()

    def first(self, lane: Callable[[], Sequence[Any]]) -> Path:
        """Return the path to try first."""
        if not self.known:
            take_turn(self._trace_first, lane)
        return self.known[0]

    def _trace_first(self, lane: Callable[[], Sequence[Any]]) -> None:
        if self.known:  # by another thread meanwhile
            return
        try:
            self.add(self._trace(lane(), self.is_lazy))
        except Parting:
            self.part()
            self.add(self._trace(lane(), self.is_lazy))

    @functools.cached_property
    def parting(self) -> Paths:
        """The paths of the same function with every comparison as a guard."""
        parting = Paths(
            self.name, self._trace, self._most, self.mode, self._remedy, is_lazy=False
        )  # fmt: skip
        parting.gradients, parting.watched = self.gradients, self.watched
        return parting

    @property
    def every(self) -> list[Path]:
        """All paths, also those of lanes with a nan."""
        return [*self.known, *(self.parting.known if "parting" in vars(self) else ())]

    def part(self) -> None:
        """Forget all paths, and make every comparison a guard."""
        self.is_lazy, self.last = False, None
        self.known, self._next, self._tree = [], {}, _Tree()
        self._forests, self._fitting = {}, (0, True)
        self._bytes = self._branches = 0
        self._pinned, self._by_pins = (), {}
        for calls in self.calls.values():
            if calls is not None:
                calls.forget()
        self.calls = {}

    def likely(self, point: Sequence[Any]) -> Path:
        """Return the path that a point takes most likely: that of the last one, or of its pins."""
        path = self._by_pins.get(self._pins_at(point), self.last) if self._pinned else self.last
        return path or self.first(lambda: point)

    def by_pins(self, lanes: Lanes) -> list[tuple[Path, Any]]:
        """Return the rows of lanes with equal whole numbers, where paths ask for these.

        Each comes with the path that it takes most likely. Nothing where all are alike.
        """
        columns = [column for place in self._pinned for column in lanes.columns_at(place)]
        if not columns:
            return []
        numpy = sys.modules["numpy"]
        order = numpy.lexsort(columns)
        changes = [column[order[1:]] != column[order[:-1]] for column in columns]
        parts = numpy.split(order, numpy.logical_or.reduce(changes).nonzero()[0] + 1)
        firsts = [self._pins_at(lanes.lane(int(rows[0]))) for rows in parts]
        return [
            (self._by_pins.get(pins, self.known[0]), rows)
            for pins, rows in zip(firsts, parts, strict=True)
        ]

    def _pins_at(self, point: Sequence[Any]) -> tuple[int | str, ...]:
        return tuple([str(float(point[place])) for place in self._pinned])

    def add(self, path: Path) -> int:
        """Take a path that was traced; return its index."""
        index = path.index = len(self.known)
        self.known.append(path)
        self._bytes += path.bytes
        self._tree.add(path.tape.outcomes, index)
        if path.pins:
            self._pinned = tuple(dict.fromkeys([*self._pinned, *path.pins]))
            self._by_pins = {
                tuple([one.pins.get(place, "") for place in self._pinned]): one
                for one in self.known
            }
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
        if guard in path.branches and self.has(path):
            return self.known[path.branches[guard]]
        outcome: int | str = not path.tape.guards[guard].outcome
        if path.tape.guards[guard].comparison == INDEX:
            kind, place = unpack(path.tape.guards[guard].left)
            if kind == INPUT:
                outcome = str(float(lane()[place]))
            else:
                outcome = Replay(path.tape).outcome(guard, lane(), read(path))
            if outcome == path.tape.outcomes[guard]:  # which fast kernels computed otherwise
                raise self._changed(path, guard)
        step = id(path), guard, outcome
        if step not in self._next:  # one traces, and the others find it
            self._next[step] = take_turn(self._find, path, guard, outcome, lane)
        other = self.known[self._next[step]]
        if not isinstance(outcome, str):
            path.branches[guard] = other.index
            self._branches += 1
        return other

    def complete(self, index: int) -> None:
        """Find where the comparisons of a path lead, as far as that is known by now."""
        if index < len(self.known):
            path = self.known[index]
            path.branches.update(self._tree.branches(path.tape.outcomes))

    def has(self, path: Path) -> bool:
        """Tell whether it is one of these, now."""
        return path.index < len(self.known) and self.known[path.index] is path

    def all_are(self, fits: Callable[[Path, Path], bool]) -> bool:
        """Tell whether every path fits, beside the first one; those asked before are not again."""
        count, fit = self._fitting
        if count != len(self.known):
            new = self.known[count:]
            fit = fit and all(fits(path, self.known[0]) for path in new)
            self._fitting = count + len(new), fit
        return fit

    def forest(self, request: int, make: Callable[[Paths, int], Any]) -> Any:
        """Return what runs all known paths at once, made anew where there are more than before."""
        size = len(self.known), self._branches
        kept = self._forests.get(request)
        if kept is None or kept[0] != size:
            kept = self._forests[request] = size, make(self, request)
        return kept[1]

    def _find(
        self, path: Path, guard: int, outcome: int | str, lane: Callable[[], Sequence[Any]]
    ) -> int:
        outcomes = (*path.tape.outcomes[:guard], outcome)
        known = self._tree.find(outcomes)
        if known is not None:
            return known
        self._check_room(path, guard)
        other = self._trace(lane(), self.is_lazy)
        if other.tape.outcomes[: guard + 1] != outcomes:
            if self.is_lazy and self.is_restored:  # perhaps each of its comparisons is a guard
                raise Parting
            raise self._changed(path, guard)
        return self.add(other)

    def _check_room(self, path: Path, guard: int) -> None:
        """Refuse one more path, which parts from a known one, where there are too many."""
        count, left = len(self.known), path.tape.guards[guard]
        is_full = count >= LEAST_MOST and self._bytes + path.bytes > MOST_BYTES
        if count < self._most if self._most is not None else not is_full:
            return
        where, remedy = line_text(left.source), self._remedy
        if self._most is not None:
            must = f"the arguments must lead through at most {self._most} different paths"
        else:
            must = f"the tapes of all paths must take at most {MOST_BYTES >> 20} MB"
            remedy = 'choose there by where, or by max, min and choose="lanes", or pass max_paths'
        if left.comparison == INDEX:
            remedy = f"write sg.take(rows, i) for rows[i], or {self._remedy}"
        raise errors.StateError(
            f"{self.name}: {must}; got {count} and one more, which parts at {where}; {remedy}"
        )

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

    def branches(self, outcomes: Sequence[int | str]) -> Iterator[tuple[int, int]]:
        """Yield the comparisons of a path with a path behind the other outcome."""
        tree = self._root
        for guard, outcome in enumerate(outcomes):
            if not isinstance(outcome, str) and (not outcome) in tree:
                yield guard, tree[not outcome][1]
            if outcome not in tree:
                return
            tree = tree[outcome][0]

    def add(self, outcomes: Sequence[int | str], index: int) -> None:
        """Take a path; an interrupt leaves a beginning of it, which is no fault."""
        tree = self._root
        for outcome in outcomes:
            tree, _ = tree.setdefault(outcome, ({}, index))

"""`grad`, `jacobian` and their kin of a compiled function: replayed on its tape.

At plain numbers they run what was recorded. Where a graph is asked for, by a Value that goes in or
by a transformation around, they are what they are of every function.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any, NamedTuple

from .. import errors
from .._engine import quick
from ..calculus.transforms import Arrangement
from ..core import modes, tracer
from ..core.arguments import as_whole
from ..core.arithmetic import is_value
from ..core.around import around
from ..core.nesting import NUMBER, Container, Structure, flatten
from . import calls
from .flattening import flatten_point
from .lane_arguments import Lanes
from .lanes_on_paths import run_point
from .paths import Path, Paths
from .replay import BY_INPUTS, VALUES
from .tracing import Parting

#: so many rows of a Jacobian are run one by one, to the bits of an eager one; more as lanes
MOST_ROWS = 4


class Given(NamedTuple):
    """Arguments of a call that are plain numbers."""

    structures: tuple[Structure, ...]
    numbers: list[Any]
    starts: list[int]  # where each argument begins among the numbers


def given(who: str, args: Sequence[Any], argnums: Sequence[int]) -> Given | None:
    """Take arguments apart; None where the tape is not to be used.

    Those that are differentiated are floats, and an array is one point.
    Raises: `TypeError` for what is no number.
    """
    if tracer.is_on() or around.get() or modes.anomaly():
        return None
    structures: list[Structure] = []
    numbers: list[Any] = []
    starts = []
    for index, argument in enumerate(args):
        take = flatten if index in argnums else flatten_point
        structure, leaves = take(who, f"argument {index}", argument, "pass a float")
        if any(map(is_value, leaves)) or not _is_lasting(structure):
            return None
        structures.append(structure)
        starts.append(len(numbers))
        numbers += leaves
    return Given(tuple(structures), numbers, starts)


def _is_lasting(structure: Structure) -> bool:
    """Tell whether an equal structure comes of an equal argument."""
    if not isinstance(structure, Container):
        return True
    return not isinstance(structure.build, functools.partial) and all(
        map(_is_lasting, structure.parts)
    )


class Derivative:
    """The gradient or the Jacobian of a compiled function, as a function."""

    #: what answers calls like the last one in C: see calls.py
    _last_call: Any = None

    def __init__(
        self,
        who: str,
        compiled: Any,
        argnums: Any,
        eager: Callable[..., Any],
        *,
        is_second: bool = False,
    ) -> None:
        functools.update_wrapper(self, eager, updated=())
        self._who, self._compiled, self._eager = who, compiled, eager
        self._argnums = argnums
        self._is_second = is_second  # it is the Jacobian of a gradient, which may not be recorded
        self._single = not isinstance(argnums, (tuple, list))

    def __repr__(self) -> str:
        who = "hessian" if self._is_second else self._who
        which = f", argnums={self._argnums}" if self._argnums != 0 else ""
        return f"{who}({self._compiled!r}{which})"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    @functools.partial(quick, kind="replay_derivative")
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the derivative at some arguments."""
        if not self._is_second:
            return self._on_tape(args, kwargs)
        if kwargs:
            return self._eager(*args, **kwargs)
        try:
            return self._on_tape(args, kwargs)
        except errors.StateError:
            return self._eager(*args)

    def _on_tape(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        positions = _positions(self._argnums, len(args))
        compiled, numbers = self._compiled, args
        if positions and (kwargs or compiled.static):
            compiled, numbers, places = compiled._variant(args, kwargs)
            kept = [places[i] for i in positions]
            positions = [i for i in kept if i is not None] if None not in kept else None
        point = given(self._who, numbers, positions) if positions else None
        if point is None or positions is None:
            return self._eager(*args, **kwargs)
        paths = compiled._paths_of(point.structures)
        if self._who == "jacobian":
            return self._jacobian(paths, point, positions)
        path, found = run_point(paths, point.numbers, BY_INPUTS)
        if path.structure != NUMBER:  # which is refused there
            return self._eager(*args, **kwargs)
        if not compiled._count_call():
            self._last_call = None
        elif compiled is self._compiled and not kwargs:
            self._last_call = calls.remember(
                paths, path, point.structures, f"{self._who} {self._argnums}", BY_INPUTS,
                functools.partial(self._codes, point, positions),
            )  # fmt: skip
        grads = self._in_place(point, positions, found.inputs or ())
        return grads if self._who == "grad" else (found.values[0], grads)

    def _in_place(self, point: Given, positions: Sequence[int], row: Sequence[float]) -> Any:
        """Return a gradient in the structure of the arguments."""
        parts = [
            point.structures[i].hollow.unflatten(iter(row[point.starts[i] :])) for i in positions
        ]
        return parts[0] if self._single else tuple(parts)

    def _codes(self, point: Given, positions: Sequence[int], things: list[Any]) -> list[int]:
        """Return the codes of the result: see calls.py."""
        codes = []
        for i in positions:
            codes += [calls.AT, 1 + point.starts[i]]
            codes += calls.result(point.structures[i].hollow, things)
        if not self._single:
            codes = [calls.TUPLE, 1, len(positions), *codes]
        return codes if self._who == "grad" else [calls.TUPLE, 1, 2, calls.FLOAT, *codes]

    def _jacobian(self, paths: Paths, point: Given, positions: Sequence[int]) -> Any:
        path = paths.likely(point.numbers)
        is_short = len(path.tape.outputs) <= MOST_ROWS
        if is_short or path.tape.gathers or "numpy" not in sys.modules:
            path, rows = _one_by_one(paths, point.numbers)
        else:
            path, rows = _as_lanes(paths, path, point.numbers)
        arrangement = Arrangement(single=self._single)
        arrangement.structure = path.structure
        arrangement.structures = [point.structures[i].hollow for i in positions]
        if list(positions) != list(range(len(point.structures))):
            parts = [
                slice(point.starts[i], point.starts[i] + point.structures[i].size)
                for i in positions
            ]
            rows = [[x for part in parts for x in row[part]] for row in rows]
        return arrangement.blocks(rows)


def _positions(argnums: Any, count: int) -> list[int] | None:
    """Return which arguments are differentiated; None for what is refused elsewhere."""
    several = isinstance(argnums, (tuple, list))
    numbers = [as_whole(argnum) for argnum in (argnums if several else (argnums,))]
    positions = [n % count for n in numbers if n is not None and -count <= n < count]
    return positions if len(set(positions)) == len(numbers) else None


# -- the rows of a Jacobian ------------------------------------------------------------------


def _one_by_one(paths: Paths, numbers: list[Any]) -> tuple[Path, list[list[float]]]:
    path, found = run_point(paths, numbers, BY_INPUTS)
    rows = [found.inputs or []]
    for output in range(1, len(found.values)):
        rows.append(run_point(paths, numbers, BY_INPUTS, output)[1].inputs or [])
    return path, rows


def _as_lanes(paths: Paths, path: Path, numbers: list[Any]) -> tuple[Path, list[list[float]]]:
    """Return all rows as lanes of one batch: in each of them another output is seeded with 1.

    The zero of another output times an infinite partial is nan: such rows are run by themselves.
    """
    numpy = sys.modules["numpy"]
    while True:
        count, inputs = len(path.tape.outputs), len(numbers)
        shared, parts = [*numbers, *[0.0] * count], [(0, inputs)]
        lanes = Lanes(shared, False, [(inputs, numpy.eye(count))], count, False, None, parts)
        found = path.seeded.batch(lanes, path.read(), BY_INPUTS, 1.0, 1)
        if found.unsolved:  # all lanes are this point
            raise found.unsolved[0]
        if found.status is None:
            break
        try:
            path = paths.after(path, int(found.status[0]) - 1, lambda: numbers)
        except Parting:
            return _one_by_one(paths, numbers)
    paths.last = path
    (matrix,) = found.inputs
    rows: list[list[float]] = matrix.tolist()
    for row in numpy.isnan(matrix).any(axis=1).nonzero()[0].tolist():
        rows[row] = run_point(paths, numbers, BY_INPUTS, row)[1].inputs or []
    return path, rows


# -- other transformations -------------------------------------------------------------------


def replayed(
    compiled: Any, who: str, transformed: Callable[..., Any], args: Sequence[Any]
) -> tuple[Any] | None:
    """Return what a transformation gives at plain numbers, recorded once; else None.

    What cannot be recorded, as a derivative of what has but one, is run as it is.
    """
    try:
        point = given(who, args, range(len(args)))
    except errors.OperandError:  # which is refused there, in its own words
        return None
    if point is None or not point.numbers:
        return None
    inner = compiled._inner(who, transformed)
    try:
        path, found = run_point(inner._paths_of(point.structures), point.numbers, VALUES)
    except errors.StateError:
        return None
    return (path.structure.unflatten(iter(found.values)),)

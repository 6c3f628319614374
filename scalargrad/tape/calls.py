"""Calls that are like earlier ones: what they look like, for the machine, which answers them in C.

What stands here is codes alone: `_native/machine/calls.c` reads arguments by them, runs the plan of
a path, and puts the result together. What fits none goes the way of every first call.
"""

from __future__ import annotations

import functools
import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from ..core.nesting import Container, Held, Leaf, Structure
from ..table.codes import SHAPES
from .machine import Machine
from .paths import Path, Paths

FLOAT, WHOLE, ARRAY, LIST, TUPLE, AT, BUILT, KEPT = range(len(SHAPES))

#: nestings that are deeper stay with Python
DEEPEST = 60


def remember(
    paths: Paths,
    path: Path,
    structures: Sequence[Structure],
    kind: str,
    request: int,
    result_of: Callable[[list[Any]], list[int]],
) -> Any:
    """Return what answers calls with arguments of such structures from now on, or None.

    `result_of` gives the codes of the result, and appends the things that stand in it to a list.
    """
    runner = path.runner
    if not isinstance(runner, Machine) or runner.tape.gathers or not paths.has(path):
        return None
    if kind not in paths.calls:
        shape = [_argument(structure, DEEPEST) for structure in structures]
        paths.calls[kind] = None
        if all(codes is not None for codes in shape):
            flat = [code for codes in shape for code in codes or ()]
            numpy = sys.modules.get("numpy")
            arrays = numpy.ndarray if numpy is not None else None
            inputs = sum(structure.size for structure in structures)
            paths.calls[kind] = runner.calls(
                len(structures), inputs, _bytes(flat), arrays, paths.watched()
            )
    calls = paths.calls[kind]
    if calls is not None:
        paths.complete(calls.parted())
    if calls is not None and not calls.goes(path.index):
        things: list[Any] = []
        codes = result_of(things)
        plan, left = runner.settled(request)
        calls.put(
            path.index, path.selects, left, plan, path.captured, _bytes(codes), tuple(things),
            path.branches,
        )  # fmt: skip
    return calls


def _bytes(codes: Sequence[int]) -> bytes:
    return array("I", codes).tobytes()


def _argument(structure: Structure, depth: int) -> list[int] | None:
    """Return the codes of an argument; None where C does not take such a one apart."""
    if isinstance(structure, Leaf):
        if structure.shape:
            is_plain = len(structure.shape) == 1 and structure.dtype == float
            return [ARRAY, structure.size] if is_plain else None
        return [WHOLE if structure.dtype is int else FLOAT]
    if not isinstance(structure, Container) or structure.build not in (list, tuple) or not depth:
        return None
    code = LIST if structure.build is list else TUPLE
    if not structure.times or not structure.parts:
        return [code, 1, 0]
    codes = [code, structure.times, len(structure.parts)]
    for part in structure.parts:
        own = _argument(part, depth - 1)
        if own is None:
            return None
        codes += own
    return codes


def result(structure: Structure, things: list[Any], depth: int = DEEPEST) -> list[int]:
    """Return the codes of a result, which begins at the next number."""
    if isinstance(structure, Leaf):
        if not structure.shape:
            return [FLOAT]
        things.append(_Array(structure))
        return [BUILT, len(things) - 1, ARRAY, structure.size]
    if isinstance(structure, Held):
        things.append(structure.value)
        return [KEPT, len(things) - 1]
    if not depth:
        things.append(functools.partial(_unflattened, structure))
        return [BUILT, len(things) - 1, LIST, structure.size, 1, FLOAT]
    codes = []
    if structure.build not in (list, tuple) or structure.keys is not None:
        things.append(structure.of)
        codes += [BUILT, len(things) - 1]
    codes.append(TUPLE if structure.build is tuple else LIST)
    if not structure.times or not structure.parts:
        return [*codes, 1, 0]
    codes += [structure.times, len(structure.parts)]
    for part in structure.parts:
        codes += result(part, things, depth - 1)
    return codes


def _unflattened(structure: Structure, numbers: list[float]) -> Any:
    return structure.unflatten(iter(numbers))


class _Array:
    """Builds an array of the bytes of its doubles."""

    def __init__(self, leaf: Leaf) -> None:
        self.leaf = leaf

    def __call__(self, numbers: bytearray) -> Any:
        flat = sys.modules["numpy"].frombuffer(numbers, dtype=float)
        return flat.astype(self.leaf.dtype, copy=False).reshape(self.leaf.shape)

"""Tapes of real functions, and what becomes of them when one number in them is another."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import scalargrad as sg
from scalargrad.core.tracer import Guard
from scalargrad.tape.tape import NAMES, Tape

#: so many numbers of a column are changed, evenly spread
_MOST = 24

_FIELDS = [column.name for column in dataclasses.fields(Tape)]


def _traced(function: Callable[..., Any], *points: Any) -> list[Tape]:
    f = sg.compile(function)
    for point in points:
        f(*point)
    return f.tapes


@sg.custom(lambda x: 2.0 * x)
def squared(x: float) -> float:
    """Return a square, as an operation of one's own."""
    return x * x


def _branches(x: Any, y: Any) -> Any:
    return x * y + 2.5 if x > y else sg.exp(x) - y


def _index(xs: Any, n: Any) -> Any:
    return xs[n] * n + sum(xs[:n])


def tapes() -> dict[str, Tape]:
    """Return tapes of functions of every kind, by name."""
    ws = [sg.Value(0.25 * i - 0.5) for i in range(6)]
    net = sg.nn.MLP(3, [4, 4, 2], seed=1)
    found = {
        "one line": _traced(lambda x: x * x, [2.0]),
        "no line": _traced(lambda x: [x, 1.0], [2.0]),
        "branches": _traced(_branches, [2.0, 1.0], [1.0, 2.0]),
        "captured": _traced(lambda x: sg.tanh(ws[0] * x + ws[1]) / 4.0 - ws[1] ** 2, [0.5]),
        "detached": _traced(lambda x, y: (x * y).detach() * x + sg.mean([x, y, 2.0]), [1.5, 2.0]),
        "chains": _traced(lambda x, y: x * 2.0 + y * 3.0 + x * y + 1.0 + y + x, [1.0, 2.0]),
        "lists": _traced(
            lambda x, y: [*sg.softmax([x, y, 0.5]), sg.logsumexp([x, y]), sg.max([x, y, 1.0])],
            [1.0, 2.0],
        ),
        "dots": _traced(lambda x, y: sg.dot([x, y, 1], ws[:3]) * sg.dot([x, y], [y, x]), [1, 2.0]),
        "products": _traced(net, [[1.0, -1.0, 0.5]]),
        "wide": _traced(lambda xs: sg.sum([sg.sin(x * w) for x in xs for w in ws]), [[1.0, 2.0]]),
        "ints": _traced(_index, [[1.0, 2.0, 3.0], 2]),
        "own": _traced(lambda x: squared(x) + x, [3.0]),
    }
    return {f"{name} {i}": tape for name, some in found.items() for i, tape in enumerate(some)}


def with_column(tape: Tape, **changed: Any) -> Tape:
    """Return a tape with other columns."""
    return Tape(**{name: getattr(tape, name) for name in _FIELDS} | changed)


def mutants(tape: Tape) -> Iterator[tuple[str, Tape]]:
    """Yield every tape that differs in one number, or in the length of one column."""
    for name in ("ops", "starts", "operands", "results", "outputs"):
        column = getattr(tape, name)
        make = bytes if name == "ops" else lambda numbers: array("I", numbers)
        for what, numbers in _other_columns(list(column), _near(tape, name)):
            yield f"{name} {what}", with_column(tape, **{name: make(numbers)})
    for name in ("sample", "names", "captured", "guards"):
        column = getattr(tape, name)
        yield f"{name} shorter", with_column(tape, **{name: column[:-1]})
        yield f"{name} longer", with_column(tape, **{name: column + column[-1:]})
    yield "constants shorter", with_column(tape, constants=tape.constants[:-1])
    for number in (0, 1, tape.inputs - 1, tape.inputs + 1, 2**30, 2**31, 2**60, -1):
        yield f"inputs {number}", with_column(tape, inputs=number)
    for index, guard in enumerate(tape.guards[:_MOST]):
        for field in ("comparison", "left", "right", "outcome"):
            for number in _near(tape, field):
                other = guard._replace(**{field: number})
                guards = (*tape.guards[:index], Guard(*other), *tape.guards[index + 1 :])
                yield f"guard {index} {field} {number}", with_column(tape, guards=guards)


def _near(tape: Tape, name: str) -> list[Any]:
    """Return the numbers at the ends of what a column may hold, and beyond."""
    if name == "ops":
        end = len(NAMES)
        return [0, 1, 5, 30, end - 2, end - 1, end, end + 1, 127, 128, 239, 240, 249, 254, 255]
    if name == "outcome":
        return [True, False, 1, 2, -1, None]
    if name == "comparison":
        return [*range(8), 255, 256, -1]
    if name in ("starts", "results"):
        count = len(tape.operands) if name == "starts" else 3
        return [0, 1, 2, max(0, count - 1), count, count + 1, 2**30, 2**31, 2**32 - 1]
    counts = tape.inputs, len(tape.captured), len(tape.constants), len(tape)
    ends = {max(0, count + i) for count in counts for i in (-2, -1, 0, 1)} | {0, 1, 2**30 - 1}
    return [kind << 30 | index for kind in range(4) for index in sorted(ends)]


def _other_columns(column: list[int], near: list[int]) -> Iterator[tuple[str, list[int]]]:
    for index in range(0, len(column), max(1, len(column) // _MOST)):
        own = {column[index] - 1, column[index] + 1} - {-1, -2, 256, 2**32}
        for number in sorted({*near, *own} - {column[index]}):
            yield f"{index} {number}", [*column[:index], number, *column[index + 1 :]]
    yield "shorter", column[:-1]
    yield "longer", [*column, *(column[-1:] or [0])]
    yield "empty", []
    for index in range(0, len(column) - 1, max(1, len(column) // _MOST)):
        yield f"{index} exchanged", [
            *column[:index], column[index + 1], column[index], *column[index + 2 :]
        ]  # fmt: skip

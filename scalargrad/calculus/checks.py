"""Gradients of plain functions, checked against central differences."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .. import errors
from .._engine import Value
from ..core import markup
from ..core.arguments import number
from ..core.arithmetic import is_value
from ..core.modes import no_grad, recording
from ..core.nesting import Container, flatten
from ..core.pickles import Sealed
from ..core.text_tables import values_table
from .differences import INFINITE, KINK, MISMATCH, OK, REASONS, ROUGH, compare
from .graph_gradients import order_of
from .kinks import kinks_of
from .transforms import gradient_for

#: rows of a table that are shown, the worst first
SHOWN = 20

_WRONG = "the gradient is wrong, or the function is not what its derivative says"
_CHANGES = "the function gives other numbers each time it is called at the same point"
_AT_KINK = "at its kink, where there is no derivative but by convention: "
#: verdicts, the worst first
_ORDER = (MISMATCH, ROUGH, INFINITE, KINK, OK)


@dataclass(frozen=True)
class Checked(Sealed):
    """One input: its name, its gradient, the central difference, and the verdict."""

    name: str
    gradient: float
    difference: float
    verdict: str

    @property
    def error(self) -> float:
        """How far both are apart, relative to the larger of 1 and the difference."""
        return abs(self.gradient - self.difference) / max(1.0, abs(self.difference))


class GradientTable(Sealed):
    """The result of `check_gradients`, an input a row; true where nothing disagrees."""

    def __init__(
        self, rows: Sequence[Checked], reason: str = "", kinks: Sequence[str] = ()
    ) -> None:
        self.rows: tuple[Checked, ...] = tuple(rows)
        self.reason = reason
        self.kinks: tuple[str, ...] = tuple(
            kinks
        )  # operations that are at their kink, where not all is well

    def __bool__(self) -> bool:
        return all(row.verdict != MISMATCH for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Checked]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Checked:
        return self.rows[index]

    @property
    def worst(self) -> list[Checked]:
        """The rows, the worst first."""
        return sorted(self.rows, key=lambda row: (_ORDER.index(row.verdict), -_size(row.error)))

    def _repr_html_(self) -> str:
        """Return the rows as a notebook shows them."""
        rows = zip(*self._columns().values(), strict=True)
        head, *said = self._words()
        return markup.html(
            markup.paragraph(head),
            markup.table(["name", "gradient", "difference", ""], list(rows)),
            *map(markup.paragraph, said),
        )

    def __repr__(self) -> str:
        (_, names), *numbers, (_, verdicts) = self._columns().items()
        head, *said = self._words()
        return "\n".join([head, *values_table(names, dict(numbers), verdicts), *said])

    def _columns(self) -> dict[str, list[str]]:
        """Return the columns of the rows that are shown."""
        rows = self.worst[:SHOWN]
        return {
            "name": [row.name for row in rows],
            "gradient": [repr(row.gradient) for row in rows],
            "difference": ["" if math.isnan(r.difference) else repr(r.difference) for r in rows],
            "verdict": [row.verdict for row in rows],
        }

    def _words(self) -> list[str]:
        """Return what stands above the rows, and what is said below them."""
        count = sum(row.verdict == OK for row in self.rows)
        lines = [f"{count} of {len(self.rows)} gradients agree with central differences"]
        lines += [f"... {len(self.rows) - SHOWN} more"] * (len(self.rows) > SHOWN)
        verdicts = {row.verdict for row in self.rows}
        reasons = {MISMATCH: _WRONG, **REASONS}
        said = [text for verdict, text in reasons.items() if verdict in verdicts]
        lines += [self.reason] if self.reason else said
        return lines + [_AT_KINK + ", ".join(self.kinks[:SHOWN])] * bool(self.kinks)


def check_gradients(f: Callable[..., Any], *point: Any) -> GradientTable:
    """Compare the gradient of a function at a point with central differences, input by input.

    Maths: (4·d(h/2) − d(h))/3 with d(h) = (f(x + h) − f(x − h))/2h, h chosen for each input
    Shapes: the point is one argument or several, numbers or nestings of them.
    Domain: gradients agree within 1e-6, relative to the larger of 1 and the gradient; at a kink
    of a piecewise function the gradient must lie between both slopes. Where not all agree, the
    operations that are at their kink are named.
    Raises: `GradientError` (an `AssertionError`) that shows the table where a gradient disagrees.
    Source: Richardson, The deferred approach to the limit

    >>> import scalargrad as sg
    >>> sg.check_gradients(lambda x: x[0] * x[1], [2.0, 3.0])  # doctest: +ELLIPSIS
    2 of 2 gradients agree with central differences
    name  gradient  difference...
    """
    who = "check_gradients"
    every = tuple(range(len(point)))
    taken = [flatten(who, "the point", argument, "pass floats") for argument in point]
    structure = Container(list, tuple(one for one, _ in taken))
    numbers = [leaf for _, leaves in taken for leaf in leaves]
    numbers = [float(x.data) if is_value(x) else x for x in numbers]
    if not numbers:
        must = "the point must have at least one number"
        raise errors.InputError(errors.unwanted(who, must, point, "pass e.g. 1.0"))
    gradient = gradient_for(who, f, every)(*structure.unflatten(iter(numbers)))
    _, gradients = flatten(who, "the gradient", gradient, "pass floats")

    def function(*leaves: float) -> float:
        result = no_grad().call(f, *structure.unflatten(map(Value, leaves)))
        return result._data if is_value(result) else number(who, "what f returns", result)

    first, second = function(*numbers), function(*numbers)
    changes = first != second and not (first != first and second != second)
    comparisons = compare(function, numbers, gradients)
    named = zip(_arguments(f, len(point)), structure.parts, strict=False)
    names = [name for argument, part in named for name in part.names(argument)]
    checked = [Checked(name, *one) for name, one in zip(names, comparisons, strict=True)]
    kinks: Sequence[str] = ()
    if any(row.verdict != OK for row in checked):
        with recording():
            result = f(*structure.unflatten(map(Value, numbers)))
        kinks = kinks_of(order_of([result])) if is_value(result) else ()
    table = GradientTable(checked, _CHANGES if changes else "", kinks)
    if not table or changes:
        raise errors.GradientError(f"{who}: {table!r}")
    return table


def _size(error: float) -> float:
    """Return an error by which one can sort: what is no number is as bad as can be."""
    return math.inf if math.isnan(error) else error


def _arguments(f: Callable[..., Any], count: int) -> list[str]:
    """Return the names that a function gives its arguments, or x0, x1, ... where it gives none."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # of some built-in functions nothing is known
        parameters = ()  # type: ignore[assignment]
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(names) < count:
        names = ["x"] if count == 1 else [f"x{i}" for i in range(count)]
    return names

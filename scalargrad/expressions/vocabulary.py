"""The vocabulary of expressions: the functions and constants that they know by name."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..functions import elementary, losses
from ..table import ops
from ..table.row import ROWS, ManyRow, Row

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}


class Apply(NamedTuple):
    """An operation: it replaces the last `arity` results by one."""

    function: Callable[..., Any]  # of these results
    arity: int


class Function(NamedTuple):
    """What may be called in an expression, and with what."""

    name: str
    call: Callable[..., Any]
    least: int
    most: float
    lists: int = 0  # how many lists it takes; with one, plain operands do as well

    @property
    def usage(self) -> str:
        """One correct call."""
        if self.lists == 2:
            return f"{self.name}([x, y], [a, b])"
        if self.name == "where":
            return "where(x > 0, a, b)"
        return f"{self.name}({', '.join('xyz'[: max(self.least, 1 + bool(self.lists))])})"

    @property
    def operands_in_words(self) -> str:
        """What it takes, for a message."""
        if self.lists == 2:
            return "two lists"
        if self.lists == 1:
            return f"at least {self.least} operand, or one list"
        more = f" or {self.most}" * (self.most > self.least)
        return f"{self.least} operand{'s' * (self.least > 1)}{more}"

    def applied(self, arguments: Sequence[int | None]) -> Apply | None:
        """Return the operation on these arguments, or None where they do not fit.

        An argument is None for a number, else the length of a list.
        """
        lists = [length for length in arguments if length is not None]
        single = self.lists == 1 and len(arguments) == len(lists) == 1
        fits = single or len(lists) == (2 if self.lists == 2 else 0)
        if not fits or not self.least <= len(arguments) <= self.most:
            return None
        call = self.call
        if self.lists == 2:
            call = functools.partial(_on_two_lists, call, lists[0])
        elif self.lists == 1:
            call = functools.partial(_on_one_list, call)
        return Apply(call, sum(1 if length is None else length for length in arguments))


def _on_one_list(call: Callable[..., Any], *operands: Any) -> Any:
    return call(operands)


def _on_two_lists(call: Callable[..., Any], first: int, *operands: Any) -> Any:
    return call(operands[:first], operands[first:])


def _function(name: str, call: Callable[..., Any], row: Row | ManyRow | None = None) -> Function:
    if isinstance(row, ManyRow):
        least = row.lists if row.lists == 2 else int(not row.empty)
        return Function(name, call, least, 2 if row.lists == 2 else math.inf, row.lists)
    parameters = inspect.signature(call).parameters.values()
    least = sum(parameter.default is parameter.empty for parameter in parameters)
    return Function(name, call, least, len(parameters))


def gives_list(row: Row | ManyRow) -> bool:
    """Tell whether a row has many results, so that no expression can call it."""
    return isinstance(row, ManyRow) and row.lists == 1 and isinstance(row.value([0.0]), list)


@functools.cache
def table() -> dict[str, Function]:
    """Return every function of an expression by name: the public function of each row.

    >>> table()["hypot"].usage
    'hypot(x, y)'
    """
    functions = {}
    for name, row in ROWS.items():
        call = getattr(elementary, name, None) or getattr(losses, name, None)
        if call is not None and not getattr(row, "helper", False) and not gives_list(row):
            functions[name] = _function(name, call, row)
    for name, call, many in (  # public under another name than a row's, or not at all
        ("abs", abs, None),
        ("where", elementary.where, None),
        ("binary_cross_entropy_with_logits", losses.binary_cross_entropy_with_logits, ops.BCE),
    ):
        functions[name] = _function(name, call, many)
    return functions

"""The native engine: the Value of C, with the words of the readable one.

`_core` holds what is hot: nodes, operators, passes. What is rare or only text for people
(`repr`, labels, copies, refusals, the messages of errors) is the same Python for both engines:
the classes that Value inherits, and the functions that stand behind every short cut.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .. import conversion, modes, ops
from .. import rules as rules  # fills its table
from .._python import Value as _Readable
from ..arithmetic import METHOD_ROWS, Arithmetic
from ..copying import Copyable
from ..node import Node
from ..rows import ROWS, RULES, ManyRow, Row, digest
from ._core import create, short_cut
from ._core import digest as digest_in_c

__all__ = ["Value", "quick"]

F = TypeVar("F", bound=Callable[..., Any])

if digest_in_c != digest():
    raise ImportError("the native engine was built from another table")

if TYPE_CHECKING:
    Value = _Readable
else:
    Value = create(
        (Arithmetic, Node, Copyable),
        (_Readable.__doc__, Node.data.__doc__, Node.grad.__doc__),
        list(ROWS.values()),
        list(RULES.values()),
        {
            "as_number": conversion.as_number,
            "number": conversion.number,
            "active": modes.active,
            "mode": modes.variable,
            "current": modes.current,
            "watch": modes.watch,
            "check_pass": modes.check_pass,
            "arithmetic": Arithmetic,
        },
    )

_PLACES = {row: place for place, row in enumerate(ROWS.values(), 1)}


def quick(function: F, row: Row | ManyRow | None = None, kind: str = "") -> F:
    """Return a Python function with a short cut in C for plain arguments of this engine.

    The function itself handles everything else, and every error.
    """
    if row is not None:
        kind = ["one", "two"][row.arity - 1] if isinstance(row, Row) else "list"
        if isinstance(row, ManyRow) and row.lists == 2:
            kind = "lists"
    if kind == "affine":
        row = ops.DOT
    short = short_cut(kind, function, _PLACES[row] if row is not None else 0)
    made: F = functools.update_wrapper(short, function)  # type: ignore[assignment]
    return made


def _give_method(name: str, function: Callable[..., Any], kind: str, place: int = 0) -> None:
    """Put a function with a short cut into the class; `_owner` is where a pickle finds it."""
    method = functools.update_wrapper(short_cut(kind, function, place), function)
    method._owner = Value  # type: ignore[attr-defined]
    setattr(Value, name, method)


for _name, _row in METHOD_ROWS.items():
    if _row.arity == 1 and not _name.startswith("__"):
        _give_method(_name, getattr(Arithmetic, _name), "method", _PLACES[_row])
_give_method("backward", _Readable.backward, "backward")
_give_method("detach", _Readable.detach, "detach")
_give_method("__init__", _Readable.__init__, "init")

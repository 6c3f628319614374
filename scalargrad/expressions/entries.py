"""What people type: an expression that may have a name before it, and numbers that may be sums."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from ..errors import InputError, ScalargradError
from .expression import Expression, expression
from .tokens import normal, quoted
from .vocabulary import table

#: the name of a result, and its sign
RESULT = re.compile(r"\s*(\w+)\s*=(?!=)")


def read_expression(text: str) -> tuple[str, Expression]:
    """Return the name before `=`, if there is one, and the expression.

    >>> read_expression("g = x * 2")[0]
    'g'
    """
    match = RESULT.match(text)
    if match is None or not match[1].isidentifier():
        return "", expression(text)
    name = normal(match[1])
    formula = expression(" " * match.end() + text[match.end() :])  # keeps the columns of errors
    if name in (*formula.names, *formula.constants, *table()):
        raise InputError(
            f"{name!r}: the result needs a name of its own; got one that is in use; choose another"
        )
    return name, formula


def read_number(name: str, text: str) -> float:
    """Return a number from its text: an expression without names.

    >>> read_number("x", "-1/4")
    -0.25
    """
    try:
        formula = expression(text)
        if not formula.names:
            return float(formula())
    except ScalargradError:
        pass
    raise InputError(f"{name}: a number is wanted; got {quoted(text)}; write e.g. 1.5 or -1/3")


def result_name(formula: Expression) -> str:
    """Return what a result is called that was given no name: g, unless that is a name already."""
    return free_name((*formula.names, *formula.constants), "g", "f", "h")


def free_name(taken: Iterable[str], *candidates: str) -> str:
    """Return the first candidate that is not taken, or one with a number.

    >>> free_name(["g", "x"], "g", "f"), free_name(["g"], "g")
    ('f', 'g1')
    """
    taken = set(taken)
    numbered = (f"{candidates[0]}{i}" for i in itertools.count(1))
    return next(name for name in itertools.chain(candidates, numbered) if name not in taken)

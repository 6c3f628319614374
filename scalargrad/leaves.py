"""Labelled leaves, several at once."""

from __future__ import annotations

from ._engine import Value
from .errors import InputError


def values(**numbers: float) -> tuple[Value, ...]:
    """Return one labelled leaf for each keyword, in the order written.

    Raises: `TypeError` for anything that is not a number, `ValueError` where nothing is given.

    >>> x, y = values(x=1, y=3)
    >>> x
    Value(data=1.0, grad=0.0, label='x')
    """
    if not numbers:
        raise InputError("values: needs at least one named number; got none; write values(x=1.0)")
    return tuple(Value(number, label=name) for name, number in numbers.items())

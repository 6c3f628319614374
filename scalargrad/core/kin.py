"""What a Kin remembers: a Value whose results are of its class, and which ints stay ints."""

from __future__ import annotations

from typing import Any

WHOLE = 1  # its number came from ints alone
WHOLE_GRAD = 2  # so did its gradient
NO_GRAD = 4  # None was assigned to its gradient
OWN_BACKWARD = 8  # it hands its gradient on by a function of the user's
WHOLE_PARTIAL = 16  # its partial by the first operand is an int; by the second: the next bit
WHOLE_EXPONENT = 64
USED = 128  # it is, or was, an operand

#: the class `Kin` of the readable engine, once it is there
readable: list[type[Any]] = []


def class_of(values: tuple[Any, ...], otherwise: type[Any]) -> type[Any]:
    """Return the class of what is computed from some Values, which are used from now on."""
    kind = otherwise
    for value in values:
        if isinstance(value, readable[0]):
            value._marks |= USED
            if kind is otherwise or issubclass(type(value), kind):  # the class that knows more
                kind = type(value)
    return kind


def is_exact(number: float) -> bool:
    """Say whether a float that came from ints alone still is the int that it came from."""
    return abs(number) <= 2.0**53

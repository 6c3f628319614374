"""The door: what counts as a number, converted once to an exact float."""

from __future__ import annotations

import numbers

from . import errors


def as_number(value: object) -> float | None:
    """Return `value` as an exact float, or None where it is not a real number.

    Raises: `RangeError` (an `OverflowError`) for an integer beyond the range of a double.

    >>> as_number(True), as_number("1")
    (1.0, None)
    """
    if type(value) is float:
        return value
    if isinstance(value, numbers.Real) or _is_numpy_bool(value):
        try:
            return float(value)  # type: ignore[arg-type]
        except OverflowError:
            raise errors.RangeError(
                errors.unwanted(
                    "Value",
                    "data must fit a double (below 1.8e308)",
                    value,
                    "scale the problem, or work with its logarithm",
                )
            ) from None
    return None


def number(who: str, what: str, value: object, example: str = "1.0") -> float:
    """Return `value` as a float, or refuse it in one sentence.

    Raises: `OperandError` (a `TypeError`) for anything that is not a real number.
    """
    converted = as_number(value)
    if converted is None:
        remedy = f"pass e.g. {example}"
        if hasattr(type(value), "parents") and hasattr(type(value), "grad"):
            remedy = "pass its .data"
        elif hasattr(type(value), "__array__") or isinstance(value, (list, tuple)):
            remedy = "make one Value an element"
        raise errors.OperandError(errors.unwanted(who, f"{what} must be a number", value, remedy))
    return converted


def _is_numpy_bool(value: object) -> bool:
    # the one NumPy scalar that numpy does not register as a number
    kind = type(value)
    return kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_")

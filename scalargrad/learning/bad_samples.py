"""Which sample is in the way of learning: a nan, a text, a date in a table of numbers."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .. import errors
from ..core.arguments import as_number, by_position, is_list
from ..core.arithmetic import data_of, is_value

_REMEDY = "put a number there, or leave out the sample or the column"


def check_finite(loss: float, where: str, inputs: Any, targets: Any) -> None:
    """Refuse a loss that is not finite; where a sample is not, that is why."""
    if math.isfinite(loss):
        return
    for what, things in (("inputs", inputs), ("targets", targets)):
        for place, thing in _entries(things):
            number = _number(thing)
            if number is not None and not math.isfinite(number):
                raise errors.NonFiniteError(
                    f"fit: {what} must be finite; got {number} in {_named(place)}, and the loss"
                    f" {loss} {where}; {_REMEDY}"
                )
    raise errors.NonFiniteError(
        f"fit: the loss must stay finite; got {loss} {where};"
        " lower the learning rate, or find the cause with scalargrad.detect_anomaly()"
    )


@contextmanager
def naming_samples(who: str, inputs: Any, targets: Any) -> Iterator[None]:
    """Say which sample it was where a model or a loss refuses what is no number.

    What is refused stands in the message; models may take texts, so nothing is looked at before.
    """
    try:
        yield
    except errors.ScalargradError as error:
        for what, things in (("inputs", inputs), ("targets", targets)):
            for place, thing in _entries(things):
                number = _number(thing)
                is_bad = number is None or not math.isfinite(number)
                if is_bad and f"; got {errors.shown(thing)}; " in str(error):
                    kind = errors.OperandError if number is None else errors.InputError
                    raise kind(
                        f"{who}: {what} must be numbers; got {errors.shown(thing)} in"
                        f" {_named(place)}; {_REMEDY}"
                    ) from error
        raise


def _entries(things: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Yield what stands in samples, with the indices that lead there.

    >>> list(_entries([[1.0, "a"], 2.0]))
    [((0, 0), 1.0), ((0, 1), 'a'), ((1,), 2.0)]
    """
    things = by_position(things)
    if getattr(getattr(things, "dtype", None), "kind", "") in set("fiub"):  # quick: it may be large
        numpy = sys.modules["numpy"]
        strange = numpy.argwhere(~numpy.isfinite(things))
        yield from ((tuple(place), things[tuple(place)]) for place in strange.tolist())
        return
    for index, thing in enumerate(things):
        if is_list(thing) and hasattr(thing, "__getitem__") and not isinstance(thing, Mapping):
            yield from (((index, *place), inner) for place, inner in _entries(thing))
        else:
            yield (index,), thing


def _number(thing: Any) -> float | None:
    try:
        return data_of(thing) if is_value(thing) else as_number(thing)
    except errors.RangeError:
        return None


def _named(place: tuple[int, ...]) -> str:
    """Return the name of a place.

    >>> _named((3,)), _named((3, 0)), _named((3, 0, 1))
    ('sample 3', 'sample 3, column 0', 'sample 3, at [0][1]')
    """
    sample, *inside = place
    if not inside:
        return f"sample {sample}"
    if len(inside) == 1:
        return f"sample {sample}, column {inside[0]}"
    return f"sample {sample}, at {''.join(f'[{index}]' for index in inside)}"

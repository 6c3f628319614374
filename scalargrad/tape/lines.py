"""One line of a tape as a record."""

from __future__ import annotations

from typing import NamedTuple

from ..core.tracer import KIND_BITS


class Operand(NamedTuple):
    """Where an operand stands: `place` counts among the inputs, captured, constants or lines."""

    kind: int
    place: int


class Line(NamedTuple):
    """One operation: `result` tells which of several results (of softmax, say) it is."""

    op: str
    operands: tuple[Operand, ...]
    result: int


def unpack(standing: int) -> Operand:
    """Return an operand of the flat arrays as a record.

    >>> unpack(3 << 30 | 7)
    Operand(kind=3, place=7)
    """
    return Operand(standing >> KIND_BITS, standing & ((1 << KIND_BITS) - 1))

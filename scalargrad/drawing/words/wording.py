"""What words a picture: every text of an arrow, of a constant, of a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from ..select.graph import Constant, Flow, Use

Side = Literal["forward", "backward"]


@dataclass(frozen=True)
class Labels:
    """The two texts of an arrow pair, maybe of two lines; `backward` is None without an arrow.

    An exercise leaves an empty box instead of a text; boxes have numbers.
    """

    forward: str
    backward: str | None
    forward_box: int | None = None
    backward_box: int | None = None
    stroke: float | None = None  # of the backward arrow, where gradients make it thick


class Wording(Protocol):
    """The texts of a picture: numbers, or symbols, or empty boxes."""

    def flow(self, flow: Flow) -> Labels:
        """Return the texts of what comes out: its value and its gradient."""

    def use(self, use: Use) -> Labels:
        """Return the texts of one arrow: the value, and the part of the gradient."""

    def constant(self, constant: Constant) -> str:
        """Return the text of a plain number."""

    def name(self, flow: Flow) -> str:
        """Return the name at the beginning of an arrow."""

    def is_fixed(self, flow: Flow) -> bool:
        """Tell whether a value is a constant of the picture: nothing ever flows back to it."""


@dataclass(frozen=True)
class Reworded:
    """A wording around another one, which says whatever this one does not say otherwise."""

    wording: Wording

    def flow(self, flow: Flow) -> Labels:
        """Return the texts of what comes out."""
        return self.wording.flow(flow)

    def use(self, use: Use) -> Labels:
        """Return the texts of one arrow."""
        return self.wording.use(use)

    def constant(self, constant: Constant) -> str:
        """Return the text of a plain number."""
        return self.wording.constant(constant)

    def name(self, flow: Flow) -> str:
        """Return the name at the beginning of an arrow."""
        return self.wording.name(flow)

    def is_fixed(self, flow: Flow) -> bool:
        """Tell whether a value is a constant of the picture."""
        return self.wording.is_fixed(flow)

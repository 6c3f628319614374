"""What a scene is made of: items, and the arrows between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..words.wording import Labels

ItemKind = Literal[
    "operator", "box", "leaf", "constant", "folded", "branch", "result", "beyond", "tag"
]


@dataclass(frozen=True, eq=False)
class Frame:
    """A titled box around what was made in one scope."""

    title: str
    short: str  # where the frame is too narrow for the title
    cut: tuple[bool, bool] = (False, False)  # whether it goes on in another line, left and right


@dataclass(eq=False, slots=True)
class Item:
    """A circle, a box, or an end of an arrow."""

    kind: ItemKind
    text: str  # the symbol, or the name
    about: str = ""  # what it stands for: see `Scene.keys`
    rank: int = 0
    inputs: int = 0  # how many arrows come in
    outlets: int = 1  # how many lines go out, before they branch
    fixed: bool = False  # of a leaf: it is a constant of the picture; of a tag: no red goes there
    idle: bool = False  # it lets nothing back
    ordered: bool = False  # whether it matters which operand is first
    links: list[Link] = field(default_factory=list)  # the arrows that go out
    stem: Labels | None = None  # the texts before the branch dot, where there is one
    stem_about: str = ""
    frames: tuple[Frame, ...] = ()  # around it, the outermost first
    ringed: bool = False  # of a tag: it is a letter in a ring, no name
    under: tuple[str, str] | None = None  # of a branch or a sum: forward and backward, in a circle

    @property
    def is_shaped(self) -> bool:
        """Whether it is drawn with an outline: an operator, a box, a branch in a circle."""
        return self.kind in ("operator", "folded", "box") or self.under is not None

    @property
    def is_end(self) -> bool:
        """Whether an arrow begins here."""
        return self.kind in ("leaf", "constant")


@dataclass(eq=False, slots=True)
class Link:
    """An arrow pair from one item to a port of another."""

    source: Item
    target: Item
    port: int
    labels: Labels
    outlet: int = 0
    about: str = ""
    name: str = ""  # of what flows


@dataclass(eq=False)
class Scene:
    """Everything a picture shows."""

    items: list[Item]
    result: Item | None
    title: str
    note: str  # what was left out
    summary: str  # for readers who cannot see the picture

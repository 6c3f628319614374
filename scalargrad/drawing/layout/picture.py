"""A picture as a list of shapes, lines and texts with positions: what SVG is written from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from ..words import text
from ..words.pieces import Piece, Script, Typeset, named, plain
from . import measures
from .setting import Laid, block

Position = tuple[float, float]
Bounds = tuple[float, float, float, float]  # left, top, right, bottom

Style = Literal["forward", "backward", "name", "symbol", "mirror", "frame title", "title", "note"]
_ANCHORED = {"start": 0.0, "middle": 0.5, "end": 1.0}


@dataclass(frozen=True, slots=True)
class Text:
    """One line of type, at its baseline."""

    x: float
    y: float
    content: str
    style: Style
    size: float
    anchor: Literal["start", "middle", "end"] = "middle"
    about: str = ""

    def box(self) -> Bounds:
        """Return the room that the text takes, safely estimated."""
        if self.content == "·":  # a large dot is small all the same
            half, middle = 0.15 * self.size, self.y - measures.SIGN_MIDDLE * self.size
            return self.x - half, middle - half, self.x + half, middle + half
        if (made := self.block()) is not None:
            left = self.x - made.width * _ANCHORED[self.anchor]
            return left, self.y - made.ascent, left + made.width, self.y + made.descent
        wide = text.width(self.content, self.size)
        left = self.x - wide * _ANCHORED[self.anchor]
        top = self.y - measures.ASCENT * self.size
        return left, top, left + wide, self.y + measures.DESCENT * self.size

    def block(self) -> Laid | None:
        """Return the text as it is set; None for one that is only a row of characters."""
        if self.style != "name" and not isinstance(self.content, Typeset):
            return None
        piece = self.piece
        if self.style == "name" and not isinstance(piece, Script):
            return None
        return block(piece, self.size, bold=self.style == "backward")

    @property
    def piece(self) -> Piece:
        """The text as a piece of type."""
        if self.style == "name":
            return named(self.content)
        return self.content.lines[0] if isinstance(self.content, Typeset) else plain(self.content)

    @property
    def start(self) -> float:
        """Where it begins, if it is set."""
        made = self.block()
        return self.x - (made.width if made else 0.0) * _ANCHORED[self.anchor]


@dataclass(frozen=True)
class Blank:
    """An empty box of an exercise, with its small number."""

    x: float  # centre
    y: float
    number: int
    backward: bool
    about: str = ""

    def box(self) -> Bounds:
        """Return the room that it takes."""
        half, tall = measures.BLANK_WIDTH / 2, measures.BLANK_HEIGHT / 2
        return self.x - half, self.y - tall, self.x + half, self.y + tall


@dataclass(frozen=True, slots=True)
class Arrow:
    """One arrow: the points of its shaft, and its head from neck to tip."""

    points: tuple[Position, ...]
    backward: bool
    head: tuple[Position, Position]
    about: str = ""
    stroke: float = measures.BACKWARD_STROKE  # of a backward one

    def corners(self) -> tuple[Position, Position, Position]:
        """Return the corners of the head, its tip in the middle."""
        (nx, ny), (tx, ty) = self.head
        length = math.hypot(tx - nx, ty - ny) or 1.0
        half = (measures.BACKWARD_HEAD if self.backward else measures.FORWARD_HEAD)[1] / 2
        sx, sy = (ty - ny) / length * half, (nx - tx) / length * half
        return (nx + sx, ny + sy), (tx, ty), (nx - sx, ny - sy)

    def box(self) -> Bounds:
        """Return the room that the head takes."""
        xs, ys = zip(*self.corners(), strict=True)
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True)
class Shape:
    """An operator: a circle, or longer with round ends; a box; or the frame around a group."""

    x: float  # centre
    y: float
    width: float
    height: float
    dashed: bool = False
    corner: float = measures.RADIUS
    about: str = ""
    idle: bool = False  # a unit that lets nothing back
    cut: tuple[bool, bool] = (False, False)  # of a frame: whether it is open left and right

    def box(self) -> Bounds:
        """Return the room that the shape takes."""
        half, tall = self.width / 2, self.height / 2
        return self.x - half, self.y - tall, self.x + half, self.y + tall


@dataclass(frozen=True)
class Dot:
    """Where a value branches."""

    x: float
    y: float
    about: str = ""


@dataclass
class Picture:
    """Everything with its position.

    What belongs to one thing has the same `about`: `n3` is the fourth vertex of the graph, `n3.0`
    what first comes out of it, `n3.0.1` the second arrow of that, `n3.0.r` the one to the result.
    """

    title: str
    summary: str
    frames: list[Shape] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    blanks: list[Blank] = field(default_factory=list)
    box: Bounds = (0.0, 0.0, 0.0, 0.0)  # with a margin

    def fit(self) -> None:
        """Set the box to what is drawn, with a margin."""
        boxes = [shape.box() for shape in self.shapes + self.frames]
        boxes += [text.box() for text in self.texts]
        boxes += [blank.box() for blank in self.blanks]
        points = [point for line in self.arrows for point in line.points]
        points += [(dot.x, dot.y) for dot in self.dots]
        boxes += [(x, y, x, y) for x, y in points]
        margin = measures.MARGIN
        self.box = (
            min(box[0] for box in boxes) - margin,
            min(box[1] for box in boxes) - margin,
            max(box[2] for box in boxes) + margin,
            max(box[3] for box in boxes) + margin,
        )

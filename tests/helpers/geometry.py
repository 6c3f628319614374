"""What covers what in a picture: found on the positions, not on pixels."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

from scalargrad.drawing.layout.picture import Arrow, Blank, Bounds, Picture, Position, Shape, Text


def overlap(a: Bounds, b: Bounds) -> bool:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    return wide > 0.01 and min(a[3], b[3]) - max(a[1], b[1]) > 0.01


def straddles(box: Bounds, frame: Bounds) -> bool:
    """Tell whether a box stands on the edge of a frame: neither inside nor outside."""
    inside = frame[0] <= box[0] and frame[1] <= box[1] and box[2] <= frame[2] and box[3] <= frame[3]
    around = box[0] <= frame[0] and box[1] <= frame[1] and frame[2] <= box[2] and frame[3] <= box[3]
    return overlap(box, frame) and not inside and not around


def meets(box: Bounds, a: Position, b: Position) -> bool:
    """Tell whether a straight line meets a box: no axis separates them, in exact arithmetic."""
    left, top, right, bottom = box
    if max(a[0], b[0]) < left or min(a[0], b[0]) > right:
        return False
    if max(a[1], b[1]) < top or min(a[1], b[1]) > bottom:
        return False
    ax, ay, bx, by = map(Fraction, (*a, *b))
    corners = itertools.product(map(Fraction, (left, right)), map(Fraction, (top, bottom)))
    sides = [(bx - ax) * (y - ay) - (by - ay) * (x - ax) for x, y in corners]
    return min(sides) <= 0 <= max(sides)  # not all corners on one side of the line


def enters(shape: Shape, a: Position, b: Position) -> bool:
    """Tell whether a line runs inside an operator: a circle, or one stretched along one axis."""
    if not meets(shape.box(), a, b):
        return False
    radius = min(shape.width, shape.height) / 2
    wide, tall = shape.width / 2 - radius, shape.height / 2 - radius
    for step in range(41):
        x, y = a[0] + (b[0] - a[0]) * step / 40, a[1] + (b[1] - a[1]) * step / 40
        dx = max(abs(x - shape.x) - wide, 0.0)
        dy = max(abs(y - shape.y) - tall, 0.0)
        if math.hypot(dx, dy) < radius - 0.5:
            return True
    return False


def near(title: Text, line: Arrow) -> bool:
    """Tell whether a line or its head comes too near to the title of a frame."""
    left, top, right, bottom = title.box()
    room = left - 2.0, top - 2.0, right + 2.0, bottom + 2.0
    legs = itertools.pairwise((*line.points, line.head[1]))
    return overlap(room, line.box()) or any(meets(room, a, b) for a, b in legs)


class Boxed:
    """An empty box, as a text that covers nothing and is not covered."""

    style = "blank"

    def __init__(self, blank: Blank) -> None:
        self.content, self.box = f"box {blank.number}", blank.box


def collisions(picture: Picture) -> list[str]:
    found = []
    boxes: dict[int, Bounds] = {}

    def box(thing: Any) -> Bounds:  # measured once: a text is asked for its own thousands of times
        return boxes.get(id(thing)) or boxes.setdefault(id(thing), thing.box())

    texts = [text for text in picture.texts if text.content]
    texts += [Boxed(blank) for blank in picture.blanks]
    for a, b in itertools.combinations(texts, 2):
        if overlap(box(a), box(b)):
            found.append(f"{a.content!r} on {b.content!r}")
    for a, b in itertools.combinations(picture.shapes, 2):
        if overlap(box(a), box(b)):
            found.append(f"operator on operator at {a.x}, {a.y}")
    for text in texts:
        for shape in picture.shapes:
            if text.style not in ("symbol", "mirror") and overlap(box(text), box(shape)):
                found.append(f"{text.content!r} on an operator")
        for line in picture.arrows:
            if any(meets(box(text), a, b) for a, b in itertools.pairwise(line.points)):
                found.append(f"{text.content!r} on a line")
    for shape in picture.shapes:
        for line in picture.arrows:
            if any(enters(shape, a, b) for a, b in itertools.pairwise(line.points)):
                found.append(f"a line through the operator at {shape.x}, {shape.y}")
    for frame in picture.frames:
        for thing in (*texts, *picture.shapes, *picture.frames):
            if straddles(box(thing), box(frame)):
                found.append(f"{getattr(thing, 'content', 'an operator')!r} on the edge of a frame")
        for line in picture.arrows:
            if straddles(box(line), box(frame)):
                found.append(f"an arrow head on the edge of the frame at {frame.x}, {frame.y}")
    for text in texts:
        if text.style == "frame title":
            found += [
                f"{text.content!r} near an arrow" for line in picture.arrows if near(text, line)
            ]
    left, top, right, bottom = picture.box
    for thing in (*texts, *picture.shapes, *picture.frames):
        x0, y0, x1, y1 = box(thing)
        if x0 < left or y0 < top or x1 > right or y1 > bottom:
            found.append("something outside the canvas")
    return found

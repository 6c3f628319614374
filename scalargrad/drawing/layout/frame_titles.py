"""Where the title of a frame stands: on its upper edge, as far left as no arrow passes.

Source: Y.-D. Liang, B. A. Barsky, "A new concept and method for line clipping", 1984.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from .picture import Arrow, Bounds, Picture, Position, Text

_PITCH, _MARGIN = 4.0, 4.0


def clear_title(title: Text, right: float, picture: Picture) -> Text:
    """Return a title moved to the right until no line crosses it; where none is free, unmoved."""
    (left, top, end, bottom), x = title.box(), title.x
    strip = left - _MARGIN, top - _MARGIN, right, bottom + _MARGIN
    legs = [leg for line in picture.arrows for leg in _legs_near(strip, line)]
    shift = 0.0
    while end + shift < right - _MARGIN:
        room = strip[0] + shift, strip[1], end + shift + _MARGIN, strip[3]
        if not any(meets(room, a, b) for a, b in legs):
            return replace(title, x=x + shift)
        shift += _PITCH
    return title


def _legs_near(strip: Bounds, line: Arrow) -> Iterator[tuple[Position, Position]]:
    """Yield the pieces of a line that meet a strip; lines go to the right, or all the way back."""
    ends = line.points[0][0], line.head[1][0]
    if min(ends) > strip[2] or max(ends) < strip[0]:
        return
    for a, b in pairwise((*line.points, line.head[1])):
        if meets(strip, a, b):
            yield a, b


def meets(box: Bounds, a: Position, b: Position) -> bool:
    """Tell whether a straight line meets a box by clipping it."""
    enter, leave = 0.0, 1.0
    dx, dy = b[0] - a[0], b[1] - a[1]
    for p, q in (
        (-dx, a[0] - box[0]),
        (dx, box[2] - a[0]),
        (-dy, a[1] - box[1]),
        (dy, box[3] - a[1]),
    ):
        if p == 0:
            if q < 0:
                return False
        elif p < 0:
            enter = max(enter, q / p)
        else:
            leave = min(leave, q / p)
    return enter <= leave

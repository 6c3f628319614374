"""Where the title of a frame stands: on its upper edge, as far left as no arrow passes.

Source: Y.-D. Liang, B. A. Barsky, "A new concept and method for line clipping", 1984.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from .picture import Bounds, Picture, Position, Text

_PITCH, _MARGIN = 4.0, 4.0


def clear_title(title: Text, right: float, picture: Picture) -> Text:
    """Return a title moved to the right until no line crosses it; where none is free, unmoved."""
    moved, end = title, title.box()[2]
    while end < right - _MARGIN:
        if not _is_covered(moved, picture):
            return moved
        moved, end = replace(moved, x=moved.x + _PITCH), end + _PITCH
    return title


def _is_covered(title: Text, picture: Picture) -> bool:
    left, top, right, bottom = title.box()
    room = left - _MARGIN, top - _MARGIN, right + _MARGIN, bottom + _MARGIN
    legs = (leg for line in picture.arrows for leg in pairwise((*line.points, line.head[1])))
    return any(meets(room, a, b) for a, b in legs)


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

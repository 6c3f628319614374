"""Which line of the user's program is running."""

from __future__ import annotations

import contextlib
import copy
import linecache
import os
import sys

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep

#: files that are nobody's program: ours, and modules of Python through which ours is called
_NOT_THE_USERS = (_PACKAGE, "<formula", copy.__file__, contextlib.__file__)

#: a file and a line in it
Place = tuple[str, int]


def running_place() -> Place:
    """Return file and number of the line, outside this package, that is running."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_NOT_THE_USERS):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def line_at(place: Place) -> str:
    """Return a place with the text of its line."""
    name, number = place
    text = linecache.getline(name, number).strip()
    return f"{name}:{number}" + (f": {text}" if text else "")


def source_line() -> str:
    """Return place and text of the line, outside this package, that is running."""
    return line_at(running_place())

"""Which line of the user's program is running."""

from __future__ import annotations

import os
import sys

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep

_CALLERS = ("contextlib", "copy", "dataclasses")

#: files that are nobody's program: ours, and modules of Python through which ours is called
_NOT_THE_USERS = (
    _PACKAGE, "<formula",
    *(os.path.join(os.path.dirname(os.__file__), f"{name}.py") for name in _CALLERS),
)  # fmt: skip

#: a file and the number of a line in it
SourceLine = tuple[str, int]


def running_line() -> SourceLine:
    """Return the line, outside this package, that is running."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_NOT_THE_USERS):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def level_of_user() -> int:
    """Return the `stacklevel` with which a warning of the caller names the user's line."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_NOT_THE_USERS):
        frame, level = frame.f_back, level + 1
    return level


def line_text(line: SourceLine) -> str:
    """Return a line as text: file, number, and what is written there."""
    import linecache  # with the tokens of Python

    name, number = line
    text = linecache.getline(name, number).strip()
    return f"{name}:{number}" + (f": {text}" if text else "")


def running_line_text() -> str:
    """Return the line, outside this package, that is running as text."""
    return line_text(running_line())


def raised_here(error: BaseException) -> bool:
    """Tell whether an error was raised by a line of this package, not by what it called."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename.startswith(_PACKAGE)

"""Recordings of one function, counted: where it is recorded at each call, that is said once.

What was meant to be quick is slower than without `compile` then, and nobody would see it.
"""

from __future__ import annotations

import warnings

from ..core.source_lines import line_text, running_line
from ..table.codes import INDEX
from .tape import Tape

#: after so many calls in a row that recorded something, it is said
TIMES_IN_A_ROW = 16


class Recordings:
    """Counts the calls in a row that recorded something."""

    def __init__(self) -> None:
        self.in_a_row: int = 0
        self._newest: Tape | None = None  # what this call recorded
        self._static: str = ""  # by which static arguments it did

    def note(self, tape: Tape | None, static: str = "") -> None:
        """Take what a call records: a tape, or for other static arguments a function."""
        self._newest, self._static = tape, static

    def count(self, name: str, kinds: int) -> bool:
        """Count a call that has ended; tell whether another one like it may go past Python.

        Where the last one recorded something too, the next one shall be counted.
        """
        if self._newest is None and not self._static:
            self.in_a_row = 0
            return True
        self.in_a_row += 1
        if self.in_a_row == TIMES_IN_A_ROW:
            warnings.warn_explicit(self._text(name, kinds), UserWarning, *running_line())
        self._newest, self._static = None, ""
        return self.in_a_row == 1

    def _text(self, name: str, kinds: int) -> str:
        """Return the sentence, with what parted the last recording from the others."""
        guards = self._newest.guards if self._newest is not None else ()
        pins = [guard for guard in guards if guard.comparison == INDEX]
        if self._static:
            got = f"for another {self._static}"
            remedy = "pass as static what is one of a few"
        elif pins:
            got = f"for the whole number at {line_text(pins[-1].source)}"
            remedy = "write sg.take(rows, i) for rows[i]"
        elif kinds >= TIMES_IN_A_ROW:
            got = "for lists of other lengths"
            remedy = "fill them up to one length"
        elif guards:
            got = f"for the comparison at {line_text(guards[-1].source)}"
            remedy = "write sg.where(x > 0, a, b) for if"
        else:
            got, remedy = "for other arguments", "pass the same kinds of arguments"
        return (
            f"{name}: a compiled function should seldom be recorded, it is slower than without"
            f" compile then; got {TIMES_IN_A_ROW} calls in a row that recorded it, the last one"
            f" {got}; {remedy}"
        )

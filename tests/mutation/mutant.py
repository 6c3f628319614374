"""One small bug: a stretch of a source file that becomes something else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """A stretch of a file, from one offset to another, and what stands there instead."""

    file: str  # relative to the checkout
    kind: str
    start: int
    end: int
    text: str

    def apply(self, source: str) -> str:
        """Return the source with the bug in it."""
        return source[: self.start] + self.text + source[self.end :]

    def lines(self, source: str) -> range:
        """Return the numbers of the lines that the stretch is on."""
        first = source.count("\n", 0, self.start) + 1
        return range(first, first + source.count("\n", self.start, self.end) + 1)

    def change(self, source: str) -> tuple[str, str]:
        """Return the lines before and after, by which a list knows a mutant when lines move."""
        begin = source.rfind("\n", 0, self.start) + 1
        end = source.find("\n", self.end)
        end = len(source) if end < 0 else end
        before = source[begin:end]
        after = source[begin : self.start] + self.text + source[self.end : end]
        return squeezed(before), squeezed(after)


def squeezed(text: str) -> str:
    """Return a text with one space where there was any white space."""
    return " ".join(text.split())


def read(root: Path, file: str) -> str:
    return (root / file).read_text(encoding="utf-8")

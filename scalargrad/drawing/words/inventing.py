"""Names that a picture invents for what has none: never one that the user gave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .pieces import level, lowered

#: for results of one operation that has many, and for the loss, in the order of choice
_RESULTS, _LOSSES = "ypqsuw", "LEJCFK"
#: the letter of all others
INVENTED = "v"


class Inventor:
    """Invents v₁, v₂, …, and y₁, y₂, … for the results of one operation."""

    def __init__(self, labels: Iterable[str]) -> None:
        self.taken: set[str] = {level(label) for label in labels if label}
        self.count: int = 0
        self.families: dict[Any, str] = {}

    def name(self) -> str:
        """Return a name that is new."""
        while True:
            self.count += 1
            named = INVENTED + lowered(self.count)
            if level(named) not in self.taken:
                return named

    def result(self, operation: Any, index: int) -> str:
        """Return the name of one result of an operation: all have one letter."""
        if operation not in self.families:
            used = {label[0] for label in self.taken} | set(self.families.values())
            free = [letter for letter in _RESULTS if letter not in used]
            self.families[operation] = free[0] if free else ""
        letter = self.families[operation]
        return letter + lowered(index + 1) if letter else self.name()


def free_loss(loss: str, labels: Iterable[str]) -> str:
    """Return the name of what is differentiated, another one where a variable has it already.

    >>> free_loss("L", ["x", "L"]), free_loss("L", ["x"]), free_loss("c", ["c"])
    ('E', 'L', 'c')
    """
    taken = set(labels)
    if loss != _LOSSES[0] or loss not in taken:
        return loss
    return next((letter for letter in _LOSSES if letter not in taken), loss)

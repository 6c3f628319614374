"""Why an operand receives what it receives: upstream times partial, as a row states it.

The command line's report, the sentences of a page and the hints of an exercise print this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..table.row import LETTERS, ManyRow, Row
from ..table.written import paired, stated
from .order import edges

PartialKind = Literal["unstated", "unchanged", "negated", "other operand", "formula"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What one operand of one node receives in a backward pass, and the rule that says why."""

    node: Any
    row: Row | ManyRow | None  # None where the node tells its derivatives itself
    position: int  # among the operands of the node
    upstream: float
    partial: float
    operands: Sequence[Any] = ()  # what the letters of the row stand for here
    letter: int = 0  # which of them the operand is

    @property
    def operand(self) -> Any:
        """The Value that receives it."""
        return self.node.operands[self.position]

    @property
    def product(self) -> float:
        """The part of the operand's gradient."""
        return self.upstream * self.partial

    @property
    def kind(self) -> PartialKind:
        """What the partial is."""
        if self.row is None:
            return "unstated"
        formula = self.row.partials[self.letter]
        if formula in LETTERS[: self.row.arity] and formula != LETTERS[self.letter]:
            return "other operand"
        known: dict[str, PartialKind] = {"1": "unchanged", "-1": "negated"}
        return known.get(formula, "formula")

    @property
    def formula(self) -> str:
        """The partial as the book writes it, in letters."""
        return "" if self.row is None else (self.row.shown or self.row.partials)[self.letter]

    @property
    def stated(self) -> str:
        """The partial in ASCII, in letters; an empty text where it has no short form."""
        text = "" if self.row is None else stated(self.row, self.letter)
        return "" if self.partial != self.partial and " if " in text else text  # no branch taken

    @property
    def mirrored(self) -> int:
        """The position of the other operand of two, or of that in the other list."""
        count = len(self.node.operands)
        return (self.position + count // 2) % count


def explanations(node: Any, row: Row | ManyRow | None, upstream: float) -> Iterator[Explanation]:
    """Yield what every Value among the operands of a node receives.

    >>> import scalargrad as sg
    >>> from ..table.row import ROWS
    >>> x, y = sg.values(x=2, y=3)
    >>> [(why.kind, why.stated, why.product) for why in explanations(x * y, ROWS["mul"], 1.0)]
    [('other operand', 'y', 3.0), ('other operand', 'x', 2.0)]
    """
    for position, _, partial in edges(node):
        yield _explanation(node, row, position, upstream, partial)


def explanation(
    node: Any, row: Row | ManyRow | None, position: int, upstream: float
) -> Explanation:
    """Return what the operand at one position of a node receives."""
    partial = next(partial for at, _, partial in edges(node) if at == position)
    return _explanation(node, row, position, upstream, partial)


def _explanation(
    node: Any, row: Row | ManyRow | None, position: int, upstream: float, partial: float
) -> Explanation:
    letters = () if row is None else paired(row, node.operands, position)
    return Explanation(node, row, position, upstream, partial, *letters)

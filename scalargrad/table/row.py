"""What a row of the operation table is, and what the readable engine gets from it.

Formulas are compiled with Python's own parser, which is loaded where one is.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

from . import libm
from .constants import CONSTANTS
from .named_columns import NamedColumns

S = TypeVar("S", bound=Sequence[Any])

#: letters of the operands, everywhere: first, second; z is the result
LETTERS = ("x", "y")

#: every row by name, in the order of the table
ROWS: dict[str, Row | ManyRow] = {}

#: every rule of an optimiser by name
RULES: dict[str, UpdateRule] = {}


class _Functions(Mapping[str, Callable[..., float]]):
    """What formulas may call: libm, and the rows of one or two operands themselves."""

    def __getitem__(self, name: str) -> Callable[..., float]:
        if name in libm.FUNCTIONS:
            return libm.FUNCTIONS[name]
        row = ROWS[name]
        if isinstance(row, ManyRow):
            raise KeyError(name)
        return row.value

    def __iter__(self) -> Iterator[str]:
        rows = (name for name, row in ROWS.items() if isinstance(row, Row))
        return iter(dict.fromkeys([*libm.FUNCTIONS, *rows]))

    def __len__(self) -> int:
        return sum(1 for _ in self)


#: what formulas may call, by name
FUNCTIONS = _Functions()


Evaluation: TypeAlias = Callable[..., tuple[float, tuple[float, ...]]]


class Row(NamedColumns):
    """One operation of one or two operands."""

    name: str
    symbol: str  # what a circle of the picture shows
    forward: str
    partials: tuple[str, ...]
    doc: str  # a verb, one sentence
    #: the partials in a graph of gradients, where the others are good for floats only
    on_values: tuple[str, ...] = ()
    #: value and partials in fast kernels, where the others have too many branches for vectors
    unbranched: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()  # how the book writes the partials
    #: in simpler operations, what "open" draws: bound names become labels unless they begin with _
    definition: str = ""
    written: str = ""  # how the book writes the forward, where its formula shows how it is done
    domain: str = ""
    source: str = ""
    kink: str = ""  # where the slope jumps
    side: str = ""  # what the operation is on one side of its kink, in graphs of gradients
    sample: tuple[tuple[float, float], ...] = ()  # where tests draw each operand from
    numpy: tuple[str, ...] = ()  # methods that NumPy asks a Value for, where they have other names
    helper: bool = False  # serves other rows; no public function
    by_hand: bool = False  # an operator, or a function that is written in Python for its options
    commutes: bool = False  # whether the operands may change places

    @property
    def arity(self) -> int:
        return len(self.partials)

    @property
    def letters(self) -> tuple[str, ...]:
        return LETTERS[: self.arity]

    @cached_property
    def value(self) -> Callable[..., float]:
        """The forward formula on floats: (x, ...) -> z."""
        from . import formula

        return formula.compile_scalar(self.name, self.letters, self.forward, None, FUNCTIONS)

    @cached_property
    def step(self) -> Evaluation:
        """Value and all partials: (x, ...) -> (z, (dz/dx, ...))."""
        return self._step(self.partials)

    @cached_property
    def step_left(self) -> Evaluation:
        """The same where only the first operand is a Value."""
        return self._step(self.partials[:1])

    @cached_property
    def step_right(self) -> Evaluation:
        """The same where only the second operand is a Value."""
        return self._step(self.partials[1:])

    def _step(self, partials: Sequence[str]) -> Evaluation:
        from . import formula

        return formula.compile_scalar(self.name, self.letters, self.forward, partials, FUNCTIONS)


class ManyRow(NamedColumns):
    """One operation of one or two lists of operands, equally long."""

    name: str
    symbol: str
    forward: str
    partials: tuple[str, ...]
    doc: str
    on_values: tuple[str, ...] = ()
    lists: int = 1
    shown: tuple[str, ...] = ()
    definition: str = ""  # where it names z, the result so far, it is applied from left to right
    written: str = ""
    domain: str = ""
    source: str = ""
    kink: str = ""
    side: str = ""  # where it names z, the result so far, it is applied from left to right
    helper: bool = False
    by_hand: bool = False
    commutes: bool = False
    empty: bool = False  # whether no operand at all is allowed
    sample: tuple[tuple[float, float], ...] = ()

    @property
    def letters(self) -> tuple[str, ...]:
        return LETTERS[: self.lists]

    @property
    def arity(self) -> int:
        return self.lists

    def split(self, operands: S) -> list[S]:
        """Return the lists of the row from its operands in one run.

        >>> from .ops import DOT
        >>> DOT.split([1.0, 2.0, 3.0, 4.0])
        [[1.0, 2.0], [3.0, 4.0]]
        """
        length = len(operands) // self.lists
        cuts = [i * length for i in range(self.lists + 1)]
        return [operands[start:end] for start, end in pairwise(cuts)]  # type: ignore[misc]

    @cached_property
    def value(self) -> Callable[..., Any]:
        """The forward formula on lists of floats: (xs, ...) -> z, or a list of results."""
        from . import formula

        return formula.compile_many(self.name, self.letters, self.forward, None, FUNCTIONS)

    @cached_property
    def _steps(self) -> dict[tuple[bool, ...], Callable[..., Any]]:
        return {}

    def step(self, mask: tuple[bool, ...]) -> Callable[..., Any]:
        """Value and partials, those of the lists in the mask: (xs, ...) -> (z, [dz/dx_1, ...])."""
        if mask not in self._steps:
            from . import formula

            partials = [p if w else None for p, w in zip(self.partials, mask, strict=True)]
            self._steps[mask] = formula.compile_many(
                self.name, self.letters, self.forward, partials, FUNCTIONS
            )
        return self._steps[mask]


class UpdateRule(NamedColumns):
    """How an optimiser moves one number `w` by its gradient `g`."""

    name: str
    kept: tuple[str, ...]  # numbers kept for each parameter; the text binds them anew
    settings: tuple[str, ...]
    text: str

    @cached_property
    def step(self) -> Callable[..., tuple[float, ...]]:
        """The rule on floats: (w, g, *kept, *settings) -> (w, *kept)."""
        from . import formula

        return formula.compile_rule(self.name, self.kept, self.settings, self.text, FUNCTIONS)


def is_plural(row: Row | ManyRow) -> bool:
    """Tell whether a row has one result an element: its partial then names `own` and `s`."""
    if not isinstance(row, ManyRow):
        return False
    return bool(set(re.findall(r"[a-zA-Z_]\w*", row.partials[0])) & {"own", "s"})


def digest() -> int:
    """Return a number that tells one state of the tables from another: of all that is computed."""
    rows = [
        (row.name, row.forward, row.partials, getattr(row, "unbranched", ()))
        for row in ROWS.values()
    ]
    rules = [(rule.name, rule.kept, rule.settings, rule.text) for rule in RULES.values()]
    return zlib.crc32(repr((rows, rules, CONSTANTS)).encode())


def _enter(row: Row) -> Row:
    ROWS[row.name] = row
    return row


def unary(name: str, *, symbol: str = "", **columns: Any) -> Row:
    """Enter an operation of one operand into the table."""
    return _enter(Row(name, symbol or name, **columns))


def binary(name: str, *, symbol: str = "", **columns: Any) -> Row:
    """Enter an operation of two operands into the table."""
    return _enter(Row(name, symbol or name, **columns))


def many(name: str, *, symbol: str = "", **columns: Any) -> ManyRow:
    """Enter an operation of lists of operands into the table."""
    row = ManyRow(name, symbol or name, **columns)
    ROWS[name] = row
    return row


def rule(name: str, *, kept: tuple[str, ...], settings: tuple[str, ...], text: str) -> UpdateRule:
    """Enter a rule of an optimiser."""
    RULES[name] = UpdateRule(name, kept, settings, text)
    return RULES[name]

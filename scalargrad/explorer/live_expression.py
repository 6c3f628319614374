"""An expression with its values as a picture and a walk: what all answers are made from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from .._engine import Value
from ..core.order import interior_order
from ..drawing.layout.picture import Picture
from ..drawing.options import View, view
from ..drawing.output import svg
from ..drawing.page.steps import Walk
from ..drawing.select.graph import Flow
from ..drawing.select.opening import missing_operations, read_open
from ..drawing.select.survey import Survey
from ..drawing.words.both import Both
from ..drawing.words.inventing import Inventor
from ..drawing.words.pieces import Piece, Script, lowered, named, stacked
from ..drawing.words.symbols import LONGEST_RULE, Symbols
from ..drawing.words.wording import Labels, Reworded, Wording
from ..drawing.words.writing import write
from ..errors import ScalargradError
from ..expressions.entries import read_expression, read_number, result_name
from ..expressions.expression import Expression
from ..expressions.tokens import quoted
from .messages import State
from .roomy import RoomyPicture

#: of a message about an expression; what is quoted in it has no room for these words
_COLUMN = re.compile(r"at column (\d+)")


class NotShown(Exception):  # noqa: N818 - it becomes an answer, which says what is wrong
    """A state that cannot be shown: one sentence, the field that it is about, and a column."""

    def __init__(self, said: str, field: str = "text", column: int | None = None) -> None:
        super().__init__(said)
        self.said = said
        self.field = field
        self.column = column


class LiveExpression:
    """A state with all that was computed from it: Values, the picture, the steps.

    In numbers, what is computed on the way is called v₁, v₂, ... in the picture and the rules;
    symbols write it out.

    Raises: `NotShown` with the reason.
    """

    def __init__(self, state: State, places: RoomyPicture | None = None) -> None:
        #: the latest picture, whose places the next one takes where it can
        self.places: RoomyPicture | None = places
        self.name: str
        self.formula: Expression
        self.name, self.formula = _formula(state.text)
        names = [*self.formula.names, *(n for n in self.formula.constants if n in state.values)]
        typed = {name: state.values.get(name, "1") for name in names}
        self.values: dict[str, Value] = {
            name: Value(_number(name, text), label=label)
            for (name, text), label in zip(typed.items(), _labels(names), strict=True)
        }
        self.root: Value = self._root(state)
        survey = Survey(self.root, 1.0)
        lacking = missing_operations(survey, read_open("explore", state.open))
        opened = tuple(name for name in state.open if name not in lacking)
        self.state: State = replace(state, values=typed, open=opened)
        self.seen: View = self.view(state.look)
        self.walk: Walk = Walk(self.seen.graph, self.seen.wording)

    def _root(self, state: State) -> Value:
        root = self.formula(**self.values)
        if not isinstance(root, Value):
            text = quoted(self.formula.text.strip())
            raise NotShown(f"{text} depends on no name here, so it has no graph; write e.g. x * 2")
        if not root.parents:
            self.name = root.label
            return root
        root.label = self.name
        inventor = Inventor([*self.values, self.name])  # which takes w1 and w₁ for one
        for node in interior_order(root)[:-1] if state.look == "numbers" else ():
            node.label = inventor.name()
        return root

    def view(self, look: str) -> View:
        """Return what a picture shows of it: in numbers, in symbols, or in both."""
        return view(
            "explore", self.root, upstream=1.0, open=self.state.open, digits=self.state.digits,
            symbols={"numbers": False, "symbols": True}.get(look, look), loss=self.name,
        )  # fmt: skip

    @cached_property
    def symbols(self) -> Symbols:
        """The formulas of this very picture, by the names that stand in it."""
        wording = self.seen.wording
        if isinstance(wording, Both):
            return wording.symbols
        if not isinstance(wording, Symbols):
            wording = self.view("symbols").wording
            assert isinstance(wording, Symbols)
        return wording

    # -- the picture -------------------------------------------------------------------

    def drawn(self) -> Picture:
        """Return the shapes, lines and texts of the picture, in their places."""
        wording: Wording = self.seen.wording
        if self.state.look != "numbers":
            wording = _Written(wording, self.symbols)
        self.places = RoomyPicture(self.seen.graph, wording, self.state.digits, self.places)
        return self.places.picture

    def picture(self) -> str:
        """Return the picture as SVG with hooks."""
        return svg.render(self.drawn(), hooks=True, typeset=True)


@dataclass(frozen=True)
class _Written(Reworded):
    """A wording in symbols in which the result is written out, though it has a name."""

    symbols: Symbols

    def flow(self, flow: Flow) -> Labels:
        """Return the texts of what comes out, of the result the expression."""
        labels = self.wording.flow(flow)
        meaning = self.symbols.meanings.get(id(flow.value))
        if flow.value is not self.symbols.graph.root or meaning is None:
            return labels
        written = write(meaning, self.symbols.numbers.digits)
        if len(written) > LONGEST_RULE or not meaning.is_finite:
            return labels
        if self.wording is not self.symbols:
            written = stacked(written, labels.forward)
        return replace(labels, forward=written)


def _labels(names: Sequence[str]) -> list[str]:
    """Return names as the picture writes them, so that words have them too: w1 is w₁.

    >>> _labels(["w1", "theta_2", "x", "mu", "w_max"]), _labels(["w1", "w_1"])
    (['w₁', 'θ₂', 'x', 'μ', 'w_max'], ['w1', 'w_1'])
    """
    labels = [_label(named(name), name) for name in names]
    return labels if len({*labels}) == len(labels) else [*names]


def _label(piece: Piece, name: str) -> str:
    if not isinstance(piece, Script):
        return piece.plain
    small = piece.below.plain if piece.below is not None else ""
    if piece.above is not None or not (small + "0").isdecimal():
        return name
    return piece.base.plain + "".join(lowered(int(digit)) for digit in small)


def _formula(text: str) -> tuple[str, Expression]:
    """Return the name of the result and the expression."""
    try:
        name, formula = read_expression(text)
    except ScalargradError as error:
        raise NotShown(str(error), column=_column(str(error), text)) from error
    return name or result_name(formula), formula


def _column(said: str, text: str) -> int | None:
    """Return the column that a message names, if it names one; the end is behind the last."""
    if found := _COLUMN.search(said):
        return int(found[1])
    return len(text) + 1 if "got the end" in said else None


def _number(name: str, typed: str) -> float:
    try:
        return read_number(name, typed)
    except ScalargradError as error:
        raise NotShown(str(error), name) from error

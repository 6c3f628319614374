"""What a user calls: pictures, their Graphviz twin, and the marks of an exercise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.whole_files import write_whole
from ..errors import OperandError, unwanted
from .layout.columns import arrange, reading_order
from .layout.items import Scene
from .layout.picture import Picture
from .layout.scene import compose
from .layout.wrapping import wrapped, wrapped_like
from .options import MAX_NODES, View, known, need_gradients, view
from .output import dot, saving, svg, tikz, typst
from .output.themes import recoloured
from .words.answers import LEAST, NOISE
from .words.exercise import Box, Marks, answer_sheet, digits_wanted, empty_boxes, marked

if TYPE_CHECKING:
    import graphviz


class Drawing:
    """A picture of a graph: `.svg` is its text, `.save(path)` writes a file.

    A notebook shows it by itself.
    """

    def __init__(
        self,
        scene: Scene,
        boxes: Sequence[Box] = (),
        theme: str = "light",
        *,
        width: float | None = None,
        plain: Scene | None = None,  # the one that has the same lines
    ) -> None:
        self._scene = scene
        self._theme = theme
        self._width = width
        self._plain = plain
        self._boxes = tuple(boxes)
        self._picture: Picture | None = None

    @property
    def answers(self) -> dict[int, float]:
        """What belongs into the empty boxes of an exercise, by their numbers."""
        return {box.number: box.value for box in self._boxes}

    @property
    def answer_sheet(self) -> str:
        """The answers of an exercise as a text: a line a box, with the rule that finds it."""
        return answer_sheet(self._boxes)

    @property
    def picture(self) -> Picture:
        """The shapes, lines and texts with their positions."""
        if self._picture is None:
            if self._plain is not None:
                self._picture = wrapped_like(self._scene, self._plain, self._width)
            else:
                self._picture, _ = wrapped(self._scene, self._width)
        return self._picture

    @property
    def svg(self) -> str:
        """The picture as SVG text."""
        return recoloured(svg.render(self.picture), self._theme)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture; the suffix says how: .svg, .dot, .png, .pdf, .html, .tex, .typ.

        A .tex (TikZ) and a .typ (Typst) compile by themselves, and stand in documents.

        Raises: `ValueError` for another suffix or a place that cannot be written, `ImportError`
        naming the extra that .png and .pdf need.
        """
        suffix = saving.suffix_of(path)
        write_whole("save", path, self._encoded(suffix))

    def _encoded(self, suffix: str) -> bytes:
        """Return the picture as the bytes of a file."""
        if suffix == ".dot":
            source: str = dot.digraph(self._scene, self._theme).source
            return source.encode()
        if suffix == ".tex":
            return tikz.render(self.picture, self._theme).encode()
        if suffix == ".typ":
            return typst.render(self.picture, self._theme).encode()
        return saving.encode(self.svg, suffix)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # at its full size: where it is wider than the page, notebooks let it scroll
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def _mime_(self) -> tuple[str, str]:
        """Return what marimo shows, which lets nothing scroll by itself."""
        return "text/html", f'<div style="overflow-x:auto">{self.svg}</div>'

    def __repr__(self) -> str:
        return f"<Drawing of {len(self._scene.items)} items; .save('graph.svg') writes it>"


def draw(
    value: Any,
    *,
    gradients: bool = True,
    symbols: bool | str = False,
    open: Any = None,
    fold: Any = None,
    branches: bool = False,
    names: Any = None,
    constants: Any = (),
    loss: str = "L",
    around: Any = None,
    depth: int | None = None,
    max_nodes: int = MAX_NODES,
    digits: int = 6,
    title: str = "",
    theme: str = "light",
    thickness: bool = False,
    width: float | None = None,
    exercise: str | None = None,
    share: float = 1.0,
    seed: int = 0,
) -> Drawing:
    """Draw the graph of a value as the book does: forward in black, backward in red.

    A list of Values is drawn as one graph with several results; what flows back is what their
    passes give together, and where no pass has been there is no red.

    There is no red before `backward()`. Red numbers are those of this value's own latest pass; the
    `.grad` of a leaf also counts earlier passes. Where the order of operands matters, the first
    one enters on top. Numbers have up to `digits` significant digits.

    `symbols=True` writes expressions and the chain rule so far instead of numbers, "both" writes
    symbols over numbers, "chain" keeps every partial as ∂z/∂x. `loss` is the name of what is
    differentiated; where it is the name of the value itself, the chain begins with 1.

    `open` names operations that are drawn in simpler ones, such as "sigmoid" or "dot"; True opens
    all that can be. Where simpler ones would give other numbers, as by an overflow, an operation
    stays closed, and the picture says so. `fold` names scopes that are drawn as boxes; True folds
    all, None those of a graph that is too large otherwise, False none. `names` gives nested lists
    of Values a name, such as `{"W": W}`: what flows between boxes is shown with name and shape
    then.
    `branches` draws branches as nodes of their own, beside the sums whose mirror they are.
    `constants` are Values to which no gradient is drawn, such as data.

    What is wider than `width` is wrapped into lines, as music is: an arrow that is cut ends in its
    name, or in a letter in a ring, and begins again with the same tag. A value is 14 units high.
    None is 1,050 units, with which values have six points on a page that is 160 mm wide between
    its margins, and wraps only where few arrows are cut and the type is larger on the page then;
    `math.inf` is one line, whatever its width.

    The `theme` is "light", "dark" or "transparent", on which the paper is not painted.
    `thickness=True` makes red arrows as thick as their gradients are large, and units grey that let
    nothing back here, or almost nothing: a dead relu, a saturated sigmoid.

    Above `max_nodes` the nodes farthest from the result are left out, and the picture says so.
    `around` shows what is at most `depth` arrows from one Value, 2 unless said.

    An `exercise` leaves boxes empty: "backward" values except the given upstream one, "forward"
    values, or "both"; or a `share` of them, chosen by a `seed`. The drawing has the `answers` and
    an `answer_sheet`; `check_answers` marks what was found.

    Raises: `TypeError` for anything but a Value, `ValueError` for an option out of range, an
    unknown operation or scope, `RuntimeError` for an exercise of backward values on a graph
    without gradients.

    >>> import scalargrad as sg
    >>> x, y = sg.values(x=2, y=3)
    >>> g = x * y
    >>> g.backward()
    >>> sg.draw(g).svg[:4]
    '<svg'
    >>> print(sg.draw(g, exercise="backward").answer_sheet, end="")
      1             3   ×: upstream × the other operand = 1 × 3 = 3
      2             2   ×: upstream × the other operand = 1 × 2 = 2
    """
    seen = view(
        "draw", value, gradients=gradients, symbols=symbols, open=open, fold=fold,
        branches=branches, names=names, constants=constants, loss=loss, around=around, depth=depth,
        max_nodes=max_nodes, digits=digits, title=title, theme=theme,
        thickness=thickness, width=width,
    )  # fmt: skip
    boxes: list[Box] = []
    plain: Scene | None = None
    if exercise is not None:
        if exercise != "forward" and not gradients:
            need_gradients("draw")
        boxes = empty_boxes(seen.graph, exercise, share, seed, digits)
        boxes = _numbered(seen, boxes, branches)
        plain = compose(seen.graph, seen.wording, title=title, branches=branches, note=seen.note)
    empty = {box.anchor: box.number for box in boxes}
    return Drawing(
        compose(seen.graph, seen.wording, title=title, branches=branches, empty=empty,
                note=seen.note, digits=digits, thickness=seen.thickness),
        boxes,
        seen.theme,
        width=seen.width,
        plain=plain,
    )  # fmt: skip


def _numbered(seen: View, boxes: Sequence[Box], branches: bool) -> list[Box]:
    """Return the boxes with the numbers in which the picture is read."""
    empty = {box.anchor: box.number for box in boxes}
    scene = compose(seen.graph, seen.wording, branches=branches, empty=empty)
    order = reading_order(arrange(scene))
    numbered = [replace(box, number=order[box.number]) for box in boxes]
    return sorted(numbered, key=lambda box: box.number)


def check_answers(
    value: Any,
    answers: Any,
    *,
    digits: int = LEAST,
    tolerance: float = NOISE,
    exercise: str = "backward",
    share: float = 1.0,
    seed: int = 0,
    **options: Any,
) -> Marks:
    """Mark the answers to the exercise that `draw` made of a value with the same options.

    Answers are a list in the order of the boxes, None or an empty text for one that was left empty,
    or a dict from the number of a box to its answer. They are numbers, or texts as from a table:
    "2.2", "2,2", "−3", "1e-3", "27/3".

    One is right if it is the value, rounded to the digits that it shows, or to `digits` where it
    shows fewer; half a unit may go to either side. 0 is right for 0 alone. "1.50" shows three
    digits; 1300 and "1300" two, as the zeros at the end of a whole number may only fill places; a
    fraction is exact. What is computed with floats may be off by `tolerance` besides, as a part of
    the value. What is not right is shown with the rule that finds it.

    Raises: `TypeError` and `ValueError` for answers of another type or number, a text that is no
    number, and what `draw` raises.

    >>> import scalargrad as sg
    >>> x, y = sg.values(x=2, y=3)
    >>> g = x * y
    >>> g.backward()
    >>> sg.check_answers(g, ["3,0", 3])
    1 of 2 right
      1           3.0   right
      2             3   not right; ×: upstream × the other operand = 1 × 2 = 2
    """
    if isinstance(value, Drawing):
        must = "wants the Value that was drawn"
        raise OperandError(unwanted("check_answers", must, value, "pass that Value"))
    seen = view("check_answers", value, **known("check_answers", options))
    digits = digits_wanted(digits)
    boxes = empty_boxes(seen.graph, exercise, share, seed, max(digits, 6))
    boxes = _numbered(seen, boxes, options.get("branches", False))
    return marked(boxes, answers, digits, tolerance)


def draw_dot(value: Any, **options: Any) -> graphviz.Digraph:
    """Return the graph as a `graphviz.Digraph`: black forward and red backward edges.

    Its `.source` is DOT text; `.render` and `.pipe` need the program `dot` of Graphviz, which
    pictures of `draw` do not. The options are those of `draw`, without exercises and `width`.

    Raises: `TypeError` for anything but a Value, `ValueError` for an option out of range.

    >>> import scalargrad as sg
    >>> x, y = sg.values(x=2, y=3)
    >>> sg.draw_dot(x * y).source.splitlines()[0]
    'digraph scalargrad {'
    """
    seen = view("draw_dot", value, **known("draw_dot", options))
    title, branches = options.get("title", ""), options.get("branches", False)
    return dot.digraph(
        compose(seen.graph, seen.wording, title=title, branches=branches, note=seen.note,
                thickness=seen.thickness),
        seen.theme,
    )  # fmt: skip

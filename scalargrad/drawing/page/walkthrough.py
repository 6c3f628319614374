"""Walkthroughs: a page that goes through a graph step by step, forward and then backward."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.whole_files import path_text, write_whole
from ...errors import InputError, OperandError, unwanted
from ..layout.picture import Picture, Text
from ..layout.scene import compose
from ..layout.wrapping import wrapped_like
from ..options import MAX_NODES, View, view
from ..output import svg
from ..words import text
from ..words.rules import spoken
from . import document
from .data import Encoder
from .live_graph import LiveGraph
from .spacious import Spacious
from .steps import Walk

_OPTIONS = (
    "open", "fold", "names", "constants", "branches", "max_nodes", "digits", "title", "width",
)  # fmt: skip


class Walkthrough:
    """A page that walks through a graph: `.html` is its text, `.save(path)` writes it.

    It has so many `steps`. A notebook shows it by itself, in a frame that reaches nothing outside.
    """

    def __init__(self, html: str, title: str, steps: int) -> None:
        self.html = html
        self._title = title
        self.steps = steps

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a .html file, whole or not at all.

        Raises: `ValueError` for another suffix or a place that cannot be written.
        """
        name = path_text("save", "path", path, "walk.html")
        if Path(name).suffix.lower() != ".html":
            must = "a walkthrough is a page, its file must end in .html"
            raise InputError(unwanted("save", must, name, "change the suffix"))
        write_whole("save", path, self.html.encode())

    def _repr_html_(self) -> str:
        return document.frame(self.html, self._title)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Walkthrough of {self.steps} steps; .save('walk.html') writes it>"


def walkthrough(
    value: Any,
    *,
    open: Any = None,
    fold: Any = None,
    names: Any = None,
    constants: Any = (),
    branches: bool = False,
    max_nodes: int = MAX_NODES,
    digits: int = 6,
    title: str = "",
    width: float | None = None,
    **unknown: Any,
) -> Walkthrough:
    """Make a page that walks through the graph of a value: `.save("walk.html")` writes it.

    It steps and plays forward, then backward in the order of the pass, and tells the local rule
    of every step in words and numbers. Sliders move the inputs, and all values and gradients
    with them; a quiz hides each number and marks what is typed. One file, no network.

    Where no pass has been, the page begins one with 1; the graph stays as it is. The options are
    those of `draw`. Above `max_nodes` the nodes farthest from the result are left out, and the
    page says so.

    Raises: `TypeError` for anything but a Value or an unknown option, `ValueError` for an option
    out of range, an unknown operation or scope.

    >>> import scalargrad as sg
    >>> x, y = sg.values(x=2, y=3)
    >>> sg.walkthrough(x * y)
    <Walkthrough of 5 steps; .save('walk.html') writes it>
    """
    if unknown:
        must = f"its options are {', '.join(_OPTIONS)}"
        raise OperandError(unwanted("walkthrough", must, next(iter(unknown)), "choose among them"))
    seen = view(
        "walkthrough", value, open=open, fold=fold, names=names, constants=constants,
        branches=branches, max_nodes=max_nodes, digits=digits, title=title, width=width,
        upstream=1.0,
    )  # fmt: skip
    walk = Walk(seen.graph, seen.wording)
    named = walk.result is not None and walk.result.name
    title = (
        text.harmless(title) or f"{walk.result_name if named else 'A computation'}, step by step"
    )
    html = _page(seen, walk, title, branches=branches, digits=digits)
    return Walkthrough(html, title, len(walk.steps))


def _page(seen: View, walk: Walk, title: str, *, branches: bool, digits: int) -> str:
    graph = seen.graph
    spacious = Spacious(seen.wording, graph, digits)
    live_graph = LiveGraph(graph.survey)
    data = Encoder(walk, live_graph, digits).encode()  # it enters the nodes that the rules name
    data["rooms"] = {
        f"b:{shown.about}": round(spacious.room(shown.flow), 1)
        for shown in walk.singles
        if shown.forked
    }
    picture = _picture(spacious, branches, seen.width)
    texts = {key: spoken(rule, digits) for key, rule in walk.texts().items()}
    picture.texts = [_written(line, texts) for line in picture.texts]
    return document.page(
        title=title,
        picture=svg.render(picture, hooks=True),
        note=seen.note,
        data={**data, "nodes": live_graph.entries()},
        rows=live_graph.script(),
    )


def _picture(spacious: Spacious, branches: bool, width: float | None) -> Picture:
    """Return the picture, with room for longer numbers than it has, in the lines of `draw`."""
    plain, scene = (
        compose(spacious.graph, wording, branches=branches, digits=spacious.digits)
        for wording in (spacious.wording, spacious)
    )
    return wrapped_like(scene, plain, width)


def _written(line: Text, texts: Mapping[str, str]) -> Text:
    """Return a line of type with its own number, where it is one."""
    if line.style not in ("forward", "backward"):
        return line
    return replace(line, content=texts.get(f"{line.style[0]}:{line.about}", line.content))

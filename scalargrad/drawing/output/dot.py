"""From a scene to Graphviz: black forward edges, red backward edges, every label escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..layout.items import Frame, Item, Scene
from ..layout.measures import BLACK, RED, WHITE
from ..words.wording import Labels
from .themes import THEMES

if TYPE_CHECKING:
    import graphviz


def digraph(scene: Scene, theme: str = "light") -> graphviz.Digraph:
    """Return a `graphviz.Digraph` of a scene; node ids are counters of our own."""
    import graphviz  # here, so that a program that draws nothing does not wait for it

    drawn = graphviz.Digraph("scalargrad", graph_attr={"rankdir": "LR"})
    colours = THEMES[theme]
    if colours:
        black = colours.get(BLACK, BLACK)
        paper = colours[WHITE].replace("none", "transparent")
        drawn.attr("graph", bgcolor=paper, fontcolor=black)
        drawn.attr("node", color=black, fontcolor=black)
        drawn.attr("edge", color=black, fontcolor=black)
    red = colours.get(RED, RED)
    if scene.title:
        drawn.attr(label=graphviz.escape(scene.title), labelloc="t")
    names = {id(item): f"n{index}" for index, item in enumerate(scene.items)}
    clusters = _clusters(scene)
    order = {frame: index for index, frame in enumerate(clusters)}
    for item in scene.items:
        if item.frames:
            _node(clusters[item.frames[-1]], names[id(item)], item)
    paths = {item.frames[:end] for item in scene.items for end in range(1, len(item.frames) + 1)}
    inner_first = sorted(paths, key=lambda path: (-len(path), [order[frame] for frame in path]))
    for path in inner_first:
        outer = clusters[path[-2]] if len(path) > 1 else drawn
        outer.subgraph(clusters[path[-1]])
    for item in scene.items:
        if not item.frames:
            _node(drawn, names[id(item)], item)
        source = names[id(item)]
        if item.stem is not None:
            dot = f"{names[id(item)]}b"
            drawn.node(dot, label="", shape="point", width="0.07")
            _edge(drawn, source, dot, item.stem, red)
            source = dot
        for link in item.links:
            _edge(drawn, source, names[id(link.target)], link.labels, red)
    if scene.note:
        drawn.node("note", label=graphviz.escape(scene.note), shape="plaintext")
    return drawn


def _clusters(scene: Scene) -> dict[Frame, graphviz.Digraph]:
    """Return a cluster for every frame, empty as yet."""
    import graphviz

    frames = dict.fromkeys(frame for item in scene.items for frame in item.frames)
    look = {"style": "rounded", "color": "#555555", "fontcolor": "#555555", "labeljust": "l"}
    return {
        frame: graphviz.Digraph(
            f"cluster{index}", graph_attr={**look, "label": graphviz.escape(frame.title)}
        )
        for index, frame in enumerate(frames)
    }


def _node(drawn: graphviz.Digraph, name: str, item: Item) -> None:
    from graphviz import escape

    label = escape(item.text)
    if item.kind == "operator" and item.under is None:
        drawn.node(name, label=label, shape="circle", margin="0.04")
    elif item.kind == "folded":
        drawn.node(name, label=label, shape="circle", style="dashed")
    elif item.kind == "box":
        drawn.node(name, label=label, shape="box", style="rounded")
    elif item.under is not None:
        words = escape(" / ".join(item.under))
        drawn.node(name, label=words, shape="box", style="rounded")
    elif item.kind == "branch":
        drawn.node(name, label="", shape="point", width="0.07")
    else:
        drawn.node(name, label=label, shape="plaintext", fontname="Times-Italic")


def _edge(drawn: graphviz.Digraph, source: str, target: str, labels: Labels, red: str) -> None:
    from graphviz import escape

    forward = _boxed(labels.forward, labels.forward_box)
    drawn.edge(source, target, label=escape(forward), arrowhead="empty")
    if labels.backward is not None:
        drawn.edge(
            target,
            source,
            label=escape(_boxed(labels.backward, labels.backward_box)),
            color=red,
            fontcolor=red,
            fontname="Times-Bold",
            penwidth=f"{2.5 if labels.stroke is None else labels.stroke:.1f}",
            constraint="false",
        )


def _boxed(text: str, box: int | None) -> str:
    """Return the text, or the number of the empty box instead of it."""
    return text if box is None else f"[{box}:      ]"

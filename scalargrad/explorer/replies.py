"""A view as a message carries it: the picture, its parts, the values with sliders, the steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..core.modes import Scope
from ..drawing.page.data import INPUTS
from ..drawing.page.steps import Shown, Step
from ..drawing.select.graph import Vertex
from ..drawing.words import text
from ..drawing.words.rules import Rule, forward_rule, spoken
from .live_expression import LiveExpression
from .ranges import slider_range

#: where no step is shown
_HINT = (
    "Select a part to see its rule, an input to see its ways to the result; or step through both"
    " passes."
)


def view_reply(live: LiveExpression) -> dict[str, Any]:
    """Return what a page shows of a state; see the table of `messages`."""
    digits, walk = live.state.digits, live.walk
    step = live.state.step
    is_whole = step is None or step >= len(walk.steps)
    state = {**live.state.plain(), "step": None if is_whole else step}
    return {
        "kind": "view",
        "state": state,
        "name": text.harmless(live.name),
        "result": text.number(live.root.data, digits),
        "picture": live.picture(),
        "note": re.sub(r"; \w+= shows more", "", live.seen.note),  # no page can pass an option
        "nodes": [_node(live, vertex) for vertex in walk.graph.vertices],
        "values": list(_values(live)),
        "steps": list(_steps(walk.steps, digits)),
        "whole": _whole(),
        "command": _command(live),
    }


def _command(live: LiveExpression) -> str:
    """Return the command that shows the same values again."""
    given = [f"{name}={typed}".replace(" ", "") for name, typed in live.state.values.items()]
    quoted = (word if re.fullmatch(r"[\w=.+*/-]+", word) else f'"{word}"' for word in given)
    return " ".join([f'scalargrad explore "{live.state.text}"', *quoted])


def pieces(rule: Rule, digits: int) -> list[Any]:
    """Return a rule as texts and numbers; a number is a list of one text."""
    return [p if isinstance(p, str) else [text.number(p.value, digits)] for p in rule]


def shown_of(live: LiveExpression, vertex: Vertex) -> Shown:
    """Return what comes out of a vertex that is one node."""
    return live.walk.shown[id(vertex.flows[0])]


def gradient_name(live: LiveExpression, shown: Shown) -> str:
    """Return ∂g/∂x for a value; where it has no name in the picture, nothing."""
    if not shown.name and shown is not live.walk.result:
        return ""
    name, result = (text.whole(n) for n in (shown.name or live.name, live.name))
    return f"∂{result}/∂{name}"


def called(live: LiveExpression, vertex: Vertex) -> str:
    """Return the name of what comes out of a vertex, if it has one in the picture."""
    shown = shown_of(live, vertex)
    return text.harmless(live.name) if shown is live.walk.result else shown.name


def _node(live: LiveExpression, vertex: Vertex) -> dict[str, Any]:
    return {
        "node": live.walk.about_of[id(vertex)],
        "said": _said(live, vertex),
        "opens": opens(live, vertex),
        "closes": closes(live, vertex),
    }


def _said(live: LiveExpression, vertex: Vertex) -> str:
    """Return a part of the picture in one line: its rule with its numbers, and its gradient."""
    node, digits = vertex.flows[0].value, live.state.digits
    name = called(live, vertex)
    value = text.number(node.data, digits)
    if vertex.is_leaf or vertex.cut:
        said = f"{name or 'a value'} = {value}"
    else:
        rule = spoken(forward_rule(vertex, node), digits)
        said = f"{name}, {rule}" if name else rule
    gradient = live.seen.graph.gradients.get(node, 0.0)
    return f"{said}; gradient {text.number(gradient, digits)}"


def opens(live: LiveExpression, vertex: Vertex) -> str:
    """Return the name under which an operation can be opened, or nothing."""
    row = vertex.row
    can = row is not None and row.definition and row.name not in live.state.open
    return row.name if row is not None and can else ""


def closes(live: LiveExpression, vertex: Vertex) -> str:
    """Return the name of the operation of which a vertex is a step, or nothing."""
    scope: Scope | None = None if vertex.is_box else vertex.node.scope
    while scope is not None and scope.name not in live.state.open:
        scope = scope.outer
    return scope.name if scope is not None else ""


def _values(live: LiveExpression) -> Iterator[dict[str, Any]]:
    point = {name: value.data for name, value in live.values.items()}
    vertices = {id(v.flows[0].value): v for v in live.walk.graph.vertices}
    for number, (name, value) in enumerate(live.values.items()):
        gradient = live.seen.graph.gradients.get(value, 0.0)
        vertex = vertices.get(id(value))
        span = slider_range(live.formula, point, name) if number < INPUTS else None
        yield {
            "name": text.harmless(name),
            "shown": text.harmless(value.label),
            "typed": live.state.values[name],
            "value": text.number(value.data, live.state.digits),
            "gradient": text.number(gradient, live.state.digits),
            "node": live.walk.about_of[id(vertex)] if vertex is not None else "",
            "slider": span.plain() if span is not None else None,
        }


def _whole() -> dict[str, Any]:
    """Return what stands where all is shown, and no step."""
    empty = _step(Step("forward", ()), 1)
    return {**empty, "where": "The whole picture", "side": "", "note": _HINT}


def _steps(steps: Sequence[Step], digits: int) -> Iterator[dict[str, Any]]:
    """Yield steps with their words, each with its place in its pass."""
    count = {side: sum(step.side == side for step in steps) for side in ("forward", "backward")}
    for number, step in enumerate(steps, 1):
        place = number if step.side == "forward" else number - count["forward"]
        where = f"{step.side.capitalize()}, step {place} of {count[step.side]}"
        yield {"where": where, **_step(step, digits)}


def _step(step: Step, digits: int) -> dict[str, Any]:
    """Return a step with its words."""
    return {
        "side": step.side,
        "rules": [pieces(rule, digits) for rule in step.rules],
        "shows": list(step.shows),
        "reads": list(step.reads),
        "what": step.what,
        "lit": step.lit,
        "note": spoken(step.note, digits),
        "flow": step.flow,
        "total": text.number(step.total.value, digits) if step.total is not None else "",
        "left": step.left,
    }

"""The chain rule, step by step: what a backward pass did, with the letters of the table."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.arithmetic import is_value
from ..core.explanation import Explanation, explanations
from ..core.node_rows import row_of
from ..core.order import post_order
from ..core.text_tables import ascii_only
from ..table.row import LETTERS, ManyRow

#: operands of a call that are written out
MANY = 6

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "floordiv": "//", "mod": "%", "pow": "**"}
_LETTER = re.compile(r"(?P<before>[-+*/]?)\b(?P<letter>[xyzn])\b(?P<power>(?:\*\*)?)")
_ATOM = re.compile(r"-?[\w.\\]+(\([^()]*\))?")


@dataclass(frozen=True)
class NodeStep:
    """One node of the backward pass: how it was computed, and what it hands on."""

    node: Any
    parts: tuple[Explanation, ...]


class Chain:
    """The steps of the latest backward pass of a root, from the root back.

    `names` has a name for every node, by id; `terms` what each node received, in the order in
    which it was added.

    >>> import scalargrad as sg
    >>> x, y = sg.values(x=2, y=3)
    >>> g = x * y
    >>> g.backward()
    >>> chain = Chain(g, "g")
    >>> [(chain.rule(part), part.product) for part in chain.steps[0].parts]
    [('y', 3.0), ('x', 2.0)]
    """

    def __init__(self, root: Any, name: str) -> None:
        order = post_order(root)
        _, self._grads = root._sweep(root.grad)  # `grad` may tell of a later pass of another root
        self.names: dict[int, str] = _named(order, name)
        self.nodes: list[Any] = [node for node in order if node.parents]
        self.terms: dict[int, list[float]] = {id(node): [] for node in order}
        self.steps: list[NodeStep] = [self._step(node) for node in reversed(self.nodes)]

    def _step(self, node: Any) -> NodeStep:
        parts = tuple(explanations(node, row_of(node), self._grads[node]))
        for part in parts:
            self.terms[id(part.operand)].append(part.product)
        return NodeStep(node, parts)

    def name(self, operand: Any) -> str:
        """Return the name of a Value, or the text of a plain number."""
        if is_value(operand):
            return self.names[id(operand)]
        return constant(operand)

    def text(self, node: Any) -> str:
        """Return how a node was computed, in the grammar of expressions: ``x + y``."""
        operands, row = node.operands, row_of(node)
        if row is None:
            return f"{node.op}({self._listed(operands)})"
        if node.op in _INFIX:
            left, right = map(self.name, operands)
            if node.op == "pow" and left.startswith("-"):
                left = f"({left})"
            return f"{left} {_INFIX[node.op]} {right}"
        if node.op == "neg":
            return f"-{self.name(operands[0])}"
        if node.op in ("where", "otherwise"):
            return f"where({int(node.op == 'where')}, {self._listed(operands)})"
        if isinstance(row, ManyRow) and row.lists == 2:
            return f"{node.op}([{'], ['.join(map(self._listed, row.split(operands)))}])"
        return f"{node.op}({self._listed(operands)})"

    def _listed(self, operands: Sequence[Any]) -> str:
        if len(operands) <= MANY:
            return ", ".join(map(self.name, operands))
        first = ", ".join(map(self.name, operands[: MANY - 2]))
        return f"{first}, ... {len(operands) - MANY + 1} more, {self.name(operands[-1])}"

    def rule(self, part: Explanation) -> str:
        """Return the partial for one operand in names, or an empty text."""
        text, row = part.stated, part.row
        if not text or row is None:
            return ""
        names = dict(zip(LETTERS, map(self.name, part.operands), strict=False))
        names["z"] = self.name(part.node)
        if isinstance(row, ManyRow):
            names["n"] = str(len(part.node.operands) // row.lists)
        text = _LETTER.sub(lambda match: _filled(match, names), text)
        return text if _ATOM.fullmatch(text) else f"({text})"


def constant(number: float) -> str:
    """Return a plain number as people write it: whole ones without a point.

    >>> constant(2.0), constant(0.1), constant(float("inf"))
    ('2', '0.1', 'inf')
    """
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _filled(match: re.Match[str], names: dict[str, str]) -> str:
    """Put a name for a letter; a negative number next to another operator gets brackets."""
    name = names.get(match["letter"], match["letter"])
    if name.startswith("-") and (match["before"] or match["power"]):
        name = f"({name})"
    return f"{match['before']}{name}{match['power']}"


def _named(order: Iterable[Any], root: str) -> dict[int, str]:
    """Return a name for every node: labels, then v1, v2, ... for what is computed between."""
    *inner, last = order
    taken = {node.label for node in (*inner, last)} | {root}
    fresh = (name for i in itertools.count(1) if (name := f"v{i}") not in taken)
    names = {id(node): ascii_only(node.label) or next(fresh) for node in inner}
    return names | {id(last): ascii_only(root if last.parents else last.label or root)}

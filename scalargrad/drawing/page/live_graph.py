"""A graph as a flat list of numbers, which a page computes anew with the rows of the table."""

from __future__ import annotations

import math
from typing import Any

from ...core.arithmetic import is_value
from ...core.node_rows import is_current, named_row, result_index
from ...table import to_javascript
from ...table.row import FUNCTIONS, ROWS, is_plural
from ..select.survey import Survey, is_leaf
from ..words.rules import sign

#: so many nodes are computed anew while a slider moves
LIVE = 2_000


class LiveGraph:
    """The nodes below a root, parents first.

    In a graph of more than `LIVE` nodes it holds only those that are asked for, and their
    numbers stay as they are. So do those of a node that no row explains.
    """

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.live: bool = len(survey.nodes) <= LIVE and not survey.is_cut
        self.nodes: list[Any] = [*survey.order] if self.live else []
        self._indices = {id(node): index for index, node in enumerate(self.nodes)}
        self._reasons = {id(node): _stuck(node, survey) for node in self.nodes}

    def index(self, node: Any) -> int:
        """Return the index of a node, which is entered where it has none."""
        if id(node) not in self._indices:
            self._indices[id(node)] = len(self.nodes)
            self.nodes.append(node)
        return self._indices[id(node)]

    def why_fixed(self) -> dict[int, str]:
        """Return, by the id of a node, why it cannot be moved: what it goes into says so."""
        reasons: dict[int, str] = {}
        for node in reversed(self.nodes if self.live else []):
            reason = self._reasons[id(node)] or reasons.get(id(node), "")
            if reason:
                for parent in self.survey.parents[node]:
                    reasons.setdefault(id(parent), reason)
        return reasons

    def script(self) -> str:
        """Return the JavaScript of the rows that are needed."""
        names = sorted({node.op for node in self.nodes if self._is_computed(node)})
        return to_javascript.script(names, ROWS, FUNCTIONS)

    def entries(self) -> list[list[Any]]:
        """Return an entry a node: row, index among several results, operands, numbers.

        An operand is the index of a node, or a plain number in a list of its own. The numbers are
        the value, the gradient and the partials, which count plain operands too.
        """
        return [self._entry(node) for node in self.nodes]

    def _entry(self, node: Any) -> list[Any]:
        row = ROWS[node.op] if self._is_computed(node) else None
        which = result_index(node, len(node.operands)) if row is not None and is_plural(row) else 0
        operands, partials = [], iter(node.partials)
        slopes: list[Any] = []
        for operand in node.operands:
            varies = is_value(operand)
            known = varies and (self.live or id(operand) in self._indices)
            operands.append(self._indices[id(operand)] if known else [finite(_number(operand))])
            slopes.append(finite(next(partials)) if varies else 0)
        numbers = finite(_number(node)), finite(self.survey.gradients.get(node, 0.0))
        return [row.name if row is not None else "", which, operands, *numbers, slopes]

    def _is_computed(self, node: Any) -> bool:
        return self.live and not is_leaf(node) and not self._reasons[id(node)]


def _number(operand: Any) -> float:
    return float(operand._data if is_value(operand) else operand)


def finite(value: float) -> float | str:
    """Return a number for JSON, which has no inf and no nan: they become what JavaScript reads.

    >>> finite(0.5), finite(2.0), finite(float("-inf"))
    (0.5, 2, '-Infinity')
    """
    if math.isfinite(value):
        whole = value.is_integer() and abs(value) < 1e15 and (value or math.copysign(1, value) > 0)
        return int(value) if whole else value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _stuck(node: Any, survey: Survey) -> str:
    """Return why the numbers of a node cannot be computed anew, or an empty text."""
    if is_leaf(node):
        return ""
    row, symbol = named_row(node), sign(node, survey.rows[node])
    if row is None:
        return f"it goes into {symbol}, which only Python computes"
    if not is_current(node, row):
        return f"it goes into {symbol}, whose value is not what its operands give now"
    return ""

"""The wording of a picture whose numbers will change: it leaves room for longer ones."""

from __future__ import annotations

from dataclasses import dataclass

from ..select.graph import Flow, Graph, Use
from ..words import text
from ..words.rules import MANY, gradient, spoken, sum_rule
from ..words.wording import Labels, Reworded

#: width of a number such as −123.456, and of the longest sum that is written beside a stem
NUMBER, SUM = 58.0, 130.0


@dataclass(frozen=True)
class Spacious(Reworded):
    """A wording in which numbers are as wide as they may become; only their width counts."""

    graph: Graph
    digits: int

    def flow(self, flow: Flow) -> Labels:
        """Return the texts of what comes out; where it branches, with room for a short sum."""
        labels = self.wording.flow(flow)
        if flow.named is not None:
            return labels
        return _padded(labels, self.room(flow))

    def use(self, use: Use) -> Labels:
        """Return the texts of one arrow."""
        labels = self.wording.use(use)
        if use.flow.named is not None:
            return labels
        return _padded(labels, NUMBER)

    def room(self, flow: Flow) -> float:
        """Return the room for the gradient of a flow."""
        uses = [use for use in flow.uses if use.backward is not None]
        if len(uses) < 2:
            return NUMBER
        rule = sum_rule(uses, gradient(self.graph, flow.value), most=MANY)
        wide = text.width(spoken(rule, self.digits))
        return max(wide, NUMBER) if wide <= SUM else NUMBER


def _padded(labels: Labels, room: float) -> Labels:
    """Return texts in which the numbers are so wide, where there are any."""
    backward = labels.backward
    return Labels(_wide(labels.forward, NUMBER), backward and _wide(backward, room))


def _wide(label: str, room: float) -> str:
    name, equals, number = label.rpartition(" = ")
    while text.width(number) < room:
        number += "0"
    return name + equals + number

"""Pictures in which everything stays where it is while their numbers change.

A picture is laid out with room for longer numbers; another one of the same graph, whose texts have
room in it, takes its places.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..drawing.layout.columns import arrange
from ..drawing.layout.heights import settle
from ..drawing.layout.items import Scene
from ..drawing.layout.measures import backward_lines, forward_lines
from ..drawing.layout.picture import Picture, Text
from ..drawing.layout.routes import draw_routes
from ..drawing.layout.scene import compose
from ..drawing.select.graph import Flow, Graph, Use
from ..drawing.words import text
from ..drawing.words.pieces import Beside, Piece, Sign, Typeset
from ..drawing.words.wording import Labels, Reworded, Wording

#: so much wider than its place a text may be on either side: a line is longer than its text
_SPARE = 5.0
#: a number at the end of a line, which is all of it or follows a name
_LAST_NUMBER = re.compile(r"(?:^|= )(−?(?:[\d.]+(?:×10[⁰¹²³⁴-⁹⁻]+)?|∞)|nan)$")


class RoomyPicture:
    """A picture of a graph, in the places of an earlier one where that has room for it."""

    def __init__(
        self, graph: Graph, wording: Wording, digits: int, before: RoomyPicture | None
    ) -> None:
        scene = compose(graph, wording, digits=digits)
        self.shape: list[object] = _shape(scene)
        if before is not None and before.shape == self.shape:
            self.places: Picture = replace(before.places, summary=scene.summary)
            written = _written(self.places, scene)
            if all(map(_has_room, self.places.texts, written)):
                self.picture: Picture = replace(self.places, texts=written)
                return
        roomy = compose(graph, _Roomy(wording, "−0." + "0" * digits), digits=digits)
        grid = arrange(roomy)
        settle(grid)
        self.places = draw_routes(roomy, grid)
        self.picture = replace(self.places, texts=_written(self.places, scene))


def _shape(scene: Scene) -> list[object]:
    """Return what a layout depends on beside the texts of arrows."""
    numbers = {id(item): number for number, item in enumerate(scene.items)}
    return [
        (
            item.kind, item.text, item.about, item.stem is None, [f.title for f in item.frames],
            [(numbers[id(link.target)], link.port, link.outlet, link.about,
              link.labels.backward is None, *_unseen(link.labels, link.about))
             for link in item.links],
        )
        for item in scene.items
    ]  # fmt: skip


def _unseen(labels: Labels, about: str) -> list[str]:
    """Return the texts of an arrow that stands for nothing: plain numbers, which stay."""
    return [] if about else [labels.forward]


def _labels(scene: Scene) -> Iterator[tuple[str, Labels]]:
    """Yield the texts of every arrow and every stem, by what they are about."""
    for item in scene.items:
        if item.stem is not None:
            yield item.stem_about, item.stem
        for link in item.links:
            yield link.about, link.labels


def _written(places: Picture, scene: Scene) -> list[Text]:
    """Return the texts of a picture with what a scene says there, line by line."""
    lines: dict[tuple[str, str], list[str]] = {}
    for about, labels in _labels(scene):
        forward, backward = labels.forward, labels.backward
        lines["forward", about] = [line for line, _ in forward_lines(forward)] if forward else []
        lines["backward", about] = (
            [line for line, _ in backward_lines(backward)] if backward else []
        )
    texts = []
    for line in places.texts:
        waiting = lines.get((line.style, line.about), []) if line.about else []
        texts.append(replace(line, content=waiting.pop(0)) if waiting else line)
    return texts


def _has_room(place: Text, line: Text) -> bool:
    """Tell whether a text fits where another one stands."""
    left, top, right, bottom = place.box()
    inner = line.box()
    is_wide = inner[0] < left - _SPARE or inner[2] > right + _SPARE
    return not is_wide and top <= inner[1] and inner[3] <= bottom


@dataclass(frozen=True)
class _Roomy(Reworded):
    """A wording in which numbers are as wide as most may become; only their width counts."""

    widest: str

    def flow(self, flow: Flow) -> Labels:
        """Return the texts of what comes out."""
        return self._padded(self.wording.flow(flow))

    def use(self, use: Use) -> Labels:
        """Return the texts of one arrow."""
        return self._padded(self.wording.use(use))

    def _padded(self, labels: Labels) -> Labels:
        backward = labels.backward and self._wide(labels.backward)
        return replace(labels, forward=self._wide(labels.forward), backward=backward)

    def _wide(self, label: str) -> str:
        if isinstance(label, Typeset):
            return Typeset(map(self._wide_line, label.lines))
        return label + self._lacking(label)

    def _wide_line(self, line: Piece) -> Piece:
        zeros = self._lacking(line.plain)
        return Beside((line, Sign(zeros))) if zeros else line

    def _lacking(self, line: str) -> str:
        """Return the digits that a number at the end of a line lacks."""
        found = _LAST_NUMBER.search(line)
        room = text.width(self.widest) - text.width(found[1]) if found else 0.0
        return "0" * max(0, math.ceil(room / text.width("0")))

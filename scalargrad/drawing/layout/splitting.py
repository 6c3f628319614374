"""A picture in lines: what is cut ends in a tag, and begins again with the same tag.

A tag is the name of what flows where it has one of its own; else a letter in a ring. What several
later lines use ends once, and begins again in each of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from ..words.text import width
from ..words.wording import Labels
from . import measures as m
from .breaking import flow_of, is_last
from .grid import Grid
from .items import Frame, Item, Link, Scene

#: a longer name is no tag
LONGEST_NAME = 60.0


@dataclass(eq=False)
class Cut:
    """What flows from one line to later ones: the links there, by line."""

    source: Item
    later: dict[int, list[Link]]
    whole: bool  # whether no link stays in the line of the source
    name: str = ""
    tags: list[Item] = field(default_factory=list)  # the first one where a line ends

    @property
    def links(self) -> list[Link]:
        """All links of later lines."""
        return [link for links in self.later.values() for link in links]


class Split:
    """The lines of a scene that ends them behind some ranks; the scene stays as it is."""

    def __init__(self, scene: Scene, ends: Sequence[int]) -> None:
        self.scene = scene
        self.ends = ends
        self.line_of: dict[int, int] = self._lines()
        self.cuts: list[Cut] = self._cuts()
        self.frames: dict[tuple[Frame, int], Frame] = self._frames()
        self.copies: dict[int, Item] = {}
        for item in scene.items:
            line = self.line_of[id(item)]
            copied = replace(item, links=[], frames=self._framed(item.frames, line))
            self.copies[id(item)] = copied
        self.items: list[list[Item]] = [[] for _ in range(len(ends) + 1)]

    def lines(self) -> list[Scene]:
        """Return a scene for each line; its tags have no letters yet."""
        for item in self.scene.items:
            self.items[self.line_of[id(item)]].append(self.copies[id(item)])
        cut_of = {id(link): cut for cut in self.cuts for link in cut.links}
        for item in self.scene.items:
            done: set[int] = set()
            for link in item.links:
                cut = cut_of.get(id(link))
                if cut is None:
                    self._connect(self.copies[id(item)], link, link.labels)
                elif id(cut) not in done:
                    done.add(id(cut))
                    self._leave(cut)
                    for line, links in cut.later.items():
                        self._come(cut, line, links)
        for line, items in enumerate(self.items):
            self._rank(items, line)
        return [Scene(items, None, "", "", "") for items in self.items]

    def _lines(self) -> dict[int, int]:
        """Return the line of every item: of a leaf that of its first consumer."""
        lines = {id(item): bisect_left(self.ends, item.rank) for item in self.scene.items}
        for item in self.scene.items:
            targets = [lines[id(link.target)] for link in item.links if not is_last(link.target)]
            if item.is_end and targets:
                lines[id(item)] = min(targets)
        for item in self.scene.items:
            for link in item.links:
                if is_last(link.target):
                    lines[id(link.target)] = lines[id(item)]
        return lines

    def _cuts(self) -> list[Cut]:
        """Return what flows from each line to later ones."""
        cuts = []
        called: dict[str, set[str]] = {}
        for item in self.scene.items:
            flows: dict[str, list[Link]] = {}
            for link in item.links:
                flows.setdefault(flow_of(link), []).append(link)
                called.setdefault(link.name, set()).add(flow_of(link))
            for links in flows.values():
                own, later = self.line_of[id(item)], dict[int, list[Link]]()
                for link in links:
                    if (line := self.line_of[id(link.target)]) > own:
                        later.setdefault(line, []).append(link)
                if later:
                    whole = sum(map(len, later.values())) == len(links)
                    cuts.append(Cut(item, later, whole, links[0].name))
        for cut in cuts:
            if len(called[cut.name]) > 1 or width(cut.name, m.NAME_SIZE) > LONGEST_NAME:
                cut.name = ""
        return cuts

    def _frames(self) -> dict[tuple[Frame, int], Frame]:
        """Return what stands for a frame in each of its lines: the first one has the title."""
        found: dict[Frame, set[int]] = {}
        for item in self.scene.items:
            for frame in item.frames:
                found.setdefault(frame, set()).add(self.line_of[id(item)])
        parts = {}
        for frame, lines in found.items():
            first, last = min(lines), max(lines)
            for line in lines:
                title = frame.title if line == first else ""
                cut = line > first, line < last
                parts[frame, line] = Frame(title, frame.short, cut)
        return parts

    def _framed(self, frames: Sequence[Frame], line: int) -> tuple[Frame, ...]:
        """Return a path of frames as it is in a line, as far as it goes there."""
        known = takewhile(lambda frame: (frame, line) in self.frames, frames)
        return tuple(self.frames[frame, line] for frame in known)

    def _connect(self, source: Item, link: Link, labels: Labels) -> None:
        target = self.copies[id(link.target)]
        source.links.append(replace(link, source=source, target=target, labels=labels))

    def _leave(self, cut: Cut) -> None:
        """Put a tag where something leaves its line.

        Of a single arrow the texts stand here, of several ones where they begin again.
        """
        source, (first, *others) = self.copies[id(cut.source)], cut.links
        labels, about = first.labels, first.about
        if others:
            labels, about = _quiet(cut.links), flow_of(first)
        if cut.whole and cut.source.stem is not None:
            labels, about = cut.source.stem, cut.source.stem_about
            source.stem = None
        line = self.line_of[id(cut.source)]
        tag = self._tag(cut, line, cut.links)
        tag.inputs = 1
        source.links.append(
            replace(first, source=source, target=tag, port=0, labels=labels, about=about)
        )
        self.items[line].append(tag)

    def _come(self, cut: Cut, line: int, links: list[Link]) -> None:
        """Put a tag where something comes into a later line."""
        tag = self._tag(cut, line, links)
        if len(links) > 1:
            tag.stem, tag.stem_about = _quiet(links), flow_of(links[0])
        told = len(cut.links) == 1
        for link in links:
            self._connect(tag, link, _quiet([link]) if told else link.labels)
        self.items[line].insert(0, tag)

    def _tag(self, cut: Cut, line: int, links: Sequence[Link]) -> Item:
        """Return a tag, in the frames that are around both ends of what is cut."""
        tag = Item("tag", cut.name, ringed=not cut.name)
        tag.fixed = all(link.labels.backward is None for link in links)
        paths = [cut.source.frames, *(link.target.frames for link in links)]
        same = takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False))
        tag.frames = self._framed([level[0] for level in same], line)
        cut.tags.append(tag)
        return tag

    def _rank(self, items: list[Item], line: int) -> None:
        """Give the items of a line its ranks: tags stand at its edges, and no rank is empty."""
        before = self.ends[line - 1] if line else -1
        after = self.ends[line] + 1 if line < len(self.ends) else None
        for item in items:
            if item.kind == "tag":
                item.rank = before if item.links else after or 0
            elif is_last(item) and after is not None:
                item.rank = min(item.rank, after)
            item.rank = max(item.rank, before)
        place = {rank: index for index, rank in enumerate(sorted({item.rank for item in items}))}
        for item in items:
            item.rank = place[item.rank]


def write_letters(cuts: Sequence[Cut], lines: Sequence[Grid]) -> None:
    """Give the tags that are no names their letters, in the order in which lines end in them."""
    cut_of = {id(cut.tags[0]): cut for cut in cuts}
    number = 0
    for grid in lines:
        for cell in grid.columns[-1].cells:
            if cell.item is not None and cell.item.ringed and id(cell.item) in cut_of:
                for tag in cut_of[id(cell.item)].tags:
                    tag.text = letters(number)
                number += 1


def letters(number: int) -> str:
    """Return the letters of a tag, as those of the columns of a table.

    >>> letters(0), letters(25), letters(26)
    ('A', 'Z', 'AA')
    """
    rest, letter = divmod(number, 26)
    return (letters(rest - 1) if rest else "") + chr(ord("A") + letter)


def _quiet(links: Sequence[Link]) -> Labels:
    """Return no texts, with the arrows of some links, as thick as the thickest of them."""
    strokes = [link.labels.stroke for link in links if link.labels.stroke is not None]
    backward = None if all(link.labels.backward is None for link in links) else ""
    return Labels("", backward, stroke=max(strokes, default=None))

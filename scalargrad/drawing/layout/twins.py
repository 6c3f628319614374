"""Equal parts of a picture: samples, terms, neurons, gates. What corresponds has one column.

A part is an operator with what goes into it alone. Two are equal where their operators agree, leaf
for leaf; what several parts share, such as a weight, is the same thing in both. Operands of + and ×
may change places. What is equal is equally far from the leaves, so one never comes before the
other: columns can be had in common.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

from .items import Item, Link

FEW_USES = 2  # what has more arrows must be the same thing


class _Twin(NamedTuple):
    """An operator with what goes into it alone: its number, and the parts next to it."""

    number: int
    size: int
    parts: list[Item]


def twins(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Yield groups of items that correspond; parents come first in `items`.

    A single operator is no part for itself: it stands where its arrow is short.
    """
    parts = _parts(items)
    groups: dict[int, list[Item]] = {}
    for item in items:
        if id(item) in parts and parts[id(item)].size > 1:
            groups.setdefault(parts[id(item)].number, []).append(item)
    for group in groups.values():
        if len(group) > 1:
            yield group
            inner = (parts[id(item)].parts for item in group)
            yield from map(list, zip(*inner, strict=True))


def depths(items: Sequence[Item]) -> dict[int, int]:
    """Return how many arrows lead to each item, on the longest way, by its id."""
    depth: dict[int, int] = {}
    for item in items:
        here = depth.setdefault(id(item), 0)
        for link in item.links:
            depth[id(link.target)] = max(depth.get(id(link.target), 0), here + 1)
    return depth


def _parts(items: Sequence[Item]) -> dict[int, _Twin]:
    """Return the part of each operator, by its id; equal parts have equal numbers."""
    arrows: dict[int, list[Link]] = {}
    for item in items:
        for link in item.links:
            arrows.setdefault(id(link.target), []).append(link)
    depth = depths(items)
    parts: dict[int, _Twin] = {}
    numbers: dict[Hashable, int] = {}

    def key(link: Link) -> Hashable:
        source = link.source
        if len(source.links) > 1:
            return "shared", id(source) if len(source.links) > FEW_USES else 0
        return parts[id(source)].number if id(source) in parts else source.kind

    for item in items:
        entering = sorted(arrows.get(id(item), []), key=lambda link: link.port)
        if not item.is_shaped:
            continue
        numbered = [(numbers.setdefault(key(link), len(numbers)), link) for link in entering]
        if not item.ordered:
            numbered.sort(key=lambda pair: pair[0])
        kind = item.kind, item.text, item.inputs, item.outlets, depth[id(item)]
        number = numbers.setdefault((kind, *(n for n, _ in numbered)), len(numbers))
        alone = [
            link.source for _, link in numbered
            if id(link.source) in parts and len(link.source.links) == 1
        ]  # fmt: skip
        parts[id(item)] = _Twin(number, 1 + sum(parts[id(i)].size for i in alone), alone)
    return parts

"""Leaves that branch begin further left where fewer arrows cross then.

Ranks make arrows short; a hand would rather lead a variable around what stands between its forks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from .items import Item, Scene

TURNS = 6
SHIFTS = 1, 2  # columns


def move_leaves(scene: Scene, least: int, crossings: Callable[[], int]) -> bool:
    """Move leaves to the left while that leaves fewer than `least` crossings; tell if any moved."""
    leaves = _free(scene.items)
    moved = False
    for _ in range(TURNS):
        best: tuple[Item, int] | None = None
        for leaf in leaves:
            for shift in SHIFTS:
                _move(scene, leaf, shift)
                found = crossings()
                _move(scene, leaf, -shift)
                if found < least:
                    least, best = found, (leaf, shift)
        if best is None:
            return moved
        _move(scene, *best)
        moved = True
        if not least:
            return moved
    return moved


def _free(items: list[Item]) -> list[Item]:
    """Return the leaves that may move; those that go to the same operators stay side by side."""
    leaves = [item for item in items if item.is_end and len(item.links) > 1 and not item.frames]
    same = Counter(map(_targets, leaves))
    return [leaf for leaf in leaves if same[_targets(leaf)] == 1]


def _targets(leaf: Item) -> frozenset[int]:
    return frozenset(id(link.target) for link in leaf.links)


def _move(scene: Scene, leaf: Item, columns: int) -> None:
    """Move a leaf so many columns to the left; the first column is that of the first item."""
    leaf.rank -= columns
    lowest = min(item.rank for item in scene.items)
    for item in scene.items:
        item.rank -= lowest

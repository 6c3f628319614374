"""Leaves that branch begin further left where fewer arrows cross then.

Ranks make arrows short; a hand would rather lead a variable around what stands between its forks.
"""

from __future__ import annotations

from collections.abc import Callable

from .scene import Item, Scene

TURNS = 6
SHIFTS = 1, 2  # columns


def move_leaves(scene: Scene, least: int, crossings: Callable[[], int]) -> bool:
    """Move leaves to the left while that leaves fewer than `least` crossings; tell if any moved."""
    leaves = [item for item in scene.items if _is_free(item)]
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


def _is_free(item: Item) -> bool:
    return item.is_end and len(item.links) > 1 and not item.frames


def _move(scene: Scene, leaf: Item, columns: int) -> None:
    """Move a leaf so many columns to the left; the first column is that of the first item."""
    leaf.rank -= columns
    lowest = min(item.rank for item in scene.items)
    for item in scene.items:
        item.rank -= lowest

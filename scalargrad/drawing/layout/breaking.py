"""Where the lines of a wrapped picture end: few arrows are cut, and no line is too wide.

Source: the lines of all the picture are weighed together, as those of a paragraph are by D. E.
Knuth, M. F. Plass, "Breaking paragraphs into lines", 1981.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate

from .items import Item, Link

#: what a line more costs, and a frame that is cut, in arrows that are cut; and empty room
LINE, FRAME, RAGGED = 4.0, 2.0, 4.0


def cut_at(items: Sequence[Item]) -> list[int]:
    """Return how many tags a line would end in behind each rank.

    A leaf begins in the line of its first consumer; results stay in the line of what they are of.
    """
    changes = [0] * (max(item.rank for item in items) + 2)
    for item in items:
        ends: dict[str, list[int]] = {}
        for link in item.links:
            if not is_last(link.target):
                ends.setdefault(flow_of(link), []).append(link.target.rank)
        for ranks in ends.values():
            changes[min(ranks) if item.is_end else item.rank] += 1
            changes[max(ranks)] -= 1
    return list(accumulate(changes))[:-1]


def frames_at(items: Sequence[Item]) -> list[int]:
    """Return how many frames would be cut behind each rank."""
    ranks = max(item.rank for item in items) + 1
    spans: dict[object, list[int]] = {}
    for item in items:
        for frame in item.frames:
            span = spans.setdefault(frame, [item.rank, item.rank])
            span[:] = min(span[0], item.rank), max(span[1], item.rank)
    changes = [0] * (ranks + 1)
    for first, last in spans.values():
        changes[first] += 1
        changes[last] -= 1
    return list(accumulate(changes))[:ranks]


def is_last(item: Item) -> bool:
    """Tell whether nothing comes after an item."""
    return item.kind in ("result", "beyond")


def costs_of(items: Sequence[Item]) -> list[float]:
    """Return what a break behind each rank costs; there is an operator on either side of it."""
    behind = {item.rank for item in items if item.is_shaped}
    last = max(behind, default=0)
    return [
        cut + FRAME * frames if rank in behind and rank < last else math.inf
        for rank, (cut, frames) in enumerate(zip(cut_at(items), frames_at(items), strict=True))
    ]


def flow_of(link: Link) -> str:
    """Return what identifies the value that flows along a link."""
    return ".".join(link.about.split(".")[:2])


def breaks(wide: Callable[[int, int], float], costs: Sequence[float], room: float) -> list[int]:
    """Return the ranks behind which lines end, all but the last line.

    A line from a rank up to another one, without it, is so `wide`; `costs[r]` is that of a break
    behind rank r. A line is wider than the room only where it cannot be broken.

    >>> breaks(lambda start, end: 10.0 * (end - start), [1, 9, 1, 0], 30.0)
    [2]
    >>> breaks(lambda start, end: 10.0 * (end - start), [1, 9, 1, 0], 20.0)
    [0, 2]
    >>> breaks(lambda start, end: 10.0 * (end - start), [math.inf, math.inf, 0], 15.0)
    []
    """
    ranks = len(costs)
    best = [0.0] + [math.inf] * ranks  # of all before a rank
    begun = [0] * (ranks + 1)
    for end in range(1, ranks + 1):
        for start in reversed(range(end)):
            part = wide(start, end) / room
            if part > 1.0 and best[end] < math.inf:
                break
            cost = best[start] + LINE
            if end < ranks:
                cost += costs[end - 1] + RAGGED * max(0.0, 1.0 - part) ** 2
            if cost < best[end]:
                best[end], begun[end] = cost, start
    ends: list[int] = []
    end = begun[ranks]
    while end > 0:
        ends.append(end - 1)
        end = begun[end]
    return ends[::-1]

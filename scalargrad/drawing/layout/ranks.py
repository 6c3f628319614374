"""The columns of items, so that arrows are short and equal parts stand alike.

Leaves, and what is computed from leaves alone, move next to a consumer.
"""

from __future__ import annotations

from .items import Frame, Item, Link
from .ranking import Edge, shortest
from .twins import depths, twins

ALIKE = 150  # nodes: in larger pictures equal parts have longer arrows, which cross more


def assign_ranks(items: list[Item], *, alike: bool = True) -> None:
    """Give each item its column and each end of an arrow its frames; parents come first.

    Plain numbers stand in the frame of what they go into, variables outside, left of it. What
    corresponds in equal parts of a small picture has one column, where it shall be `alike`.
    """
    for item in items:
        if item.is_end:
            named = item.kind == "leaf" or bool(item.text)
            item.frames = () if named else item.links[0].target.frames
    number = _numbered([item for item in items if not _waits(item)], items, alike)
    _rank(items, set(), number)
    if early := _early(items, _first(items)):
        _rank(items, early, number)
    _pull(items, _first(items))
    _frame_leaves(items, _first(items))


def _rank(items: list[Item], early: set[Frame], number: dict[int, int]) -> None:
    """Give each item its rank, so that arrows are short; leaves stand next to a consumer.

    Before an `early` frame there is a column for the constants in it. What has one `number` has one
    rank.
    """
    fed: set[int] = set()  # items with a leaf of their own outside their frame
    for item in items:
        for link in item.links:
            if item.is_end and len(item.links) == 1 and not item.frames:
                fed.add(id(link.target))
    feeding = _fed_frames(items)

    def step(link: Link) -> int:
        source, target = link.source.frames, link.target.frames
        entered = [frame for frame in target if frame not in source]
        wide = any(frame in early for frame in entered)
        if not link.source.is_end and any(frame not in target for frame in source):
            # between two frames, leaves of the second one have a column of their own
            wide |= id(link.target) in fed or any(frame in feeding for frame in entered)
        return 2 if wide else 1

    nodes = [item for item in items if id(item) in number]
    edges = [
        Edge(number[id(item)], number[id(link.target)], step(link))
        for item in nodes for link in item.links
    ]  # fmt: skip
    ranks = shortest(len(set(number.values())), edges)
    for item in nodes:
        item.rank = ranks[number[id(item)]]
    for item in items:
        if item.links and (item.is_end or item.kind == "folded"):
            item.rank = min(link.target.rank for link in item.links) - 1


def _numbered(nodes: list[Item], items: list[Item], alike: bool) -> dict[int, int]:
    """Return a number for each node, by its id: one for all that correspond in equal parts.

    What comes first has the smaller one.
    """
    if not alike or len(nodes) > ALIKE:
        return {id(item): index for index, item in enumerate(nodes)}
    first = {id(item): item for item in nodes}
    for group in twins(items):
        earliest = _head(first, group[0])
        for item in group[1:]:
            first[id(_head(first, item))] = earliest
    heads = [_head(first, item) for item in nodes]
    depth = depths(items)
    numbers: dict[int, int] = {}
    for head in sorted(heads, key=lambda head: depth[id(head)]):
        numbers.setdefault(id(head), len(numbers))
    return {id(item): numbers[id(head)] for item, head in zip(nodes, heads, strict=True)}


def _head(first: dict[int, Item], item: Item) -> Item:
    """Return the item whose column others take."""
    while first[id(item)] is not item:
        item = first[id(item)]
    return item


def _waits(item: Item) -> bool:
    """Tell whether an item is the left end of a single arrow: it stands where that goes to."""
    return item.is_end and len(item.links) == 1


def _fed_frames(items: list[Item]) -> set[Frame]:
    """Return the innermost frames into which a variable goes."""
    variables = (item for item in items if item.kind == "leaf" and not item.fixed)
    return {link.target.frames[-1] for v in variables for link in v.links if link.target.frames}


def _first(items: list[Item]) -> dict[Frame, int]:
    """Return the first rank of every frame."""
    first: dict[Frame, int] = {}
    for item in items:
        if item.is_shaped or item.kind == "constant":
            for frame in item.frames:
                first[frame] = min(first.get(frame, item.rank), item.rank)
    return first


def _early(items: list[Item], first: dict[Frame, int]) -> set[Frame]:
    """Return the frames that begin with a column of constants."""
    of_operators = _first([item for item in items if item.is_shaped])
    return {frame for frame, rank in first.items() if rank < of_operators[frame]}


def _pull(items: list[Item], first: dict[Frame, int]) -> None:
    """Put variables left of the innermost frame that they go into."""
    for item in items:
        if item.kind == "leaf" and not item.fixed:
            for link in item.links:
                if link.target.frames:
                    item.rank = min(item.rank, first[link.target.frames[-1]] - 1)
    lowest = min(item.rank for item in items)
    for item in items:
        item.rank -= lowest


def _frame_leaves(items: list[Item], first: dict[Frame, int]) -> None:
    """Put leaves into the frame of all their consumers, unless they stand left of it."""
    for item in items:
        if item.is_end and item.links and not item.frames:
            inner, *others = (link.target.frames for link in item.links)
            item.frames = tuple(
                frame for frame in inner
                if item.rank >= first[frame] and all(frame in frames for frames in others)
            )  # fmt: skip

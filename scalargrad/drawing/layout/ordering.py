"""From the columns of a grid to an order of their cells with few crossings.

What forks is one node here, without the lanes behind it, and a leaf whose one arrow goes straight
into the next column is none: that arrow need not cross any other. Sweeps sort each column by its
neighbours, sifting moves single nodes. A picture that is small enough begins from several orders;
the best one is shaken and sifted again. All chance comes from one seed, and effort is measured in
counts: the same scene gives the same picture.

Source: K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system
structures", 1981: sweeps that sort each column by barycentres; E. R. Gansner, E. Koutsofios, S. C.
North, K.-P. Vo, "A technique for drawing directed graphs", 1993: medians. To shake what was found
and improve it again is iterated local search.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from .sifting import CROSSING, Order

FEW, SOME, MANY = 90, 300, 2000  # nodes
STARTS, FEWER_STARTS, HASTY_STARTS = 24, 6, 2
SWEEPS, FEWER_SWEEPS = 24, 12
PATIENCE = 8  # sweeps without success
WINDOW = 8  # so far a node is moved at once
ROUNDS = 20  # of sifting
SHAKES, MOST_SHAKES, SHAKEN = 60, 100, 140_000  # of large pictures so many nodes in all
HUGE = 20_000  # nodes: too many to be shaken
AMPLITUDE = 3.0  # how far a node is shaken, on average


def improve(order: Order, *, hastily: bool = False) -> None:
    """Find an order in which few arrows cross; `hastily` one to compare with others."""
    count = len(order.place)
    starts = STARTS if count <= FEW else FEWER_STARTS if count <= SOME else 1
    chance = random.Random(0)
    start, best, least = order.saved(), order.saved(), -1
    for turn in range(HASTY_STARTS if hastily else starts):
        order.restore(start)
        share = turn if turn < 2 else chance.random()
        _walk(order, lambda: chance.random() < share)  # noqa: B023 - it is asked at once
        _sweep(order, SWEEPS if count <= MANY else FEWER_SWEEPS, backwards=turn % 2 == 1)
        order.sift(ROUNDS, WINDOW)
        order.swap_blocks()
        cost = order.cost()
        if least < 0 or cost < least:
            best, least = order.saved(), cost
        if least < CROSSING:
            break
    order.restore(best)
    if least >= CROSSING and count <= HUGE and not hastily:
        _shake(order, min(MOST_SHAKES, SHAKEN // count) if count > SOME else SHAKES, chance)


def _walk(order: Order, turned: Callable[[], bool]) -> None:
    """Order each column as a walk from the results meets its nodes, operands in their order.

    Where the order of operands does not matter it may be `turned`.
    """
    met: dict[int, int] = {}
    ends = [node for column in order.columns for node in column if not order.down[node]]
    stack = ends[::-1]
    while stack:
        node = stack.pop()
        if node in met:
            continue
        met[node] = len(met)
        before = [source for _, source in sorted(order.operands[node])]
        if not order.ordered[node] and turned():
            before.reverse()
        stack.extend(reversed(before))
    for index, column in enumerate(order.columns):
        order.sort(index, [met[node] for node in column])


def _sweep(order: Order, sweeps: int, *, backwards: bool) -> None:
    """Sort all columns by their neighbours, to and fro; keep the best order.

    Sweeps go by barycentres and by medians in turn. With `backwards` the first ones turn every
    column over before, so that what is equal changes places.
    """
    best, least, idle = order.saved(), order.cost(), 0
    for sweep in range(sweeps):
        if least < CROSSING or idle >= PATIENCE:
            break
        forward = sweep % 2 == 0
        key = _median if sweep % 4 >= 2 else _barycentre
        indices = range(len(order.columns))
        for index in indices if forward else reversed(indices):
            if backwards and sweep % 4 < 2 and not order.framed[index]:
                order.turn(index)
            order.sort(index, [key(order, node, forward) for node in order.columns[index]])
        order.sift(8, 1)
        cost = order.cost()
        idle += 1
        if cost < least:
            idle = 0 if cost < 0.995 * least else idle
            best, least = order.saved(), cost
    order.restore(best)


def _barycentre(order: Order, node: int, forward: bool) -> float:
    places = _neighbours(order, node, forward)
    total = 0.0
    for place in places:
        total += place
    return total / len(places) if places else order.place[node]


def _median(order: Order, node: int, forward: bool) -> float:
    """Return the median of the neighbours; between two, nearer to where more are close together."""
    places = sorted(_neighbours(order, node, forward))
    middle = len(places) // 2
    if not places:
        return order.place[node]
    if len(places) % 2:
        return places[middle]
    upper, lower = places[middle - 1], places[middle]
    above, below = upper - places[0], places[-1] - lower
    if not above + below:
        return (upper + lower) / 2
    return (upper * below + lower * above) / (above + below)


def _neighbours(order: Order, node: int, forward: bool) -> list[float]:
    """Return where the arrows into a node begin, or where those out of it end."""
    place = order.place
    if forward:
        return [place[source] for source in order.up[node]]
    ends = zip(order.down[node], order.leans[node], strict=True)
    return [place[target] + lean for (target, _), lean in ends]


def _shake(order: Order, times: int, chance: random.Random) -> None:
    """Disturb the whole order a little and sift it; keep what is better."""
    best, least = order.saved(), order.cost()
    for _ in range(times):
        if least < CROSSING:
            break
        order.restore(best)
        amplitude = 2 * AMPLITUDE * chance.random()
        for index, column in enumerate(order.columns):
            if not order.framed[index]:
                shaken = [amplitude * (2 * chance.random() - 1) for _ in column]
                order.sort(index, [place + shift for place, shift in enumerate(shaken)])
        order.sift(ROUNDS, WINDOW)
        cost = order.cost()
        if cost <= least:
            best, least = order.saved(), cost
    order.restore(best)

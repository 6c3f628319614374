"""Folding: which nodes stand together in a box, and which leaves go into boxes as a bundle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...core.modes import Scope
from ...core.order import post_order
from ...errors import InputError, OperandError, unwanted
from .graph import BUNDLE, Named, Vertex, meet

#: so many labelled leaves of a box have an arrow each
LABELLED = 12

#: what `fold` may be: nothing, all scopes, or the names of some
Fold = bool | frozenset[str]


def read_fold(who: str, fold: Any) -> Fold | None:
    """Return what `fold=` says; None where the picture may choose.

    Raises: `TypeError` for anything but a truth value, a name or an iterable of names.
    """
    if fold is None or isinstance(fold, bool):
        return fold
    return names_of(who, "fold", fold, "Affine")


def names_of(who: str, option: str, given: Any, example: str) -> frozenset[str]:
    """Return one name or many as a set."""
    names = [given] if isinstance(given, str) else given
    if not hasattr(type(names), "__iter__") or not all(isinstance(name, str) for name in names):
        wanted = f"{option} must be a list of names, or True for all"
        raise OperandError(unwanted(who, wanted, given, f'pass e.g. ["{example}"]'))
    return frozenset(names)


def fold_homes(
    who: str, root: Any, fold: Fold | None, names: Mapping[int, Named], max_nodes: int
) -> dict[int, Vertex]:
    """Return, by the id of a node, the box or the bundle that it stands in.

    Raises: `ValueError` for the name of a scope in which no node of the graph was made.
    """
    if fold is False:
        return {}
    met, more = meet(root)
    if fold is None and len(met) <= max_nodes:
        return {}
    order = met[::-1] if more else post_order(root)
    outermost = _Outermost(True if fold is None else fold)
    boxes: dict[Scope, list[Any]] = {}
    for node in order:
        scope = node.scope if node.parents else None
        if scope is not None and (folded := outermost.of(scope)) is not None:
            boxes.setdefault(folded, []).append(node)
    if isinstance(fold, frozenset):
        _check(who, fold, boxes, met)
    homes: dict[int, Vertex] = {}
    for alike in _alike(order, boxes):
        nodes = [node for folded in alike for node in boxes[folded]]
        box = Vertex(nodes, group=alike[0], count=len(alike))
        homes |= dict.fromkeys(map(id, nodes), box)
    if homes:
        _bundle_leaves(order, homes, names)
    return homes


class _Outermost:
    """Finds the outermost folded scope around a scope."""

    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self.known: dict[Scope, Scope | None] = {}

    def of(self, scope: Scope) -> Scope | None:
        if scope not in self.known:
            found = None
            around: Scope | None = scope
            while around is not None:
                if self.fold is True or (self.fold and around.name in self.fold):
                    found = around
                around = around.outer
            self.known[scope] = found
        return self.known[scope]


def _check(who: str, fold: Collection[str], boxes: Mapping[Scope, Any], met: Sequence[Any]) -> None:
    unknown = sorted(set(fold) - {scope.name for scope in boxes})
    present = set()
    for node in met:
        scope = node.scope
        while scope is not None:
            present.add(scope.name)
            scope = scope.outer
    if unknown := [name for name in unknown if name not in present]:
        if not present:
            raise InputError(
                f"{who}: fold: no node was made in the scope {unknown[0]!r}; this graph has no"
                " scopes; name them with sg.scope"
            )
        shown = ", ".join(sorted(present)[:8]) + ", ..." * (len(present) > 8)
        raise InputError(
            f"{who}: fold: no node was made in the scope {unknown[0]!r}; the scopes of this graph"
            f" are: {shown}; choose among them"
        )


def _alike(order: Sequence[Any], boxes: Mapping[Scope, list[Any]]) -> list[list[Scope]]:
    """Group the boxes: many that are one layer, applied to many samples, are one.

    They have one name and the same shared leaves, and none of them needs another one.
    """
    if max(Counter(folded.name for folded in boxes).values(), default=0) <= BUNDLE:
        return [[folded] for folded in boxes]
    box_of = {id(node): folded for folded, nodes in boxes.items() for node in nodes}
    level: dict[int, int] = {}  # id of a node -> how many boxes came before
    users: dict[int, set[Scope]] = {}
    for node in order:
        own = box_of.get(id(node))
        before = [
            level.get(id(p), 0) + (box_of.get(id(p)) is not own and id(p) in box_of)
            for p in node.parents
        ]
        level[id(node)] = max(before, default=0)
        if own is not None:
            for parent in node.parents:
                users.setdefault(id(parent), set()).add(own)
    kinds: dict[Any, list[Scope]] = {}
    for folded, nodes in boxes.items():
        leaves = {id(p) for node in nodes for p in node.parents if not p.parents}
        shared = frozenset(leaf for leaf in leaves if len(users[leaf]) > 1)
        depth = max(level[id(node)] for node in nodes)
        kinds.setdefault((folded.name, depth, shared) if shared else folded, []).append(folded)
    return [
        part
        for alike in kinds.values()
        for part in ([alike] if len(alike) > BUNDLE else [[folded] for folded in alike])
    ]


def _bundle_leaves(
    order: Sequence[Any], homes: dict[int, Vertex], names: Mapping[int, Named]
) -> None:
    """Bundle leaves that go into the same boxes and nowhere else, and have one name or none."""
    uses: dict[int, dict[Vertex | None, None]] = {}
    for node in order:
        home = homes.get(id(node))
        for parent in node.parents:
            if not parent.parents:
                uses.setdefault(id(parent), {})[home] = None
    ways: dict[Any, list[Any]] = {}
    for node in order:
        targets = uses.get(id(node), {})
        if targets and None not in targets:
            way = names.get(id(node)), bool(node.label), frozenset(targets)
            ways.setdefault(way, []).append(node)
    for (named, labelled, _), together in ways.items():
        if (named and not named.is_single) or len(together) > (LABELLED if labelled else BUNDLE):
            bundle = Vertex(together, named=named or Named("", f"({len(together)},)"))
            homes |= dict.fromkeys(map(id, together), bundle)

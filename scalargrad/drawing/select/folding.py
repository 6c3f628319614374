"""Folding: which nodes stand together in a box, and which leaves go into boxes as a bundle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...core.modes import Scope
from ...errors import InputError, OperandError, unwanted
from .graph import BUNDLE, Named, Vertex
from .survey import Survey, is_leaf

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
        must = f"{option} must be a list of names, or True for all"
        raise OperandError(unwanted(who, must, given, f'pass e.g. ["{example}"]'))
    return frozenset(names)


def fold_homes(
    who: str,
    survey: Survey,
    fold: Fold | None,
    names: Mapping[int, Named],
    sizes: Mapping[Scope, str],
    max_nodes: int,
) -> dict[int, Vertex]:
    """Return, by the id of a node, the box or the bundle that it stands in.

    Raises: `ValueError` for the name of a scope in which no node of the graph was made.
    """
    if fold is False:
        return {}
    if fold is None and len(survey.nodes) <= max_nodes:
        return {}
    outermost = _Outermost(True if fold is None else fold)
    boxes: dict[Scope, list[Any]] = {}
    for node in survey.order:
        scope = None if is_leaf(node) else node.scope
        if scope is not None and (folded := outermost.of(scope)) is not None:
            boxes.setdefault(folded, []).append(node)
    if isinstance(fold, frozenset):
        _check(who, fold, boxes, survey.nodes)
    homes: dict[int, Vertex] = {}
    for alike in _alike(survey, boxes):
        nodes = [node for folded in alike for node in boxes[folded]]
        box = Vertex(nodes, group=alike[0], size=sizes.get(alike[0], ""), count=len(alike))
        homes |= dict.fromkeys(map(id, nodes), box)
    if homes:
        _bundle_leaves(survey, homes, names)
    return homes


class _Outermost:
    """Finds the outermost folded scope around a scope."""

    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self.known: dict[Scope, Scope | None] = {}

    def of(self, scope: Scope) -> Scope | None:
        if scope not in self.known:
            outermost = None
            around: Scope | None = scope
            while around is not None:
                if self.fold is True or (self.fold and around.name in self.fold):
                    outermost = around
                around = around.outer
            self.known[scope] = outermost
        return self.known[scope]


def _check(
    who: str, fold: Collection[str], boxes: Mapping[Scope, Any], nodes: Sequence[Any]
) -> None:
    unknown = sorted(set(fold) - {scope.name for scope in boxes})
    present = set()
    for node in nodes:
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


def _alike(survey: Survey, boxes: Mapping[Scope, list[Any]]) -> list[list[Scope]]:
    """Group the boxes: many that are one layer, applied to many samples, are one.

    They have one name and the same shared leaves, and none of them needs another one.
    """
    if max(Counter(folded.name for folded in boxes).values(), default=0) <= BUNDLE:
        return [[folded] for folded in boxes]
    box_of = {id(node): folded for folded, nodes in boxes.items() for node in nodes}
    level: dict[int, int] = {}  # id of a node -> how many boxes came before
    users: dict[int, set[Scope]] = {}
    for node in survey.order:
        own = box_of.get(id(node))
        before = [
            level.get(id(p), 0) + (box_of.get(id(p)) is not own and id(p) in box_of)
            for p in survey.parents[node]
        ]
        level[id(node)] = max(before, default=0)
        if own is not None:
            for parent in survey.parents[node]:
                users.setdefault(id(parent), set()).add(own)
    kinds: dict[Any, list[Scope]] = {}
    for folded, nodes in boxes.items():
        leaves = {id(p) for node in nodes for p in survey.parents[node] if is_leaf(p)}
        shared = frozenset(leaf for leaf in leaves if len(users[leaf]) > 1)
        depth = max(level[id(node)] for node in nodes)
        kinds.setdefault((folded.name, depth, shared) if shared else folded, []).append(folded)
    return [
        part
        for alike in kinds.values()
        for part in ([alike] if len(alike) > BUNDLE else [[folded] for folded in alike])
    ]


def _bundle_leaves(survey: Survey, homes: dict[int, Vertex], names: Mapping[int, Named]) -> None:
    """Bundle leaves that go into the same boxes and nowhere else, and have one name or none."""
    uses: dict[Any, dict[Vertex | None, None]] = {
        node: {} for node in survey.order if is_leaf(node)
    }
    for node in survey.order:
        home = homes.get(id(node))
        for parent in survey.parents[node]:
            if parent in uses:
                uses[parent][home] = None
    ways: dict[Any, list[Any]] = {}
    for leaf, targets in uses.items():
        if targets and None not in targets:
            way = names.get(id(leaf)), bool(leaf.label), frozenset(targets)
            ways.setdefault(way, []).append(leaf)
    for (named, labelled, _), together in ways.items():
        if (named and not named.is_single) or len(together) > (LABELLED if labelled else BUNDLE):
            bundle = Vertex(together, named=named or Named("", f"({len(together)},)"))
            homes |= dict.fromkeys(map(id, together), bundle)

"""A model as a table: its layers, the shapes of their parameters, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from ..core import markup
from ..core.arithmetic import is_value
from ..core.nesting import flat
from .module import Module, inside, is_parameter

#: rows of a table; of a larger model the end is left out
MOST = 60


class Part(NamedTuple):
    """A row: where a layer stands in the model, what it is, and what it learns."""

    path: str
    layer: str
    shapes: str
    parameters: int


def parts_of(model: Module) -> list[Part]:
    """Return the layers of a model; equal ones that follow each other, as neurons do, are one.

    >>> from scalargrad.nn import MLP
    >>> for part in parts_of(MLP(2, [3, 1], seed=0)):
    ...     print(*part, sep=" | ")
    layers.0.neurons.0-2 | 3 × ReLUNeuron(2) | w (2,), b | 9
    layers.1.neurons.0 | LinearNeuron(3) | w (3,), b | 4
    """
    parts = _parts(model, "", (), set())
    return [_merged(list(run)) for _, run in groupby(parts, lambda p: (_above(p.path), p[1:]))]


def html_of(model: Module) -> str:
    """Return a model as a notebook shows it."""
    parts = parts_of(model)
    rows = [(*part[:3], f"{part.parameters:,}" * (part.parameters > 0)) for part in parts[:MOST]]
    rows += [(f"... {len(parts) - MOST} more", "", "", "")] * (len(parts) > MOST)
    count = len(model.parameters())
    words = f"{type(model).__name__}: {count:,} parameter{'s' * (count != 1)}"
    head = ("", "layer", "shapes", "parameters")
    return markup.html(markup.paragraph(words), markup.table(head, rows, left=3))


def _parts(thing: Any, path: str, above: tuple[Any, ...], seen: set[int]) -> Iterator[Part]:
    """Walk to the layers that have no layers inside, and to what is learnt beside them."""
    if any(thing is other for other in above):
        return  # a module that holds one above it
    if is_parameter(thing):
        yield Part(path, "", _shape("", thing).strip(), _count([thing], seen))
        return
    items = list(inside(thing))
    within = (*above, thing)
    if isinstance(thing, Module) and not any(_has_layers(held, within) for _, held in items):
        held = [(name, tree) for name, tree in items if is_parameter(tree)]
        shapes = ", ".join(_shape(name, tree) for name, tree in held)
        yield Part(path, repr(thing), shapes, _count([tree for _, tree in held], seen))
        for name, tree in items:
            if not is_parameter(tree) and not callable(tree):  # a dict of some, a dataclass
                yield from _parts(tree, f"{path}.{name}" if path else str(name), within, seen)
    elif items or isinstance(thing, Module):
        for name, held in items:
            yield from _parts(held, f"{path}.{name}" if path else str(name), within, seen)
    elif callable(thing):
        yield Part(path, getattr(thing, "__name__", type(thing).__name__), "", 0)


def _has_layers(thing: Any, above: tuple[Any, ...]) -> bool:
    if is_parameter(thing) or any(thing is other for other in above):
        return False
    within = (*above, thing)
    return isinstance(thing, Module) or any(_has_layers(x, within) for _, x in inside(thing))


def _count(trees: list[Any], seen: set[int]) -> int:
    """Return how many parameters are in some trees that were not seen before."""
    new = {id(value) for tree in trees for value in flat(tree)} - seen
    seen |= new
    return len(new)


def _shape(name: str, tree: Any) -> str:
    """Return a name with the shape of nested lists of parameters."""
    shape = []
    while not is_value(tree):
        shape.append(len(tree))
        lengths = {None if is_value(branch) else len(branch) for branch in tree}
        if len(lengths) != 1:
            return f"{name} ({shape[0]} rows)"
        tree = tree[0]
    return f"{name} {tuple(shape)}" if shape else name


def _above(path: str) -> str:
    """Return the path of the list that a path leads into; of anything else the path itself."""
    owner, _, last = path.rpartition(".")
    return owner if last.isdigit() else path


def _merged(run: list[Part]) -> Part:
    first, last = run[0], run[-1].path.rpartition(".")[2]
    if len(run) == 1:
        return first
    layer = f"{len(run)} × {first.layer}"
    return Part(f"{first.path}-{last}", layer, first.shapes, len(run) * first.parameters)

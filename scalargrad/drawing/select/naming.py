"""Names of matrices: nested lists of Values or numbers under one name, with their shape."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from ...core.arguments import as_number, is_list
from ...core.arithmetic import is_value
from ...errors import InputError, OperandError, unwanted
from .graph import Named
from .weights import layer_number, placed

#: a name of letters, and the number of a layer
_WORD = re.compile(r"(?P<word>[^\W\d_]+)(?P<layer>\d{0,3})")


@dataclass
class Matrices:
    """What `names=` says: of Values by their ids, and of plain vectors by their numbers."""

    values: dict[int, Named] = field(default_factory=dict)
    elements: dict[int, str] = field(default_factory=dict)  # such as W[0][1]
    numbers: dict[tuple[float, ...], Named] = field(default_factory=dict)


def read_names(who: str, names: Any) -> Matrices:
    """Read a mapping from names to Values, numbers or nested lists of them.

    A name may bring a shape of its own, as in "X (N, 2)".

    Raises: `TypeError` for anything else, `ValueError` for rows of different lengths.
    """
    read = Matrices()
    if names is None:
        return read
    if not isinstance(names, Mapping) or not all(isinstance(name, str) for name in names):
        must = "names must be a dict from a name to Values"
        raise OperandError(unwanted(who, must, names, 'pass e.g. {"W": W}'))
    for name, tree in names.items():
        shape, elements = _matrix(who, name, tree)
        text, own, rest = name.partition(" (")
        named = Named(text, own[1:] + rest if own else str(shape))
        for index, element in zip(product(*map(range, shape)), elements, strict=True):
            if is_value(element):
                read.values[id(element)] = named
                read.elements[id(element)] = indexed(text, index)
            elif as_number(element) is None:
                must = f"names: {name!r} must hold Values or numbers"
                raise OperandError(unwanted(who, must, element, "pass nested lists of them"))
        width = shape[-1] if shape else 1
        for start in range(0, len(elements), width) if width > 1 else ():
            numbers = [as_number(element) for element in elements[start : start + width]]
            if None not in numbers:
                read.numbers[tuple(numbers)] = named  # type: ignore[arg-type]
    return read


def indexed(name: str, index: Sequence[int]) -> str:
    """Return the name of an element, its places counted from 1 as on paper.

    A number behind the name of a matrix is that of its layer. What is no name to lower something
    beside keeps the places that it has in Python.

    >>> indexed("W", (0, 1)), indexed("W1", (0, 1)), indexed("W", (2, 11)), indexed("dW·x", (0,))
    ('W₁₂', 'W⁽¹⁾₁₂', 'W_{3,12}', 'dW·x[0]')
    """
    match = _WORD.fullmatch(name)
    if match is None or not index:
        return name + "".join(f"[{i}]" for i in index)
    above = layer_number(match["layer"]) if match["layer"] else ""
    return placed(match["word"], above, *(i + 1 for i in index))


def _matrix(who: str, name: str, tree: Any) -> tuple[tuple[int, ...], list[Any]]:
    """Return the lengths of nested lists, which must be equal in each depth, and the elements."""
    shape: list[int] = []
    level = [tree]
    while level and is_list(level[0]):
        lengths = {len(branch) if is_list(branch) else -1 for branch in level}
        if len(lengths) > 1:
            raise InputError(
                f"{who}: names: the rows of {name!r} must be equally long; got lengths"
                f" {sorted(lengths)}; name them one by one"
            )
        shape.append(lengths.pop())
        level = [item for branch in level for item in branch]
    return tuple(shape), level

"""Names of the parameters of layers that have none, W₁₁ and b₁, and how large a layer is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...core.arithmetic import is_value
from ...core.modes import Scope
from .graph import BUNDLE, Named
from .survey import Survey, is_leaf

_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
#: the layer whose weights are the second operands of its products
_SECOND = "Affine"
#: scopes that are layers, whoever opened them
_LAYERS = (_SECOND, "Layer")


def layer_names(survey: Survey) -> dict[int, str]:
    """Return names by the ids of unlabelled leaves that are weights and biases of layers.

    Products of one list of inputs are a layer. With i for the input and j for the output it has
    the names W_ij and b_j; of several layers each name has the number of its layer above.
    """
    taken = {node.label for node in survey.nodes if node.label}
    names: dict[int, str] = {}
    for above, layer in _layers(survey):
        for j, (weights, bias) in enumerate(layer.items(), 1):
            for i, weight in enumerate(weights, 1):
                names.setdefault(weight, placed("W", above, i, j))
            if bias is not None:
                names.setdefault(id(bias), placed("b", above, j))
    return {} if taken & set(names.values()) else names


def layer_matrices(survey: Survey) -> dict[int, Named]:
    """Return the matrices W and b of layers by the ids of their unlabelled elements.

    Where so few go into a box that each has an arrow, they stay as they are.
    """
    taken = {node.label for node in survey.nodes if node.label}
    named: dict[int, Named] = {}
    for above, layer in _layers(survey):
        widths, biases = {len(weights) for weights in layer}, list(layer.values())
        inputs, outputs = max(widths), len(layer)
        if len(widths) > 1 or taken & {f"W{above}", f"b{above}"}:
            continue
        if (inputs + (None not in biases)) * outputs > BUNDLE:
            matrix, vector = f"({inputs}, {outputs})", f"({outputs},)"
            for weight in (weight for weights in layer for weight in weights):
                named.setdefault(weight, Named(f"W{above}", matrix))
            for bias in biases if None not in biases else ():
                named.setdefault(id(bias), Named(f"b{above}", vector))
    return named


def _layers(survey: Survey) -> list[tuple[str, dict[tuple[int, ...], Any]]]:
    """Return what stands above the names of each layer, and its biases by their weights."""
    biases = {product: bias for product, bias in _biases(survey) if not bias.label}
    layers: dict[Any, dict[tuple[int, ...], Any]] = {}  # inputs -> weights -> bias
    named: set[tuple[int, ...]] = set()
    for node in survey.order:
        if node.op == "dot" and (found := _split(survey, node)) is not None:
            inputs, weights = found
            if weights not in named:
                named.add(weights)
                layers.setdefault(inputs, {})[weights] = biases.get(id(node))
    several = len(layers) > 1
    return [(layer_number(i) * several, layer) for i, layer in enumerate(layers.values(), 1)]


def layer_sizes(survey: Survey) -> dict[Scope, str]:
    """Return how many inputs and outputs layers have, by their scopes: "2 → 8", without a break.

    Outputs are the biases, or the lists of weights where only one side of the products is leaves.
    """
    products: dict[Scope, list[Any]] = {}
    for node in survey.order:
        if node.op == "dot" and node.scope is not None and node.scope.name in _LAYERS:
            products.setdefault(node.scope, []).append(node)
    biases = {product: id(bias) for product, bias in _biases(survey)}
    sizes: dict[Scope, str] = {}
    for scope, nodes in products.items():
        widths = {len(node.operands) // 2 for node in nodes}
        outputs = {biases.get(id(node)) or _weights(node) for node in nodes}
        if len(widths) == 1 and None not in outputs:
            sizes[scope] = f"{widths.pop()}\u00a0→\u00a0{len(outputs)}"
    return sizes


def _weights(node: Any) -> tuple[int, ...] | None:
    """Return the side of a product that is leaves alone, if the other one is not."""
    half = len(node.operands) // 2
    sides = [
        tuple(map(id, side)) if all(is_value(x) and is_leaf(x) for x in side) else None
        for side in (node.operands[:half], node.operands[half:])
    ]
    return sides[0] or sides[1] if None in sides else None


def _split(survey: Survey, node: Any) -> tuple[Any, tuple[int, ...]] | None:
    """Return inputs and weights of a product of two lists; None where none are parameters."""
    half = len(node.operands) // 2
    sides = node.operands[:half], node.operands[half:]
    able = [all(is_value(x) and is_leaf(x) and not x.label for x in side) for side in sides]
    if not any(able):
        return None
    weights = 0 if able[0] else 1
    if all(able) and node.scope is not None and node.scope.name == _SECOND:
        weights = 1
    keys = tuple(id(x) if is_value(x) else x for x in sides[1 - weights])
    return keys, tuple(map(id, sides[weights]))


def _biases(survey: Survey) -> Iterator[tuple[int, Any]]:
    """Yield the ids of products and the leaf that is added to each."""
    for node in survey.order:
        if node.op == "add" and len(node.operands) == 2:
            product, bias = node.operands
            known = is_value(product) and product.op == "dot" and is_value(bias)
            if known and is_leaf(bias):
                yield id(product), bias


def placed(letter: str, above: str, *indices: int) -> str:
    """Return a name with its indices.

    >>> placed("W", "", 1, 9), placed("W", "⁽²⁾", 1, 2), placed("W", "", 3, 12)
    ('W₁₉', 'W⁽²⁾₁₂', 'W_{3,12}')
    """
    if max(indices) > 9 and len(indices) > 1:  # a comma has no small sign
        return f"{letter}{above}_{{{','.join(map(str, indices))}}}"
    return letter + above + "".join(map(str, indices)).translate(_LOWERED)


def layer_number(layer: int | str) -> str:
    """Return the number of a layer as it stands above the names of its parameters.

    >>> layer_number(12)
    '⁽¹²⁾'
    """
    return f"⁽{str(layer).translate(_RAISED)}⁾"

"""Random graphs of every make, and random options of a picture for each."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from engines import apply_row
from row_programs import NAMES

import scalargrad as sg
from scalargrad import nn
from scalargrad.core.order import post_order
from scalargrad.table.row import ROWS, ManyRow

Graph = sg.Value
SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    0.5,
    1e-5,
    1e300,
    -1e300,
    5e-324,
    math.inf,
    -math.inf,
    math.nan,
]
LABELS = ["", "", "", "x", "x", "y", "L", "w1", "W[0]", "a b", "θ", "りんご", "∂L/∂x", "v1", "1/x",
          "<b>", '"', "\x00", "\u202e", "a\nb", "e", "π", "x" * 300, "−", "L/x", "…"]  # fmt: skip


def number(chance: random.Random) -> float:
    return chance.choice(SPECIAL) if chance.random() < 0.2 else round(chance.gauss(0, 2), 3)


def leaf(chance: random.Random) -> Graph:
    return sg.Value(number(chance), chance.choice(LABELS))


def operand(chance: random.Random, pool: list[Any]) -> Any:
    return number(chance) if chance.random() < 0.15 else chance.choice(pool)


def program(chance: random.Random) -> Graph:
    """Return what operations of all rows make of some leaves, some of them in scopes."""
    pool: list[Any] = [leaf(chance) for _ in range(chance.randint(1, 4))]
    scopes = ["Affine", "Softmax", "+", "×", "Σ", "dot", "Neuron", "<i>"]
    for _ in range(chance.randint(1, chance.choice([6, 12, 40]))):
        with sg.scope(chance.choice(scopes)):
            made = (inner if chance.random() < 0.3 else step)(chance, pool)
        for value in made:
            if chance.random() < 0.3:
                value.label = chance.choice(LABELS)
        pool += made
    return pool[-1] if chance.random() < 0.8 else sg.sum(pool[-chance.randint(1, 8) :])


def inner(chance: random.Random, pool: list[Any]) -> list[Any]:
    """Return several operations in a scope of their own."""
    with sg.scope(chance.choice(["Dot", "Affine", "+"])):
        return [value for _ in range(chance.randint(1, 3)) for value in step(chance, pool)]


def step(chance: random.Random, pool: list[Any]) -> list[Any]:
    """Return the results of one operation: of a row, a node of one's own, a loss, a copy."""
    kind = chance.random()
    if kind < 0.7:
        row = ROWS[chance.choice(NAMES)]
        length = chance.choice([1, 2, 3, 9, 15]) if isinstance(row, ManyRow) else 1
        lists = [[operand(chance, pool) for _ in range(length)] for _ in range(row.arity)]
        lists[0][0] = chance.choice(pool)
        operands = lists if isinstance(row, ManyRow) else [given for (given,) in lists]
        result = apply_row(sg.Value, row, *operands)
        return result if isinstance(result, list) else [result]
    parents = [chance.choice(pool) for _ in range(chance.randint(1, 3))]
    if kind < 0.78:
        partials = [number(chance) for _ in parents]
        name = chance.choice(["mine", "<x>", "add", "exp", "f(x)", "×"])
        return [sg.record(number(chance), parents, partials, op=name)]
    if kind < 0.84:
        return [CUSTOMS[chance.randrange(len(CUSTOMS))](parents[0])]
    if kind < 0.9:
        return [chance.choice(pool).detach() + parents[0]]
    if kind < 0.95:
        targets = [chance.choice([1.0, -1.0]) for _ in parents]
        return [chance.choice([sg.mse, sg.mae, sg.hinge])(parents, targets)]
    return [sg.cross_entropy([*parents, parents[0]], 0)]


CUSTOMS = [
    sg.custom(lambda x: 2.0 * x, op="square")(lambda x: x * x),
    sg.custom(lambda x: 0.0)(lambda x: 3.0),
]


def network(chance: random.Random) -> Graph:
    """Return the output or the loss of a network, for one sample or a batch."""
    inputs = chance.randint(1, 3)
    sizes = [chance.choice([1, 2, 3, 8, 12]) for _ in range(chance.randint(1, 3))]
    kind = chance.randrange(3)
    model: Any
    if kind == 0:
        model = nn.MLP(inputs, sizes, seed=chance.randrange(99))
    elif kind == 1:
        layers = [nn.Affine(inputs, sizes[0], seed=1), nn.ReLU(), nn.Affine(sizes[0], 3, seed=2)]
        model = nn.Sequential(*layers, chance.choice([nn.Softmax, nn.Tanh, nn.Sigmoid])())
    else:
        model = nn.TwoLayerNet(inputs, sizes[0], 3, seed=1).predict

    def sample() -> list[Any]:
        row = [number(chance) for _ in range(inputs)]
        return row if chance.random() < 0.5 else [sg.Value(x, chance.choice(LABELS)) for x in row]

    outputs = [model(sample()) for _ in range(chance.choice([1, 1, 2, 3, 6, 10]))]
    rows = [output if isinstance(output, list) else [output] for output in outputs]
    if chance.random() < 0.3 and len(rows) == len(rows[0]) == 1:
        return rows[0][0]
    if chance.random() < 0.5:
        losses = [sg.cross_entropy(row, 0) if len(row) > 1 else sg.mse(row, [1.0]) for row in rows]
    else:
        losses = [sg.mse(row, [number(chance) for _ in row]) for row in rows]
    loss = losses[0] if len(losses) == 1 and losses[0].parents else sg.mean(losses)
    loss.label = chance.choice(["L", "", "loss"])
    return loss


def picture(seed: int, *, assigned: bool = True) -> tuple[Graph, dict[str, Any]]:
    """Return a graph, with or without a pass, and options for a picture of it.

    A number may be `assigned` afterwards, so that it is not what the operands give.
    """
    chance = random.Random(seed)
    root = (program if chance.random() < 0.7 else network)(chance)
    for _ in range(chance.choice([0, 1, 1, 1, 2])):
        root.backward(chance.choice([1.0, 1.3, 0.0, -2.0, math.inf, math.nan]))
    nodes = post_order(root)
    if chance.random() < 0.1 and assigned:
        chance.choice(nodes).data = number(chance)
    return root, options(chance, root, nodes)


def options(chance: random.Random, root: Graph, nodes: list[Any]) -> dict[str, Any]:
    """Return some options, each with one of its values."""
    ops = sorted({node.op for node in nodes if node.op in ROWS and ROWS[node.op].definition})
    scopes = sorted({node.scope.name for node in nodes if node.scope is not None})
    some = chance.sample(nodes, min(len(nodes), chance.randint(1, 8)))
    every: dict[str, Callable[[], Any]] = {
        "symbols": lambda: chance.choice([True, "both", "chain"]),
        "open": lambda: chance.choice([True, False, [chance.choice(ops)] if ops else True]),
        "fold": lambda: chance.choice([True, False, [chance.choice(scopes)] if scopes else True]),
        "branches": lambda: True,
        "theme": lambda: chance.choice(["dark", "transparent"]),
        "thickness": lambda: True,
        "names": lambda: chance.choice(
            [{"W": some}, {"W (N, 2)": some, "b": some[0]}, {"X": [1.0, 2.0]}, {"": [some]}, {}]
        ),
        "constants": lambda: chance.choice([some, some[:1], [root], []]),
        "loss": lambda: chance.choice(["L", "E", "", "a b", "x"]),
        "gradients": lambda: False,
        "digits": lambda: chance.choice([1, 3, 17]),
        "max_nodes": lambda: chance.choice([1, 2, 5, 20, 400]),
        "title": lambda: chance.choice(LABELS),
        "around": lambda: chance.choice(nodes),
    }
    chosen = {name: give() for name, give in every.items() if chance.random() < 0.35}
    if "around" in chosen and chance.random() < 0.7:
        chosen["depth"] = chance.choice([1, 2, 5])
    return chosen

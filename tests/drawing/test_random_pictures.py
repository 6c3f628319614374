"""Pictures of random graphs by random options: nothing is raised, and symbols are true."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import pytest
from random_pictures import picture

import scalargrad as sg
from scalargrad import nn
from scalargrad.core.nesting import flat
from scalargrad.core.order import edges, post_order
from scalargrad.drawing.options import View, view
from scalargrad.drawing.words.algebra import Factor, Group, Product
from scalargrad.drawing.words.symbols import Symbols
from scalargrad.table.row import ROWS, Row

#: what a walkthrough knows of the options of a picture
OF_A_PAGE = ("open", "fold", "names", "constants", "branches", "max_nodes", "digits", "title")


def exercise(chance: random.Random, root: sg.Value, options: dict[str, Any]) -> dict[str, Any]:
    """Return options of an exercise that there is in this picture, or none."""
    shown = view("draw", root, **options).graph
    kinds = ["forward", *["backward", "both"] * bool(shown.gradients)]
    if options.get("gradients") is False:
        kinds = ["forward"]
    asked = {"exercise": chance.choice(kinds), "share": chance.choice([0.2, 1.0]), "seed": 3}
    computed = any(not (vertex.is_leaf or vertex.cut) for vertex in shown.vertices)
    if asked["exercise"] == "backward":  # what is cut off gets nothing back
        computed = any(use.backward is not None for flow in shown.flows for use in flow.uses)
    return asked if computed and chance.random() < 0.6 else {}


@pytest.mark.parametrize("seed", range(50))
def test_every_graph_is_drawn_with_every_option(seed: int) -> None:
    root, options = picture(seed)
    asked = exercise(random.Random(seed), root, options)

    drawing = sg.draw(root, **options, **asked)

    assert drawing.svg.endswith("</svg>\n")
    assert sg.draw_dot(root, **options).source.endswith("}\n")
    page = {name: option for name, option in options.items() if name in OF_A_PAGE}
    assert "</html>" in sg.walkthrough(root, **page).html
    if asked:
        options.pop("digits", None)
        assert sg.check_answers(root, drawing.answers, **options, **asked)


# -- what is written is true -----------------------------------------------------------------------


class UnknownError(Exception):
    """A name or a function whose number nobody knows."""


def computed(product: Product, seen: View) -> float:
    """Return the number of an expression, from those of the nodes that it names."""
    result = product.coefficient
    for factor, power in product.order:
        result *= of_factor(factor, seen) ** power
    return result


def of_factor(factor: Factor, seen: View) -> float:
    if isinstance(factor, Group):
        return math.fsum(computed(term, seen) for term in factor.order)
    nodes = {id(node): node for node in seen.graph.survey.nodes}
    match factor.key:
        case int(key) if key in nodes:
            return float(nodes[key].data)
        case "π":
            return math.pi
        case ("∂", int(key)):
            return seen.graph.gradients[nodes[key]]
        case ("∂", int(key), _, position):
            return next(partial for at, _, partial in edges(nodes[key]) if at == position)
    row = ROWS.get(factor.text)
    own = isinstance(factor.key, tuple) and factor.key[0] == "own"
    if factor.arguments is None or own or not isinstance(row, Row):
        raise UnknownError
    return row.step(*(computed(argument, seen) for argument in factor.arguments))[0]


def network(chance: random.Random) -> tuple[sg.Value, dict[str, Any]]:
    """Return what a network gives for some samples, which also go around it, and how to draw it."""
    inputs = chance.randint(1, 3)
    model = nn.MLP(
        inputs, [chance.choice([1, 2, 5, 8]) for _ in range(chance.randint(1, 4))], seed=1
    )

    def sample() -> list[sg.Value]:
        names = (chance.choice(["", f"x{i}"]) for i in range(inputs))
        return [sg.Value(round(chance.uniform(-2, 2), 2), name) for name in names]

    samples = [sample() for _ in range(chance.choice([1, 2, 6]))]
    outputs = list(flat([model(sample) for sample in samples]))
    root = sg.sum([sg.tanh(y) * (1.0 + i) for i, y in enumerate(outputs)])
    if chance.random() < 0.5:
        root = root * samples[0][0] + sg.sum([x * x for sample in samples for x in sample])
    fold = chance.choice([True, False, ["Layer"]])
    options = {"fold": fold, "max_nodes": chance.choice([5, 20, 60, 150])}
    if chance.random() < 0.3:
        options |= {"around": chance.choice(post_order(root)), "depth": chance.choice([1, 2, 4])}
    return root, options


def program(seed: int) -> tuple[sg.Value, dict[str, Any]]:
    kept = ("fold", "open", "branches", "around", "depth", "max_nodes")
    root, options = picture(seed, assigned=False)
    return root, {name: option for name, option in options.items() if name in kept}


@pytest.mark.parametrize("block", range(10))
@pytest.mark.parametrize("kind", ["network", "program"])
def test_symbols_of_what_is_folded_opened_or_cut_are_true(kind: str, block: int) -> None:
    checked = 0
    for seed in range(40 * block, 40 * block + 40):
        chance = random.Random(seed)
        root, options = network(chance) if kind == "network" else program(seed)
        nodes = post_order(root)
        if not all(abs(node.data) < 1e50 for node in nodes) or not root.parents:
            continue
        root.backward(1.0)
        seen = view("draw", root, symbols=True, **options)
        assert isinstance(seen.wording, Symbols)
        for flow in seen.graph.flows:
            if flow.named is None and seen.wording.is_fixed(flow) is False:
                checked += is_true(seen, flow.value)
    assert checked > 50  # what is infinite or too large is passed over


def is_true(seen: View, node: Any) -> bool:
    """Check the gradient of a node, unless its number cannot be told."""
    assert isinstance(seen.wording, Symbols)
    gradients: Mapping[Any, float] = seen.graph.gradients
    expression = seen.wording.gradients[id(node)]
    try:
        number = computed(expression, seen)
    except (UnknownError, ArithmeticError, ValueError, TypeError):
        return False
    if isinstance(number, complex) or not math.isfinite(number + gradients[node]):
        return False
    assert number == pytest.approx(gradients[node], rel=1e-6, abs=1e-9)
    return True


# -- one of each kind ------------------------------------------------------------------------------


def labels(root: sg.Value, **options: Any) -> dict[str, str | None]:
    """Return what is written forward and backward at what comes out of each vertex."""
    root.backward()
    seen = view("draw", root, symbols=True, **options)
    texts = [seen.wording.flow(flow) for flow in seen.graph.flows]
    return {text.forward: text.backward for text in texts}


def test_inputs_before_a_box_of_which_nothing_is_known_have_their_gradient_by_name() -> None:
    x = [sg.Value(1.0, "x1"), sg.Value(2.0, "x2")]

    found = labels(nn.MLP(2, [8, 8, 1], seed=0)(x))

    assert (found["x1"], found["x2"]) == ("∂L/∂x1", "∂L/∂x2")


def test_results_of_one_operation_are_told_apart() -> None:
    a, b = sg.values(a=1, b=2)
    first, second = sg.softmax([a, b])

    found = labels(first + second)

    assert {"y₁ = softmax₁(a, b)", "y₂ = softmax₂(a, b)"} < found.keys()  # not twice the same
    assert found["a"] == "y₁(1−y₁−y₂)"


def test_nodes_of_ones_own_are_one_expression_only_where_they_are_one_number() -> None:
    (a,) = sg.values(a=1)

    def node(data: float) -> sg.Value:
        return sg.record(data, [a], [1.0], op="f")

    assert {"v₁ = f(a)", "v₂ = f(a)", "v₁+v₂"} < labels(node(3.0) + node(3.0)).keys()
    assert {"v₁ = f(a)", "v₂", "v₁+v₂"} < labels(node(3.0) + node(4.0)).keys()


def test_partials_by_name_of_one_operand_in_two_places_are_told_apart() -> None:
    (x,) = sg.values(x=2)
    z = sg.record(5.0, [x, x], [2.0, 3.0], op="f")
    z.label = "z"

    assert labels(z)["x"] == "∂L/∂z·(∂₂z/∂x+∂₁z/∂x)"


def test_long_calls_are_equal_only_where_all_operands_are() -> None:
    xs = sg.values(**{f"x{i}": 1.0 + i for i in range(9)})
    swapped = [xs[0], *xs[2:8], xs[1], xs[8]]
    doubled = [*xs[:4], xs[4] * 2.0, *xs[5:]]

    first, second = sg.logsumexp(xs), sg.logsumexp(doubled)

    assert not any(text.startswith("2·log") for text in labels(first + second))
    assert not any(text.startswith("2·max") for text in labels(sg.max(xs) + sg.max(swapped)))
    assert "2·max(x0, …, x8)" in labels(sg.max(xs) + sg.max(xs))


def test_a_plain_number_is_not_opened_in_what_is() -> None:
    (x,) = sg.values(x=0.5)
    loss = sg.binary_cross_entropy_with_logits([x, 0.5], [1.0, 0.0])
    loss.backward()

    assert "softplus" not in sg.draw(loss, open=True).svg.split("<desc>")[0]


def test_an_operation_that_was_opened_beyond_what_is_shown_is_not_asked_for() -> None:
    (x,) = sg.values(x=0.5)
    y = sg.sigmoid(x) * 2.0
    y.backward()
    for depth in (1, 2, 3):
        sg.draw(y, symbols=True, open=True, around=x, depth=depth)

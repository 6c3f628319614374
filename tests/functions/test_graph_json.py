"""Graphs as JSON: what is written comes back, and what was not written is refused whole."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad.core.order import post_order
from scalargrad.micrograd import engine


def fields(root: Any) -> list[tuple[Any, ...]]:
    """Return all that the nodes of a graph hold, in order; nan as a text."""
    order = post_order(root)
    codes = {id(node): index for index, node in enumerate(order)}
    return [
        (
            repr(node._data), repr(node._grad), node.op, node.label, repr(node.partials),
            [codes.get(id(operand), repr(operand)) for operand in node.operands],
            scopes(node), "derivatives" in (node._notes or {}),
        )
        for node in order
    ]  # fmt: skip


def scopes(node: Any) -> list[str]:
    names, scope = [], node.scope
    while scope is not None:
        names.append(scope.name)
        scope = scope.outer
    return names


def network() -> sg.Value:
    x, y = sg.values(x=0.5, y=-2.0)
    with sg.scope("outer"), sg.scope("inner"):
        h = (2.0 - x) * y + sg.softmax([x, y, 1.0])[1]
    h.label = "h"
    loss = sg.where(h > 0, h, h.leaky_relu(0.1)) + sg.dot([x, 3.0], [h, y]) + h**2
    loss.backward()
    return loss


def special() -> sg.Value:
    with sg.no_grad():
        x = sg.Value(-0.0)
    return sg.log(x) * math.nan + sg.Value(-math.inf) + sg.exp(sg.Value(5e-324))


def own() -> sg.Value:
    @sg.custom(lambda x: 2 * x)
    def square(x: float) -> float:
        return x * x

    x = sg.Value(3.0)
    f = sg.compile(lambda x: x.tanh() * x)
    return square(x) + f(x) + sg.record(5.0, [x], [7.0], op="mul")


@pytest.mark.parametrize("make", [network, special, own])
def test_graph_comes_back_bit_for_bit(make: Any) -> None:
    root = make()

    again = sg.from_json(sg.to_json(root))

    assert fields(again) == fields(root)
    assert sg.to_json(again) == sg.to_json(root)
    assert sg.from_json(sg.to_json(root).encode()).data.hex() == root.data.hex()


def test_graph_that_came_back_is_drawn_and_differentiated_as_before() -> None:
    root = network()
    again = sg.from_json(sg.to_json(root))
    leaves = [[n for n in post_order(graph) if n.label in ("x", "y")] for graph in (root, again)]

    slopes = [
        sg.gradients(g, v, create_graph=True) for g, v in zip((root, again), leaves, strict=True)
    ]
    assert [s.data.hex() for s in slopes[1]] == [s.data.hex() for s in slopes[0]]
    assert sg.draw(again).svg == sg.draw(root).svg


def test_several_results_share_their_nodes() -> None:
    x = sg.Value(2.0, label="x")
    h = x * x

    one, two, same = sg.from_json(sg.to_json([h, h + x, h]))

    assert one is same
    assert two.parents[0] is one
    assert two.parents[1] is one.parents[0]
    assert sg.from_json(sg.to_json([])) == []


def test_array_of_values_is_written_as_a_list_of_them() -> None:
    x = sg.Value(2.0)
    assert sg.to_json(np.array([x, x * x])) == sg.to_json([x, x * x])
    assert sg.to_json(np.array(x)) == sg.to_json(x)
    with pytest.raises(TypeError, match=r"got \[Value\(data=2.0, grad=0.0\)\] \(list\)"):
        sg.to_json(np.array([[x]]))


def test_refusal_of_a_second_derivative_names_json() -> None:
    (a,) = sg.values(a=2.0)
    again = sg.from_json(sg.to_json(sg.newton(lambda x: x * x - a, 1.0)))
    with pytest.raises(RuntimeError, match=r"\(of record, or out of a pickle or JSON\)"):
        sg.gradients(again, again.parents[0], create_graph=True)


def test_any_depth_goes_and_comes() -> None:
    chain = sg.Value(1.0)
    for _ in range(30_000):
        chain = chain * 0.5 + 1.0

    again = sg.from_json(sg.to_json(chain))

    assert again.data == chain.data
    assert len(post_order(again)) == 60_001


#: what is done to the document of `network`, and what is said of it
DAMAGES: list[tuple[str, Any, str]] = [
    ("scalargrad", "state", "it holds no graph"),
    ("nodes", {}, "nodes is no list"),
    ("scopes", 3, "scopes is no list"),
    ("result", 99, "result is no index"),
    ("result", True, "result is no index"),
    ("result", [0, -1], "result is no index"),
    ("more", 1, "a key is missing, or unknown"),
    ("scopes.0", {"name": "", "outer": None}, "scope 0: name is no text"),
    ("scopes.0.outer", 0, "scope 0: outer is no index"),
    ("scopes.0", ["outer"], "scope 0: it has no name and outer"),
    ("nodes.0", [], "node 0: it has no data"),
    ("nodes.0.colour", "red", "node 0: it has no data, or a key that is unknown"),
    ("nodes.0.data", "1.0", "node 0: data is no number"),
    ("nodes.0.data", True, "node 0: data is no number"),
    ("nodes.0.data", 10**400, "is beyond a double"),
    ("nodes.0.data", 10**309, "node 0: data is no number"),
    ("nodes.0.grad", None, "node 0: grad is no number"),
    ("nodes.0.label", 3, "node 0: label is no text"),
    ("nodes.0.op", "tanh", "node 0: op, operands and partials go together"),
    ("nodes.0.own", True, "node 0: own is no true of an operation"),
    ("nodes.1.op", 3, "node 1: op is no text"),
    ("nodes.1.op", "tanh", "node 1: tanh has another number of operands"),
    ("nodes.1.op", "dot", None),  # two operands are two lists of one
    ("nodes.1.operands", [1, 0], "node 1: operand is no index of what stands before it"),
    ("nodes.1.operands", [{"number": 2.0}, -1], "node 1: operand is no index"),
    ("nodes.1.operands", [{"number": 2.0}, 0.0], "node 1: operand is no index"),
    ("nodes.1.operands", [{"number": []}, 0], "node 1: number is no number"),
    ("nodes.1.operands", [{"number": 2.0}] * 2, "node 1: it has not one partial for each Value"),
    ("nodes.1.partials", [1.0, 1.0], "node 1: it has not one partial for each Value"),
    ("nodes.1.partials", [None], "node 1: partial is no number"),
    ("nodes.1.partials", 1.0, "node 1: partials is no list"),
    ("nodes.1.scope", 2, "node 1: scope is no index"),
]


@pytest.mark.parametrize(("path", "new", "said"), DAMAGES)
def test_what_to_json_did_not_write_is_refused_with_the_reason(
    path: str, new: Any, said: str | None
) -> None:
    document = json.loads(sg.to_json(network()))
    assert document["nodes"][1]["op"] == "sub"
    holder: Any = document
    *above, last = path.split(".")
    for name in above:
        holder = holder[int(name) if name.isdigit() else name]
    holder[int(last) if last.isdigit() else last] = new
    text = json.dumps(document)

    if said is None:
        sg.from_json(text)
    else:
        with pytest.raises(sg.ScalargradError) as got:
            sg.from_json(text)
        assert isinstance(got.value, ValueError)
        assert said in str(got.value)


@pytest.mark.parametrize(
    "text", ["", "nan", "[" * 100_000, '{"version": 1, "version": 1}', b"\xff"]
)
def test_what_is_no_json_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="wants a text that to_json wrote"):
        sg.from_json(text)


def test_every_text_with_one_character_less_is_refused_or_a_graph() -> None:
    text = sg.to_json(network())
    read = 0
    for place in range(len(text)):
        try:
            assert isinstance(sg.from_json(text[:place] + text[place + 1 :]), sg.Value)
            read += 1
        except sg.ScalargradError:
            pass
    assert 0 < read < len(text) / 2  # digits and letters of labels, and white space


def test_inside_a_function_that_is_differentiated_it_would_lose_the_gradient() -> None:
    with pytest.raises(RuntimeError, match="cop"):
        sg.grad(lambda x: sg.from_json(sg.to_json(x * x)))(2.0)


def test_value_of_a_subclass_is_refused() -> None:
    with pytest.raises(TypeError, match="use pickle"):
        sg.to_json(engine.Value(1.0))

"""What Values of micrograd's manners are beside that: Values of scalargrad, and safe ones."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import weakref
from typing import Any

import pytest

import scalargrad as sg
from scalargrad.micrograd import draw_dot, trace
from scalargrad.micrograd.engine import Value
from scalargrad.micrograd.nn import MLP

DEPTH = 100_000


def doubled(v: Any) -> Any:
    """Return a node whose way back is a function of its own."""
    out = Value(2 * v.data, (v,), "double")

    def back() -> None:
        v.grad += 2 * out.grad

    out._backward = back
    return out


class Weight(Value):
    """A Value with a class that a pickle finds."""


# -- any name is an attribute ------------------------------------------------------------------

#: what micrograd's own Value has, or GPT scripts, and what this one keeps its numbers in
MEANT = [
    "data",
    "grad",
    "label",
    "_prev",
    "_op",
    "_backward",
    "_children",
    "_local_grads",
    "backward",
]
KEPT = ["_data", "_grad", "_marks", "_notes", "_sweep", "_gradients"]
FREE = [n for n in dir(Value) if not n.startswith("__") and n not in MEANT + KEPT]


def everything_of(root: Any, leaves: list[Any]) -> list[Any]:
    """Return what scalargrad says of a graph in every way, after a pass."""
    root.backward()
    copied = copy.deepcopy(root)
    copied.backward()
    read = pickle.loads(pickle.dumps(root))
    second = sg.gradients(root, leaves, create_graph=True)
    texts = [sg.draw(root).svg, repr(root), root._op, sorted(map(repr, root._prev))]
    numbers = [node.grad for node in leaves] + sg.gradients(root, leaves)
    return [*texts, *numbers, *map(repr, second), copied.grad, read.data, len(trace(root)[0])]


@pytest.mark.parametrize("name", [*FREE, "colour", "m"])
def test_an_attribute_may_have_any_name(name: str) -> None:
    def graph(*written: Any) -> tuple[Any, list[Any]]:
        x, w = Value(2.0, label="x"), Value(-3)
        product = x * w
        root = (product + 1) ** 2 + x.relu()
        for node in (x, w, product, root) if written else ():
            setattr(node, name, *written)
        return root, [x, w]

    root, leaves = graph("mine")

    assert getattr(root, name) == getattr(leaves[0], name) == "mine"
    assert everything_of(root, leaves) == everything_of(*graph())
    assert getattr(copy.deepcopy(root), name) == "mine"
    assert getattr(pickle.loads(pickle.dumps(root)), name) == "mine"
    assert getattr(pickle.loads(pickle.dumps(leaves[0])), name) == "mine"
    delattr(root, name)
    assert getattr(root, name, None) != "mine"


def test_names_of_scalargrad_are_its_own_until_they_are_given() -> None:
    x = Value(2.0)
    y = x * 3

    assert (y.op, len(y.operands), y.parents[0], y.partials, y.scope) == ("mul", 2, x, (3, 2), None)
    for name in ("op", "operands", "parents", "partials", "scope"):
        with pytest.raises(AttributeError):
            delattr(y, name)


class Named(Value):
    """A subclass whose members have names of scalargrad's."""

    __slots__ = ("op",)
    parents: Any = ("mum", "dad")

    @property
    def partials(self) -> Any:
        return "mine"

    def scope(self) -> Any:
        return "wide"


class NamedAgain(Named):
    """One more below it."""

    def scope(self) -> Any:
        return "wider"


def test_a_subclass_may_have_members_of_any_name() -> None:
    x = Named(2.0, label="x")
    root = (x * 3 + 1) ** 2
    plain = Value(2.0, label="x")

    assert everything_of(root, [x]) == everything_of((plain * 3 + 1) ** 2, [plain])
    assert (root.parents, root.partials, root.scope()) == (("mum", "dad"), "mine", "wide")
    assert NamedAgain(1.0).scope() == "wider"
    assert (Named.parents, NamedAgain(1.0).parents) == (("mum", "dad"),) * 2
    with pytest.raises(AttributeError):
        root.op  # noqa: B018
    root.op, root.parents = "power", ["aunt"]
    for twin in (root, copy.deepcopy(root), pickle.loads(pickle.dumps(root)), copy.copy(root)):
        assert (twin.op, twin.parents) == ("power", ["aunt"])
    with pytest.raises(AttributeError):
        root.partials = ()


# -- the rest of scalargrad --------------------------------------------------------------------


def test_functions_give_values_of_the_class_of_their_operands():
    x, w = Value(0.5), Weight(2.0)
    plain = sg.Value(3.0)

    made = [sg.exp(x), sg.sum([x, 1.0]), sg.dot([x], [2.0]), *sg.softmax([x, 1.0]), x % 2]
    made += [sg.maximum(x, 1), sg.record(1.0, [x], [1.0], op="own"), plain + x, x - plain, 2**x]
    assert {type(node) for node in made} == {Value}
    assert {type(node) for node in (x * w, w * x, sg.sum([x, w]), plain / w)} == {Weight}
    assert type(plain * 2.0) is sg.Value


def test_derivatives_and_replays_take_them_along():
    x = Value(2.0)
    f = sg.compile(lambda a: a * x + (x * 2).tanh() - Value(1))

    assert sg.gradients(x * x * 3, [x]) == [12.0]
    assert sg.grad(lambda a: a * a * x)(3.0) == 12.0
    assert sg.hessian(lambda a: a * a * x)(3.0) == 4.0
    assert f(3.0) == 6.0 + math.tanh(4.0) - 1.0
    assert f(4.0) == 8.0 + math.tanh(4.0) - 1.0
    assert f.value_and_grad(4.0) == (f(4.0), (2.0,))
    (slope,) = sg.gradients(x * x * x, [x], create_graph=True)
    slope.backward()
    assert x.grad == 12.0


def test_functions_of_ones_own_take_part_in_derivatives_but_in_no_replay():
    x = Value(3.0)

    assert sg.gradients(doubled(x) * x, [x]) == [12.0]
    with pytest.raises(sg.ScalargradError, match="create_graph"):
        sg.gradients(doubled(x) * x, [x], create_graph=True)
    with pytest.raises(sg.ScalargradError, match="while the function is recorded"):
        sg.compile(lambda a: doubled(a))(3.0)


def test_optimisers_move_them():
    model = MLP(2, [3, 1])
    optimizer = sg.optim.Adam(model.parameters(), lr=0.05)
    losses = []
    for _ in range(5):
        loss = (model([1.0, 2.0]) - 3) ** 2
        model.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.data)

    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) == 5


@pytest.mark.parametrize("options", [{}, {"symbols": True}, {"open": True}, {"digits": 3}])
def test_pictures_show_them(options):
    x, y = Value(2, label="x"), Value(-3.0, label="y")
    root = (x + y) * 2 - doubled(x).tanh() * (x / y)
    root.backward()

    svg = sg.draw(root, **options).svg

    assert "nan" not in svg
    assert ">x<" in svg
    assert "double" in svg


def test_page_and_picture_take_ints_and_gradients_of_none():
    x = Value(2, label="x")
    root = x * 3
    root.backward()
    page = sg.walkthrough(root)._repr_html_()
    x.grad = None

    assert "A computation, step by step" in page
    assert sg.draw(root).svg
    assert sg.draw_dot(root).source


def test_picture_of_the_notebooks_has_their_boxes():
    x, y = Value(2.0), Value(-3)
    root = (x * y + 1) ** 2
    root.backward()
    nodes, edges = trace(root)

    dot = draw_dot(root, format="png", rankdir="TB")

    assert (len(nodes), len(edges), dot.format) == (6, 5, "png")
    lines = dot.source.splitlines()
    assert lines[1].strip() == "graph [rankdir=TB]"
    assert sum("shape=record" in line for line in lines) == 6
    assert sum("->" in line for line in lines) == 5 + 3
    assert any('label="{ data -3.0000 | grad -20.0000 }"' in line for line in lines)
    assert any(line.strip().startswith(f"{id(x)} -> ") for line in lines)
    assert {n._op for n in nodes} == {"", "*", "+", "**2"}


def test_labels_stand_before_the_numbers_and_mean_nothing_to_dot():
    x, y = Value(2.0), Value(-3)
    x.label, y.label = "x1", "{w|0}"
    root = x * y
    root.label = "L"
    lines = draw_dot(root + 1).source.splitlines()

    assert any('label="{ x1 | data 2.0000 | grad 0.0000 }"' in line for line in lines)
    assert any('label="{ L | data -6.0000 | grad 0.0000 }"' in line for line in lines)
    assert any('label="{ data -5.0000 | grad 0.0000 }"' in line for line in lines)
    assert any(r"{ \{w\|0\} | data -3.0000" in line for line in lines)


def test_modes_reach_them():
    x = Value(2.0)
    with sg.no_grad():
        leaves = [x * 3, x**2, sg.exp(x), Value(4.0, (x,), "f"), doubled(x)]
    with sg.scope("Layer"):
        inside = x * 3 + 1
    assert [leaf._prev for leaf in leaves] == [set()] * 5
    assert inside.scope.name == "Layer"
    with sg.detect_anomaly(), pytest.raises(FloatingPointError, match="mul"):
        Value(1e200) * 1e200


# -- safe ---------------------------------------------------------------------------------------


def test_any_depth_is_built_differentiated_and_freed():
    x = Value(1.0)
    node = x
    for _ in range(DEPTH):
        node = node * 1.0
    node.backward()

    assert x.grad == 1.0
    del node
    assert x.grad == 1.0


def test_depth_beyond_what_recursion_reaches_is_copied_and_pickled():
    x = Value(1.0)
    node = x
    for _ in range(3_000):
        node = node * 1.0
    node.note = "last"
    again, twin = pickle.loads(pickle.dumps(node)), copy.deepcopy(node)

    assert (again.note, again.data, twin.note, type(again)) == ("last", 1.0, "last", Value)


def test_any_depth_of_functions_of_ones_own_is_differentiated():
    x = Value(1.0)
    node = x
    for _ in range(5_000):
        node = doubled(node) * 0.5
    node.backward()

    assert x.grad == 1.0


def test_circles_are_collected_and_weak_references_told():
    x = Value(1.0)
    node = doubled(x) * 2  # its function leads back to it
    node.itself = node
    dead = weakref.ref(node)
    del node
    gc.collect()

    assert dead() is None


@pytest.mark.parametrize("child", [3.0, "a", object()])
def test_child_that_is_no_value_is_refused(child):
    for children in ((child,), (Value(2.0), child)):
        with pytest.raises(TypeError, match="Value: children must be Values; got"):
            Value(1.0, children, "own")


@pytest.mark.parametrize("name", ["data", "grad", "_prev", "_op", "_backward"])
def test_field_stays_where_it_is_deleted(name):
    x = Value(2.0)
    y = x * 3
    with pytest.raises((AttributeError, TypeError)):
        delattr(y, name)
    y.backward()

    assert x in y._prev
    assert (y.data, y._op, x.grad) == (6.0, "*", 3.0)


def test_circle_of_operands_is_refused_and_nothing_lost():
    x = Value(2.0)
    y = x * 3
    for children in ({x}, {y}, [Value(1.0), y + 1]):
        with pytest.raises(ValueError, match="circle"):
            x._prev = children
    y.backward()

    assert (x.data, x.grad, x._prev) == (2.0, 3.0, set())


def test_pass_in_which_a_function_of_ones_own_raises_can_be_run_again():
    x = Value(3.0)
    y = x * 2
    inner, calls = y._backward, []

    def back() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        inner()

    y._backward = back
    root = y * y
    with pytest.raises(KeyboardInterrupt):
        root.backward()
    root.backward()

    assert x.grad == 24.0
    assert y.partials == (2.0, 3.0)
    assert (x.grad, y.grad) == (24.0, 12.0)  # as they were


def test_numbers_beyond_what_a_float_holds_exactly_are_floats():
    assert Value(2**53).data == 2**53
    assert type(Value(2**53).data) is int
    assert type((Value(2**53) * 2).data) is float
    assert type(Value(2**60).data) is float
    assert (Value(10) ** 400).data == math.inf
    with pytest.raises(OverflowError):
        Value(10**400)
    assert type(Value(True).data) is int


@pytest.mark.parametrize("data", [None, "1", [1.0], 1j, Value(1.0)])
def test_what_is_no_number_is_refused(data):
    v = Value(2.0)
    with pytest.raises(TypeError, match="must be a number"):
        Value(data)
    with pytest.raises(TypeError, match="must be a number"):
        v.data = data
    assert v.data == 2.0


def test_copies_keep_attributes_functions_and_ints():
    w = Weight(2)
    w.m = {"seen": [1]}
    node = w * 3
    node.owner = w
    twin, again = copy.deepcopy(node), pickle.loads(pickle.dumps(node))

    for one in (twin, again):
        (weight,) = (leaf for leaf in one._prev if type(leaf) is Weight and leaf.data == 2)
        assert type(one) is Weight
        assert repr(one) == "Value(data=6, grad=0)"
        assert one.owner is weight
        assert weight.m == {"seen": [1]}
        one.backward()
        assert repr(weight) == "Value(data=2, grad=3)"
    assert w.grad == 0

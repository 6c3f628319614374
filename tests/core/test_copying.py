"""Copies and pickles: nothing shared is torn apart, no digit changes, nothing is left behind."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import copy
import gc
import importlib
import io
import itertools
import multiprocessing
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
from engines import ENGINES
from threads import run_in_threads, run_on_small_stack

import scalargrad as sg
from scalargrad.core import copying
from scalargrad.core.order import post_order

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Parameter(sg.Value):
    """A leaf with attributes of its own."""


#: the like of it for each engine, with a name that a pickle finds
KINDS = {
    kind: type(f"Parameter{place}", (kind,), {"__module__": __name__})
    for place, kind in enumerate(importlib.import_module(name).Value for name in ENGINES.values())
}
globals().update({kind.__name__: kind for kind in KINDS.values()})


class Slotted(sg.Value):
    """A leaf with a slot of its own."""

    __slots__ = ("__secret", "name")

    def hide(self, secret: str) -> None:
        self.__secret = secret

    def reveal(self) -> str:
        return self.__secret


class Stateful(sg.Value):
    """A leaf that says itself what to keep."""

    def __getstate__(self) -> Any:
        return {"kept": self.kept}

    def __setstate__(self, state: Any) -> None:
        self.kept = [*state["kept"], "restored"]


def pickled(protocol: int, python: bool = False) -> Callable[[Any], Any]:
    """Return a round trip through one protocol, of the C or the Python pickler."""

    def round_trip(thing: Any) -> Any:
        if not python:
            return pickle.loads(pickle.dumps(thing, protocol))
        stream = io.BytesIO()
        pickle._Pickler(stream, protocol).dump(thing)
        return pickle._loads(stream.getvalue())

    return round_trip


WAYS = {
    "deepcopy": copy.deepcopy,
    **{f"pickle{protocol}": pickled(protocol) for protocol in PROTOCOLS},
    "python_pickle": pickled(pickle.HIGHEST_PROTOCOL, python=True),
}


@pytest.fixture(params=WAYS.values(), ids=WAYS.keys())
def duplicate(request: pytest.FixtureRequest) -> Any:
    """One way to copy everything."""
    return request.param


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    gc.collect()
    assert copying._here.rows == {}
    yield
    gc.collect()
    assert copying._here.rows == {}


@pytest.fixture(autouse=True)
def chosen(Value, monkeypatch):
    """Read pickles back in the engine under test."""
    monkeypatch.setitem(copying.chosen, "Value", Value)


def graph(Value: type) -> tuple[list[Any], Any]:
    x, y = Value(0.1, label="x"), Value(-0.7, label="y")
    with sg.scope("layer"):
        h = (x * y + 2.0).tanh()
        h.label = "h"
    parts = sg.softmax([h, x, 1.5, h])
    root = sg.sum([*parts, sg.dot([x, h], [parts[0], 3.0]), h**2, 1 - h]) / y
    return [x, y, h], root


def hexes(values: list[Any]) -> list[tuple[str, str]]:
    return [(v.data.hex(), v.grad.hex()) for v in values]


# -- one graph -------------------------------------------------------------------------------------


def test_copy_has_the_same_structure_bits_labels_and_scopes(Value, duplicate):
    _, root = graph(Value)
    root.backward()

    twin = duplicate(root)

    old, new = post_order(root), post_order(twin)
    assert len(old) == len(new)
    places = {id(node): i for i, node in enumerate(old)}
    twins = {id(node): i for i, node in enumerate(new)}
    for a, b in zip(old, new, strict=True):
        assert a is not b
        assert type(b) is Value
        assert (a.op, a.label, a.partials) == (b.op, b.label, b.partials)
        assert hexes([a]) == hexes([b])
        assert (a.scope and a.scope.name) == (b.scope and b.scope.name)
        assert [places[id(p)] for p in a.parents] == [twins[id(p)] for p in b.parents]
        assert [o if isinstance(o, float) else places[id(o)] for o in a.operands] == [
            o if isinstance(o, float) else twins[id(o)] for o in b.operands
        ]


def test_backward_on_the_copy_gives_the_same_bits_and_leaves_the_original_alone(Value, duplicate):
    leaves, root = graph(Value)

    copied_leaves, twin = duplicate((leaves, root))
    twin.backward()
    assert [leaf.grad for leaf in leaves] == [0.0] * 3
    root.backward()

    assert hexes(copied_leaves) == hexes(leaves)


def test_copy_keeps_the_order_in_which_gradients_are_added(Value, duplicate):
    x = Value(1.0)
    root = sg.sum([x * 1e16, x * 1.0, x * -1e16])

    twin = duplicate(root)
    root.backward()
    twin.backward()

    (leaf,) = [node for node in post_order(twin) if not node.parents]
    assert leaf.grad == x.grad == (0.0 + -1e16 + 1.0) + 1e16


def test_copy_of_a_leaf_is_a_leaf(Value, duplicate):
    x = Value(1.5, label="x")
    x.grad = 2.5

    twin = duplicate(x)

    assert twin is not x
    assert (twin.data, twin.grad, twin.label, twin.parents, twin.op) == (1.5, 2.5, "x", (), "")


def test_copy_of_one_scope_is_one_scope(Value, duplicate):
    with sg.scope("outer"), sg.scope("inner"):
        a = Value(1.0) * 2
        b = a * 3

    a2, b2 = duplicate([a, b])

    assert a2.scope is b2.scope
    assert (a2.scope.name, a2.scope.outer.name) == ("inner", "outer")


def test_shallow_copy_shares_the_parents_and_is_a_node_of_its_own(Value):
    x = Value(3.0, label="x")
    node = x * x
    node.label = "square"

    twin = copy.copy(node)
    twin.label = "twin"
    twin.backward()

    assert twin is not node
    assert twin.parents[0] is twin.parents[1] is x
    assert (x.grad, node.grad, twin.grad) == (6.0, 0.0, 1.0)
    assert (node.label, twin.label) == ("square", "twin")


# -- containers ------------------------------------------------------------------------------------


def same_sharing(old: list[Any], new: list[Any]) -> bool:
    """Tell whether two lists of roots reach equally shared nodes."""

    def shape(roots: list[Any]) -> list[Any]:
        numbers: dict[int, int] = {}
        found = []
        for root in roots:
            for node in post_order(root):
                parents = [numbers[id(p)] for p in node.parents]
                found.append((numbers.setdefault(id(node), len(numbers)), parents, node.data))
        return found

    return shape(old) == shape(new)


@pytest.mark.parametrize(
    "arrange",
    [
        lambda x, h, g: [x, h, h * x], lambda x, h, g: [h * x, h, x], lambda x, h, g: [h, h * x, x],
        lambda x, h, g: [h, h], lambda x, h, g: [x, x], lambda x, h, g: [g, h, g, x, h],
        lambda x, h, g: [h + g, h * g], lambda x, h, g: [h, h + g, g, (h + g) * x],
        lambda x, h, g: [g * g, x, h * h, h, g], lambda x, h, g: [h * x, g * x, h + g, h, g],
    ],
)  # fmt: skip
def test_copy_of_a_container_keeps_what_is_shared_in_any_order(Value, duplicate, arrange):
    x = Value(3.0)
    h = x * x
    roots = arrange(x, h, h + 1.0)

    twins = duplicate(roots)

    assert same_sharing(roots, twins)
    assert not same_sharing(roots, [duplicate(root) for root in roots])


def test_copy_keeps_what_is_shared_inside_nested_containers_and_objects(Value, duplicate):
    x = Parameter(2.0)
    h = x * x
    x.use = {"h": h, "again": [h, (x,)]}

    twin = duplicate({"node": h * 3.0, "leaf": x})

    leaf = twin["leaf"]
    square = twin["node"].parents[0]
    assert square.parents[0] is leaf
    assert leaf.use["h"] is leaf.use["again"][0] is square
    assert leaf.use["again"][1][0] is leaf


def test_copy_of_every_node_of_a_graph_takes_time_that_grows_with_its_size_only(Value, duplicate):
    nodes = [Value(1.0)]
    for _ in range(3000):
        nodes.append(nodes[-1] + nodes[0])

    twins = duplicate(nodes)
    twins[-1].backward()

    assert twins[0].grad == 3001.0
    assert all(b.parents[0] is a for a, b in itertools.pairwise(twins))


class Fleeting:
    """An object that hands out a Value which nobody else holds."""

    def __init__(self, kind: type, number: float) -> None:
        self.kind, self.number = kind, number

    def __reduce__(self) -> Any:
        return list, ([self.kind(self.number) * 2.0],)


def test_deepcopy_never_takes_a_new_node_for_one_that_is_gone(Value):
    things = [Fleeting(Value, float(i)) for i in range(50)]

    twins = copy.deepcopy(things)

    assert [twin[0].data for twin in twins] == [2.0 * i for i in range(50)]


# -- depth -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["deepcopy", "pickle2", f"pickle{pickle.HIGHEST_PROTOCOL}"])
def test_copy_of_a_long_chain_does_not_recurse(Value, way):
    def copy_and_differentiate() -> None:
        x = node = Value(1.0)
        for _ in range(20_000):
            node = node + x

        twin = WAYS[way](node)
        twin.backward()

        leaf = twin.parents[1]
        assert twin.data == 20_001.0
        assert leaf.grad == 20_001.0
        assert x.grad == 0.0

    run_on_small_stack(copy_and_differentiate)


# -- subclasses ------------------------------------------------------------------------------------


def test_copy_of_a_subclass_keeps_class_and_attributes(duplicate):
    p = Parameter(2.0, label="p")
    p.history, p.name = [1, 2], "weight"

    twin = duplicate(p * 3.0 + p).parents[1]

    assert type(twin) is Parameter
    assert (twin.data, twin.label, twin.history, twin.name) == (2.0, "p", [1, 2], "weight")
    assert twin.history is not p.history


@pytest.mark.parametrize("way", [copy.copy, *WAYS.values()], ids=["copy", *WAYS])
def test_copy_of_a_subclass_keeps_its_slots(way):
    p = Slotted(2.0)
    p.name = "weight"
    p.hide("42")

    twin = way(p)

    assert type(twin) is Slotted
    assert (twin.data, twin.name, twin.reveal()) == (2.0, "weight", "42")


def test_shallow_copy_of_a_subclass_shares_its_attributes():
    p = Parameter(2.0)
    p.history = [1]

    twin = copy.copy(p)

    assert type(twin) is Parameter
    assert twin.history is p.history


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pickle_of_a_subclass_asks_it_for_its_state(protocol):
    p = Stateful(2.0)
    p.kept, p.lost = ["a"], "b"

    twin = pickle.loads(pickle.dumps(p, protocol))

    assert type(twin) is Stateful
    assert (twin.data, twin.kept) == (2.0, ["a", "restored"])
    assert not hasattr(twin, "lost")


def test_pickle_refuses_a_subclass_that_no_import_finds():
    class Local(sg.Value):
        pass

    with pytest.raises((pickle.PicklingError, AttributeError), match="Local"):
        pickle.dumps(Local(1.0) * 2.0)


def test_copy_refuses_an_attribute_that_cannot_be_copied():
    p = Parameter(1.0)
    p.lock = threading.Lock()

    with pytest.raises(TypeError, match="lock"):
        copy.deepcopy(p * 2.0)
    with pytest.raises(TypeError, match="lock"):
        pickle.dumps(p * 2.0)
    assert (p * 2.0).data == 2.0


# -- picklers that live on -------------------------------------------------------------------------


def test_long_lived_pickler_keeps_what_is_shared_over_its_dumps(Value):
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream)
    x = Value(3.0)
    h = x * x
    roots = [h, h * x, x, h + h * x, h]

    for root in roots:
        pickler.dump(root)
    stream.seek(0)
    unpickler = pickle.Unpickler(stream)
    twins = [unpickler.load() for _ in roots]

    assert same_sharing(roots, twins)
    assert twins[0] is twins[4]


def test_pickle_beside_a_long_lived_pickler_is_right_and_up_to_date(Value):
    pickler = pickle.Pickler(io.BytesIO())
    x = Value(3.0)
    h = x * x
    root = h * x
    pickler.dump(root)
    x.data, h.data = 5.0, 25.0

    roots = [root, h, x]
    twins = pickle.loads(pickle.dumps(roots))

    assert same_sharing(roots, twins)
    assert [t.data for t in twins] == [27.0, 25.0, 5.0]


def heads(Value: type, steps: tuple[int, ...], length: int = 2000) -> list[Any]:
    """Return nodes that each refer to some of the latest, the farthest first."""
    nodes = [Value(1.0), Value(1.0)]
    while len(nodes) < length:
        nodes.append(sg.mean([nodes[-step] for step in steps]))
    return nodes


def edges_within(nodes: list[Any]) -> list[list[int]]:
    """Return where in the list the parents of each node stand."""
    positions = {id(node): position for position, node in enumerate(nodes)}
    return [[positions[id(parent)] for parent in node.parents] for node in nodes]


@pytest.mark.parametrize("kind", [pickle.Pickler, pickle._Pickler], ids=["c", "python"])
@pytest.mark.parametrize("steps", [(1, 1), (2, 1), (1, 2), (2, 2)], ids=str)
def test_pickle_beside_a_long_lived_pickler_of_a_chain_does_not_recurse(Value, steps, kind):
    nodes = heads(Value, steps)
    pickler = pickle.Pickler(io.BytesIO())
    pickler.dump(nodes)

    for roots in ([nodes[-1]], nodes[::-7], nodes):
        stream = io.BytesIO()
        kind(stream).dump(roots)
        twins = pickle.loads(stream.getvalue())
        assert [twin.data for twin in twins] == [1.0] * len(roots)
        assert len(post_order(twins[0])) == len(post_order(roots[0]))
    assert edges_within(twins) == edges_within(nodes)


def test_pickle_without_memory_is_right_in_numbers(Value):
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream)
    pickler.fast = True
    leaves, root = graph(Value)

    pickler.dump(root)
    twin = pickle.loads(stream.getvalue())
    root.backward()
    twin.backward()

    found = {node.label: node.grad for node in post_order(twin) if node.label}
    assert found == {leaf.label: leaf.grad for leaf in leaves}


def test_pickle_that_fails_half_way_leaves_nothing_behind(Value):
    p = KINDS[Value](1.0)
    p.lock = threading.Lock()
    node = Value(2.0) * p

    for _ in range(2):
        with pytest.raises(TypeError):
            pickle.dumps([Value(1.0) + 1.0, node, node * 2])
    del p.lock
    twin = pickle.loads(pickle.dumps(node))

    assert twin.data == 2.0


def test_pickles_of_the_same_graph_from_many_threads_are_each_whole(Value):
    leaves, root = graph(Value)
    middle = [node for node in post_order(root) if node.parents]
    start = threading.Barrier(8)
    wrong: list[Any] = []

    def work(number: int) -> None:
        try:
            start.wait()
            for i in range(40):
                roots = [middle[(number + i) % len(middle)], root, *leaves]
                twins = pickle.loads(pickle.dumps(roots))
                if not same_sharing(roots, twins):
                    wrong.append((number, i))
        except BaseException as failure:  # handed to the main thread
            wrong.append(failure)

    run_in_threads(work, numbered=True)

    assert wrong == []


def _square_sum(values: list[Any]) -> list[Any]:
    total = sg.sum([v * v for v in values])
    total.backward()
    return [total, *values]


def test_graph_travels_to_another_process_and_back():
    leaves = [sg.Value(float(i), label=f"x{i}") for i in range(3)]

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        total, *twins = pool.apply(_square_sum, (leaves,))

    assert total.data == 5.0
    assert [t.grad for t in twins] == [0.0, 2.0, 4.0]
    assert [t.label for t in twins] == ["x0", "x1", "x2"]
    assert all(p.parents[0] is t for p, t in zip(total.parents, twins, strict=True))

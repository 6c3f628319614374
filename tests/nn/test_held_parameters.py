"""Where a Module looks for its parameters, and what it refuses so that none is passed over."""

from __future__ import annotations

import collections
import dataclasses
import functools
import types
from typing import Any, NamedTuple

import numpy
import pandas
import pytest

import scalargrad as sg
from scalargrad import Value, micrograd, nn
from scalargrad.micrograd.nn import MLP
from scalargrad.nn.summary import parts_of


@dataclasses.dataclass
class Line:
    """Values beside what is no number."""

    slope: Value
    more: list[Value] = dataclasses.field(default_factory=list)
    name: str = "line"
    offset: Value | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    w: Value


class Pair(NamedTuple):
    x: Value
    y: Value
    name: str


class Plain:
    """An object whose class is no Module."""

    def __init__(self) -> None:
        self.layer = nn.Affine(1, 1, init=0.0)

    def forward(self, x: Any) -> Any:
        return self.layer([x])


class InSlots:
    __slots__ = ("w",)

    def __init__(self) -> None:
        self.w = Value(0.0)


def w() -> Value:
    return Value(1.0)


def holding(thing: Any) -> nn.Module:
    model = nn.Module()
    model.it = thing  # type: ignore[attr-defined]
    return model


HELD = {
    "dataclass": (lambda: Line(w(), [w(), w()]), ["it.slope", "it.more.0", "it.more.1"]),
    "dataclass with slots": (lambda: Slotted(w()), ["it.w"]),
    "dataclasses in a list": (lambda: [Line(w()), Slotted(w())], ["it.0.slope", "it.1.w"]),
    "a module in a dataclass": (
        lambda: Slotted(nn.Affine(1, 1)),  # type: ignore[arg-type]
        ["it.w.W.0.0", "it.w.b.0"],
    ),
    "named tuple": (lambda: Pair(w(), w(), "p"), ["it.0", "it.1"]),
    "numbers and words": (lambda: {"a": w(), "b": None, "c": "tanh", "d": 2}, ["it.a"]),
    "chain of dicts": (lambda: collections.ChainMap({"a": w()}), ["it.a"]),
    "view of a dict": (lambda: types.MappingProxyType({"a": w()}), ["it.a"]),
    "default dict": (lambda: collections.defaultdict(list, a=[w()]), ["it.a.0"]),
    "array": (lambda: numpy.array([[w(), w()]]), ["it.0.0", "it.0.1"]),
    "array of one": (lambda: numpy.array(w(), dtype=object), ["it"]),
    "arrays in a list": (lambda: [numpy.array([w()])], ["it.0.0"]),
    "array of Values and numbers": (lambda: numpy.array([2.0, w()], dtype=object), ["it.1"]),
    "series by position": (lambda: pandas.Series([w(), w()], index=[7, 8]), ["it.0", "it.1"]),
    "table": (lambda: pandas.DataFrame({"a": [w()], "b": [w()]}), ["it.0.0", "it.0.1"]),
    "numbers alone": (lambda: [numpy.zeros(3), [1.0, 2], pandas.Series([1.0])], []),
}


@pytest.mark.parametrize("case", HELD, ids=list(HELD))
def test_parameters_are_found_saved_and_read_wherever_they_are_held(case: str) -> None:
    build, names = HELD[case]
    model, other = holding(build()), holding(build())
    assert [name for name, _ in model.named_parameters()] == names
    assert len(model.parameters()) == sum(part.parameters for part in parts_of(model)) == len(names)

    for number, parameter in enumerate(model.parameters()):
        parameter.data = number + 0.5
    other.load_state_dict(model.state_dict())

    assert [p.data for p in other.parameters()] == [n + 0.5 for n in range(len(names))]


def test_an_array_is_saved_as_lists_are() -> None:
    lists = holding([[w(), w()], [w(), w()]])
    array = holding(numpy.array(lists.it))  # type: ignore[attr-defined]

    assert array.state_dict() == lists.state_dict() == {"it": [[1.0, 1.0], [1.0, 1.0]]}


def test_what_a_class_and_its_slots_hold_is_among_the_attributes() -> None:
    class Shared(nn.Module):
        __slots__ = ("empty", "inner")
        scale = Value(3.0)
        _hidden = Value(4.0)

        def __init__(self) -> None:
            self.own = Value(1.0)
            self.inner = Value(2.0)

        @property
        def doubled(self) -> Any:
            return Value(5.0)

    class Sub(Shared):
        scale = Value(6.0)

    assert [(n, p.data) for n, p in Shared().named_parameters()] == [
        ("own", 1.0),
        ("scale", 3.0),
        ("inner", 2.0),
    ]
    assert {n: p.data for n, p in Sub().named_parameters()}["scale"] == 6.0


def test_a_module_that_is_a_dataclass_has_its_fields_in_their_order() -> None:
    @dataclasses.dataclass
    class Model(nn.Module):
        a: Value
        b: Value = dataclasses.field(default_factory=w)
        c: Value = Value(3.0)  # noqa: RUF009

    assert [name for name, _ in Model(w()).named_parameters()] == ["a", "b", "c"]


def test_a_model_of_dataclasses_learns() -> None:
    model = holding(Line(Value(0.0), offset=Value(0.0)))
    line = model.it  # type: ignore[attr-defined]
    optimizer = sg.optim.SGD(model.parameters(), lr=0.1)

    for _ in range(200):
        optimizer.zero_grad()
        sg.mean([(line.slope * x + line.offset - (2 * x + 1)) ** 2 for x in (-1, 0, 1)]).backward()
        optimizer.step()

    assert (round(line.slope.data, 6), round(line.offset.data, 6)) == (2.0, 1.0)


OTHERS = {
    "set": lambda: {w()},
    "frozen set": lambda: frozenset([w()]),
    "deque": lambda: collections.deque([w()]),
    "namespace": lambda: types.SimpleNamespace(w=w()),
    "partial": lambda: functools.partial(sg.leaky_relu, slope=w()),
    "object": Plain,
    "object with slots": InSlots,
    "objects in a list": lambda: [1.0, Plain()],
    "method of an object": lambda: Plain().forward,
    "method of a module": lambda: nn.Affine(1, 1).__call__,
    "network of micrograd's": lambda: MLP(2, [2, 1]),
}


@pytest.mark.parametrize("case", OTHERS, ids=list(OTHERS))
def test_a_parameter_where_none_is_looked_for_is_refused(case: str) -> None:
    model = holding(OTHERS[case]())

    for find in (model.parameters, model.state_dict, lambda: list(model.named_parameters())):
        with pytest.raises(TypeError, match=r"Module: it.* must be a Module, list, dict, .*; got"):
            find()
    assert repr(model) == "Module(0 parameters)"  # a repr does not fail


def test_what_holds_parameters_that_are_found_elsewhere_is_left_alone() -> None:
    model = holding(nn.Affine(2, 1))
    model.optimizer = sg.optim.Adam(model.parameters())  # type: ignore[attr-defined]
    model.seen = set(model.parameters())  # type: ignore[attr-defined]
    model.call = model.it.__call__  # type: ignore[attr-defined]
    model.words = {"one", "two"}  # type: ignore[attr-defined]
    model.inputs = types.SimpleNamespace(x=w() + 1.0)  # type: ignore[attr-defined]
    model._x = {w()}  # type: ignore[attr-defined]
    model.kinds = [Value, micrograd, sg.tanh, len]  # type: ignore[attr-defined]

    assert [name for name, _ in model.named_parameters()] == ["it.W.0.0", "it.W.1.0", "it.b.0"]

"""A plain thing that a function finds outside, and that changed since, is noticed."""

from __future__ import annotations

import dataclasses
import gc
import math
import warnings
import weakref
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

import scalargrad as sg
from scalargrad.tape.compiled import MOST_EARLIER, TIMES_ANEW

FACTOR = 2.0


class Model:
    """A model with plain numbers beside its parameters."""

    def __init__(self) -> None:
        self.w = sg.Value(3.0)
        self.rate = 0.5
        self.kind = "line"
        self.options = SimpleNamespace(shift=1.0)
        self.layers = [SimpleNamespace(slope=1.0), SimpleNamespace(slope=2.0)]
        self.calls = 0
        self.unread = 0.0

    def helper(self, x: Any) -> Any:
        """Read something that the method does not name itself."""
        return x * self.rate + self.options.shift

    @property
    def slopes(self) -> float:
        """Read something of parts in a list."""
        return sum((layer.slope for layer in self.layers), 0.0)

    @sg.compile
    def loss(self, x: Any) -> Any:
        """Return something of all of it."""
        self.calls += 1
        y = self.helper(self.w * x) * self.slopes
        return y if self.kind == "line" else y * y

    def eager(self, x: float) -> float:
        """Return the same without a tape."""
        return float(Model.loss.function(self, sg.Value(x)).data)


def change_rate(model: Model) -> None:
    model.rate = 4.0


def change_kind(model: Model) -> None:
    model.kind = "square"


def change_options(model: Model) -> None:
    model.options.shift = -1.0


def replace_options(model: Model) -> None:
    model.options = SimpleNamespace(shift=-2.0)


def change_layer(model: Model) -> None:
    model.layers[1].slope = 5.0


def replace_parameter(model: Model) -> None:
    model.w = sg.Value(7.0)


def negate_zero(model: Model) -> None:
    model.rate, model.options.shift = -0.0, -0.0


CHANGES = [
    change_rate, change_kind, change_options, replace_options, change_layer, replace_parameter,
    negate_zero,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_method_finds_in_its_object_is_noticed(change: Any) -> None:
    model, other = Model(), Model()
    both = sg.value_and_grad(model.loss)
    for _ in range(3):
        model.loss(2.0), model.loss.value_and_grad(2.0), both(2.0), model.loss.backward(2.0)
    change(model)
    for _ in range(3):
        assert str(model.loss(2.0)) == str(model.eager(2.0))
        assert model.loss.value_and_grad(2.0)[0] == both(2.0)[0] == model.eager(2.0)
        assert model.loss.backward(2.0) == model.eager(2.0)
        assert model.loss(np.array([2.0, 3.0])).tolist() == [model.eager(2.0), model.eager(3.0)]
        assert other.loss(2.0) == other.eager(2.0)


def test_what_is_not_read_or_written_by_the_function_is_not_recorded_anew() -> None:
    model = Model()
    model.loss(2.0), model.loss(2.0)
    before = model.calls
    for k in range(5):
        model.unread, model.calls = float(k), model.calls + 1
        model.loss(2.0)
    assert model.calls == before + 5


def test_a_flag_that_goes_to_and_fro_is_recorded_twice() -> None:
    model = Model()
    for k in range(6):
        model.kind = ("line", "square")[k % 2]
        assert model.loss(2.0) == model.eager(2.0)
        model.calls -= 1  # of eager
    assert model.calls == 4  # each recording runs twice


def test_globals_and_closures_are_noticed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    rate = 3.0
    model = Model()
    f = sg.compile(lambda x: x * rate * FACTOR + model.rate)
    g = sg.compile(lambda x: deeper(x))
    assert (f(2.0), g(2.0)) == (12.5, 4.0)
    rate, model.rate = 5.0, 1.5
    monkeypatch.setitem(globals(), "FACTOR", 10.0)
    for _ in range(2):
        assert (f(2.0), g(2.0)) == (101.5, 20.0)
    monkeypatch.delitem(globals(), "FACTOR")
    with pytest.raises(NameError):
        g(2.0)


@dataclasses.dataclass(frozen=True)
class Market:
    """Numbers that are exchanged together."""

    rate: float


class Pair(NamedTuple):
    """Numbers that are exchanged together."""

    a: Any
    b: Any


@pytest.mark.parametrize(
    ("old", "new", "read"),
    [
        (sg.Value(1.0), sg.Value(3.0), lambda w: w),
        (sg.Value(1.0), 3.0, lambda w: w),
        (1.0, sg.Value(3.0), lambda w: w),
        (Market(1.0), Market(3.0), lambda m: m.rate),
        (Pair(1.0, sg.Value(2.0)), Pair(3.0, sg.Value(4.0)), lambda p: p.a * p.b),
        ((1.0, 2.0), (3.0, 2.0), lambda t: t[0] * t[1]),
        ([1.0, sg.Value(2.0)], [3.0, sg.Value(4.0)], lambda xs: xs[0] * xs[1]),
        ([[1.0], [2.0]], [[1.0], [4.0]], lambda xs: xs[0][0] * xs[1][0]),
        ({"a": sg.Value(1.0)}, {"a": sg.Value(3.0)}, lambda d: d["a"]),
        ({1: 1.0, 2: {"b": 2.0}}, {1: 1.0, 2: {"b": 3.0}}, lambda d: d[1] * d[2]["b"]),
        (np.array([1.0]), np.array([3.0]), lambda a: float(a[0])),
        (lambda: 1.0, lambda: 3.0, lambda f: f()),
    ],
)
def test_whatever_stands_under_a_name_may_be_exchanged(old: Any, new: Any, read: Any) -> None:
    held, box = old, SimpleNamespace(held=old)
    inside, outside = {"held": old}, [old]
    functions = [
        sg.compile(lambda x: read(held) * x), sg.compile(lambda x: read(box.held) * x),
        sg.compile(lambda x: read(inside["held"]) * x), sg.compile(lambda x: read(outside[0]) * x),
    ]  # fmt: skip
    for f in functions:
        f(2.0), f(2.0), f.backward(np.array([2.0]))
    expected = (sg.Value(0.0) + read(new) * 2.0).data
    held = box.held = inside["held"] = outside[0] = new
    for f in functions:
        assert (f(2.0), f(np.array([2.0])).tolist()) == (expected, [expected])
    for leaf in [one for one in [new, *(new if isinstance(new, (list, Pair)) else ())]
                 if isinstance(one, sg.Value)]:  # fmt: skip
        leaf.grad = 0.0
        for count, f in enumerate(functions, 1):
            f.backward(np.array([2.0]))
            assert leaf.grad == count * 2.0 * (expected / 2.0 / leaf.data)


@pytest.mark.parametrize(
    "change",
    [
        lambda xs, d: xs.append(5.0), lambda xs, d: xs.__setitem__(0, -0.0), lambda xs, d: xs.pop(),
        lambda xs, d: d.update(more=7.0), lambda xs, d: d.pop("two"),
        lambda xs, d: d.update(one=sg.Value(9.0)), lambda xs, d: d["deep"].append(3.0),
        lambda xs, d: d["box"].__setattr__("rate", 4.0),
    ],
)  # fmt: skip
def test_what_changes_in_a_list_or_dict_is_noticed(change: Any) -> None:
    xs: list[Any] = [0.0, 2.0]
    d: dict[Any, Any] = {"one": 1.0, "two": 2.0, 3: 3.0, "deep": [1.0], "box": Market(1.0)}
    d["box"] = SimpleNamespace(rate=1.0)

    def f(x: Any) -> Any:
        total = sum(xs, 0.0) + math.copysign(1.0, xs[0]) + sum(d["deep"], 0.0) + d["box"].rate
        plain = [part for part in d.values() if isinstance(part, (float, sg.Value))]
        return x * (total + sum(plain, 0.0))

    c = sg.compile(f)
    c(2.0), c(2.0)
    change(xs, d)
    for _ in range(2):
        assert c(2.0) == (sg.Value(0.0) + f(2.0)).data


def test_a_list_that_the_function_writes_is_not_watched() -> None:
    seen: list[Any] = []
    calls = []

    def f(x: Any) -> Any:
        seen.append(len(seen))
        calls.append(1.0)
        return x * 2.0

    c = sg.compile(f)
    for _ in range(5):
        assert c(2.0) == 4.0
    assert len(calls) == 2


def deeper(x: Any) -> Any:
    """Return something that is read in a function below."""
    return x * FACTOR


def test_second_derivatives_and_pinned_variants_notice_it_too() -> None:
    box = SimpleNamespace(k=2.0)
    f = sg.compile(lambda x: x * x * box.k)
    g = sg.compile(lambda x, *, kind="line": x * box.k, static=("kind",))
    assert (sg.hessian(f)(3.0), sg.hvp(f, 3.0, 1.0), g(1.0)) == (4.0, 4.0, 2.0)
    box.k = 5.0
    assert (sg.hessian(f)(3.0), sg.hvp(f, 3.0, 1.0), g(1.0)) == (10.0, 10.0, 5.0)


def test_a_function_that_is_recorded_at_each_call_says_so_once() -> None:
    model = Model()

    def call_with_others(count: int) -> None:
        for _ in range(count):
            model.rate += 1.0
            model.loss(2.0)

    with pytest.warns(UserWarning, match=r"loss: .* as rate changed; pass it as an argument"):
        call_with_others(TIMES_ANEW + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for k in range(3 * MOST_EARLIER):
            model.rate = float(100 + k)
            assert model.loss(2.0) == model.eager(2.0)
    assert len(model.loss._earlier) == MOST_EARLIER


def test_objects_that_are_watched_are_freed() -> None:
    model = Model()
    model.loss(2.0), model.loss(2.0)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None

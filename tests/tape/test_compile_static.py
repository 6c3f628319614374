"""Arguments that choose what is computed, and arguments by name only."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import enum
import pickle
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad.tape.variants import MOST_VARIANTS


class Kind(enum.Enum):
    """What is computed."""

    SQUARE = 1
    CUBE = 2


@dataclasses.dataclass
class Options:
    """The same as an object, which can change."""

    power: int = 2
    shift: float = 0.0


def powered(x: Any, kind: Any = None, scale: Any = 1.0) -> Any:
    """Return a power that a static argument chooses."""
    if isinstance(kind, Options):
        return x**kind.power + kind.shift
    powers = {None: 1, "square": 2, Kind.SQUARE: 2, Kind.CUBE: 3, datetime.date(2020, 1, 4): 4}
    return x ** powers[kind] * scale


@pytest.mark.parametrize(
    ("kind", "power"),
    [(None, 1), ("square", 2), (Kind.SQUARE, 2), (Kind.CUBE, 3), (datetime.date(2020, 1, 4), 4),
     (Options(3), 3)],
)  # fmt: skip
def test_a_static_argument_chooses_what_is_recorded(kind: Any, power: int) -> None:
    f = sg.compile(powered, static=("kind",))
    grad = power * 2.0 ** (power - 1)
    for _ in range(3):
        assert f(2.0, kind) == f(2.0, kind=kind) == f(kind=kind, x=2.0) == 2.0**power
        assert f.value_and_grad(2.0, kind) == (2.0**power, (grad,))
        assert f(np.array([1.0, 2.0]), kind).tolist() == [1.0, 2.0**power]
        assert sg.grad(f)(2.0, kind) == sg.value_and_grad(f)(2.0, kind=kind)[1] == grad
        assert sg.jacobian(f)(2.0, kind) == grad
        assert sg.hessian(f)(2.0, kind) == power * (power - 1) * 2.0 ** (power - 2)
        x = sg.Value(2.0)
        f(x, kind).backward()
        assert x.grad == grad


def test_gradients_are_of_the_other_arguments() -> None:
    f = sg.compile(powered, static="kind")
    assert f.value_and_grad(3.0, "square", 2.0) == (18.0, (12.0, 9.0))
    assert f.value_and_grad(3.0, "square") == (9.0, (6.0,))
    assert sg.grad(f, argnums=(0, 2))(3.0, "square", 2.0) == (12.0, 9.0)
    assert sg.grad(f, argnums=-1)(3.0, "square", 2.0) == 9.0


def test_captured_values_get_gradients_of_each_kind() -> None:
    w = sg.Value(3.0)
    f = sg.compile(lambda x, kind: w * x if kind == "line" else w * x * x, static=("kind",))
    assert f.backward(2.0, "line") == 6.0
    assert f.backward(2.0, kind="square") == 12.0
    assert w.grad == 2.0 + 4.0
    assert len(f.tapes) == 2


def test_an_equal_static_argument_is_recorded_once_and_another_anew() -> None:
    seen = []

    def f(x: Any, kind: Any) -> Any:
        seen.append(kind)
        return x * (kind.shift if isinstance(kind, Options) else 1.0)

    g = sg.compile(f, static=["kind"])
    options = Options(shift=2.0)
    assert g(3.0, options) == g(3.0, Options(shift=2.0)) == 6.0
    assert len(seen) == 2  # each recording runs twice
    options.shift = 5.0
    assert g(3.0, options) == 15.0
    assert g(3.0, Options(shift=2.0)) == 6.0
    assert len(seen) == 4
    assert g(3.0, Options(shift=-0.0)) == 0.0
    assert str(g(-3.0, Options(shift=0.0))) == "-0.0"
    for kind in (1, 1.0, True, "1"):
        g(3.0, kind)
    assert len(seen) == 4 + 4 + 8


@pytest.mark.filterwarnings("ignore:.*should seldom be recorded")
def test_so_many_static_arguments_are_remembered_and_no_more() -> None:
    f = sg.compile(lambda x, kind: x * kind, static=("kind",))
    assert [f(2.0, kind) for kind in range(200)] == [2.0 * kind for kind in range(200)]
    assert len(f.tapes) == MOST_VARIANTS
    assert f(2.0, 0) == 0.0


def test_arguments_by_name_only_are_numbers_too() -> None:
    f = sg.compile(lambda x, *, y=2.0, z: x * y + z)
    for _ in range(3):
        assert f(3.0, z=1.0) == 7.0
        assert f(3.0, z=1.0, y=5.0) == 16.0
        assert f.value_and_grad(3.0, z=1.0, y=5.0) == (16.0, (5.0, 3.0, 1.0))
        assert f(np.array([1.0, 2.0]), z=np.array([3.0, 4.0])).tolist() == [5.0, 8.0]
        assert sg.grad(f)(3.0, z=1.0, y=5.0) == 5.0
        assert sg.hessian(f)(3.0, z=1.0, y=5.0) == 0.0
    g = sg.compile(lambda x, *rest, **named: x * sum(rest) + named["a"])
    assert g.value_and_grad(2.0, 3.0, 4.0, a=1.0) == (15.0, (7.0, 2.0, 2.0, 1.0))


def test_a_static_argument_may_go_by_name_only() -> None:
    f = sg.compile(lambda x, *, kind="line": x if kind == "line" else x * x, static=("kind",))
    assert (f(3.0), f(3.0, kind="square"), f(3.0, kind="line")) == (3.0, 9.0, 3.0)


def test_methods_copies_and_pickles_know_what_is_static() -> None:
    class Model:
        @sg.compile(static=("kind",))
        def __call__(self, x: Any, kind: str) -> Any:
            return x if kind == "line" else x * x

    assert Model()(3.0, "square") == 9.0
    f = sg.compile(powered, static=("kind",))
    f(3.0, "square")
    for other in (copy.copy(f), copy.deepcopy(f), pickle.loads(pickle.dumps(f))):
        assert other(3.0, "square") == 9.0


def test_what_cannot_be_static_is_refused() -> None:
    with pytest.raises(ValueError, match="static must name parameters of powered; got 'other'"):
        sg.compile(powered, static=("other",))
    f = sg.compile(powered, static=("kind",))
    with pytest.raises(TypeError, match="the static argument kind must be a text, None"):
        f(2.0, sg.Value(1.0))
    with pytest.raises(TypeError, match="the static argument kind must be a text, None"):
        f(2.0, np.array([1.0]))
    with pytest.raises(TypeError, match="name the parameter in static"):
        sg.compile(powered)(2.0, "square")

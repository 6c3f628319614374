"""`grad` and its kin of a compiled function: the numbers of the function itself, from its tape."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from replays import KINDS, runner

import scalargrad as sg
from scalargrad.calculus import transforms
from scalargrad.tape.compiled import Compiled

__all__ = ["runner"]  # a fixture


def valley(xs: Any) -> Any:
    """Return Rosenbrock's function."""
    return sum(
        100.0 * (xs[i + 1] - xs[i] * xs[i]) ** 2 + (1.0 - xs[i]) ** 2 for i in range(len(xs) - 1)
    )


def six(xs: Any) -> list[Any]:
    """Return more numbers than rows are run one by one."""
    h = [sg.tanh(x * 0.5 + k) for k, x in enumerate(xs)]
    return [sum(h) * xs[k % len(xs)] + k for k in range(6)]


XS = [0.5, -1.25, 2.0]
TRANSFORMED: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (valley, lambda f: sg.grad(f)(XS)),
    (valley, lambda f: sg.value_and_grad(f)(XS)),
    (valley, lambda f: sg.value_and_grad(f, argnums=(0,))(XS)),
    (valley, lambda f: sg.jacobian(f)(XS)),
    (six, lambda f: sg.jacobian(f)(XS)),
    (six, lambda f: sg.jacobian(f, argnums=(0,))(XS)),
    (valley, lambda f: sg.hessian(f)(XS)),
    (valley, lambda f: sg.hessian(f, argnums=(0,))(XS)),
    (valley, lambda f: sg.hvp(f, XS, [1.0, 2.0, 3.0])),
    (six, lambda f: sg.jvp(f, (XS,), ([1.0, 0.0, 2.0],))),
    (six, lambda f: sg.vjp(f, XS)[0]),
    (six, lambda f: sg.vjp(f, XS)[1]([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
    (lambda x, y: x * y + sg.sin(x), lambda f: sg.value_and_grad(f, argnums=(1, 0))(0.3, 2.0)),
    (lambda x, y: x * y + sg.sin(x), lambda f: sg.grad(f, argnums=-1)(0.3, 2.0)),
    (lambda x, n: x**n, lambda f: sg.grad(f)(3, 2)),
    (lambda p: p["w"] * p["x"][0] + p["b"][1],
     lambda f: sg.value_and_grad(f)({"w": 2.0, "x": (3.0,), "b": [4.0, 5.0]})),
    (lambda x: x * x if x > 0 else -x, lambda f: [sg.grad(f)(x) for x in (2.0, -2.0, 3.0, -3.0)]),
    (lambda x: [sg.sqrt(x), x * 2.0, x, x + 1.0, x * x], lambda f: sg.jacobian(f)(0.0)),  # inf
    (lambda x: x * x, lambda f: sg.grad(sg.grad(f))(3.0)),
    (lambda x: [x, 2.0], lambda f: sg.jacobian(f)(3.0)),
]  # fmt: skip


@pytest.mark.parametrize(("function", "apply"), TRANSFORMED)
def test_transformations_give_what_they_give_of_the_function_itself(
    function: Callable[..., Any], apply: Callable[[Any], Any], runner: str
) -> None:
    f = sg.compile(function)
    expected = apply(function)
    for _ in range(3):
        found = apply(f)
        numbers, others = (transforms.flatten("test", "it", x, "")[1] for x in (found, expected))
        assert numbers == pytest.approx(others, rel=1e-14, abs=1e-300)
        assert repr(type(found)) == repr(type(expected))


def test_gradients_have_the_bits_of_an_eager_pass() -> None:
    f = sg.compile(valley)
    xs = [math.sin(k) for k in range(40)]
    for _ in range(40):  # until it is vectorised
        assert sg.value_and_grad(f)(xs) == sg.value_and_grad(valley)(xs)


def test_a_function_is_recorded_once_for_each_transformation() -> None:
    runs = 0

    def counted(xs: Any) -> Any:
        nonlocal runs
        runs += 1
        return xs[0] * xs[1] ** 2

    f = sg.compile(counted)

    def all_of_them() -> None:
        point = [2.0, 3.0]
        sg.grad(f)(point), sg.value_and_grad(f)(point), sg.jacobian(f)(point)
        sg.hessian(f)(point), sg.hvp(f, point, point), sg.jvp(f, (point,), (point,))
        sg.vjp(f, point)[1](1.0)

    all_of_them()
    before = runs
    all_of_them()
    assert runs == before


@pytest.mark.skipif(not KINDS, reason="the machine was not built")
def test_a_later_gradient_is_answered_in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    f = sg.compile(valley)
    both, slope = sg.value_and_grad(f), sg.grad(f)
    expected = both(XS), slope(XS)

    def fail(*_: Any) -> Any:
        raise AssertionError("a call that was not answered in C")

    monkeypatch.setattr(Compiled, "_paths_of", fail)
    assert (both(XS), slope(XS)) == expected


def test_a_graph_that_is_asked_for_is_kept() -> None:
    w = sg.Value(3.0)
    f = sg.compile(lambda x: w * x * x)
    slope = sg.grad(f)
    slope(2.0), slope(2.0)
    x = sg.Value(2.0)
    slope(x).backward()
    assert x.grad == 6.0
    assert sg.grad(lambda y: slope(2.0) * y)(5.0) == 12.0  # a constant inside
    assert sg.grad(lambda y: slope(y))(5.0) == 6.0

    def around(v: Any) -> Any:
        inner = sg.compile(lambda x: v * x * x)
        gradient = sg.grad(inner)
        return gradient(2.0) + gradient(2.0)

    assert sg.grad(around)(3.0) == 8.0


def test_captured_values_are_read_anew() -> None:
    w = sg.Value(3.0)
    f = sg.compile(lambda x: [w * x * x] * 6)
    both, rows = sg.value_and_grad(lambda x: f(x)[0]), sg.jacobian(f)
    assert rows(2.0) == [12.0] * 6
    w.data = 5.0
    assert rows(2.0) == [20.0] * 6
    assert both(2.0) == (20.0, 20.0)


def test_an_array_of_one_dimension_is_one_point() -> None:
    f = sg.compile(valley)
    both, x = sg.value_and_grad(f), np.array(XS)
    for _ in range(3):
        value, grad = both(x)
        assert isinstance(value, float)
        assert isinstance(grad, np.ndarray)
        assert (value, grad.tolist()) == sg.value_and_grad(valley)(XS)
        assert grad.flags.writeable
    strided = np.array([XS, XS]).T[:, 0]
    assert both(strided)[1].tolist() == grad.tolist()
    np.testing.assert_allclose(sg.hessian(f)(x), sg.hessian(valley)(XS), rtol=1e-14)


def test_an_array_where_a_point_was_meant_says_so() -> None:
    f = sg.compile(valley)
    with pytest.raises(TypeError, match=r"one axis is a batch.*jac=True"):
        f(np.array(XS))


def test_what_is_no_point_is_refused_as_ever() -> None:
    f = sg.compile(six)
    with pytest.raises(TypeError, match="must return one number"):
        sg.grad(f)(XS)
    with pytest.raises(ValueError, match="argnums must name"):
        sg.grad(f, argnums=3)(XS)
    with pytest.raises(TypeError, match="argnums must be an int"):
        sg.grad(f, argnums="x")(XS)
    with pytest.raises(TypeError, match="must be numbers"):
        sg.grad(f)("x")
    with pytest.raises(ValueError, match="the vector must have"):
        sg.hvp(sg.compile(valley), XS, [1.0])


def test_an_anomaly_is_found_on_the_way() -> None:
    slope = sg.grad(sg.compile(lambda x: sg.sqrt(x)))
    slope(1.0), slope(1.0)
    with sg.detect_anomaly(), pytest.raises(sg.errors.NonFiniteError):
        slope(0.0)


def test_names_and_methods_are_those_of_functions() -> None:
    slope = sg.grad(sg.compile(valley))
    assert slope.__name__ == "valley"

    class Model:
        def __init__(self) -> None:
            self.w = sg.Value(2.0)

        @sg.compile
        def loss(self, x: Any) -> Any:
            return self.w * x * x

    model = Model()
    assert [sg.grad(model.loss)(x) for x in (1.0, 2.0, 3.0)] == [4.0, 8.0, 12.0]

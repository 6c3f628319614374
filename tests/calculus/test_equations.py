"""Roots of equations as one node: solved to the last digits, differentiated without the steps."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import mpmath
import pytest

import scalargrad as sg


def kepler(anomaly: Any, eccentricity: Any) -> Any:
    """Return E of Kepler's equation E − e·sin E = M."""
    return sg.newton(lambda e: e - eccentricity * sg.sin(e) - anomaly, anomaly)


@pytest.mark.parametrize(
    ("f", "exact"),
    [
        (lambda x: x * x - 2.0, math.sqrt(2.0)),
        (lambda x: sg.cos(x) - x, 0.7390851332151607),
        (lambda x: sg.exp(x) - 1e-5, math.log(1e-5)),
        (lambda x: x**3 - 1e-30, 1e-10),
    ],
)
def test_solution_is_right_to_the_last_digits(f: Callable[[Any], Any], exact: float) -> None:
    by_steps = sg.newton(f, exact + 0.3)
    inside = sg.root(f, exact - 2.0, exact + 5.0)

    assert type(by_steps) is type(inside) is float
    assert abs(by_steps - exact) <= 4 * math.ulp(exact)
    assert abs(inside - exact) <= 4 * math.ulp(exact)


def test_solution_is_one_node_below_which_are_the_values_of_the_equation() -> None:
    a, b = sg.values(a=2.0, b=3.0)
    c = a * b  # made before: it is not opened

    x = sg.newton(lambda x: x**3 + a * x - sg.exp(c / 10.0), 1.0)
    x.backward()

    assert x.op == "newton"
    assert set(map(id, x.parents)) == {id(a), id(c)}
    residual = 3 * x.data**2 + 2.0
    by_c = sg.exp(0.6) / 10.0 / residual
    assert c.grad == pytest.approx(by_c, rel=1e-14)
    assert b.grad == pytest.approx(by_c * 2.0, rel=1e-14)
    assert a.grad == pytest.approx(by_c * 3.0 - x.data / residual, rel=1e-14)


def test_parent_that_depends_on_another_one_is_held_fixed_in_its_partial() -> None:
    def solved(a: Any) -> Any:
        b = a * a
        return sg.newton(lambda x: x - a - b, 0.5)  # x = a + a²

    derivative = solved
    for exact in (2.0 + 4.0, 1.0 + 4.0, 2.0, 0.0):
        assert derivative(2.0) == exact
        derivative = sg.grad(derivative)


@pytest.mark.parametrize("order", range(1, 5))
def test_derivatives_of_any_order_are_those_of_the_closed_form(order: int) -> None:
    by_steps: Any = lambda a: sg.newton(lambda x: x**3 - a, 1.5)  # noqa: E731
    inside: Any = lambda a: sg.root(lambda x: x**3 - a, 0.0, 10.0)  # noqa: E731
    for _ in range(order):
        by_steps, inside = sg.grad(by_steps), sg.grad(inside)

    exact = float(mpmath.diff(mpmath.cbrt, mpmath.mpf(2), order))
    assert by_steps(2.0) == pytest.approx(exact, rel=1e-14)
    assert inside(2.0) == pytest.approx(exact, rel=1e-14)


def test_second_derivatives_by_two_parameters_are_those_of_fifty_digits() -> None:
    def exact(m: Any, e: Any) -> Any:
        return mpmath.findroot(lambda x: x - e * mpmath.sin(x) - m, m)

    found = sg.hessian(lambda p: kepler(*p))([1.2, 0.3])

    with mpmath.workdps(50):
        for i in range(2):
            for j in range(2):
                orders = tuple((k == i) + (k == j) for k in range(2))
                second = mpmath.diff(exact, (mpmath.mpf("1.2"), mpmath.mpf("0.3")), orders, h=1e-12)
                assert found[i][j] == pytest.approx(float(second), rel=1e-9)


def test_forward_derivative_goes_through() -> None:
    _, tangent = sg.jvp(lambda a: sg.newton(lambda x: x * x - a, 1.0), (2.0,), (1.0,))

    assert tangent == pytest.approx(0.5 / math.sqrt(2.0), rel=1e-15)


def test_gradient_is_solved_for_its_zero() -> None:
    lowest = sg.newton(sg.grad(lambda x: (x - 3.0) ** 4 + x * x), 1.0)

    assert lowest == pytest.approx(2.0, abs=1e-15)


def test_solution_inside_another_equation() -> None:
    def inner(a: Any) -> Any:
        return sg.newton(lambda x: x * x - a, 1.0)

    def outer(b: Any) -> Any:
        return sg.newton(lambda a: inner(a) - b, 2.0)  # a = b²

    assert outer(3.0) == pytest.approx(9.0, rel=1e-15)
    assert sg.grad(outer)(3.0) == pytest.approx(6.0, rel=1e-15)
    assert sg.grad(sg.grad(outer))(3.0) == pytest.approx(2.0, rel=1e-13)


def test_ends_and_guess_may_be_values_and_have_no_gradient() -> None:
    a, guess = sg.values(a=2.0, guess=1.0)

    x = sg.newton(lambda x: x * x - a, guess)
    y = sg.root(lambda x: x * x - a, guess * 0.0, guess * 2.0)
    (x + y).backward()

    assert guess.grad == 0.0
    assert a.grad == pytest.approx(1.0 / math.sqrt(2.0), rel=1e-15)


def test_solving_leaves_every_grad_alone_and_works_inside_no_grad() -> None:
    (a,) = sg.values(a=2.0)
    a.grad = 7.0

    with sg.no_grad():
        x = sg.newton(lambda x: x * x - a, 1.0)

    assert x.data == pytest.approx(math.sqrt(2.0))
    assert x.parents == ()
    assert a.grad == 7.0


def test_scopes_around_and_inside_are_kept_apart() -> None:
    (a,) = sg.values(a=2.0)
    with sg.scope("Solver"):
        b = a * 1.0

        def f(x: Any) -> Any:
            with sg.scope("Inner"):
                return x * x - b

        x = sg.newton(f, 1.0)

    assert x.parents == (b,)
    assert x.scope.name == "Solver"


def test_equation_over_a_large_graph_does_not_walk_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from scalargrad.calculus import solutions

    (a,) = sg.values(a=2.0)
    long = a
    for _ in range(1000):
        long = long * 1.0
    walked: list[int] = []
    order = solutions.post_order
    monkeypatch.setattr(
        solutions,
        "post_order",
        lambda *roots, **given: (
            walked.append(len(order(*roots, **given))) or order(*roots, **given)
        ),
    )

    sg.newton(lambda x: x * x - long, 1.0)

    assert max(walked) == 4  # x, x², what is subtracted, the difference


def test_double_root_has_an_infinite_derivative() -> None:
    (a,) = sg.values(a=0.0)

    x = sg.root(lambda x: x * abs(x) - a, -1.0, 1.0)
    x.backward()

    assert (x.data, a.grad) == (0.0, math.inf)


def test_root_is_found_where_newton_would_leave() -> None:
    assert sg.root(sg.atan, -1e6, 3e6) == pytest.approx(0.0, abs=1e-300)
    assert sg.root(lambda x: x**9 - 1e-9, -1.0, 1.0) == pytest.approx(0.1, rel=1e-15)
    assert sg.root(lambda x: x - 1.0, -1e308, 1e308) == 1.0
    assert sg.root(lambda x: x - 0.25, 0.25, 9.0) == 0.25
    step = sg.root(lambda x: -1.0 if x < 0.3 else 1.0, 0.0, 1.0)
    assert step == pytest.approx(0.3, rel=1e-15)


def test_number_assigned_since_it_was_solved_is_refused() -> None:
    (a,) = sg.values(a=2.0)
    x = sg.newton(lambda x: x * x - a, 1.0)
    a.data = 3.0

    with pytest.raises(RuntimeError, match="must be as in the forward pass"):
        sg.gradients(x, a, create_graph=True)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: sg.newton(lambda x: x * x + 1.0, 0.5), ArithmeticError,
         "newton: the steps must settle; got f("),
        (lambda: sg.newton(lambda x: 1.0, 2.0), ArithmeticError, "newton: the steps must settle"),
        (lambda: sg.newton(lambda x: None, 1.0), TypeError,
         "newton: what f returns must be numbers, or lists, tuples, dicts, dataclasses or arrays of"
         " them; got None (NoneType)"),
        (lambda: sg.newton(3, 1.0), TypeError, "newton: wants a function of x; got 3 (int)"),
        (lambda: sg.newton(lambda x: x, "a"), TypeError, "newton: x0 must be numbers"),
        (lambda: sg.root(lambda x: x * x + 1.0, 0.0, 1.0), ValueError,
         "root: f must have different signs at the ends; got f(0.0) = 1.0 and f(1.0) = 2.0"),
        (lambda: sg.root(sg.log, -1.0, 1.5), ValueError, "root: f must have different signs"),
        (lambda: sg.root(lambda x: "no", -1.0, 1.5), TypeError, "root: what f returns must be"),
        (lambda: sg.root(lambda x: x, 0.0, None), TypeError, "root: upper must be a number"),
        (lambda: sg.root(lambda x: sg.where(abs(x) < 1, math.nan, x), -2.0, 2.0), ValueError,
         "root: f must be a number everywhere between the ends; got nan at 0.0"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(
    call: Callable[[], Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=re.escape(sentence)):
        call()

"""Derivatives of plain functions: against fifty digits, of any order and any nesting."""

from __future__ import annotations

import collections
import itertools
import math
import random
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import oracles
import pytest
from engines import ENGINES, apply_row, engine_class

import scalargrad as sg
from scalargrad.table.row import ROWS, ManyRow, Row

HIGHER = [
    name for name, row in ROWS.items()
    if isinstance(row, Row) and name in oracles.ORACLES and name != "round"  # to whole digits
]  # fmt: skip
LISTS = [name for name, row in ROWS.items() if isinstance(row, ManyRow) and name in oracles.ORACLES]


# -- the rows of the table, run on Values ----------------------------------------------------


@pytest.mark.parametrize("name", HIGHER)
def test_second_derivatives_of_a_row_are_those_of_fifty_digits(name: str) -> None:
    row, truth = ROWS[name], oracles.ORACLES[name]
    rng = random.Random(11)
    with mpmath.workdps(60):
        for _ in range(6):
            point = [rng.uniform(*interval) for interval in row.sample]
            if row.kink and any(abs(x) < 0.1 for x in point):
                continue
            if row.arity == 2 and abs(point[0] - point[1]) < 0.1:
                continue  # maximum and minimum have a kink there
            found = sg.hessian(lambda xs: apply_row(sg.Value, row, *xs))(point)
            for i in range(row.arity):
                for j in range(row.arity):
                    order = tuple((k == i) + (k == j) for k in range(row.arity))
                    exact = mpmath.diff(truth.value, tuple(map(mpmath.mpf, point)), order)
                    assert found[i][j] == pytest.approx(float(exact), rel=1e-11, abs=1e-12), point


@pytest.mark.parametrize("name", LISTS)
def test_second_derivatives_of_a_row_of_lists_are_those_of_fifty_digits(name: str) -> None:
    row, truth = ROWS[name], oracles.ORACLES[name]
    rng = random.Random(5)
    count = 3 * row.lists
    point = [rng.uniform(*row.sample[i // 3]) for i in range(count)]
    lists = [slice(3 * k, 3 * k + 3) for k in range(row.lists)]

    def ours(xs: list[Any]) -> Any:
        result = apply_row(sg.Value, row, *(xs[part] for part in lists))
        return result[1] if isinstance(result, list) else result

    def exact(*xs: Any) -> Any:
        made = truth.value(*([*xs[part]] for part in lists))
        return made[1] if isinstance(made, list) else made

    with mpmath.workdps(60):
        found = sg.hessian(ours)(point)
        for i in range(count):
            for j in range(count):
                order = tuple((k == i) + (k == j) for k in range(count))
                second = mpmath.diff(exact, tuple(map(mpmath.mpf, point)), order)
                assert found[i][j] == pytest.approx(float(second), rel=1e-9, abs=1e-12), (i, j)


@pytest.mark.parametrize("name", [n for n in HIGHER if ROWS[n].arity == 1])
def test_gradient_as_a_graph_is_the_number_of_the_node(name: str) -> None:
    row = ROWS[name]
    rng = random.Random(3)
    for _ in range(20):
        x = sg.Value(rng.uniform(*row.sample[0]))
        node = apply_row(sg.Value, row, x)
        slope = sg.gradients(node, x, create_graph=True)
        assert getattr(slope, "data", slope) == node.partials[0]


@pytest.mark.parametrize(
    ("function", "exact"),
    [(sg.tanh, mpmath.tanh), (sg.exp, mpmath.exp), (sg.sin, mpmath.sin), (sg.erf, mpmath.erf),
     (lambda x: 1 / (1 + x * x), lambda x: 1 / (1 + x * x)), (lambda x: x**5.5, lambda x: x**5.5),
     (lambda x: sg.logsumexp([x, 1.0, 2 * x]),
      lambda x: mpmath.log(mpmath.exp(x) + mpmath.e + mpmath.exp(2 * x)))],
)  # fmt: skip
def test_derivatives_to_the_sixth_order_are_those_of_fifty_digits(
    function: Callable[..., Any], exact: Callable[..., Any]
) -> None:
    derivative = function
    with mpmath.workdps(60):
        for order in range(1, 7):
            derivative = sg.grad(derivative)
            truth = float(mpmath.diff(exact, mpmath.mpf("0.7"), order))
            assert derivative(0.7) == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("name", [n for n in HIGHER if ROWS[n].arity == 1])
def test_third_and_fourth_derivatives_of_a_row_are_those_of_fifty_digits(name: str) -> None:
    row, truth = ROWS[name], oracles.ORACLES[name]
    low, high = row.sample[0]
    point = low + 0.71 * (high - low)
    derivative: Callable[..., Any] = lambda x: apply_row(sg.Value, row, x)  # noqa: E731
    derivative = sg.grad(sg.grad(derivative))
    with mpmath.workdps(80):
        for order in (3, 4):
            derivative = sg.grad(derivative)
            exact = float(mpmath.diff(truth.value, mpmath.mpf(point), order))
            assert derivative(point) == pytest.approx(exact, rel=1e-9, abs=1e-12), order


# -- both engines ----------------------------------------------------------------------------


@pytest.mark.skipif("native" not in ENGINES, reason="there is one engine only")
def test_transformations_give_the_same_bits_in_both_engines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from scalargrad.calculus import solutions, transforms

    def f(p: list[Any]) -> Any:
        x, y, z = p
        inner = sg.softmax([x * y, sg.tanh(z), 1.0])[0] * sg.hypot(x, z)
        return inner + sg.newton(lambda t: t**3 - x * t - 2.0, 1.0) ** 2 / y

    def results() -> list[str]:
        point, vector = [1.3, -0.7, 0.4], [0.2, 1.0, -3.0]
        value, gradient = sg.value_and_grad(f)(point)
        flat = [value, *gradient, *sg.hvp(f, point, vector)]
        flat += [entry for row in sg.hessian(f)(point) for entry in row]
        flat += [*sg.jvp(f, (point,), (vector,))]
        third = sg.grad(sg.grad(sg.grad(lambda x: f([x, -0.7, 0.4]))))
        return [float(number).hex() for number in [*flat, third(1.3)]]

    found = []
    for name in ENGINES:
        monkeypatch.setattr(transforms, "Value", engine_class(name))
        monkeypatch.setattr(solutions, "Value", engine_class(name))
        found.append(results())

    assert found[0] == found[1]


# -- structure -------------------------------------------------------------------------------

Point = collections.namedtuple("Point", "x y")


def test_gradient_has_the_structure_of_the_argument() -> None:
    def f(p: dict[str, Any]) -> Any:
        return p["a"] * p["b"][0] + sg.sin(p["b"][1][0]) + p["c"].x * p["c"].y

    found = sg.grad(f)({"a": 2, "b": [3.0, (0.5,)], "c": Point(5.0, 7)})

    assert found == {"a": 3.0, "b": [2.0, (math.cos(0.5),)], "c": Point(7.0, 5.0)}
    assert type(found["b"][1]) is tuple


def test_arrays_come_back_as_arrays() -> None:
    w = np.array([[1.0, 2.0], [3.0, 4.0]])
    x = np.array([5, 6])

    dw, dx = sg.grad(lambda w, x: ((w @ x) ** 2).sum(), argnums=(0, 1))(w, x)

    np.testing.assert_allclose(dw, 2 * np.outer(w @ x, x))
    np.testing.assert_allclose(dx, 2 * w.T @ (w @ x))
    assert (dw.dtype, dw.shape, dx.dtype) == (np.float64, (2, 2), np.float64)


def test_numpy_scalar_and_array_of_no_dimension_are_numbers() -> None:
    assert sg.grad(lambda x: x * x)(np.float64(3.0)) == 6.0
    assert sg.grad(lambda x: x * x)(np.array(3.0)) == 6.0
    assert sg.grad(lambda x: np.array(x * x, dtype=object))(3.0) == 6.0


def test_jacobian_of_arrays_has_both_shapes() -> None:
    a = np.arange(6.0).reshape(2, 3)

    found = sg.jacobian(lambda x: a @ x)(np.ones(3))

    np.testing.assert_array_equal(found, a)
    hessian = sg.hessian(lambda x: (x**3).sum())(np.array([[1.0, 2.0]]))
    assert hessian.shape == (1, 2, 1, 2)
    np.testing.assert_allclose(hessian.reshape(2, 2), np.diag([6.0, 12.0]))


def test_jacobian_of_nestings_is_a_nesting_in_each_place() -> None:
    found = sg.jacobian(lambda p: {"s": p[0] + p[1], "d": [p[0] * p[1]]})((2.0, 3.0))

    assert found == {"s": (1.0, 1.0), "d": [(3.0, 2.0)]}


def test_argnums_choose_arguments() -> None:
    def f(x: Any, y: Any, *, scale: float = 1.0) -> Any:
        return x * y * y * scale

    assert sg.grad(f, argnums=1)(2.0, 3.0) == 12.0
    assert sg.grad(f, argnums=(1, 0))(2.0, 3.0, scale=10.0) == (120.0, 90.0)
    assert sg.grad(f, argnums=-1)(2.0, 3.0) == 12.0
    assert sg.hessian(f, argnums=(0, 1))(2.0, 3.0) == ((0.0, 6.0), (6.0, 4.0))


def test_what_comes_along_is_handed_out_as_numbers() -> None:
    def f(x: Any) -> Any:
        return x * x, {"half": x / 2, "name": "square"}

    assert sg.grad(f, has_aux=True)(3.0) == (6.0, {"half": 1.5, "name": "square"})
    assert sg.value_and_grad(f, has_aux=True)(3.0) == ((9.0, {"half": 1.5, "name": "square"}), 6.0)


@pytest.mark.parametrize(
    ("f", "point", "gradient"),
    [(lambda x: 5.0, 2.0, 0.0), (lambda x: 5, [1.0, 2.0], [0.0, 0.0]), (lambda x: x, 2, 1.0),
     (lambda xs: xs[1], [1.0, 2.0, 3.0], [0.0, 1.0, 0.0]), (lambda x: x - x, 2.0, 0.0),
     (lambda x: x * True, True, 1.0), (lambda xs: 0.0 * sum(xs), [], [])],
)  # fmt: skip
def test_zero_constant_unused_and_whole_numbers_are_right(
    f: Callable[..., Any], point: Any, gradient: Any
) -> None:
    assert sg.grad(f)(point) == gradient
    assert sg.value_and_grad(f)(point)[1] == gradient


def test_second_derivative_of_what_is_linear_or_constant_is_zero() -> None:
    assert sg.grad(sg.grad(lambda x: 3.0 * x))(2.0) == 0.0
    assert sg.grad(sg.grad(lambda x: 3.0))(2.0) == 0.0
    assert sg.hessian(lambda x: x[0] + 2 * x[1])([1.0, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]


# -- nesting ---------------------------------------------------------------------------------


def test_inner_derivative_sees_only_its_own_argument() -> None:
    assert sg.grad(lambda x: x * sg.grad(lambda y: x + y)(x))(1.0) == 1.0
    assert sg.grad(lambda x: x * sg.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert sg.grad(lambda x: sg.grad(lambda y: y * y)(x))(3.0) == 2.0


def test_inner_derivative_of_other_things_is_a_number() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append(sg.grad(lambda y: y * y)(4.0))
        return x * seen[-1]

    assert sg.grad(f)(1.0) == 8.0
    assert seen == [8.0]


def test_captured_values_leave_the_result_a_number() -> None:
    w = sg.Value(3.0, label="w")

    assert sg.grad(lambda x: w * x * x)(2.0) == 12.0
    assert w.grad == 0.0


def test_values_that_go_in_keep_their_graph() -> None:
    x = sg.Value(2.0)
    slope = sg.grad(lambda v: v**3)(x)
    slope.backward()

    assert (slope.data, x.grad) == (12.0, 12.0)


def test_gradient_works_inside_no_grad_and_leaves_every_grad_alone() -> None:
    w = sg.Value(3.0)
    with sg.no_grad():
        assert sg.grad(lambda x: w * x)(2.0) == 3.0
        assert sg.grad(sg.grad(lambda x: w * x**3))(2.0) == 36.0
    assert w.grad == 0.0


def test_threads_do_not_see_each_others_inputs() -> None:
    results: list[float] = []

    def work(k: int) -> None:
        for _ in range(50):
            results.append(
                sg.grad(lambda x: sg.grad(lambda y: x * y**k)(2.0))(3.0) - k * 2 ** (k - 1)
            )

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0.0] * 200


# -- products --------------------------------------------------------------------------------


def rosenbrock(x: Any) -> Any:
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


def test_hessian_vector_product_is_the_hessian_times_the_vector() -> None:
    rng = random.Random(1)
    x, v = ([rng.uniform(-2, 2) for _ in range(6)] for _ in range(2))

    product = sg.hvp(rosenbrock, x, v)

    expected = [
        sum(h * t for h, t in zip(row, v, strict=True)) for row in sg.hessian(rosenbrock)(x)
    ]
    assert product == pytest.approx(expected, rel=1e-12)


def test_vjp_and_jvp_are_the_jacobian_times_vectors() -> None:
    def f(x: Any, y: Any) -> Any:
        return [x * y, sg.sin(x), y**3, 1.0]

    rows = sg.jacobian(f, argnums=(0, 1))(0.5, 2.0)
    value, back = sg.vjp(f, 0.5, 2.0)
    moved = sg.jvp(f, (0.5, 2.0), (3.0, -1.0))

    assert value == moved[0] == [1.0, math.sin(0.5), 8.0, 1.0]
    assert back([1.0, 2.0, 3.0, 4.0]) == pytest.approx(
        tuple(sum(u * row[k] for u, row in zip((1, 2, 3, 4), rows, strict=True)) for k in (0, 1))
    )
    assert moved[1] == pytest.approx([3 * row[0] - row[1] for row in rows])


def test_jvp_nests() -> None:
    def slope(x: Any) -> Any:
        return sg.jvp(lambda v: v**4, (x,), (1.0,))[1]

    assert slope(2.0) == 32.0
    assert sg.grad(slope)(2.0) == 48.0
    assert sg.jvp(slope, (2.0,), (1.0,)) == (32.0, 48.0)


# -- existing graphs -------------------------------------------------------------------------


def test_gradients_of_a_graph_leave_every_grad_alone() -> None:
    x, y = sg.values(x=2, y=3)
    h = x * y
    z = h * h + x

    assert sg.gradients(z, {"h": h, "x": x}) == {"h": 12.0, "x": 37.0}
    assert sg.gradients([z, h], [x, y], upstream=[1.0, 10.0]) == [67.0, 44.0]
    assert sg.gradients(z, sg.Value(1.0)) == 0.0
    assert (x.grad, h.grad, z.grad) == (0.0, 0.0, 0.0)


def test_custom_node_takes_part_when_its_derivatives_work_on_values() -> None:
    square = sg.custom(lambda x: 2 * x)(lambda x: x * x)

    assert sg.grad(sg.grad(lambda x: square(x) * x))(3.0) == 18.0


@pytest.mark.parametrize("function", [sg.softmax, sg.log_softmax])
def test_result_of_a_plain_number_beside_an_equal_value_is_told_from_it(
    function: Callable[..., Any],
) -> None:
    for place, sign in ((0, 1), (1, -1), (2, -1)):
        by_numbers = sg.grad(lambda x, i=place: function([x, 1.0, 1.0])[i])
        x = sg.Value(1.0)
        by_graph = sg.gradients(function([x, 1.0, 1.0])[place], x, create_graph=True)

        assert by_graph.data == by_numbers(1.0)
        assert by_graph.data * sign > 0.0


def test_record_node_refuses_a_second_derivative_in_one_sentence() -> None:
    def f(x: Any) -> Any:
        return sg.record(x.data**2, [x], [2 * x.data], op="square")

    assert sg.grad(f)(3.0) == 6.0
    with pytest.raises(
        RuntimeError, match="create_graph: 'square' must be an operation of the table"
    ):
        sg.hessian(f)(3.0)


def test_number_assigned_since_the_forward_pass_is_refused() -> None:
    x = sg.Value(2.0)
    y = x**3
    x.data = 5.0

    with pytest.raises(RuntimeError, match="must be as in the forward pass"):
        sg.gradients(y, x, create_graph=True)
    assert sg.gradients(y, x) == 12.0  # numbers are those of the forward pass


def test_million_nodes_have_a_gradient() -> None:
    def f(x: Any) -> Any:
        for _ in range(200_000):
            x = x * 1.000001
        return x

    assert sg.grad(f)(1.0) == pytest.approx(1.000001**200_000, rel=1e-9)


# -- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda: sg.grad(lambda x: None)(1.0),
            TypeError,
            "what the function returns must be numbers",
        ),
        (lambda: sg.grad(lambda x: "x")(1.0), TypeError, "got 'x' (str)"),
        (lambda: sg.grad(lambda x: [x])(1.0), TypeError, "the function must return one number"),
        (lambda: sg.grad(lambda x: np.array([x]))(1.0), TypeError, "must return one number"),
        (lambda: sg.grad(lambda x: x, argnums=1)(1.0), ValueError, "one of 1 positional"),
        (lambda: sg.grad(lambda x: x, argnums="x")(1.0), TypeError, "argnums must be an int"),
        (lambda: sg.grad(lambda x: x)("1.0"), TypeError, "argument 0 must be numbers"),
        (lambda: sg.grad(lambda x: x)({1.0}), TypeError, "argument 0 must be numbers"),
        (lambda: sg.grad(3.0), TypeError, "grad: wants a function"),
        (lambda: sg.grad(lambda x: x, has_aux=True)(1.0), TypeError, "must return a pair"),
        (
            lambda: sg.hvp(rosenbrock, [1.0, 2.0], [1.0]),
            ValueError,
            "got [1.0] (list) for 2 numbers",
        ),
        (lambda: sg.vjp(lambda x: [x, x], 1.0)[1](1.0), ValueError, "must have the structure"),
        (lambda: sg.jvp(lambda x: x, 1.0, 1.0), TypeError, "primals must be a tuple"),
        (lambda: sg.gradients(sg.Value(1.0), 1.0), TypeError, "inputs must be Values"),
    ],
)
def test_bad_input_gets_one_sentence(
    call: Callable[[], Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error) as caught:
        call()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


# -- checking --------------------------------------------------------------------------------


def test_check_of_right_gradients_is_true_and_lists_every_input() -> None:
    table = sg.check_gradients(
        lambda x, p: sg.sin(x) * p["a"][0] + p["b"], 0.5, {"a": [2.0], "b": 3}
    )

    assert table
    assert [row.name for row in table] == ["x", "p['a'][0]", "p['b']"]
    assert [row.verdict for row in table] == ["ok"] * 3
    assert [row.name for row in sg.check_gradients(lambda *xs: xs[0] * xs[1], 1, 2)] == ["x0", "x1"]


def test_check_shows_the_worst_input_first_when_a_gradient_is_wrong() -> None:
    wrong = sg.custom(lambda x: 3 * x)(lambda x: x * x)

    with pytest.raises(sg.GradientError, match="1 of 2 gradients agree") as caught:
        sg.check_gradients(lambda xs: xs[0] + wrong(xs[1]), [1.0, 2.0])

    assert isinstance(caught.value, AssertionError)
    first_row = str(caught.value).splitlines()[2]
    assert first_row.startswith("xs[1]")
    assert first_row.endswith("MISMATCH")
    assert "the gradient is wrong" in str(caught.value)


def test_check_tells_a_kink_and_what_cannot_be_compared() -> None:
    assert [row.verdict for row in sg.check_gradients(sg.relu, 0.0)] == ["kink"]
    table = sg.check_gradients(lambda x: sg.log(x), 0.0)
    assert [row.verdict for row in table] == ["not finite"]
    assert "overflows or is not defined" in repr(sg.check_gradients(sg.exp, 709.78))
    assert "not finite" in repr(table)


def test_check_tells_a_function_that_changes() -> None:
    rng = random.Random(1)

    with pytest.raises(sg.GradientError, match="other numbers each time"):
        sg.check_gradients(lambda x: x * rng.random(), 1.0)


def test_check_uses_methods_of_values_and_touches_no_grad() -> None:
    w = sg.Value(2.0)

    assert sg.check_gradients(lambda x: (w * x).tanh(), 0.5)
    assert w.grad == 0.0


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_the_worst_of_wrong_gradients(wrong: float) -> None:
    far, farther = sg.custom(lambda x: 3.0)(lambda x: x), sg.custom(lambda x: wrong)(lambda x: x)

    with pytest.raises(sg.GradientError, match="1 of 3 gradients agree") as caught:
        sg.check_gradients(lambda x, y, z: x + far(y) + farther(z), 1.0, 2.0, 3.0)

    names = [line.split()[0] for line in str(caught.value).splitlines()[2:5]]
    assert names == ["z", "y", "x"]


@pytest.mark.parametrize("numbers", [[1.0, 2.0], [1.0, math.nan], [math.nan, 1.0]])
def test_check_refuses_a_function_that_changes_between_calls(numbers: list[float]) -> None:
    source = itertools.cycle(numbers)

    with pytest.raises(sg.GradientError, match="the function gives other numbers each time"):
        sg.check_gradients(lambda x: x * next(source), 1.0)


def test_check_takes_nan_for_no_change() -> None:
    (row,) = sg.check_gradients(lambda x: x * math.nan, 1.0)

    assert row.verdict == "not finite"


def test_long_table_shows_only_the_worst_rows() -> None:
    text = repr(sg.check_gradients(rosenbrock, [0.1 * i for i in range(50)]))

    assert "... 30 more" in text
    assert text.startswith("50 of 50 gradients agree")

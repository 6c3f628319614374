"""Calculus where it is easily wrong: mixtures of transformations, structures, infinite partials."""

from __future__ import annotations

import collections
import copy
import gc
import math
import pickle
import random
import re
import weakref
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import scalargrad as sg
from scalargrad.core.around import around

# -- transformations inside one another --------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "point", "exact"),
    [
        (lambda x: sg.value_and_grad(lambda y: x * x + y)(3.0)[0], 2.0, 4.0),
        (lambda x: sg.vjp(lambda y: x * y, 3.0)[0], 2.0, 3.0),
        (lambda x: sg.vjp(lambda y: y**3, 3.0)[1](x)[0], 2.0, 27.0),
        (lambda x: sg.jvp(lambda y: x * y, (3.0,), (1.0,))[0], 2.0, 3.0),
        (lambda x: sg.jvp(lambda y: y**3, (3.0,), (x,))[1], 2.0, 27.0),
        (lambda a: sg.hvp(lambda x: a * x**3, 2.0, 1.0), 1.0, 12.0),
        (lambda v: sg.hvp(lambda x: x**3, 2.0, v), 1.0, 12.0),
        (lambda x: sg.grad(lambda y: sg.grad(lambda z: x * z)(1.0) * y)(1.0), 3.0, 1.0),
        (lambda x: sg.grad(lambda y: (y * y, x * x), has_aux=True)(2.0)[1], 3.0, 6.0),
        (lambda x: sg.value_and_grad(lambda y: (y, [x]), has_aux=True)(2.0)[0][1][0], 3.0, 1.0),
        (lambda x: sg.jacobian(lambda y: [x * y, y])(2.0)[0], 3.0, 1.0),
    ],
)
def test_outer_derivative_goes_through_an_inner_transformation(
    function: Callable[..., Any], point: float, exact: float
) -> None:
    assert sg.grad(function)(point) == exact
    assert around.get() == ()


def test_nothing_stays_around_after_an_exception() -> None:
    with pytest.raises(ZeroDivisionError):
        sg.grad(lambda x: x * (1 // 0))(2.0)

    assert around.get() == ()


def test_vector_of_a_hessian_product_may_be_differentiated() -> None:
    found = sg.grad(lambda v: sg.sum(sg.hvp(lambda x: x[0] ** 2 * x[1], [2.0, 3.0], v)))([1.0, 1.0])

    assert found == [10.0, 4.0]


def test_upstream_may_be_a_value() -> None:
    x, u = sg.values(x=2.0, u=5.0)

    slope = sg.gradients(x**3, x, upstream=u)

    assert slope.data == 60.0
    assert sg.gradients(slope, [x, u]) == [60.0, 12.0]


def test_upstream_counts() -> None:
    (x,) = sg.values(x=3.0)

    assert sg.gradients(x * x, x, upstream=3.0) == 18.0
    assert sg.vjp(lambda x: x * x, 3.0)[1](3.0) == (18.0,)
    assert sg.hvp(lambda x: x**3, 2.0, 3.0) == 36.0
    assert sg.hvp(lambda x: 5.0, [1.0], [1.0]) == [0.0]


def test_value_among_the_other_arguments_keeps_its_graph() -> None:
    (w,) = sg.values(w=3.0)

    slope = sg.grad(lambda x, w: x * x * w)(2.0, w)
    slope.backward()

    assert (slope.data, w.grad) == (12.0, 4.0)
    assert sg.grad(lambda x, ws: x * x * ws[0])(2.0, ws=[w]).data == 12.0


def test_gradient_of_what_is_linear_is_a_value_when_a_graph_is_wanted() -> None:
    (x,) = sg.values(x=2.0)

    slope = sg.gradients(3 * x, x, create_graph=True)

    assert slope.data == 3.0
    assert sg.gradients(slope, x) == 0.0
    assert sg.gradients([x * x, x * x], x, create_graph=True).data == 8.0


def test_transformations_record_inside_no_grad() -> None:
    (x,) = sg.values(x=2.0)
    y = x**3

    with sg.no_grad():
        assert sg.jacobian(lambda x: [x * x, x**3])(2.0) == [4.0, 12.0]
        assert sg.hvp(lambda x: x**3, 2.0, 1.0) == 12.0
        assert sg.grad(sg.grad(lambda a: sg.newton(lambda t: t * t - a, 1.0)))(4.0) == -0.03125
        slope = sg.gradients(y, x, create_graph=True)

    assert sg.gradients(slope, x) == 12.0


def test_force_from_a_potential_costs_each_step_the_same() -> None:
    walked = []
    potential = sg.grad(lambda q: q**4 / 4)

    def leapfrog(q: Any, steps: int) -> Any:
        p: Any = 0.0
        for _ in range(steps):
            p = p - 0.01 * potential(q)
            q = q + 0.01 * p
        return q

    from scalargrad.calculus import graph_gradients

    order = graph_gradients.post_order
    try:
        graph_gradients.post_order = lambda *roots, **given: (
            walked.append(len(order(*roots, **given))) or order(*roots, **given)
        )
        slope = sg.grad(lambda q: leapfrog(q, 300))(1.0)
    finally:
        graph_gradients.post_order = order

    by_difference = (leapfrog(1.0 + 1e-6, 300) - leapfrog(1.0 - 1e-6, 300)) / 2e-6
    assert slope == pytest.approx(by_difference, rel=1e-6)
    assert max(walked) < 10


# -- infinite partials stay where they belong ---------------------------------------------------


def test_row_of_a_jacobian_knows_nothing_of_the_others() -> None:
    assert sg.jacobian(lambda x: [x * 2, sg.sqrt(x)])(0.0) == [2.0, math.inf]
    assert sg.hessian(lambda p: p[0] ** 2 + sg.pow(p[1], 1.5))([1.0, 0.0]) == [
        [2.0, 0.0], [0.0, math.inf],
    ]  # fmt: skip
    assert sg.hessian(lambda p: p[0] ** p[1])([-2.0, 3.0])[0][0] == -12.0


# -- structures --------------------------------------------------------------------------------


def test_dicts_are_matched_by_their_keys() -> None:
    _, back = sg.vjp(lambda x: {"a": 2 * x, "b": 3 * x}, 1.0)
    _, tangent = sg.jvp(
        lambda p: p["a"] * p["b"], ({"a": 2.0, "b": 3.0},), ({"b": 10.0, "a": 1.0},)
    )

    assert back({"b": 10.0, "a": 1.0}) == (32.0,)
    assert tangent == 23.0
    assert sg.hvp(lambda p: p["a"] ** 2 * p["b"], {"a": 2.0, "b": 3.0}, {"b": 0.0, "a": 1.0}) == {
        "a": 6.0, "b": 4.0,
    }  # fmt: skip


@pytest.mark.parametrize("upstream", [[[1.0], [2.0, 3.0]], [1.0, 2.0, 3.0], {"a": 1.0}, 1.0])
def test_other_structure_is_refused(upstream: Any) -> None:
    _, back = sg.vjp(lambda x: [[x, 2 * x], [3 * x]], 1.0)

    with pytest.raises(ValueError, match="the upstream must have the structure"):
        back(upstream)


def test_types_are_kept() -> None:
    counts = collections.defaultdict(float, {"a": 2.0})
    ordered = collections.OrderedDict(b=1.0, a=2.0)

    found = sg.grad(lambda p: p["a"] ** 2 + p["missing"])(counts)
    assert (type(found), dict(found), found["new"]) == (collections.defaultdict, {"a": 4.0}, 0.0)
    assert type(sg.grad(lambda p: p["a"] * p["b"])(ordered)) is collections.OrderedDict
    assert sg.grad(lambda x: (x * x).sum())(np.array([1, 2], dtype=np.float32)).dtype == np.float32
    assert sg.grad(lambda x: (x * x).sum())(np.array([1, 2])).dtype == np.float64
    assert sg.grad(lambda xs: xs[0] * xs[1])([1, 2.0]) == [2.0, 1.0]


def test_strange_numbers_of_numpy_are_numbers_or_refused() -> None:
    assert sg.grad(lambda x: x * x)(np.longdouble(2)) == 4.0
    assert sg.grad(lambda x: x @ x)(np.array([1.0, 2.0])).tolist() == [2.0, 4.0]
    with pytest.raises(TypeError, match="argument 0 must be numbers"):
        sg.grad(lambda x: x)(np.datetime64("2020-01-01", "ns"))
    with pytest.raises(TypeError, match="argument 0 must be numbers"):
        sg.grad(lambda x: x)(np.array([[1.0], [1.0, 2.0]], dtype=object))


def test_gradient_with_numbers_and_values_in_one_array_is_an_array_of_objects() -> None:
    found = sg.jacobian(lambda a, b: a * 2 + b * 3, (0, 1))(
        np.array([1.0, 2.0]), np.array([3.0, 4.0])
    )

    assert [block.tolist() for block in found] == [[[2, 0], [0, 2]], [[3, 0], [0, 3]]]
    (w,) = sg.values(w=2.0)
    mixed = sg.grad(lambda x, w: x[1] * w * 0.5 + 0 * w)(np.array([1.0, 2.0]), w)
    assert mixed[0] == 0.0
    assert mixed[1].data == 1.0


# -- nodes of one's own --------------------------------------------------------------------------


def test_custom_node_of_two_operands_has_second_derivatives_by_each() -> None:
    product = sg.custom(lambda a, b: b * b, lambda a, b: 2 * a * b)(lambda a, b: a * b * b)

    assert sg.grad(sg.grad(lambda b: product(2.0, b)))(3.0) == 4.0
    assert sg.grad(sg.grad(lambda a: product(a, 3.0)))(2.0) == 0.0


@pytest.mark.parametrize(
    "make",
    [
        lambda x: sg.custom(lambda x: 2 * x)(lambda x: x * x)(x),
        lambda x: sg.dot([x, x], [x, 2.0]),
        lambda x: sg.max([x, 1.0]),
        lambda x: sg.softmax([x, 1.0])[0],
        lambda x: sg.newton(lambda t: t * t - x, 1.0),
    ],
)
def test_number_assigned_under_any_node_is_refused(make: Callable[[Any], Any]) -> None:
    x = sg.Value(2.0)
    y = make(x)
    x.data = 5.0

    with pytest.raises(RuntimeError, match="must be as in the forward pass"):
        sg.gradients(y, x, create_graph=True)


def test_node_that_borrows_the_name_of_a_row_has_numbers_only() -> None:
    x = sg.Value(1.0)
    y = sg.record(30.0, [x], [10.0], op="exp")

    with pytest.raises(RuntimeError, match="knows numbers only"):
        sg.gradients(y, x, create_graph=True)


def test_node_with_numbers_only_is_a_factor_of_what_is_asked_for() -> None:
    w, x = sg.values(w=3.0, x=2.0)
    y = sg.record(9.0, [w], [6.0], op="square") * x

    assert sg.gradients(y, x, create_graph=True) == 9.0


# -- solutions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "low", "high", "exact"),
    [
        (lambda x: -x * x + 3 * x - 1, 0.0, 2.0, (3 - math.sqrt(5)) / 2),
        (lambda x: sg.cbrt(x) - 0.5, -1.0, 1.0, 0.125),
        (lambda x: 3 + 3 * x + 3 * x**3, -1.0, 1.0, -0.6823278038280193),
        (lambda x: 1e-200 * (x - 2), 1.0, 7.0, 2.0),
        (lambda x: x - 1.5e308, 1e308, 1.7e308, 1.5e308),
        (lambda x: x - 3, 4, 1, 3.0),
    ],
)
def test_root_is_not_fooled_by_a_step_to_an_end_or_a_vertical_slope(
    f: Callable[[Any], Any], low: float, high: float, exact: float
) -> None:
    assert sg.root(f, low, high) == pytest.approx(exact, rel=1e-15)


def test_roots_of_random_cubics_are_roots() -> None:
    rng = random.Random(0)
    solved = 0
    for _ in range(1000):
        a, b, c, d = (rng.randint(-3, 3) for _ in range(4))
        low, high = rng.randint(-4, 0), rng.randint(1, 4)

        def f(x: Any, a: int = a, b: int = b, c: int = c, d: int = d) -> Any:
            return a + b * x + c * x * x + d * x**3

        if f(low) * f(high) < 0:
            solved += 1
            assert abs(f(sg.root(f, low, high))) < 1e-13
    assert solved > 500


def test_root_takes_few_evaluations() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return sg.exp(x) - 1e-5

    sg.root(f, -1000.0, 700.0)

    assert len(calls) < 60


def test_solution_does_not_ask_its_function_again() -> None:
    def total(p: Any) -> Any:
        result: Any = 0.0
        for a in p:  # each lambda sees the last a when it is called again
            result = result + sg.newton(lambda x: x * x - a, 1.0)  # noqa: B023
        return result

    second = -0.25 * 2.0**-1.5, -0.25 * 3.0**-1.5
    found = sg.hessian(total)([2.0, 3.0])
    assert [row[i] for i, row in enumerate(found)] == pytest.approx(second, rel=1e-14)
    assert found[0][1] == found[1][0] == 0.0


def test_copy_of_a_solution_is_differentiated_by_the_copies() -> None:
    (a,) = sg.values(a=2.0)
    x = sg.newton(lambda x: x * x - a, 1.0)

    copied = copy.deepcopy(x)
    slope = sg.gradients(copied, copied.parents[0], create_graph=True)
    assert slope.data == pytest.approx(0.5 / math.sqrt(2.0))
    thawed = pickle.loads(pickle.dumps(x))
    assert sg.gradients(thawed, thawed.parents[0]) == sg.gradients(x, a)
    with pytest.raises(RuntimeError, match="out of a pickle"):
        sg.gradients(thawed, thawed.parents[0], create_graph=True)


@pytest.mark.parametrize("solve", [
    lambda f: sg.newton(f, 0.5), lambda f: sg.root(f, 0.0, 1.0),
])  # fmt: skip
def test_unknown_passes_through_an_inner_gradient(solve: Callable[..., Any]) -> None:
    (a,) = sg.values(a=1.0)

    t = solve(lambda t: sg.grad(lambda s: s * s * t)(3.0) - a)  # 6t = a
    t.backward()

    assert t.data == pytest.approx(1 / 6, rel=1e-15)
    assert a.grad == pytest.approx(1 / 6, rel=1e-15)


def test_solution_is_freed_without_the_collector() -> None:
    class Owner:
        def solve(self) -> None:
            self.a = sg.Value(2.0)
            self.x = sg.newton(lambda x: x * x - self.a, 1.0)

    gc.collect()
    gc.disable()
    try:
        owner = Owner()
        owner.solve()
        alive = weakref.ref(owner)
        del owner
        assert alive() is None
    finally:
        gc.enable()


def test_numbers_of_numpy_are_guesses_and_ends() -> None:
    assert sg.newton(lambda x: x * x - 2, np.float64(1.0)) == pytest.approx(math.sqrt(2.0))
    assert sg.root(lambda x: x * x - 2, np.int64(0), np.float32(2.0)) == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: sg.newton(lambda x: sg.cbrt(x) - 0.5, 0.0), ArithmeticError, "must settle"),
        (lambda: sg.newton(lambda x: x, 1.0, max_steps=0), ValueError, "max_steps must be a whole"),
        (lambda: sg.root(lambda x: x - 1, 0.0, math.inf), ValueError, "both ends must be finite"),
        (
            lambda: sg.root(lambda x: 1 / x, -1.0, 2.0),
            ValueError,
            "f must be continuous; got a jump",
        ),
        (lambda: sg.grad(lambda x: x, (0, 0))(3.0), ValueError, "must name different arguments"),
        (lambda: sg.grad(lambda x, y: x, (1, -1))(3.0, 2.0), ValueError, "different arguments"),
        (lambda: sg.jvp(lambda x: x, (1.0,), 1.0), ValueError, "the tangents must have the struct"),
        (
            lambda: sg.hessian(lambda x: [x])(1.0),
            TypeError,
            "hessian: the function must return one",
        ),
    ],
)
def test_bad_input_gets_one_sentence(
    call: Callable[[], Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=re.escape(sentence)):
        call()


# -- checking ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "point"),
    [
        (sg.sin, 1e8), (lambda x: sg.sin(1e8 * x), 1.0), (lambda x: sg.sin(1e6 * x), -2.7),
        (sg.exp, 1e-6), (lambda x: 1e6 + x, 3.0), (lambda x: x**2, 0.0), (sg.log, 1e-200),
    ],
)  # fmt: skip
def test_check_accepts_right_gradients_of_functions_of_any_scale(
    f: Callable[[Any], Any], point: float
) -> None:
    (row,) = sg.check_gradients(f, point)

    assert row.verdict == "ok"


@pytest.mark.parametrize(
    ("claim", "function", "point"),
    [
        (lambda x: 1.0001, lambda x: x, 1.0),
        (lambda x: math.nan, lambda x: x, 1.0),
        (lambda x: math.inf, lambda x: x, 1.0),
        (lambda x: 0.0, math.sin, 1e8),
        (lambda x: 5.0, abs, 0.0),
        (lambda x: -2.0, lambda x: max(0.0, x), 0.0),
    ],
)
def test_check_refuses_wrong_gradients(
    claim: Callable[..., float], function: Callable[..., float], point: float
) -> None:
    with pytest.raises(sg.GradientError, match="0 of 1 gradients agree"):
        sg.check_gradients(sg.custom(claim)(function), point)


def test_check_says_of_a_rough_function_that_it_cannot_tell() -> None:
    draw = random.Random(2)
    noise = {}

    def rough(x: float) -> float:
        return noise.setdefault(x, draw.uniform(-1.0, 1.0))

    (row,) = sg.check_gradients(sg.custom(lambda x: 1.0)(rough), 1.0)

    assert row.verdict == "not compared"


def test_check_refuses_a_shape_that_changes() -> None:
    calls: list[int] = []

    def changing(x: Any) -> Any:
        calls.append(1)
        return x if len(calls) < 3 else [x, x]

    with pytest.raises(TypeError, match="check_gradients: what f returns must be a number"):
        sg.check_gradients(changing, 2.0)


def test_check_names_the_elements_of_an_array_as_one_would_write_them() -> None:
    table = sg.check_gradients(lambda w, b: (w * w).sum() * b[0], np.ones((2, 2)), [3.0])

    assert [row.name for row in table] == ["w[0, 0]", "w[0, 1]", "w[1, 0]", "w[1, 1]", "b[0]"]


def test_check_sees_noise_beside_a_right_gradient() -> None:
    draw = random.Random(2)

    with pytest.raises(sg.GradientError, match="gives other numbers each time"):
        sg.check_gradients(lambda x: x + draw.random(), 2.0)


# -- math ---------------------------------------------------------------------------------------


def test_rest_of_math() -> None:
    from scalargrad import math as ours

    assert ours.hypot(-2.0) == 2.0
    assert ours.isclose(1.0, 1.1, rel_tol=0.2)
    assert ours.fsum([1.0, sg.Value(2.0)]).data == 3.0
    assert ours.ldexp(5e-324, 2090) == math.ldexp(5e-324, 2090)
    with mpmath.workdps(50):
        exact = mpmath.diff(lambda x: mpmath.erfc(x), mpmath.mpf("0.4"), 3)
    assert sg.grad(sg.grad(sg.grad(ours.erfc)))(0.4) == pytest.approx(float(exact), rel=1e-13)


def test_what_is_brought_along_keeps_its_type() -> None:
    Pair = collections.namedtuple("Pair", "first second")

    def function(x: Any) -> Any:
        return x * x, (x, Pair(x, 2.0), [x], {"x": x})

    gradient, aux = sg.grad(function, has_aux=True)(3.0)

    assert gradient == 6.0
    assert aux == (3.0, Pair(3.0, 2.0), [3.0], {"x": 3.0})
    assert type(aux[1]) is Pair


def test_tuple_of_a_class_of_ones_own_is_brought_along_as_it_is() -> None:
    class Row(tuple):
        __slots__ = ()

    row = Row((1.0, 2.0))

    assert sg.grad(lambda x: (x * x, [row]), has_aux=True)(3.0)[1][0] is row


def test_what_only_looks_like_a_named_tuple_is_brought_along_as_it_is() -> None:
    class Factory:
        def _make(self, parts: Any) -> Any:
            raise AssertionError("nobody makes anything")

    factory = Factory()

    assert sg.grad(lambda x: (x * x, factory), has_aux=True)(3.0)[1] is factory


@pytest.mark.parametrize("argnum", [-1, -2, -3])
def test_negative_argnums_count_from_the_end(argnum: int) -> None:
    def f(x: Any, y: Any, z: Any) -> Any:
        return x * 2.0 + y * 3.0 + z * 5.0

    assert sg.grad(f, argnums=argnum)(1.0, 1.0, 1.0) == [5.0, 3.0, 2.0][-argnum - 1]
    assert sg.grad(f, argnums=(argnum,))(1.0, 1.0, 1.0) == ([5.0, 3.0, 2.0][-argnum - 1],)

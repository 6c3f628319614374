"""Linear algebra: numbers and shapes of NumPy's, derivatives of fifty digits, tapes for batches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp

import scalargrad as sg
from scalargrad import linalg
from scalargrad.core.order import post_order

RNG = np.random.default_rng(5)
SQUARE = RNG.normal(size=(4, 4))
OTHER = RNG.normal(size=(4, 3))
VECTOR = RNG.normal(size=4)
TALL = RNG.normal(size=(6, 4))
POSITIVE = SQUARE @ SQUARE.T + np.eye(4)

#: a call of ours, and the same of NumPy's
SAME: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "solve": (linalg.solve, np.linalg.solve),
    "inv": (lambda a, b: linalg.inv(a), lambda a, b: np.linalg.inv(a)),
    "det": (lambda a, b: linalg.det(a), lambda a, b: np.linalg.det(a)),
    "sign": (lambda a, b: linalg.slogdet(a)[0], lambda a, b: np.linalg.slogdet(a)[0]),
    "log of det": (lambda a, b: linalg.slogdet(a)[1], lambda a, b: np.linalg.slogdet(a)[1]),
    "matmul": (linalg.matmul, np.matmul),
    "norm": (lambda a, b: linalg.norm(b), lambda a, b: np.linalg.norm(b)),
    "norm inf": (lambda a, b: linalg.norm(b, math.inf), lambda a, b: np.linalg.norm(b, np.inf)),
    "norm 1": (lambda a, b: linalg.norm(b, 1), lambda a, b: np.linalg.norm(b, 1)),
}


def numbers(objects: Any) -> list[float]:
    """Return the numbers of an array of Values, or of one thing."""
    return [x.data if isinstance(x, sg.Value) else x for x in np.ravel(objects)]


@pytest.mark.parametrize("right", [VECTOR, OTHER], ids=["vector", "matrix"])
@pytest.mark.parametrize("name", SAME)
def test_numbers_and_shapes_are_those_of_numpy(name: str, right: Any) -> None:
    ours, theirs = SAME[name]
    expected = theirs(SQUARE, right)
    nested = ours(SQUARE.tolist(), right.tolist())
    array = ours(SQUARE, right)
    objects = ours(np.vectorize(sg.Value, otypes=[object])(SQUARE), right.astype(object))

    assert type(nested) in (list, float)
    assert np.shape(nested) == np.shape(array) == np.shape(objects) == expected.shape
    assert np.allclose(nested, expected)
    assert np.allclose(array, expected)
    assert np.allclose(numbers(objects), expected.ravel())
    if expected.shape:
        assert (array.dtype, objects.dtype) == (float, object)


@pytest.mark.parametrize("shapes", list(itertools.product([(1, 3), (2, 3), (3,)], [(3, 1), (3,)])))
def test_products_of_matrices_and_vectors_have_the_shapes_of_numpy(shapes: Any) -> None:
    left, right = (np.arange(1.0, 1 + math.prod(shape)).reshape(shape) for shape in shapes)

    assert np.array_equal(linalg.matmul(left, right), left @ right)
    assert np.shape(linalg.matmul(left, right)) == (left @ right).shape


@pytest.mark.parametrize("order", [None, 1, 2, 3, 0.5, math.inf, -math.inf])
def test_norms_of_vectors_are_those_of_numpy(order: Any) -> None:
    assert linalg.norm(VECTOR, order) == pytest.approx(np.linalg.norm(VECTOR, order), rel=1e-14)


@pytest.mark.parametrize("order", [None, "fro", 1, math.inf])
def test_norms_of_matrices_are_those_of_numpy(order: Any) -> None:
    assert linalg.norm(OTHER, order) == pytest.approx(np.linalg.norm(OTHER, order), rel=1e-14)


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@pytest.mark.parametrize("order", [None, 1, 3, math.inf])
def test_norms_along_an_axis_are_those_of_numpy(order: Any, axis: int) -> None:
    wanted = np.linalg.norm(OTHER, order, axis)

    assert linalg.norm(OTHER, order, axis) == pytest.approx(wanted, rel=1e-14)
    assert linalg.norm(OTHER.tolist(), order, axis) == pytest.approx(wanted.tolist(), rel=1e-14)
    in_values = linalg.norm([[sg.Value(x) for x in row] for row in OTHER.tolist()], order, axis)
    assert [x.data for x in in_values] == pytest.approx(wanted.tolist(), rel=1e-14)
    if axis in (0, -1):
        assert linalg.norm(VECTOR, order, axis) == linalg.norm(VECTOR, order)


def test_length_neither_overflows_nor_has_a_gradient_at_0() -> None:
    assert linalg.norm([3e200, 4e200]) == pytest.approx(5e200, rel=1e-15)
    assert sg.grad(linalg.norm)([0.0, 0.0]) == [0.0, 0.0]


def test_cholesky_is_that_of_numpy_with_zeros_above() -> None:
    assert np.allclose(linalg.cholesky(POSITIVE), np.linalg.cholesky(POSITIVE))
    assert linalg.cholesky([[4, 2], [2, 5]]) == [[2.0, 0.0], [1.0, 2.0]]


@pytest.mark.parametrize("right", [TALL[:, 0] + 1.0, RNG.normal(size=(6, 2))], ids=["b", "B"])
def test_least_squares_of_a_tall_matrix_are_those_of_numpy(right: Any) -> None:
    solution, residuals, *_ = np.linalg.lstsq(TALL, right)
    ours = linalg.lstsq(TALL, right)

    assert np.allclose(ours.solution, solution)
    assert np.allclose(ours.residuals, residuals)
    assert ours.residuals.shape == residuals.shape


@pytest.mark.parametrize("rows", [2, 4])
def test_least_squares_where_equations_can_be_met_have_no_residuals(rows: int) -> None:
    solution, residuals, *_ = np.linalg.lstsq(SQUARE[:rows], VECTOR[:rows])
    ours = linalg.lstsq(SQUARE[:rows], VECTOR[:rows])

    assert np.allclose(ours.solution, solution)
    assert len(ours.residuals) == len(residuals) == 0


def test_least_squares_stand_columns_that_are_almost_alike() -> None:
    a = [[1.0, 1.0, 1.0], [1e-7, 0.0, 0.0], [0.0, 1e-7, 0.0], [0.0, 0.0, 1e-7]]  # Läuchli
    ours = linalg.lstsq(a, [3.0, 1e-7, 1e-7, 1e-7])

    assert ours.solution == pytest.approx([1.0, 1.0, 1.0], rel=1e-7)  # AᵀA alone has no digit of it


# -- derivatives ---------------------------------------------------------------------------------

START = [[0.0, 2.0, 1.0], [1.0, 1.0, -1.0], [-2.0, 0.5, 3.0]]  # rows must be exchanged
DIRECTION = [[1.0, -0.5, 0.25], [0.5, 0.75, -1.0], [0.25, 1.0, 0.5]]
RIGHT = [1.0, -2.0, 0.5]


def moved(t: Any, cos: Any = sg.cos) -> list[list[Any]]:
    """Return a matrix that depends on t, also in curves."""
    rows = zip(START, DIRECTION, strict=True)
    return [[x + t * d + cos(t) * t * d for x, d in zip(*row, strict=True)] for row in rows]


def gram(rows: list[list[Any]]) -> list[list[Any]]:
    """Return A·Aᵀ + 1, entry by entry."""
    return [
        [sum((x * y for x, y in zip(p, q, strict=True)), float(p is q)) for q in rows] for p in rows
    ]


#: functions of t, and the same in mpmath
BY_T: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "solve": (
        lambda t: linalg.solve(moved(t), [*RIGHT[:2], t])[1],
        lambda t: mp.lu_solve(mp.matrix(moved(t, mp.cos)), mp.matrix([*RIGHT[:2], t]))[1],
    ),
    "inv": (
        lambda t: linalg.inv(moved(t))[2][0],
        lambda t: mp.inverse(mp.matrix(moved(t, mp.cos)))[2, 0],
    ),
    "det": (lambda t: linalg.det(moved(t)), lambda t: mp.det(mp.matrix(moved(t, mp.cos)))),
    "slogdet": (
        lambda t: linalg.slogdet(moved(t))[1],
        lambda t: mp.log(abs(mp.det(mp.matrix(moved(t, mp.cos))))),
    ),
    "cholesky": (
        lambda t: linalg.cholesky(gram(moved(t)))[2][1],
        lambda t: mp.cholesky(mp.matrix(gram(moved(t, mp.cos))))[2, 1],
    ),
    "lstsq": (
        lambda t: linalg.lstsq([*moved(t), [t, 1.0, 2.0]], [*RIGHT, t])[0][0],
        lambda t: mp.qr_solve(
            mp.matrix([*moved(t, mp.cos), [t, 1.0, 2.0]]), mp.matrix([*RIGHT, t])
        )[0][0],
    ),
    "lstsq, what is left": (
        lambda t: linalg.lstsq([*moved(t), [t, 1.0, 2.0]], [*RIGHT, t]).residuals[0],
        lambda t: (
            mp.qr_solve(mp.matrix([*moved(t, mp.cos), [t, 1.0, 2.0]]), mp.matrix([*RIGHT, t]))[1]
            ** 2
        ),
    ),
    "lstsq, wide": (
        lambda t: linalg.lstsq(moved(t)[:2], RIGHT[:2]).solution[0],
        lambda t: shortest(mp.matrix(moved(t, mp.cos)[:2]), mp.matrix(RIGHT[:2]))[0],
    ),
    "norm": (
        lambda t: linalg.norm(moved(t)),
        lambda t: mp.norm([x for row in moved(t, mp.cos) for x in row]),
    ),
}


def shortest(a: Any, b: Any) -> Any:
    """Return Aᵀ(AAᵀ)⁻¹b."""
    return a.T * mp.lu_solve(a * a.T, b)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("name", BY_T)
def test_derivatives_of_any_order_are_those_of_fifty_digits(name: str, order: int) -> None:
    ours, exact = BY_T[name]
    for _ in range(order):
        ours = sg.grad(ours)
    with mp.workdps(50):
        expected = float(mp.diff(exact, mp.mpf("0.25"), order))

    assert ours(0.25) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["solve", "inv", "det", "slogdet", "cholesky", "lstsq"])
def test_compiled_derivatives_of_any_order_are_eager_ones(name: str) -> None:
    ours, _ = BY_T[name]
    third = sg.grad(sg.grad(sg.grad(ours)))
    points = np.array([0.25, 0.5, 0.1])

    assert sg.compile(third)(points) == pytest.approx([third(t) for t in points], rel=1e-11)
    assert sg.grad(sg.compile(ours))(0.25) == pytest.approx(sg.grad(ours)(0.25), rel=1e-13)


def test_gradients_on_a_graph_are_a_graph_again() -> None:
    a = [[sg.Value(x) for x in row] for row in START]
    x = linalg.solve(a, RIGHT)
    by_entry = sg.gradients(x[0], a[2][0], create_graph=True)
    inverse = np.linalg.inv(np.array(START))
    expected = 2 * inverse[0, 2] * inverse[0, 2] * x[0].data  # d²x/dA² along one entry

    assert sg.gradients(by_entry, a[2][0]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        lambda a: sg.sum([sg.sin(x) for x in linalg.solve(a, RIGHT)]),
        lambda a: sg.sum([sg.sin(x) for row in linalg.inv(a) for x in row]),
        linalg.det,
        lambda a: linalg.slogdet(a)[1],
        lambda a: sg.sum([sg.sin(x) for x in linalg.lstsq(a, RIGHT).solution]),
        lambda a: sg.sum([sg.sin(x) for row in linalg.cholesky(gram(a)) for x in row]),
    ],
    ids=["solve", "inv", "det", "slogdet", "lstsq", "cholesky"],
)
def test_gradients_by_every_entry_are_central_differences(function: Callable[[Any], Any]) -> None:
    assert sg.check_gradients(function, START)


def test_gradient_of_cholesky_is_symmetric() -> None:
    gradient = sg.grad(lambda a: linalg.cholesky(a)[1][0])([[4.0, 2.0], [2.0, 5.0]])

    assert gradient == [[-0.125, 0.25], [0.25, 0.0]]  # of A₁₀/√A₀₀


def leibniz(a: Any) -> Any:
    """Return a determinant by its definition."""
    indices = range(len(a))
    total: Any = 0.0
    for order in itertools.permutations(indices):
        sign = (-1.0) ** sum(order[i] > order[j] for j in indices for i in range(j))
        total = total + sign * math.prod((a[i][order[i]] for i in indices), start=1.0)
    return total


@pytest.mark.parametrize(
    "a",
    [
        [[1.0, 2.0, 4.0], [2.0, 4.0, 8.0], [1.0, 3.0, 5.0]],
        [[0.0, 0.0, 0.0], [2.0, 4.0, 8.0], [1.0, 3.0, 5.0]],
        [[0.0, 2.0, 4.0], [0.0, 4.0, 1.0], [0.0, 3.0, 5.0]],
        [[2.0, 4.0, 1.0], [1.0, 2.0, 3.0], [4.0, 8.0, 5.0]],
        [[1.0, 2.0, 4.0], [2.0, 4.0, 8.0], [3.0, 6.0, 12.0]],
        [[0.0] * 3] * 3,
        [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]],
    ],
)
def test_determinant_of_a_singular_matrix_has_all_derivatives(a: Any) -> None:
    assert linalg.det(a) == pytest.approx(0.0, abs=1e-14)
    for derivative in (sg.grad, sg.hessian):
        ours, expected = derivative(linalg.det)(a), derivative(leibniz)(a)
        assert np.allclose(ours, expected, rtol=1e-14, atol=1e-14)


def test_determinants_of_singular_and_regular_matrices_share_a_batch() -> None:
    batch = np.array([START, [[1.0, 2.0, 4.0], [2.0, 4.0, 8.0], [1.0, 3.0, 5.0]], DIRECTION])
    value, gradient = sg.compile(linalg.det).value_and_grad(batch)

    assert value == pytest.approx(np.linalg.det(batch), abs=1e-12)
    assert np.allclose(gradient, [sg.grad(leibniz)(a.tolist()) for a in batch])


def test_logarithm_of_a_determinant_neither_overflows_nor_hides_that_it_is_0() -> None:
    sign, size = linalg.slogdet(np.diag([1e200, -1e200, 1e-3]))

    assert (sign, size) == (-1.0, pytest.approx(math.log(1e200) * 2 - math.log(1e3), rel=1e-15))
    assert linalg.slogdet([[1.0, 2.0], [2.0, 4.0]]) == (0.0, -math.inf)
    assert linalg.slogdet([[2.0]]).logabsdet == sg.compile(linalg.slogdet)([[2.0]]).logabsdet
    assert linalg.slogdet([[0.0, 0.0], [0.0, 0.0]]) == (0.0, -math.inf)


def test_small_numbers_alone_do_not_make_a_matrix_singular() -> None:
    assert linalg.solve([[1.0, 0.0], [0.0, 1e-30]], [1.0, 1e-30]) == [1.0, 1.0]
    assert linalg.solve([[1e-20, 1.0], [1.0, 1.0]], [1.0, 2.0]) == [1.0, 1.0]


def test_zeros_on_top_are_passed_over_and_nothing_else() -> None:
    a, b = [[4.0, 1.0, 0.0], [2.0, 5.0, 1.0], [1.0, 2.0, 6.0]], [0.0, 3.0, 7.0]
    values = [[sg.Value(x) for x in row] for row in a]

    assert [x.data for x in linalg.solve(values, b)] == pytest.approx(np.linalg.solve(a, b))


@pytest.mark.parametrize("call", [linalg.inv, lambda a: linalg.solve(a, [1.0, 2.0, 3.0])])
def test_matrix_that_is_singular_but_for_rounding_is_refused(call: Callable[[Any], Any]) -> None:
    with pytest.raises(sg.errors.InputError, match="column 2 is 0, or a sum"):
        call([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    with pytest.raises(sg.errors.InputError, match="column 2 is 0, or a sum"):
        call([[0.1, 0.2, 0.3], [0.4, 0.5, 0.9], [0.7, 0.8, 1.5]])


# -- graphs and tapes ------------------------------------------------------------------------------


def test_solution_is_made_of_some_n_squared_nodes_in_one_box() -> None:
    n = 20
    a = [[sg.Value(x) for x in row] for row in RNG.normal(size=(n, n))]
    x = linalg.solve(a, [1.0] * n)
    nodes = [node for node in post_order(*x) if node.parents]

    assert len(nodes) < 3 * n * n  # one by one, steps are 2/3·n³ = 5333
    assert {node.scope.name for node in nodes} == {"solve"}


def test_one_tape_does_for_every_order_of_rows() -> None:
    traced = []

    def solved(a: Any, b: Any) -> Any:
        traced.append(1)
        return linalg.solve(a, b)

    compiled = sg.compile(solved)
    a, b = RNG.normal(size=(200, 4, 4)), RNG.normal(size=(200, 4))

    assert np.allclose(compiled(a, b), np.linalg.solve(a, b[:, :, None])[:, :, 0])
    assert len(traced) == 2  # that it does the same twice is seen by running it twice


@pytest.mark.parametrize("function", [linalg.inv, linalg.slogdet, linalg.cholesky])
def test_batches_are_those_of_numpy(function: Callable[[Any], Any]) -> None:
    a = RNG.normal(size=(50, 3, 3))
    a = a @ a.transpose(0, 2, 1) + np.eye(3) if function is linalg.cholesky else a
    theirs = getattr(np.linalg, function.__name__)

    assert np.allclose(sg.compile(function)(a), theirs(a))


def test_solution_in_a_replay_follows_captured_values() -> None:
    a = [[sg.Value(x) for x in row] for row in START]
    compiled = sg.compile(lambda b: linalg.solve(a, b))
    compiled(RIGHT)
    a[1][1].data = 7.0  # now other rows come first
    changed = np.array([[x.data for x in row] for row in a])

    assert np.allclose(compiled(RIGHT), np.linalg.solve(changed, RIGHT))


def test_singular_matrix_in_a_batch_is_nan() -> None:
    compiled = sg.compile(linalg.inv)
    compiled(np.eye(2)[None])

    with pytest.warns(RuntimeWarning, match="in 1 of 2, .* lane 1 .*column 1 is 0, or a sum"):
        found = compiled(np.array([np.eye(2), [[1.0, 2.0], [2.0, 4.0]]]))
    assert np.array_equal(found[0], np.eye(2))
    assert np.isnan(found[1]).all()


def test_stack_of_matrices_is_shown_as_it_was_given() -> None:
    with pytest.raises(ValueError, match=r"A must be one matrix; got array\(\[\[\[2., 2.\], \[2"):
        linalg.solve(np.full((2, 2, 2), 2.0), [1.0, 2.0])

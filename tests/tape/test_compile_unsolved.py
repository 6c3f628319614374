"""Lanes without a solution are nan, and said once; at one point the sentence is an error."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import scalargrad as sg

linalg = sg.linalg
nan = math.nan

#: a function, lanes of which every second one has a solution, and what the others are told
KINDS: list[tuple[Callable[[Any], Any], list[float], str]] = [
    (lambda a: sg.newton(lambda x: x * x - a, 1.0), [nan, 4.0, -1.0, 9.0], "newton: f must be a"),
    (lambda a: sg.newton(lambda v: [v[0] ** 2 - a, v[1] - a], [1.0, 1.0])[0], [-1.0, 4.0],
     "newton: the steps must settle"),
    (lambda a: sg.root(lambda x: x * x - a, 0.0, 3.0), [10.0, 4.0, -1.0, 1.0], "root: f must have"),
    (lambda a: sg.root(lambda x: x - 0.5, 0.0, a), [math.inf, 1.0], "root: both ends must be"),
    (lambda a: sg.fixed_point(lambda x: a * x + 1.0, 0.0), [2.0, 0.5], "fixed_point: the steps"),
    (lambda a: linalg.solve([[a, 1.0], [1.0, 1.0]], [1.0, 2.0])[0], [1.0, 2.0, 1.0, 3.0],
     "solve: A must not be singular"),
    (lambda a: linalg.inv([[a, 1.0], [1.0, 1.0]])[0][0], [1.0, 2.0], "inv: A must not be singular"),
    (lambda a: linalg.cholesky([[a, 1.0], [1.0, 1.0]])[1][1], [-2.0, 2.0, 0.5, 3.0],
     "cholesky: A must be positive definite"),
    (lambda a: linalg.cholesky([[4.0, a], [1.0, 1.0]])[1][1], [3.0, 1.0],
     "cholesky: A must be symmetric"),
    (lambda a: sg.interp(1.5, [1.0, a], [1.0, 2.0]), [0.5, 2.0], "interp: xs must not fall"),
    (lambda a: linalg.lstsq([[a, 1.0], [1.0, 1.0], [1.0, 1.0]], [1.0, 2.0, 3.0]).solution[0],
     [1.0, 2.0], "lstsq: the columns of a tall A"),
]  # fmt: skip


def told(call: Callable[[], Any]) -> tuple[Any, list[str]]:
    """Return what a call gives, and what it says on the way."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        result = call()
    return result, [str(one.message) for one in heard]


@pytest.mark.parametrize("is_first", [True, False], ids=["bad lane first", "good lane first"])
@pytest.mark.parametrize(("f", "numbers", "words"), KINDS, ids=[words for *_, words in KINDS])
def test_lane_without_a_solution_is_nan_and_the_others_are_computed(
    f: Callable[[Any], Any], numbers: list[float], words: str, is_first: bool
) -> None:
    lanes = np.array(numbers if is_first else numbers[::-1])
    good = np.arange(len(lanes)) % 2 == int(is_first)
    expected = [sg.value_and_grad(f)(x) for x in lanes[good]]
    compiled = sg.compile(f)

    values, heard = told(lambda: compiled(lanes))
    (both, (slopes,)), heard_again = told(lambda: compiled.value_and_grad(lanes))

    assert np.isnan(values[~good]).all()
    assert np.isnan(slopes[~good]).all()
    assert values[good].tolist() == [value for value, _ in expected]
    assert np.array_equal(both, values, equal_nan=True)
    assert slopes[good].tolist() == pytest.approx([slope for _, slope in expected], rel=1e-14)
    (sentence,) = heard
    first = 0 if is_first else 1
    assert (
        f"in {len(lanes) // 2} of {len(lanes)}, which are nan, the first of them lane {first} ("
        in (sentence)
    )
    assert heard_again == heard
    if is_first:
        assert words in sentence


@pytest.mark.parametrize(("f", "numbers", "words"), KINDS, ids=[words for *_, words in KINDS])
def test_one_point_without_a_solution_is_an_error_as_before(
    f: Callable[[Any], Any], numbers: list[float], words: str
) -> None:
    compiled = sg.compile(f)
    compiled(numbers[1])
    for call in (f, sg.compile(f), compiled, compiled.value_and_grad):
        with pytest.raises((ArithmeticError, ValueError), match=words):
            call(numbers[0])


def test_gradient_of_what_was_captured_is_nan_where_a_lane_is() -> None:
    w, other = sg.Value(2.0), sg.Value(3.0)
    compiled = sg.compile(lambda a: w * linalg.inv([[a]])[0][0] if a > -1.0 else other * a)

    loss, heard = told(lambda: compiled.backward(np.array([1.0, 0.0, -2.0]), reduction="sum"))

    assert math.isnan(loss)
    assert math.isnan(w.grad)
    assert other.grad == -2.0
    assert len(heard) == 1


def test_solutions_beside_what_has_none_share_a_backward_pass() -> None:
    w = sg.Value(2.0)
    compiled = sg.compile(
        lambda a: sg.newton(lambda x: x * x - w * a, 1.0) if a > 1.0 else w * a * a
    )

    assert compiled.backward(np.array([2.0, 1.0]), reduction="sum") == 4.0
    assert w.grad == pytest.approx(0.5 + 1.0, rel=1e-15)


def test_lane_that_chooses_something_else_is_without_a_solution_all_the_same() -> None:
    compiled = sg.compile(lambda a: sg.where(a > 0.0, sg.newton(lambda x: x * x - a, 1.0), a))

    values, heard = told(lambda: compiled(np.array([4.0, -4.0])))
    assert values[0] == 2.0
    assert math.isnan(values[1])
    assert len(heard) == 1
    with pytest.raises(ArithmeticError, match="newton: the steps must settle"):
        compiled(-4.0)


def test_batch_of_which_no_lane_is_known_to_give_anything_is_refused() -> None:
    compiled = sg.compile(linalg.inv)

    with pytest.raises(sg.errors.NoSolutionError, match="column 0 is 0") as caught:
        compiled(np.zeros((3, 2, 2)))
    assert caught.value.__notes__ == ["It is lane 0 of 3, none of which has a solution."]
    compiled(np.eye(2)[None])
    assert np.isnan(told(lambda: compiled(np.zeros((3, 2, 2))))[0]).all()


def test_jacobian_at_a_point_without_a_solution_is_an_error() -> None:
    def f(a: Any) -> Any:
        root = sg.newton(lambda x: x * x - a[0], 1.0)
        return [root * x for x in a]

    jacobian = sg.jacobian(sg.compile(f))
    assert jacobian([4.0, 1.0, 1.0, 1.0, 1.0, 1.0])[1][1] == 2.0
    with pytest.raises(ArithmeticError, match="newton: the steps must settle"):
        jacobian([-4.0, 1.0, 1.0, 1.0, 1.0, 1.0])


def test_operation_of_ones_own_that_raises_stops_the_batch_as_before() -> None:
    @sg.custom(lambda x: 0.5 / math.sqrt(x))
    def strict(x: float) -> float:
        return math.sqrt(x)

    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        sg.compile(strict)(np.array([4.0, -9.0]))


def test_error_of_an_equation_that_is_caught_is_no_path_for_other_numbers() -> None:
    def caught(a: Any) -> Any:
        try:
            return sg.newton(lambda x: x * x - a, 1.0)
        except ArithmeticError:
            return a

    compiled = sg.compile(caught)
    with pytest.raises(ArithmeticError, match="newton: the steps must settle"):
        compiled(-2.0)
    values, heard = told(lambda: compiled(np.array([-2.0, 4.0])))
    assert math.isnan(values[0])
    assert values[1] == 2.0
    assert len(heard) == 1


def test_warning_names_the_line_of_the_user() -> None:
    compiled = sg.compile(lambda a, *, k: sg.newton(lambda x: x * x - a, 1.0), static=("k",))
    with pytest.warns(RuntimeWarning, match="every lane") as heard:
        compiled(np.array([4.0, -2.0]), k="kind")
    assert heard[0].filename == __file__


def test_lane_without_a_solution_on_a_path_that_no_tape_has_is_nan() -> None:
    def two_ways(a: Any) -> Any:
        if a > 0.0:
            return a * 2.0
        return sg.newton(lambda x: x * x - (a + 3.0), 1.0)

    compiled = sg.compile(two_ways)
    for lanes, wanted in (([1.0, -4.0], [2.0, math.nan]), ([1.0, -4.0, 1.0, -2.0, -7.0],
                           [2.0, math.nan, 2.0, 1.0, math.nan])):  # fmt: skip
        (values, (grads,)), heard = told(
            lambda lanes=lanes: compiled.value_and_grad(np.array(lanes))
        )
        np.testing.assert_array_equal(values, wanted)
        assert np.isnan(grads).tolist() == np.isnan(wanted).tolist()
        assert "lane 1" in heard[0]
    (values, _), heard = told(lambda: compiled.value_and_grad(np.array([1.0, 3.0])))
    assert (values.tolist(), heard) == ([2.0, 6.0], [])

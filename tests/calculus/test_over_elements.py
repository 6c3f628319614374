"""The derivative of a function at every element: shapes, nesting, tapes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import scalargrad as sg


def wave(x, a=3.0):
    return sg.sin(a * x) * x


def slope(x, a=3.0):
    return a * math.cos(a * x) * x + math.sin(a * x)


def test_what_comes_out_is_like_what_went_in():
    found = sg.elementwise(wave)(np.array([[0.1, -0.2], [0.3, 4.0]]))

    assert isinstance(found, np.ndarray)
    assert found.dtype == float
    assert found.shape == (2, 2)
    numbers = [slope(x) for x in (0.1, -0.2, 0.3, 4.0)]
    assert found.ravel() == pytest.approx(numbers, rel=1e-13)
    assert sg.elementwise(wave)([0.1, [-0.2, (0.3,)]]) == [
        found[0, 0], [found[0, 1], (found[1, 0],)]
    ]  # fmt: skip
    assert sg.elementwise(wave)(0.1) == found[0, 0]
    assert sg.elementwise(wave)([]) == []


def test_further_arguments_go_to_every_call():
    assert sg.elementwise(wave)([0.5], 2.0) == pytest.approx([slope(0.5, 2.0)])
    assert sg.elementwise(wave)([0.5], a=2.0) == pytest.approx([slope(0.5, 2.0)])


def test_elements_do_not_meet_and_functions_of_numpy_do():
    assert sg.elementwise(lambda x: np.arctan2(x, 2.0))(np.array([0.0, 2.0])) == pytest.approx(
        [0.5, 0.25]
    )


def test_it_nests_and_a_value_keeps_its_graph():
    xs = np.array([0.3, 1.7])
    second = sg.elementwise(sg.elementwise(lambda x: x**3))(xs)
    assert second.tolist() == pytest.approx([6 * 0.3, 6 * 1.7])

    leaf = sg.Value(0.3)
    (node,) = sg.elementwise(lambda x: x**3)([leaf])
    node.backward()
    assert leaf.grad == pytest.approx(6 * 0.3)
    assert sg.grad(lambda x: sg.elementwise(lambda t: t**3)([x, 2 * x])[1])(0.3) == pytest.approx(
        6 * 0.6 * 2
    )


def test_compiled_function_runs_over_the_whole_array():
    calls = []

    def counted(x):
        calls.append(x)
        return wave(x)

    compiled = sg.compile(counted)
    xs = np.linspace(-2.0, 2.0, 101)
    found = sg.elementwise(compiled)(xs.reshape(1, 101))
    assert found.shape == (1, 101)
    assert found[0].tolist() == sg.elementwise(wave)(xs).tolist()
    assert len(calls) < 5
    assert sg.elementwise(compiled)(0.5) == sg.grad(wave)(0.5)
    assert sg.elementwise(sg.compile(wave))([0.5], 2.0) == sg.elementwise(wave)([0.5], 2.0)


@pytest.mark.parametrize(
    ("function", "argument"), [(lambda x: [x], [1.0]), (wave, ["1"]), (3.0, [1.0])]
)
def test_refusals_name_it(function, argument):
    with pytest.raises(TypeError, match=r"^elementwise: "):
        sg.elementwise(function)(argument)


def test_series_and_tables_are_taken_by_position() -> None:
    series = pd.Series([1.0, 2.0], index=[8, 9])

    assert sg.elementwise(lambda x: x**2)(series).tolist() == [2.0, 4.0]
    assert sg.elementwise(sg.compile(lambda x: x**2))(series).tolist() == [2.0, 4.0]
    assert sg.elementwise(lambda x: x**2)(series.to_frame()).tolist() == [[2.0], [4.0]]

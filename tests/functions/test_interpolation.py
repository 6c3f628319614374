"""Interpolation against NumPy's, on floats and Values; its derivatives against differences."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import scalargrad as sg

XS = [-1.0, 0.1, 0.7, 2.0, 5.5]
YS = [3.0, -0.3, 1.1, 1.1, -4.0]
AT = [-9.0, -1.0, -0.5, 0.1, 0.3, 0.7, 1.9, 2.0, 3.3, 5.5, 7.0, math.inf, -math.inf, -0.0]


def test_numbers_have_the_bits_of_numpy(Value):
    for x in AT:
        expected = float(np.interp(x, XS, YS))
        found = sg.interp(x, XS, YS)
        assert type(found) is float
        assert found == expected
        assert sg.interp(Value(x), XS, YS).data == expected
        assert sg.interp(Value(x), np.array(XS), tuple(map(Value, YS))).data == expected
        for node in (
            sg.interp(x, list(map(Value, XS)), YS),
            sg.interp(x, XS, [*YS[:4], Value(-4.0)]),
        ):
            assert type(node) is Value
            assert node.data == expected
    assert math.isnan(sg.interp(math.nan, XS, YS))
    assert math.isnan(sg.interp(Value(math.nan), XS, YS).data)


def exact(x: Fraction, xs: list[Fraction], ys: list[Fraction]) -> Fraction:
    for left, (low, high) in enumerate(pairwise(xs)):
        if low <= x < high:
            return ys[left] + (x - low) * (ys[left + 1] - ys[left]) / (high - low)
    return ys[0] if x < xs[0] else ys[-1]


def test_derivatives_by_place_knots_and_heights_are_those_of_differences(Value):
    h = Fraction(1, 10**12)
    for x in (-9.0, -0.5, 0.3, 1.9, 3.3, 7.0):
        numbers = [x, *XS, *YS]
        leaves = list(map(Value, numbers))
        sg.interp(leaves[0], leaves[1:6], leaves[6:]).backward()
        for i, leaf in enumerate(leaves):
            ends = []
            for step in (h, -h):
                moved = list(map(Fraction, numbers))
                moved[i] += step
                ends.append(exact(moved[0], moved[1:6], moved[6:]))
            assert leaf.grad == pytest.approx(float((ends[0] - ends[1]) / (2 * h)), abs=1e-9)


def test_at_a_knot_the_slope_to_the_right_counts_and_at_the_last_that_to_the_left():
    slope = sg.grad(lambda x: sg.interp(x, XS, YS))
    slopes = [(b - a) / (d - c) for a, b, c, d in zip(YS, YS[1:], XS, XS[1:], strict=False)]

    assert [slope(x) for x in XS] == [*slopes, slopes[-1]]
    assert slope(-1.1) == slope(5.6) == slope(math.inf) == 0.0


def test_jumps_and_single_points(Value):
    xs, ys = [0.0, 1.0, 1.0, 2.0], [0.0, 1.0, 5.0, 6.0]
    assert sg.interp(1.0, xs, ys) == np.interp(1.0, xs, ys) == 5.0
    assert sg.interp(0.5, xs, ys) == 0.5
    assert sg.interp(1.0, [0.0, 1.0, 1.0], [0.0, 1.0, 5.0]) == 5.0
    leaf = Value(1.0)
    sg.interp(leaf, [1.0], [7.0]).backward()
    assert (sg.interp(leaf, [1.0], [7.0]).data, leaf.grad) == (7.0, 0.0)


def test_compiled_over_a_batch_every_lane_has_its_segment():
    f = sg.compile(lambda x, a: sg.interp(x * x, XS, [a, *YS[1:]]) * a)
    xs = np.array([0.0, 0.3, 0.5, 0.9, 1.5, 3.0, math.sqrt(2.0)])
    values, (by_x, by_a) = f.value_and_grad(xs, np.full(7, 2.5))

    for x, *found in zip(xs.tolist(), values, by_x, by_a, strict=True):
        value, gradients = sg.value_and_grad(
            lambda x, a: sg.interp(x * x, XS, [a, *YS[1:]]) * a, argnums=(0, 1)
        )(x, 2.5)
        assert found == [value, *gradients]


def test_second_derivatives_go_through_the_knots():
    found = sg.hessian(lambda v: sg.interp(v[0], [0.0, v[1]], [1.0, v[2]]))([0.5, 2.0, 7.0])

    x, knot, rise = 0.5, 2.0, 6.0  # 1 + x·(y − 1)/k
    assert found[0] == pytest.approx([0.0, -rise / knot**2, 1 / knot], rel=1e-15)
    assert found[1] == pytest.approx([-rise / knot**2, 2 * x * rise / knot**3, -x / knot**2])
    assert found[2] == pytest.approx([1 / knot, -x / knot**2, 0.0])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("1", XS, YS), TypeError), ((1.0, XS, YS[1:]), ValueError), ((1.0, [], []), ValueError),
        ((1.0, 3.0, YS), TypeError), ((1.0, [0.0, "1"], [1.0, 2.0]), TypeError),
        ((1.0, [1.0, 0.0], [1.0, 2.0]), ValueError), ((1.0, [0.0, math.nan], [1, 2]), ValueError),
    ],
)  # fmt: skip
def test_what_is_no_curve_is_refused(arguments, error):
    with pytest.raises(error, match=r"^interp: "):
        sg.interp(*arguments)


def test_nesting_of_xs_gives_one_of_heights_an_array_for_an_array() -> None:
    xs, ys = [0.0, 1.0, 3.0], [0.0, 2.0, -2.0]
    points = np.array([[0.5, -1.0], [2.5, 3.0]])
    x = sg.Value(0.5)

    found = sg.interp(points, xs, ys)
    mixed = sg.interp(np.array([x, 2.0], dtype=object), xs, ys)

    assert found.dtype == float
    assert found.tolist() == np.interp(points, xs, ys).tolist()
    assert sg.interp([0.5, [2.0]], xs, ys) == [1.0, [0.0]]
    assert sg.interp(pd.Series([0.5, 2.0], index=[8, 9]), xs, ys).tolist() == [1.0, 0.0]
    assert sg.interp(np.float64(0.5), xs, ys) == 1.0
    assert (mixed[0].data, mixed[1]) == (1.0, 0.0)
    mixed[0].backward()
    assert x.grad == 2.0
    slope = sg.grad(lambda a: sg.sum(sg.interp(points * a, xs, ys).ravel()))(1.0)
    assert slope == pytest.approx(0.5 * 2 - 2 * 2.5 - 2 * 3.0)
    with pytest.raises(TypeError, match="interp: x must be a number; got 'a'"):
        sg.interp(["a"], xs, ys)

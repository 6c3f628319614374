"""NumPy on Values does what the guide says: its tables are what the functions do when tried."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy_functions import (
    INSTEAD,
    VERSION,
    flat,
    functions,
    loses_a_nan,
    numbers_of,
    outcome,
    points,
    ufuncs,
)

import scalargrad as sg

PAGE = Path(__file__).parents[2] / "examples" / "guide" / "9-numpy.md"
WORDS = {"yes": "yes", "plain numbers": "plain", "no": "no", "–": ""}
NAMES = re.compile(r"`([\w.]+)`")


def told() -> dict[str, tuple[str, str]]:
    """Return what the table of the guide says of each function."""
    rows = re.findall(
        r"^\| (`.*`) \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    return {
        name: (WORDS[many], WORDS[one])
        for names, many, one in rows
        for name in NAMES.findall(names)
    }


CALLS = functions()


@pytest.mark.parametrize("name", sorted(CALLS))
def test_function_of_numpy_does_on_values_what_the_guide_says(name: str) -> None:
    if name not in told() and tuple(map(int, np.__version__.split(".")[:2])) > VERSION:
        pytest.skip("newer than the table")
    assert (outcome(name, CALLS[name], False), outcome(name, CALLS[name], True)) == told()[name]


def test_guide_names_the_functions_that_lose_a_nan() -> None:
    paragraph = re.search(r"among floats, in\n\n(.*?)\n\n", PAGE.read_text("utf-8"), re.DOTALL)
    assert paragraph
    lose = {
        name for name, (many, _) in told().items()
        if name in CALLS and many in ("yes", "plain") and loses_a_nan(name, CALLS[name])
    }  # fmt: skip
    assert lose == set(NAMES.findall(paragraph[1])) & set(CALLS)


def test_guide_has_a_way_for_each_function_that_numpy_finds_none_for() -> None:
    ways = re.findall(r"^\| `([\w.]+)` \| `(.*)` \|$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert dict(ways) == INSTEAD
    assert {name for name, pair in told().items() if "no" in pair} == set(INSTEAD)


@pytest.mark.parametrize("name", sorted(set(INSTEAD) & set(CALLS)))
def test_what_the_guide_writes_instead_gives_the_numbers_of_numpy(name: str) -> None:
    x, y = map(np.array, points(name))
    vs, ws = (np.array(list(map(sg.Value, numbers))) for numbers in (x, y))
    names: dict[str, Any] = {
        "v": vs[0], "w": ws[0], "vs": vs, "ws": ws, "matrix": vs.reshape(2, 2), "np": np, "sg": sg,
        "xs": [-1.0, 0.5, 2.0], "ys": [1.0, 3.0, -1.0],
    }  # fmt: skip
    code = INSTEAD[name]

    found = numbers_of(flat(eval(code, names)))

    expected = flat(CALLS[name](x, y) if re.search("vs|matrix", code) else CALLS[name](x[0], y[0]))
    if name == "corrcoef":
        expected = [expected[1]]
    if name == "gradient":  # the inner ones: at the ends NumPy takes differences to one side
        expected = expected[1:-1]
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_every_ufunc_of_numpy_is_tried() -> None:
    assert {name for name, _ in ufuncs()} <= set(CALLS)


def test_trial_sees_a_method_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome("hypot", np.hypot, False) == "yes"
    monkeypatch.setattr(sg.Value, "hypot", lambda x, y: sg.hypot(x, y) * 1.000001)
    assert outcome("hypot", np.hypot, False) == "wrong"
    monkeypatch.setattr(sg.Value, "hypot", lambda x, y: sg.hypot(x, y.data))
    assert outcome("hypot", np.hypot, False) == "wrong"


# -- programs as one would write them ------------------------------------------------------------


def test_arm_of_three_joints_reaches_for_a_point() -> None:
    lengths = np.array([1.0, 0.8, 0.5])
    goal = np.array([0.9, 1.3])
    joints = np.array(sg.values(shoulder=0.3, elbow=0.2, wrist=-0.1))

    def hand(angles: Any) -> Any:
        turned = np.cumsum(angles)
        return np.array([lengths @ np.cos(turned), lengths @ np.sin(turned)])

    for _ in range(200):
        miss = np.hypot(*(hand(joints) - goal))
        bent = np.fabs(np.rad2deg(joints) / 90).max()  # no joint further than it must
        loss = miss**2 + 1e-9 * bent
        sg.zero_grad(joints)
        loss.backward()
        for joint in joints:
            joint.data -= 0.2 * joint.grad

    numbers = np.array([joint.data for joint in joints])
    assert hand(numbers) == pytest.approx(goal, abs=1e-4)
    direction = np.arctan2(*reversed(hand(joints)))
    direction.backward()  # on the circle around the shoulder the hand goes with it
    assert direction.data == pytest.approx(np.arctan2(1.3, 0.9), abs=1e-4)
    assert sg.gradients(direction, joints[0]) == pytest.approx(1.0, rel=1e-12)


def test_wound_up_phases_are_compared_modulo_a_turn() -> None:
    times = np.linspace(0.0, 9.0, 40)
    measured = (2.7 * times + 0.4) % (2 * np.pi)

    def loss(rate: Any, start: Any) -> Any:
        apart = (rate * times + start - measured + np.pi) % (2 * np.pi) - np.pi
        return np.var(apart) + np.mean(apart) ** 2

    point = [2.72, 0.3]
    for _ in range(300):
        slopes = sg.grad(loss, argnums=(0, 1))(*point)
        assert slopes == pytest.approx(differences(loss, point), abs=1e-6)
        point = [
            x - step * slope for x, step, slope in zip(point, (0.01, 0.3), slopes, strict=True)
        ]
    assert point == pytest.approx([2.7, 0.4], abs=1e-6)


def differences(f: Any, point: list[float]) -> list[float]:
    h, slopes = 1e-6, []
    for i in range(len(point)):
        ends = [f(*(x + h * sign * (i == k) for k, x in enumerate(point))) for sign in (1, -1)]
        slopes.append((ends[0] - ends[1]) / (2 * h))
    return slopes


def test_probit_regression_finds_the_maximum_of_its_likelihood() -> None:
    draw = np.random.default_rng(15)
    inputs = draw.normal(size=(60, 2))
    signs = np.where(inputs @ [1.5, -0.7] + 0.2 + draw.normal(size=60) > 0, 1.0, -1.0)
    likelihood = np.frompyfunc(sg.log_ndtr, 1, 1)

    def loss(weights: Any) -> Any:
        return -likelihood(signs * (inputs @ weights[:2] + weights[2])).sum()

    weights = np.array([40.0, 40.0, 0.0])  # so far off that Φ itself would be 0
    assert loss(weights) > 800.0
    for _ in range(30):
        slopes, curvature = sg.grad(loss)(weights), np.array(sg.hessian(loss)(weights))
        weights = weights - np.linalg.solve(curvature, slopes)
    assert np.abs(sg.grad(loss)(weights)).max() < 1e-12
    assert weights == pytest.approx([1.5, -0.7, 0.2], abs=0.6)

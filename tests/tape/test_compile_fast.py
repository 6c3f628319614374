"""Fast mode: within a few units in the last place of strict mode; threads change no bit."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
from memory import IS_SANITIZED
from replays import COSTS, KINDS

import scalargrad as sg
from scalargrad import _engine
from scalargrad.functions.elementary import apply_binary, apply_unary
from scalargrad.table.row import ROWS, Row
from scalargrad.tape.replay import BY_INPUTS

ROWS_OF_NUMBERS = [row for row in ROWS.values() if isinstance(row, Row)]

#: in the last place of the value, or of the largest term where terms cancel
MOST_ULP = 8
CANCELS = {"silu", "gelu", "pow_x", "pow_y", "pow_xx", "pow_xy", "pow_yy"}


@pytest.fixture(params=KINDS or ["replay"])
def kind(request: pytest.FixtureRequest) -> Any:
    """Run on each kind of kernels that this processor has."""
    if KINDS:
        _engine.machine().use(request.param)
        yield request.param
        _engine.machine().use(KINDS[0])
    else:
        yield request.param


def both_modes(function: Any, *columns: Any) -> list[list[Any]]:
    """Return value and gradients of strict and of fast mode."""
    found = []
    for mode in ("strict", "fast"):
        values, grads = sg.compile(function, mode=mode).value_and_grad(*columns)
        found.append([values, *grads])
    return found


@pytest.mark.parametrize("row", ROWS_OF_NUMBERS, ids=lambda row: row.name)
def test_rows_are_near_strict_mode(kind: str, row: Row) -> None:
    draw = np.random.default_rng(0)
    columns = [draw.uniform(*ends, 999) for ends in row.sample]
    apply = functools.partial(apply_unary if row.arity == 1 else apply_binary, row)
    for exact, quick in zip(*both_modes(apply, *columns), strict=True):
        size = np.maximum(np.abs(exact), 1.0) if row.name in CANCELS else np.abs(exact)
        assert np.all(np.abs(exact - quick) <= MOST_ULP * np.spacing(size))


@pytest.mark.parametrize("row", ROWS_OF_NUMBERS, ids=lambda row: row.name)
def test_special_points_are_those_of_strict_mode(kind: str, row: Row) -> None:
    points = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e300, -1e-300, 0.5]
    lanes = [(x, y) for x in points for y in points][: 100 if row.arity == 2 else 91 : 1]
    columns = [np.array(column) for column in zip(*lanes, strict=True)][: row.arity]
    apply = functools.partial(apply_unary if row.arity == 1 else apply_binary, row)
    for exact, quick in zip(*both_modes(apply, *columns), strict=True):
        finite = np.isfinite(exact)
        assert np.array_equal(exact[~finite], quick[~finite], equal_nan=True)
        assert np.allclose(exact[finite], quick[finite], rtol=1e-14, atol=1e-300)


@pytest.mark.skipif(IS_SANITIZED, reason="built without fused multiply-add")
@pytest.mark.skipif(KINDS[:1] in ([], ["baseline"]), reason="no kind of kernels but one")
def test_fast_kernels_are_those_of_the_kind_in_use() -> None:
    pytest.importorskip("scalargrad._native._fast")
    points = np.random.default_rng(0).uniform(-2.0, 2.0, 512)
    found = []
    for kind in (KINDS[0], "baseline", KINDS[0]):
        _engine.machine().use(kind)
        found.append(sg.compile(sg.sin, mode="fast")(points).tobytes())

    assert found[0] == found[2] != found[1]  # only the baseline rounds each product


def network_loss(x: Any, t: Any) -> Any:
    """Compute a loss of a small network."""
    return sg.cross_entropy(NET.predict(x), t)


NET = sg.nn.TwoLayerNet(6, 9, 3, seed=1, weight_init_std="he")


def test_networks_are_near_strict_mode(kind: str) -> None:
    draw = np.random.default_rng(0)
    x, t = draw.normal(size=(77, 6)), draw.integers(0, 3, 77)
    grads = []
    for mode in ("strict", "fast"):
        NET.zero_grad()
        sg.compile(network_loss, mode=mode).backward(x, t)
        grads.append([p.grad for p in NET.parameters()])
    assert grads[0] == pytest.approx(grads[1], rel=1e-12, abs=1e-15)


def test_equal_lines_are_merged() -> None:
    if not KINDS:
        pytest.skip("the machine was not built here")

    def function(x: Any) -> Any:
        return sg.exp(x) * sg.sin(sg.exp(x)) + sg.exp(x)

    columns = [np.linspace(-2, 2, 33)]
    for exact, quick in zip(*both_modes(function, *columns), strict=True):
        assert np.allclose(exact, quick, rtol=1e-14)
    sizes = []
    for mode in ("strict", "fast"):
        f = sg.compile(function, mode=mode)
        f.value_and_grad(*columns)
        (path,) = next(iter(f._paths.values())).known
        plan = path.runner.plan(BY_INPUTS).describe()
        sizes.append([len(plan[name]["instructions"]) for name in ("forward", "backward")])
    assert sizes[0][0] == sizes[1][0] == 4  # one exp
    assert sizes[0][1] > sizes[1][1]  # its gradients are added first


def test_merged_lines_stay_where_they_are_read() -> None:
    def outputs(a: Any, b: Any) -> Any:
        return [a * b + a * 3.0 + b * 3.0 + a * a + b * b, a * b]

    def guarded(a: Any, b: Any) -> Any:
        s = a * b + a * 3.0 + b * 3.0 + a * 5.0 + b * 7.0
        return a * b if s > 1 else -s

    assert sg.compile(outputs, mode="fast")(2.0, 3.0) == [34.0, 6.0]
    assert sg.compile(guarded, mode="fast").value_and_grad(2.0, 3.0) == (6.0, (3.0, 2.0))
    columns = np.array([2.0, -2.0]), np.array([3.0, -3.0])
    assert sg.compile(guarded, mode="fast")(*columns).tolist() == [6.0, 40.0]


def test_threads_change_no_bit(kind: str) -> None:
    draw = np.random.default_rng(0)
    count = 3 * COSTS["CHUNK"] + 5 if KINDS else 50
    x, t = draw.normal(size=(count, 6)), draw.integers(0, 3, count)
    found = []
    for threads in (1, 2, 5):
        NET.zero_grad()
        f = sg.compile(network_loss, threads=threads)
        total = f.backward(x, t)
        values, (by_x, _) = f.value_and_grad(x, t)
        grads = [p.grad for p in NET.parameters()]
        found.append((total, grads, values.tobytes(), by_x.tobytes()))
    assert found[0] == found[1] == found[2]

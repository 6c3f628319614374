"""Random functions give what they give eagerly, on every replay."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_programs import NUMBERS, programs, run
from replays import KINDS, agrees, has_products

import scalargrad as sg
from scalargrad import _engine
from scalargrad.tape import compiled
from scalargrad.tape.replay import Replay


@settings(max_examples=200, deadline=None)
@given(programs(), st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=11), st.data())
def test_random_functions_give_what_they_give_eagerly(
    steps: list[tuple[Any, ...]], lanes: list[tuple[float, float]], data: st.DataObject
) -> None:
    # a sum over lanes, times a partial beyond 1e290, may overflow where none of its terms does
    w = sg.Value(data.draw(st.floats(-2, 2).filter(lambda x: x == 0 or abs(x) > 1e-290)))
    u = sg.Value(0.5)

    def function(x: Any, y: Any) -> Any:
        return run(steps, [x, y, w, u, x * y])

    replays = [Replay, *KINDS]
    for kind in replays:
        with pytest.MonkeyPatch.context() as patch:
            if kind is Replay:
                patch.setattr(compiled, "runner_for", lambda tape, mode: Replay(tape))
            else:
                _engine.machine().use(kind)
            if kind is Replay or not has_long_dots(function, lanes):
                agrees(function, lanes)
            _agrees_in_parameters(function, lanes, (w, u))
    if KINDS:
        _engine.machine().use(KINDS[0])


def has_long_dots(function: Callable[..., Any], lanes: Any) -> bool:
    """Tell whether there are matrix products, which are added up in another order."""
    f = sg.compile(function)
    f(*map(np.array, zip(*lanes, strict=True)))
    return has_products(f)


def _agrees_in_parameters(function: Callable[..., Any], lanes: Any, parameters: Any) -> None:
    sums, sizes = [0.0, 0.0], [0.0, 0.0]
    for lane in lanes:
        sg.zero_grad(parameters)
        result = function(*map(sg.Value, lane))
        result.backward()
        sums = [a + p.grad for a, p in zip(sums, parameters, strict=True)]
        sizes = [a + abs(p.grad) for a, p in zip(sizes, parameters, strict=True)]
    sg.zero_grad(parameters)
    f = sg.compile(function)
    f.backward(*map(np.array, zip(*lanes, strict=True)), reduction="sum")
    for parameter, total, size in zip(parameters, sums, sizes, strict=True):
        found = parameter.grad
        if math.isfinite(total) and math.isfinite(size) and size < 1e290:
            assert abs(found - total) <= 1e-9 * max(size, 1e-290), (found, total)
    sg.zero_grad(parameters)

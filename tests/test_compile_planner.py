"""Plans: what is equal is computed once, sums and dots are lifted, and every bit stays."""

from __future__ import annotations

import numpy as np
import pytest
from replays import KINDS

import scalargrad as sg


def test_plans_lift_layers_to_matrix_products() -> None:
    if not KINDS:
        pytest.skip("the machine was not built here")
    net = sg.nn.TwoLayerNet(20, 9, 4, seed=0)
    f = sg.compile(lambda x, t: net.loss(x, t))
    f.backward(np.zeros((3, 20)), np.zeros(3, int))
    (path,) = next(iter(f._paths.values())).known
    *_, groups, slots, gradients = path.runner.plan(2).described()
    assert [group[:2] for group in groups] == [(21, 9), (10, 4)]
    assert gradients < slots

"""What a type checker knows of the public names: `mypy tests/test_types.py` reads what runs here.

Where mypy does not agree with an `assert_type`, it says so; running it only shows that the names
are there and give what is said.
"""

from __future__ import annotations

from typing import Any, assert_type

import scalargrad as sg
from scalargrad import math
from scalargrad.functions.elementary import Binary, Pairing, Reduction, Spread, Unary


def test_functions_of_rows_have_types() -> None:
    assert_type(sg.tanh, Unary)
    assert_type(sg.hypot, Binary)
    assert_type(sg.sum, Reduction)
    assert_type(sg.softmax, Spread)
    assert_type(sg.dot, Pairing)
    assert_type(math.log2, Unary)


def test_value_gives_a_value_and_a_float_a_float() -> None:
    x = sg.Value(2.0)

    assert_type(sg.tanh(x), sg.Value)
    assert_type(sg.tanh(0.5), float)
    assert_type(sg.hypot(1.0, x), sg.Value)
    assert_type(sg.hypot(3.0, 4.0), float)
    assert_type(sg.softmax([x, 1.0]), list[Any])
    assert_type(x.gelu(), sg.Value)
    assert_type(x.leaky_relu(0.1), sg.Value)
    assert_type(x * 2 + x**3 - 1, sg.Value)
    assert_type(x > 1, bool)
    assert_type(x.data, float)
    assert_type(x.grad, float)


def test_other_names_have_types() -> None:
    x, y = values = sg.values(x=2.0, y=3.0)
    loss = x * y
    loss.backward()

    assert_type(values, tuple[sg.Value, ...])
    assert_type(sg.engine, str)
    assert_type(sg.draw(loss).svg, str)
    assert_type(sg.expression("x * y").names, tuple[str, ...])
    assert_type(sg.optim.step_decay(0.1, 10)(20), float)
    assert_type(sg.datasets.xor()[1], list[int])
    assert_type(sg.nn.MLP(2, [3, 1]).parameters(), list[Any])
    assert sg.optim.SGD(values, lr=0.1).lr == 0.1

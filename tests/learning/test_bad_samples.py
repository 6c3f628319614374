"""A table that holds what is no number: which sample, which column."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import nn, optim

INPUTS = [[1.0, 2.0], [3.0, 4.0]]
TARGETS = [1.0, 2.0]
DAY = datetime.date(2020, 1, 1)


def learn(inputs: Any = INPUTS, targets: Any = TARGETS, loss: str = "mse", **options: Any) -> Any:
    model = nn.MLP(2, [2, 1], seed=0)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    return sg.fit(model, inputs, targets, loss=loss, optimizer=optimizer, **options)


def with_one(thing: Any) -> list[Any]:
    """Return inputs of which one entry is another thing."""
    return [[1.0, 2.0], [3.0, thing]]


@pytest.mark.parametrize("compile", [None, False])
@pytest.mark.parametrize(
    ("data", "error", "sentence"),
    [
        ({"inputs": with_one(math.nan)}, FloatingPointError,
         "inputs must be finite; got nan in sample 1, column 1, and the loss nan at step 1"),
        ({"inputs": np.array(with_one(math.nan))}, FloatingPointError,
         "inputs must be finite; got nan in sample 1, column 1, and the loss nan at step 1"),
        ({"inputs": with_one(math.inf)}, FloatingPointError,
         "inputs must be finite; got inf in sample 1, column 1, "),
        ({"targets": [1.0, math.nan]}, FloatingPointError,
         "targets must be finite; got nan in sample 1, and"),
        ({"targets": [0.0, math.nan], "loss": "binary_cross_entropy"}, ValueError,
         "targets must be numbers; got nan (float) in sample 1; put a number there"),
        ({"inputs": with_one("red")}, TypeError,
         "inputs must be numbers; got 'red' (str) in sample 1, column 1; put a number there"),
        ({"inputs": np.array(with_one("red"), object)}, TypeError,
         "inputs must be numbers; got 'red' (str) in sample 1, column 1; "),
        ({"inputs": with_one(None)}, TypeError,
         "inputs must be numbers; got None (NoneType) in sample 1, column 1; "),
        ({"inputs": with_one(DAY)}, TypeError,
         "inputs must be numbers; got datetime.date(2020, 1, 1) (date) in sample 1, column 1; "),
        ({"inputs": [[1.0, 2.0], None]}, TypeError,
         "inputs must be numbers; got None (NoneType) in sample 1; "),
        ({"targets": [1.0, "two"]}, TypeError,
         "targets must be numbers; got 'two' (str) in sample 1; "),
    ],
)  # fmt: skip
def test_sample_and_column_are_named(
    data: dict[str, Any], error: type[Exception], sentence: str, compile: bool | None
) -> None:
    with pytest.raises(error) as caught:
        learn(**data, compile=compile)
    assert str(caught.value).startswith(f"fit: {sentence}")


def test_samples_of_a_validation_and_of_evaluate_are_named_too() -> None:
    with pytest.raises(TypeError, match=r"fit \(validation\): inputs must be .* 'red' \(str\)"):
        learn(validation=(with_one("red"), TARGETS))
    model = nn.MLP(2, [2, 1], seed=0)
    with pytest.raises(TypeError, match=r"evaluate: inputs must be numbers; got None .* sample 1"):
        sg.evaluate(model, with_one(None), TARGETS, loss="mse")


def test_loss_that_grows_from_finite_samples_is_a_matter_of_the_rate() -> None:
    with pytest.raises(FloatingPointError, match=r"the loss must stay finite; got inf .*; lower"):
        learn([[1e200, 2.0], [3.0, 4.0]])


def test_texts_that_a_model_takes_are_not_blamed_for_what_it_refuses() -> None:
    w = sg.Value(1.0)

    def model(sample: Any) -> Any:
        return w * len(sample) + sg.dot([w], [b"no number"])

    with pytest.raises(TypeError, match=r"^dot: each operand must be a number"):
        sg.fit(model, ["a", "b"], TARGETS, loss="mse", optimizer=optim.SGD([w], lr=0.1))

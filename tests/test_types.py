"""What a type checker knows of the public names: mypy and pyright read what runs here.

Where a checker does not agree with an `assert_type`, it says so; running it only shows that the
names are there and give what is said. `tests/checkers.sh` has both read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

import numpy as np
import pytest

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


# -- functions made from functions -----------------------------------------------------------


@sg.compile
def area(width: float, height: float = 2.0) -> float:
    return width * height


@sg.compile(mode="fast")
def scaled(x: sg.Value, w: list[float]) -> sg.Value:
    return x * w[0]


class Spring:
    k = 3.0

    @sg.compile
    def energy(self, x: float) -> float:
        return self.k * x * x


def first_times(xs: list[float], k: float = 2.0) -> float:
    return xs[0] * k


def square(x: float) -> float:
    return x * x


def test_compiled_function_has_the_parameters_and_the_result_of_its_own() -> None:
    assert_type(area(3.0), float)
    assert_type(area(width=3.0, height=1.0), float)
    assert_type(area.value_and_grad(3.0, 2.0), tuple[float, tuple[Any, ...]])
    assert_type(scaled(sg.Value(2.0), [3.0]), sg.Value)
    assert_type(Spring().energy(2.0), float)
    assert area(3.0) == 6.0
    assert Spring().energy(2.0) == 12.0


def test_compiled_function_takes_what_stands_for_numbers() -> None:
    assert_type(scaled(2.0, [3.0]), Any)  # a float for a Value
    assert_type(area(sg.Value(2.0), 3.0), Any)  # and the other way round
    assert scaled(2.0, [3.0]) == 6.0
    if TYPE_CHECKING:
        area("3")  # type: ignore[call-overload]  # pyright: ignore


def test_gradient_has_the_parameters_of_the_function_and_the_type_of_the_first() -> None:
    assert_type(sg.grad(first_times)([1.0], 5.0), list[float])
    assert_type(sg.grad(first_times)([1.0], k=5.0), list[float])
    assert_type(sg.value_and_grad(first_times)([1.0]), tuple[float, list[float]])
    assert_type(sg.grad(first_times, argnums=1)([1.0], 5.0), Any)
    assert_type(sg.grad(square)(3.0), float)
    assert_type(sg.grad(sg.grad(square))(3.0), float)
    assert_type(sg.grad(area)(3.0, 2.0), float)
    assert_type(sg.hessian(first_times)([1.0]), Any)
    assert sg.grad(first_times)([1.0], k=5.0) == [5.0]
    assert sg.grad(sg.grad(square))(3.0) == 2.0
    with pytest.raises(sg.ScalargradError):
        sg.grad(square)("3")  # pyright: ignore


def test_function_without_types_is_differentiated_as_before() -> None:
    assert sg.grad(lambda x: x**3)(2.0) == 12.0
    assert sg.grad(sg.grad(lambda x: x**3))(2.0) == 12.0
    assert sg.value_and_grad(lambda x, y: x * y)(2.0, 3.0) == (6.0, 3.0)
    assert sg.grad(lambda x: (x * x, "aux"), has_aux=True)(2.0) == (4.0, "aux")


def test_array_stands_for_numbers() -> None:
    widths = np.array([1.0, 2.0])

    assert_type(area(widths, 3.0), Any)
    assert_type(sg.grad(first_times)(widths), Any)
    assert area(widths, 3.0).tolist() == [3.0, 6.0]
    assert sg.grad(first_times)(widths).tolist() == [2.0, 0.0]

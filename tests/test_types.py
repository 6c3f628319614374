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
    assert_type(sg.softmax([x, x]), list[sg.Value])
    assert_type(sg.softmax([0.0, 1.0]), list[float])
    assert_type(sg.sum([x, x]), sg.Value)
    assert_type(sg.sum(x * i for i in range(3)), sg.Value)
    assert_type(sg.mean([1.0, 2.0]), float)
    assert_type(sg.dot([1.0, 2.0], [x, x]), sg.Value)
    assert_type(sg.dot([1.0, 2.0], [3, 4]), float)
    assert_type(sg.sum(sg.nn.MLP(2, [3, 1]).parameters()), Any)
    assert_type(x.gelu(), sg.Value)
    assert_type(x.leaky_relu(0.1), sg.Value)
    assert_type(x * 2 + x**3 - 1, sg.Value)
    assert_type(x > 1, bool)
    assert_type(x.data, float)
    assert_type(x.grad, float)


def test_element_has_the_type_of_its_list() -> None:
    x = sg.Value(2.0)

    assert_type(sg.take([x, x], 1), sg.Value)
    assert_type(sg.take([[x], [x]], -1), list[sg.Value])
    assert_type(sg.take([[x], [x]], [0, 1, 1]), list[list[sg.Value]])
    assert_type(sg.take((1.0, 2.0), np.int64(1)), float)
    assert_type(sg.take(np.ones(2), 0), Any)


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
    assert_type(area(sg.Value(2.0), 3.0), Any)  # a Value for a float
    assert scaled(2.0, [3.0]) == 6.0  # and the other way round
    if TYPE_CHECKING:
        area("3")  # type: ignore[call-overload]  # pyright: ignore


def line(x: float) -> sg.Value:
    return sg.Value(3.0) * x


def mixed(x: float | sg.Value) -> sg.Value:
    return x * sg.Value(3.0)


def line_of(xs: list[float], w: sg.Value) -> sg.Value:
    return sg.dot(xs, [w] * len(xs))


def lines(xs: list[float], k: float) -> list[sg.Value]:
    return [k * x * sg.Value(3.0) for x in xs]


def test_compiled_function_of_plain_numbers_gives_numbers() -> None:
    assert_type(sg.compile(line)(2.0), float)
    assert_type(sg.compile(mixed)(2.0), float)
    assert_type(sg.compile(lines)([1.0, 2.0], 1.0), list[float])
    assert_type(sg.compile(line).value_and_grad(2.0), tuple[float, tuple[Any, ...]])
    assert_type(sg.compile(line_of)([1.0], sg.Value(2.0)), sg.Value)
    assert_type(sg.compile(line)(np.ones(2)), Any)
    assert_type(sg.value_and_grad(line)(2.0), tuple[float, float])
    assert_type(sg.value_and_grad(line_of)([1.0], sg.Value(2.0)), tuple[float, list[float]])
    assert sg.compile(line)(2.0) == sg.compile(mixed)(2.0) == 6.0
    assert sg.compile(lines)([1.0, 2.0], 1.0) == [3.0, 6.0]


@sg.compile(static=("kind",))
def priced(x: float, kind: str) -> float:
    return x if kind == "call" else -x


def test_texts_stand_beside_arrays() -> None:
    xs = np.array([1.0, 2.0])

    assert_type(priced(1.0, "call"), float)
    assert_type(priced(xs, "put"), Any)
    assert_type(priced(x=xs, kind="put"), Any)
    assert_type(priced.value_and_grad(xs, "put"), tuple[Any, tuple[Any, ...]])
    assert priced(xs, "put").tolist() == [-1.0, -2.0]
    assert priced(x=xs, kind="call").tolist() == [1.0, 2.0]


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

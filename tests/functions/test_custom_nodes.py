"""Nodes of one's own: record and custom, and what they refuse."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import math
from typing import Any

import pytest

import scalargrad as sg

# -- record ----------------------------------------------------------------------------------------


def test_record_makes_one_node_from_value_and_partials(Value):
    x, y = Value(3.0), Value(4.0)

    node = sg.record(25, [x, y], [6, 8.0], op="norm2")
    (node * 2.0).backward()

    assert (node.data, node.op, node.partials) == (25.0, "norm2", (6.0, 8.0))
    assert type(node) is Value
    assert [type(n) for n in (node.data, *node.partials)] == [float] * 3
    assert node.parents[0] is node.operands[0] is x
    assert node.parents[1] is node.operands[1] is y
    assert (x.grad, y.grad) == (12.0, 16.0)


def test_record_takes_any_iterables_and_the_same_parent_twice(Value):
    x = Value(3.0)

    node = sg.record(9.0, (p for p in (x, x)), iter([3.0, 3.0]), op="square")
    node.backward()

    assert x.grad == 6.0


@pytest.mark.parametrize("swap", [False, True])
def test_record_takes_values_and_their_subclasses_side_by_side(Value, swap):
    class Parameter(Value):
        pass

    parents = [Parameter(2.0), Value(3.0)]
    parents = parents[::-1] if swap else parents

    node = sg.record(6.0, parents, [parents[1].data, parents[0].data], op="product")
    node.backward()

    assert type(node) is Value
    assert {p.data * p.grad for p in parents} == {6.0}


def test_record_keeps_numbers_that_are_not_finite(Value):
    x = Value(3.0)

    sg.record(math.nan, [x], [math.inf], op="wild").backward()

    assert x.grad == math.inf


def test_record_obeys_no_grad_and_scope(Value):
    x = Value(3.0)

    with sg.no_grad():
        quiet = sg.record(9.0, [x], [6.0], op="square")
    with sg.scope("group") as group:
        loud = sg.record(9.0, [x], [6.0], op="square")

    assert (quiet.parents, quiet.op, quiet.data) == ((), "", 9.0)
    assert loud.scope is group


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"parents": []}, ValueError, "record: needs at least one parent; got () (tuple)"),
        (
            {"parents": [1.0]},
            TypeError,
            "record: parents must be Values of one engine; got 1.0 (float)",
        ),
        ({"parents": "x"}, TypeError, "record: wants an iterable of parents; got 'x' (str)"),
        ({"parents": 3}, TypeError, "record: wants an iterable of parents; got 3 (int)"),
        ({"partials": 6.0}, TypeError, "record: wants an iterable of partials; got 6.0 (float)"),
        ({"partials": []}, ValueError, "record: needs one partial a parent; got 0 for 1 parents"),
        ({"partials": [1.0, 2.0]}, ValueError, "needs one partial a parent; got 2 for 1 parents"),
        ({"partials": ["6"]}, TypeError, "record: each partial must be a number; got '6' (str)"),
        ({"data": "9"}, TypeError, "record: data must be a number; got '9' (str)"),
        ({"data": 10**400}, OverflowError, "must fit a double"),
        ({"op": ""}, TypeError, "record: op must be a name; got '' (str)"),
        ({"op": 3}, TypeError, "record: op must be a name; got 3 (int)"),
    ],
)
def test_record_refuses_what_makes_no_node(Value, change, kind, message):
    arguments = {"data": 9.0, "parents": [Value(3.0)], "partials": [6.0], "op": "square", **change}

    with pytest.raises(kind) as caught:
        sg.record(**arguments)

    assert message in str(caught.value)
    assert isinstance(caught.value, sg.ScalargradError)


def test_record_refuses_a_plain_number_beside_a_value(Value):
    with pytest.raises(TypeError, match="record: parents must be Values"):
        sg.record(9.0, [Value(3.0), 2.0], [6.0, 1.0], op="square")


def test_record_refuses_partials_that_are_values(Value):
    x = Value(3.0)

    with pytest.raises(TypeError, match=r"pass its \.data"):
        sg.record(9.0, [x], [x], op="square")
    with pytest.raises(TypeError, match=r"pass its \.data"):
        sg.record(x, [x], [1.0], op="square")


def test_record_refuses_parents_of_two_engines(Value, foreign):
    for parents in ([Value(1.0), foreign(2.0)], [foreign(1.0), Value(2.0)]):
        with pytest.raises(TypeError, match="record: parents must be Values"):
            sg.record(1.0, parents, [1.0, 1.0], op="own")


# -- custom ----------------------------------------------------------------------------------------


def test_custom_decorates_a_function_and_takes_its_name(Value):
    @sg.custom(lambda x: 2 * x)
    def square(x: float) -> float:
        """Multiply by itself."""
        return x * x

    x = Value(3.0)
    node = square(x)
    node.backward()

    assert (node.op, node.data, x.grad) == ("square", 9.0, 6.0)
    assert (square.__name__, square.__doc__) == ("square", "Multiply by itself.")
    assert square(3.0) == 9.0
    assert type(square(3)) is float


def test_custom_leaves_plain_numbers_without_a_derivative(Value):
    calls: list[Any] = []

    def dx(x: float, y: float) -> float:
        calls.append("x")
        return y

    def dy(x: float, y: float) -> float:
        calls.append("y")
        return x

    multiply = sg.custom(dx, dy, op="times")(lambda x, y: x * y)
    x = Value(3.0)

    node = multiply(5, x)
    node.backward()

    assert calls == ["y"]
    assert (node.op, node.data, x.grad) == ("times", 15.0, 5.0)
    assert node.operands == (5.0, x)
    assert type(node.operands[0]) is float
    assert len(node.parents) == 1


def test_custom_calls_function_and_derivatives_with_floats(Value):
    seen: list[type] = []

    def note(*numbers: float) -> float:
        seen.extend(map(type, numbers))
        return 1.0

    sg.custom(note, note)(note)(Value(1), True)

    assert seen == [float] * 4


def test_custom_names_a_lambda_custom(Value):
    assert sg.custom(lambda x: 1.0)(lambda x: x)(Value(1.0)).op == "custom"


def own(function: Any, derivative: Any) -> Any:
    return sg.custom(derivative, op="f")(function)


@pytest.mark.parametrize(
    ("use", "kind", "message"),
    [
        (lambda v: sg.custom(), ValueError, "custom: needs one derivative an operand; got none"),
        (lambda v: sg.custom(2.0), TypeError, "custom: derivatives must be functions; got 2.0"),
        (lambda v: sg.custom(abs)(3), TypeError, "custom: decorates a function; got 3 (int)"),
        (lambda v: own(abs, abs)(v, v), TypeError,
         "f: takes 1 operands, one a derivative; got 2; pass as many as custom was given"),
        (lambda v: own(abs, abs)(), TypeError, "f: takes 1 operands, one a derivative; got 0;"),
        (lambda v: own(abs, abs)("x"), TypeError, "f: operand must be a number; got 'x'"),
        (lambda v: own(str, abs)(v), TypeError, "f: the result must be a number; got '1.0'"),
        (lambda v: own(abs, str)(v), TypeError, "f: each derivative must be a number; got"),
    ],
)  # fmt: skip
def test_custom_refuses_what_makes_no_operation(Value, use, kind, message):
    with pytest.raises(kind) as caught:
        use(Value(1.0))

    assert message in str(caught.value)
    assert isinstance(caught.value, sg.ScalargradError)


def test_custom_refuses_operands_of_two_engines(Value, foreign):
    multiply = sg.custom(lambda x, y: y, lambda x, y: x)(lambda x, y: x * y)

    with pytest.raises(TypeError):
        multiply(Value(1.0), foreign(2.0))


def test_custom_passes_an_exception_of_the_function_on(Value):
    @sg.custom(lambda x: 1.0)
    def fails(x: float) -> float:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        fails(Value(1.0))

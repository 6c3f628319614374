"""Every row of the table against fifty digits, on every engine; and the proof that it can fail."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import itertools
import math
import operator
import random
from typing import Any

import pytest
from oracles import ORACLES, check_row, points
from rows import changed

import scalargrad as sg
import scalargrad._python
from scalargrad.table.row import ROWS, ManyRow, Row

NAMES = list(ROWS)
PUBLIC = [name for name, row in ROWS.items() if not getattr(row, "helper", False)]

#: how a user calls a row whose name is not that of a public function
CALLS: dict[str, Any] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "abs": abs,
    "mod": operator.mod,
    "floordiv": operator.floordiv,
    "binary_cross_entropy_with_logits": sg.binary_cross_entropy_with_logits,
}


def engine_apply(Value: type) -> Any:
    """Return what makes nodes of a row in one engine, and reads them."""

    def apply(row: Row | ManyRow, *operands: Any) -> tuple[Any, Any]:
        if isinstance(row, ManyRow):
            made = Value._many(row, *([Value(x) for x in xs] for xs in operands))
            if isinstance(made, list):
                return [node.data for node in made], [node.partials for node in made]
        elif len(operands) == 1:
            made = Value._unary(row, Value(operands[0]))
        else:
            made = Value._binary(row, *map(Value, operands))
        return made.data, made.partials

    return apply


def same_bits(a: Any, b: Any) -> bool:
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same_bits, a, b))
    return a.hex() == b.hex()


def public(name: str) -> Any:
    return CALLS.get(name) or getattr(sg, name)


def test_rows_have_each_an_oracle_and_no_oracle_is_left_over():
    assert set(ORACLES) == set(ROWS)


@pytest.mark.parametrize("name", NAMES)
def test_row_is_within_four_ulp_of_the_exact_value_and_partials(Value, name):
    worst = check_row(ROWS[name], engine_apply(Value))

    assert set(worst) == {"value", *(f"dz/d{letter}" for letter in ROWS[name].letters)}


# -- the same check turns red ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name in NAMES for place in range(ROWS[name].arity)]
)
def test_check_catches_a_partial_that_is_wrong_in_the_twelfth_digit(name, place):
    partials = list(ROWS[name].partials)
    partials[place] = f"({partials[place]}) * 1.000000000001 + 1e-30"
    wrong = changed(ROWS[name], partials=tuple(partials))

    with pytest.raises(AssertionError, match=f"{name}: dz/d{wrong.letters[place]} is"):
        check_row(wrong, engine_apply(scalargrad._python.Value))


@pytest.mark.parametrize("name", NAMES)
def test_check_catches_a_value_that_is_wrong_in_the_twelfth_digit(name):
    bindings, semicolon, result = ROWS[name].forward.rpartition(";")
    forward = f"{bindings}{semicolon} ({result.strip()}) * 1.000000000001"
    wrong = changed(ROWS[name], forward=forward.strip())

    with pytest.raises(AssertionError, match=f"{name}: "):
        check_row(wrong, engine_apply(scalargrad._python.Value))


def test_row_has_the_columns_of_its_kind_and_keeps_them():
    row = ROWS["tanh"]

    with pytest.raises(AttributeError, match="Row: a column cannot be changed; got forward"):
        row.forward = "x"
    for wrong in ({"symbol": "f"}, {"name": "f", "colour": "red"}):
        with pytest.raises(TypeError, match=r"Row: the columns are \['name', 'symbol', "):
            Row(**wrong)
    with pytest.raises(TypeError, match="Row: the columns are"):
        Row("f", "f", "x", ("1",), "Return x.", name="again")
    assert repr(row).startswith("Row(name='tanh', symbol='tanh', forward=")
    assert row != changed(row)  # a row is equal to itself alone


def test_row_copy_shares_nothing_that_was_compiled_for_the_original():
    row = ROWS["mean"]
    right = row.step((True,))([1.0, 2.0])

    wrong = changed(row, partials=("7",)).step((True,))([1.0, 2.0])

    assert wrong == (1.5, [7.0, 7.0])
    assert row.step((True,))([1.0, 2.0]) == right == (1.5, [0.5, 0.5])


# -- plain numbers among the operands ----------------------------------------------------------


@pytest.mark.parametrize(
    "name", [n for n in NAMES if isinstance(ROWS[n], Row) and ROWS[n].arity == 2]
)
def test_row_has_the_same_bits_when_one_operand_is_a_plain_number(Value, name):
    row = ROWS[name]
    for x, y in points(row):
        both = Value._binary(row, Value(x), Value(y))

        left = Value._binary(row, Value(x), y)
        right = Value._binary(row, x, Value(y))

        assert same_bits((left.data, right.data), (both.data, both.data))
        assert same_bits((*left.partials, *right.partials), both.partials)
        assert left.operands[1] == y
        assert right.operands[0] == x
        assert len(left.parents) == len(right.parents) == 1


@pytest.mark.parametrize("name", [n for n in NAMES if isinstance(ROWS[n], ManyRow)])
def test_row_has_the_same_bits_when_some_operands_are_plain_numbers(Value, name):
    row = ROWS[name]
    draw = random.Random(name)
    for lists in points(row, 20):
        everything = Value._many(row, *([Value(x) for x in xs] for xs in lists))
        mixed_lists = [[Value(x) if draw.random() < 0.5 else x for x in xs] for xs in lists]
        mixed_lists[0][0] = Value(lists[0][0])

        mixed = Value._many(row, *mixed_lists)

        flat = [x for xs in mixed_lists for x in xs]
        many, some = (made if isinstance(made, list) else [made] for made in (everything, mixed))
        for full, part in zip(many, some, strict=True):
            kept = [p for p, x in zip(full.partials, flat, strict=True) if isinstance(x, Value)]
            assert same_bits(part.data, full.data)
            assert same_bits(part.partials, tuple(kept))
            assert all(
                a is b for a, b in zip(part.operands, flat, strict=True) if isinstance(b, Value)
            )
            assert all(
                a is b
                for a, b in zip(
                    part.parents, [x for x in flat if isinstance(x, Value)], strict=True
                )
            )


# -- every form of a call is the same row --------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in PUBLIC if isinstance(ROWS[n], Row)])
def test_row_gives_the_same_bits_as_function_method_and_on_floats(Value, name):
    row = ROWS[name]
    for point in points(row):
        expected = row.value(*point)

        node = public(name)(*map(Value, point))

        assert same_bits(node.data, expected)
        assert node.op == name
        assert same_bits(node.partials, row.step(*point)[1])
        if name not in CALLS:
            assert same_bits(public(name)(*point), expected)
            assert type(public(name)(*point)) is float
        if method := getattr(Value, name, None):
            assert same_bits(method(*map(Value, point)).data, expected)


@pytest.mark.parametrize("name", [n for n in PUBLIC if isinstance(ROWS[n], ManyRow)])
def test_row_gives_the_same_bits_on_values_and_on_floats(Value, name):
    row = ROWS[name]
    for lists in points(row, 10):
        if name == "hinge":  # labels are -1 or 1
            lists = (lists[0], [math.copysign(1.0, y) for y in lists[1]])
        expected = row.value(*lists)

        node = public(name)(*([Value(x) for x in xs] for xs in lists))
        number = public(name)(*lists)

        assert same_bits(number, expected)
        assert same_bits([n.data for n in node] if isinstance(node, list) else node.data, expected)


def test_rows_of_one_operand_are_each_a_function_and_a_method(Value):
    for name in PUBLIC:
        row = ROWS[name]
        if isinstance(row, Row) and row.arity == 1 and name not in CALLS:
            assert callable(getattr(Value, name))
            assert callable(getattr(sg, name))


@pytest.mark.parametrize("name", [n for n in ROWS if isinstance(ROWS[n], ManyRow)])
def test_functions_of_a_row_are_compiled_once(name: str) -> None:
    row = ROWS[name]
    assert isinstance(row, ManyRow)
    for mask in list(itertools.product((True, False), repeat=row.lists))[: 2**row.lists - 1]:
        assert row.step(mask) is row.step(mask)

"""What an operand receives, and why: the kind of every row's partials is true of its numbers."""

from __future__ import annotations

import random

import pytest

import scalargrad as sg
from scalargrad.core.explanation import explanation, explanations
from scalargrad.functions.elementary import apply_binary, apply_many, apply_unary
from scalargrad.table.row import ROWS, ManyRow, Row


def applied(row: Row | ManyRow) -> sg.Value:
    """Return what a row gives somewhere in its sample; the first of several results."""
    rng = random.Random(row.name)
    if isinstance(row, ManyRow):
        lists = [
            [sg.Value(rng.uniform(*row.sample[i])) for _ in range(3)] for i in range(row.lists)
        ]
        result = apply_many(row, *lists)
        return result[0] if isinstance(result, list) else result
    operands = [sg.Value(rng.uniform(*bounds)) for bounds in row.sample]
    return apply_unary(row, *operands) if row.arity == 1 else apply_binary(row, *operands)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_kind_of_a_partial_is_true_of_its_number(row: Row | ManyRow) -> None:
    node = applied(row)

    whys = list(explanations(node, row, 0.75))

    assert [why.position for why in whys] == list(range(len(node.operands)))
    for why in whys:
        assert why.operand is node.operands[why.position]
        assert why.product == 0.75 * why.partial
        if why.kind == "other operand":
            assert why.partial == node.operands[why.mirrored].data
            assert why.mirrored != why.position
        elif why.kind in ("unchanged", "negated"):
            assert why.partial == {"unchanged": 1.0, "negated": -1.0}[why.kind]
        else:
            assert why.kind == "formula"
            assert why.formula


@pytest.mark.parametrize(("operation", "kinds"), [
    ("add", ["unchanged", "unchanged"]), ("sub", ["unchanged", "negated"]),
    ("mul", ["other operand", "other operand"]), ("div", ["formula", "formula"]),
])  # fmt: skip
def test_kinds_of_the_four_operations(operation: str, kinds: list[str]) -> None:
    row = ROWS[operation]

    assert [why.kind for why in explanations(applied(row), row, 1.0)] == kinds


def test_node_without_a_row_states_no_rule() -> None:
    x = sg.Value(3.0)
    node = sg.record(9.0, [x], [6.0], op="square")

    why = explanation(node, None, 0, 2.0)

    assert (why.kind, why.formula, why.stated, why.product) == ("unstated", "", "", 12.0)


def test_plain_operands_receive_nothing() -> None:
    x = sg.Value(3.0)
    node = 2.0 * x

    assert [why.position for why in explanations(node, ROWS["mul"], 1.0)] == [1]

"""Random programs over all rows, on floats where every row is regular."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

from typing import Any

from engines import apply_row
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from scalargrad.table.row import ROWS, ManyRow, Row

PROFILE = settings(
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
#: helpers that serve other rows only; nobody can build a node of them. The digits of round, which
#: has tests of its own, are never a Value
HELPERS = {"sech2", "gauss", "erfc", "sign", "one_minus_square", "numbered", "round", "normal_tail"}
HELPERS |= {"less", "less_equal", "equal", "keep"}  # which tapes have
NAMES = [n for n in ROWS if n not in HELPERS and not n.startswith(("pow_", "xlogy_"))]
LEAVES = st.lists(st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3), min_size=2, max_size=4)
PICK = st.integers(0, 10**6)
STEPS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.lists(PICK, min_size=6, max_size=6), st.booleans()),
    min_size=1,
    max_size=10,
)


class Step:
    """One operation of a program: its nodes, and what it was computed from."""

    def __init__(self, row: Row | ManyRow, lists: list[list[Any]]) -> None:
        self.row, self.lists = row, lists
        self.operands = [operand for operands in lists for operand in operands]
        self.numbers = [number_of(operand) for operand in self.operands]


def number_of(operand: Any) -> float:
    return operand if isinstance(operand, float) else operand.data


def fits(row: Row | ManyRow, lists: list[list[Any]]) -> bool:
    """Tell whether all operands are where the row is regular and no two choices are equal."""
    for operands, (low, high) in zip(lists, row.sample, strict=True):
        for operand in operands:
            if not low <= number_of(operand) <= high or operand == 0.0:
                return False
    numbers = [number_of(operand) for operands in lists for operand in operands]
    if any(jumps(row.name, *pair) for pair in zip(*lists, strict=True)):
        return False
    chooses = row.name in ("maximum", "minimum", "max", "min", "mae", "hinge")
    return not (chooses and len(set(numbers)) < len(numbers))


def jumps(name: str, x: Any, y: Any = 1.0) -> bool:
    """Tell whether a row has a step at a point, where no difference quotient has a limit."""
    steps = {
        "floor": 1.0, "ceil": 1.0, "trunc": 1.0, "rint": 2.0, "floordiv": 1.0, "mod": 1.0,
        "fmod": 1.0, "remainder": 2.0,
    }  # fmt: skip
    return name in steps and (steps[name] * number_of(x) / number_of(y)).is_integer()


def squashed(Value: type, operand: Any, ends: tuple[float, float]) -> Any:
    """Return the operand, or a node of it that lies inside the row's range."""
    low, high = ends
    if low <= number_of(operand) <= high:
        return operand
    half = (high - low) * 0.49
    return apply_row(Value, ROWS["add"], squash(Value, operand, half), (low + high) * 0.5)


def squash(Value: type, operand: Any, half: float) -> Any:
    inner = apply_row(Value, ROWS["mul"], operand, 0.125)
    return apply_row(Value, ROWS["mul"], apply_row(Value, ROWS["tanh"], inner), half)


def build(Value: type, numbers: list[float], program: Any) -> tuple[list[Any], list[Any]]:
    """Run a program; return its leaves and every node it made."""
    pool = [Value(number) for number in numbers]
    leaves = list(pool)
    for name, picks, plain in program:
        row = ROWS[name]
        length = 1 + picks[0] % 3 if isinstance(row, ManyRow) else 1
        lists = []
        for letter in range(row.arity):
            picked = [pool[picks[(letter * 3 + i) % 6] % len(pool)] for i in range(length)]
            lists.append([squashed(Value, x, row.sample[letter]) for x in picked])
        if plain and (row.arity == 2 or length > 1):  # another operand stays a Value
            lists[-1][-1] = number_of(lists[-1][-1])
        if not fits(row, lists):
            continue
        operands = lists if isinstance(row, ManyRow) else [operand for (operand,) in lists]
        result = apply_row(Value, row, *operands)
        pool.extend(result if isinstance(result, list) else [result])
    return leaves, pool

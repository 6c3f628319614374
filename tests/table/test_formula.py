"""The formula language: what it says, what it computes, and what is not in it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from scalargrad.table import formula, libm
from scalargrad.table.row import FUNCTIONS, ROWS, ManyRow, Row

INF, NAN = math.inf, math.nan


def scalar(
    forward: str, partials: list[str] | None = None, letters: tuple[str, ...] = ("x", "y")
) -> Any:
    return formula.compile_scalar("test", letters, forward, partials, FUNCTIONS)


def many(
    forward: str, partials: list[str | None] | None = None, letters: tuple[str, ...] = ("x",)
) -> Any:
    return formula.compile_many("test", letters, forward, partials, FUNCTIONS)


# -- what it computes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x + y", 8.0), ("x - y", 4.0), ("x * y", 12.0), ("x / y", 3.0), ("-x", -6.0),
        ("x / 0", INF), ("-x / 0", -INF), ("(x - x) / 0", NAN), ("x / (y - y)", INF),
        ("1 / 4", 0.25), ("x * (y + 1)", 18.0), ("x - y - 1", 3.0), ("x - (y - 1)", 5.0),
        ("exp(y - y)", 1.0), ("pow(x, y)", 36.0), ("sigmoid(y - y)", 0.5), ("maximum(x, y)", 6.0),
        ("where(x > y, 1, 2)", 1.0), ("where(x < y, 1, 2)", 2.0),
        ("where(x >= 6 and y <= 2, 1, 2)", 1.0), ("where(x != 6 or y == 2, 1, 2)", 1.0),
        ("where(x > y, where(y > 5, 1, 2), 3)", 2.0),
        ("a = x + 1; b = a * y; a + b", 21.0), ("INF", INF), ("-INF", -INF),
        ("ONE_OVER_LN2 * x", 6.0 / math.log(2.0)), ("x + 1e-3", 6.001),
        ("atan2(x, y)", math.atan2(6.0, 2.0)), ("abs(-x)", 6.0), ("erfc(y)", math.erfc(2.0)),
    ],
)  # fmt: skip
def test_formula_computes_what_it_says(text, value):
    result = scalar(text)(6.0, 2.0)

    assert type(result) is float
    assert result == pytest.approx(value, rel=1e-15, nan_ok=True)


def test_formula_gives_value_and_partials_together():
    step = scalar("a = x * x; a * y", ["2 * x * y", "a"])

    assert step(3.0, 5.0) == (45.0, (30.0, 9.0))


def test_partial_may_use_the_result_as_z():
    assert scalar("exp(x)", ["z"], ("x",))(1.0) == (math.e, (math.e,))


def test_where_computes_only_the_branch_it_takes():
    calls = []

    def spy(x: float) -> float:
        calls.append(x)
        return x

    compiled = formula.compile_scalar(
        "lazy", ("x",), "where(x > 0, exp(x), log(x))", None, {"exp": spy, "log": lambda x: -1.0}
    )

    assert compiled(-3.0) == -1.0
    assert calls == []
    assert compiled(3.0) == 3.0
    assert calls == [3.0]


def test_constants_of_formulas_are_the_nearest_doubles():
    import mpmath

    with mpmath.workdps(40):
        high = mpmath.nint(mpmath.sqrt(0.5) * 2**26) / 2**26
        exact = {
            "DEGREES": 180 / mpmath.pi,
            "RADIANS": mpmath.pi / 180,
            "LN2": mpmath.log(2),
            "ONE_OVER_LN2": 1 / mpmath.log(2),
            "ONE_OVER_LN10": 1 / mpmath.log(10),
            "SQRT_HALF": mpmath.sqrt(0.5),
            "SQRT_HALF_HIGH": high,
            "SQRT_HALF_LOW": mpmath.sqrt(0.5) - high,
            "SQRT_2PI": mpmath.sqrt(2 * mpmath.pi),
            "TWO_OVER_SQRT_PI": 2 / mpmath.sqrt(mpmath.pi),
            "ONE_OVER_SQRT_2PI": 1 / mpmath.sqrt(2 * mpmath.pi),
            "HALVES": mpmath.mpf(3) * 2**50,
        }
        assert {name: float(value) for name, value in exact.items()} == formula.CONSTANTS


# -- many operands ---------------------------------------------------------------------------------


def test_reductions_run_over_all_elements():
    xs = [3.0, -1.0, 2.0]

    assert many("sum(x)")(xs) == 4.0
    assert many("max(x)")(xs) == 3.0
    assert many("min(x)")(xs) == -1.0
    assert many("sum(x * x) / n")(xs) == 14.0 / 3
    assert many("max(x) - min(x)")(xs) == 4.0
    assert many("sum(x * y)", letters=("x", "y"))(xs, [1.0, 2.0, 3.0]) == 7.0
    assert many("m = max(x); sum(exp(x - m))")(xs) == pytest.approx(1 + math.exp(-4) + math.exp(-1))


def test_reductions_of_nothing_are_their_neutral_elements():
    assert many("sum(x)")([]) == 0.0
    assert many("max(x)")([]) == -INF
    assert many("min(x)")([]) == INF


def test_sum_adds_from_left_to_right_in_plain_doubles():
    assert many("sum(x)")([1e16, 1.0, 1.0, -1e16]) == 0.0
    assert math.copysign(1.0, many("sum(x)")([-0.0])) == 1.0


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize(
    "xs", [[NAN, 1.0, 2.0], [1.0, NAN, 2.0], [1.0, 2.0, NAN], [NAN], [INF, NAN, -INF]]
)
def test_nan_is_never_lost_in_a_maximum_or_minimum(kind, xs):
    assert math.isnan(many(f"{kind}(x)")(xs))


def test_partial_of_a_list_is_one_entry_an_element():
    step = many("sum(x * y)", ["y", "x"], ("x", "y"))

    assert step([1.0, 2.0], [3.0, 4.0]) == (11.0, [3.0, 4.0, 1.0, 2.0])


def test_partial_without_a_letter_is_the_same_for_every_element():
    assert many("sum(x) / n", ["1 / n"])([1.0, 3.0]) == (2.0, [0.5, 0.5])


def test_partial_of_none_is_left_out():
    assert many("sum(x * y)", [None, "x"], ("x", "y"))([1.0, 2.0], [3.0, 4.0]) == (11.0, [1.0, 2.0])
    assert many("sum(x * y)", [None, None], ("x", "y"))([1.0], [3.0]) == (3.0, [])


def test_bound_list_can_be_used_in_partials():
    step = many("e = exp(x); t = sum(e); log(t)", ["e / t"])

    assert step([0.0, 0.0]) == (math.log(2.0), [0.5, 0.5])


def test_forward_that_names_an_element_makes_one_result_an_element():
    value = many("x / sum(x)")
    step = many("x / sum(x)", ["own - s * z"])

    assert value([1.0, 3.0]) == [0.25, 0.75]
    assert step([1.0, 3.0]) == ([0.25, 0.75], [[1 - 0.0625, -0.1875], [-0.1875, 1 - 0.5625]])


# -- what is not in it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "x +", "x = 1", "x; y", "a = b = x; a", "a, b = x; a", "import os", "x if x else y",
        "x ** y", "x // y", "x % y", "x @ y", "x & y", "~x", "+x", "not x", "x is y", "x in y",
        "x < y < 1", "x.real", "x[0]", "[x]", "(x, y)", "{x}", "lambda: x", "'x'", "b'x'", "None",
        "True", "1j", "...", "w", "print(x)", "x(y)", "x.exp(y)", "(lambda: x)()",
        "a = x.exp(y); a",
        "exp()", "exp(x, y)", "exp(x=1)", "exp(x, base=2)", "exp(*x)", "atan2(x)", "where(x, y)",
        "where(x, y, 1, 2)", "where(c=x, a=y, b=1)", "maximum(x)", "sum(x, y)", "dot(x, y)",
        "softmax(x)", "sum(x)", "max(y)", "(a := x)", "f'{x}'", "__import__('os')", "exp",
        "x + exp",
        "own", "n", "s",
    ],
)  # fmt: skip
def test_formula_refuses_what_is_not_in_the_language(text):
    with pytest.raises(ValueError, match="formula"):
        scalar(text)


@pytest.mark.parametrize("text", ["a = x; a", "z = 2 * x; z", "y", "w", "x ** 2", "sum(x)"])
def test_partial_refuses_what_is_not_in_the_language(text):
    with pytest.raises(ValueError, match="formula"):
        scalar("exp(x)", [text], ("x",))


@pytest.mark.parametrize("text", ["sum(n)", "sum(1)", "sum(x, x)", "y", "max()", "sum(x=x)", "xs"])
def test_formula_of_lists_refuses_what_is_not_in_the_language(text):
    with pytest.raises(ValueError, match=r"formula"):
        many(text)


# -- the table itself ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(ROWS))
def test_row_has_a_sample_range_and_words_for_every_operand(name):
    row = ROWS[name]

    assert row.name == name
    assert len(row.sample) == row.arity
    assert all(low < high or name in ("gauss", "round") for low, high in row.sample)
    assert row.doc.endswith(".")
    assert row.doc[0].isupper()
    if isinstance(row, Row):
        assert len(row.shown) in (0, row.arity)
        assert row.arity in (1, 2)
    else:
        assert row.lists in (1, 2)
        assert len(row.partials) == row.lists


def test_formulas_may_call_libm_and_the_rows_of_one_or_two_operands_only():
    callable_names = set(FUNCTIONS)

    assert set(libm.FUNCTIONS) <= callable_names
    assert {n for n in ROWS if isinstance(ROWS[n], Row)} <= callable_names
    assert not {n for n in ROWS if isinstance(ROWS[n], ManyRow)} & callable_names
    assert len(FUNCTIONS) == len(callable_names)


# -- libm as IEEE-754 has it -----------------------------------------------------------------------


def test_functions_of_libm_have_the_names_that_formulas_call():
    assert [function.__name__ for function in libm.FUNCTIONS.values()] == list(libm.FUNCTIONS)


TWO_OPERANDS = ("atan2", "copysign", "divide", "fmod", "pow", "remainder")


@pytest.mark.parametrize("name", sorted(libm.FUNCTIONS))
def test_function_of_libm_never_raises_because_of_a_number(name):
    function = libm.FUNCTIONS[name]
    hard = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        2.0,
        -3.0,
        1e308,
        -1e308,
        5e-324,
        1e16 + 2,
        INF,
        -INF,
        NAN,
    ]
    arity = 2 if name in TWO_OPERANDS else 1

    for x in hard:
        for y in hard if arity == 2 else [0.0]:
            assert type(function(*(x, y)[:arity])) is float


@pytest.mark.parametrize("name", sorted(n for n in ROWS if isinstance(ROWS[n], Row)))
def test_row_never_raises_because_of_a_number(name):
    row = ROWS[name]
    hard = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e308, -1e308, 5e-324, 1e154, INF, -INF, NAN]

    for x in hard:
        for y in hard if row.arity == 2 else [0.0]:
            value, partials = row.step(*(x, y)[: row.arity])
            assert type(value) is float
            assert [type(p) for p in partials] == [float] * row.arity


@pytest.mark.parametrize("name", sorted(n for n in ROWS if isinstance(ROWS[n], Row)))
def test_row_never_loses_a_nan(name):
    row = ROWS[name]
    keeps = {"copysign", "hypot", "where", "otherwise", "numbered"}  # as C99 and the choice say
    keeps |= {"less", "less_equal", "equal", "keep"}
    keeps |= {name for name in ROWS if name.startswith("pow")}

    for place in range(row.arity):
        for other in (0.0, 1.0, -2.0, INF):
            operands = [other] * row.arity
            operands[place] = NAN
            if name in keeps or (name in ("leaky_relu", "gauss", "round") and place == 1):
                continue
            assert math.isnan(row.value(*operands)), operands


def test_power_has_the_infinities_and_signs_of_c99():
    assert libm.pow(-0.0, -3.0) == -INF
    assert libm.pow(-0.0, -2.0) == INF
    assert libm.pow(-0.0, -2.5) == INF
    assert libm.pow(-1e200, 3.0) == -INF
    assert libm.pow(-1e200, 2.0) == INF
    assert libm.pow(1e-200, -3.0) == INF
    assert math.isnan(libm.pow(-2.0, 0.5))
    assert libm.pow(-INF, 3.0) == -INF
    assert libm.pow(NAN, 0.0) == libm.pow(1.0, NAN) == 1.0

"""The grammar of expressions against Python's own parser, mpmath, and hostile texts."""
# ruff: noqa: E501 (an expected sentence stays on one line, where a search finds it)

from __future__ import annotations

import ast
import copy
import math
import pickle
from typing import Any

import mpmath
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from oracles import ORACLES

import scalargrad as sg
from scalargrad.core.order import post_order
from scalargrad.errors import ExpressionError
from scalargrad.expressions import vocabulary
from scalargrad.table.row import ROWS, ManyRow, Row

# -- precedence: the same text, read by Python -----------------------------------------------

numbers = st.sampled_from(["0.5", "1.0", "2.0", "3.0", "1e1", ".25", "7."])
atoms = numbers | st.sampled_from("xyz")


def _longer(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(
        ["+", "-", "*", "/", "**", "//", "%", " + ", " - ", "* ", " /", " ** ", " // ", "% "]
    )
    return st.one_of(
        st.tuples(texts, operators, texts).map("".join),  # no brackets: precedence decides
        texts.map("({})".format),
        texts.map("-{}".format),
        texts.map("+ {}".format),
        texts.map("abs({})".format),
    )


arithmetic = st.recursive(atoms, _longer, max_leaves=12)


def _by_python(text: Any, names: dict[str, Any]) -> Any:
    try:
        result = eval(text, {"__builtins__": {"abs": _real_abs}}, names)  # generated above
    except (ZeroDivisionError, OverflowError, _ComplexError):
        assume(False)
    except TypeError as error:  # a complex constant meets a Value
        assume("complex" not in str(error))
        raise
    assume(not isinstance(result, complex))
    return result


class _ComplexError(Exception):
    """Python left the real numbers."""


def _real_abs(x: Any) -> Any:
    if isinstance(x, complex):
        raise _ComplexError
    return abs(x)


class _OwnPowers(ast.NodeTransformer):
    """Turn x ** y into power(x, y)."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        return ast.Call(ast.Name("power", ast.Load()), [node.left, node.right], [])


def _power(x: Any, y: Any) -> Any:
    """Return what the row gives, which is a product of roots for some exponents, where Python can."""
    by_python = x**y
    return by_python if isinstance(by_python, complex) else (sg.Value(x) ** y).data


def _by_python_with_own_powers(text: str, names: dict[str, float]) -> Any:
    tree = ast.fix_missing_locations(_OwnPowers().visit(ast.parse(text, mode="eval")))
    return _by_python(compile(tree, text, "eval"), {**names, "power": _power})


@given(arithmetic)
@example("-x**2")
@example("1e1 ** x")  # which is 10 * sqrt(10)
@example("-(x ** x)")
@example("2.0**-x**2.0")
@example("x/y/z*x")
@example("x-y-z")
@example("--x")
@example("-x*-y**-z")
@example("x%y//z*-x%2.0**y")
def test_expression_computes_as_python_when_floats_are_finite(text):
    point = {"x": 1.5, "y": -2.25, "z": 0.75}

    expected = _by_python_with_own_powers(text, point)
    formula = sg.expression(text)

    assert repr(formula(**{name: point[name] for name in formula.names})) == repr(expected)


@given(arithmetic)
def test_expression_builds_the_graph_that_operators_build(text):
    mine, theirs = (sg.values(x=1.5, y=-2.25, z=0.75) for _ in range(2))
    formula = sg.expression(text)
    assume(formula.names)

    expected = _by_python(text, dict(zip("xyz", theirs, strict=True)))
    result = formula(**{name: mine["xyz".index(name)] for name in formula.names})
    assume(isinstance(expected, sg.Value))
    expected.backward()
    result.backward()

    for ours, other in zip(post_order(result), post_order(expected), strict=True):
        assert (ours.op, repr(ours.data), repr(ours.grad)) == (
            other.op, repr(other.data), repr(other.grad),
        )  # fmt: skip
        assert list(map(_plain, ours.operands)) == list(map(_plain, other.operands))


def _plain(operand: Any) -> str:
    return repr(getattr(operand, "data", operand))


@given(st.lists(st.sampled_from(["x", "1.5", "+", "-", "*", "/", "**", "(", ")"]), max_size=9))
def test_expression_accepts_what_python_accepts(tokens):
    text = " ".join(tokens)

    try:
        tree = ast.parse(text, mode="eval")
        accepted = not any(isinstance(node, ast.Call | ast.Tuple) for node in ast.walk(tree))
    except SyntaxError:
        accepted = False

    assert _reads(text) == accepted


def _reads(text: str) -> bool:
    try:
        sg.expression(text)
    except ExpressionError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-2**2", -4.0), ("2**-1", 0.5), ("2**3**2", 512.0), ("(2**3)**2", 64.0),
        ("8/4/2", 1.0), ("8-4-2", 2.0), ("8-4*2", 0.0), ("-2*-3", 6.0), ("2**-2**2", 0.0625),
        ("1/0", math.inf), ("-1/0", -math.inf), ("(-8)**(1/3)", math.nan), ("0**0", 1.0),
        ("9**9**9**9", math.inf), ("1e999", math.inf), ("9" * 5000, math.inf), ("exp(1e4)", math.inf),
        ("0/0", math.nan), ("\t1\n+\r2\u3000", 3.0), ("1.e2 + .5E-1", 100.05),
    ],
)  # fmt: skip
def test_expression_computes_plain_numbers(text, expected):
    result = sg.expression(text)()

    assert type(result) is float
    assert repr(result) == repr(expected)


# -- functions -------------------------------------------------------------------------------


def _called(row: Row | ManyRow) -> tuple[str, dict[str, float], list[Any]]:
    """Return a call of a row, the numbers of its names, and the operands as an oracle has them."""
    shares = (0.0, 1.0) if row.name == "hinge" else (0.3, 0.65)  # its labels are the ends
    lists = [
        {f"{letter}{i}": low + share * (high - low) for i, share in enumerate(shares)}
        for letter, (low, high) in zip(row.letters, row.sample, strict=True)
    ]
    named = {name: number for numbers in lists for name, number in numbers.items()}
    if isinstance(row, ManyRow):
        operands = [", ".join(numbers) for numbers in lists]
        text = ", ".join(map("[{}]".format, operands) if row.lists == 2 else operands)
        return text, named, [list(map(mpmath.mpf, numbers.values())) for numbers in lists]
    firsts = [next(iter(numbers)) for numbers in lists]
    return ", ".join(firsts), named, [mpmath.mpf(named[name]) for name in firsts]


@pytest.mark.parametrize("name", sorted(set(vocabulary.table()) - {"where"}))
def test_expression_calls_every_function(name):
    arguments, named, operands = _called(ROWS[name])
    formula = sg.expression(f"{name}({arguments})")

    plain = formula(**{n: named[n] for n in formula.names})
    value = formula(**{n: sg.Value(named[n]) for n in formula.names})

    with mpmath.workdps(50):
        exact = float(ORACLES[name].value(*operands))
    assert plain == pytest.approx(exact, rel=1e-14)
    assert repr(value.data) == repr(plain)


def test_functions_of_expressions_are_the_public_ones_of_the_table():
    names = set(vocabulary.table())
    helpers = {name for name, row in ROWS.items() if getattr(row, "helper", False)}
    public = {name for name in ROWS if hasattr(sg, name)} - helpers

    assert names == (public - {"softmax", "log_softmax"}) | {"abs", "where"}


@pytest.mark.parametrize(
    ("text", "operands", "expected"),
    [
        ("leaky_relu(x)", [-2.0], -0.02), ("leaky_relu(x, 0.1)", [-2.0], -0.2),
        ("max(x, 1, y)", [0.0, 2.0], 2.0), ("max([x, 1, y])", [0.0, 2.0], 2.0), ("sum()", [], 0.0),
        ("sum([])", [], 0.0), ("sum(x)", [4.0], 4.0), ("dot([], [])", [], 0.0),
        ("hinge([x], [1])", [0.5], 0.5),
        ("cross_entropy([x, x], [0, 1])", [3.0], math.log(2)),
        ("binary_cross_entropy_with_logits([x], [1])", [0.0], math.log(2)),
        ("where(x <= 1, x, -x)", [2.0], -2.0), ("where(x - 2, 1, 2)", [2.0], 2.0),
        ("where(-x + 1 == -(1), 1, where(x != 2, 3, 4))", [2.0], 1.0),
        ("max(min(x, 3), sum(x, -x))", [2.0], 2.0), ("2 * (pi - pi) + e**x", [0.0], 1.0),
        ("x/inf", [1.0], 0.0),
    ],
)  # fmt: skip
def test_expression_calls_with_many_operands(text, operands, expected):
    assert sg.expression(text)(*operands) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["sum", "max", "mean", "logsumexp"])
def test_expression_makes_one_node_of_many_operands(name):
    x, y = sg.values(x=1, y=2)

    result = sg.expression(f"{name}(x, 2, y, x)")(x, y)

    assert result.op == name
    assert result.operands == (x, 2.0, y, x)
    assert result.parents == (x, y, x)


# -- names and calls -------------------------------------------------------------------------


def test_expression_names_are_in_order_of_first_appearance():
    formula = sg.expression("z * (apple_1 + été) - z / pi ** e")

    assert formula.names == ("z", "apple_1", "été")
    assert formula.constants == ("pi", "e")
    assert formula.text == "z * (apple_1 + été) - z / pi ** e"
    assert repr(formula) == "expression('z * (apple_1 + été) - z / pi ** e')"


def test_expression_reads_names_as_python_does():
    assert sg.expression("ｘ + x").names == ("x",)


def test_expression_uses_one_value_for_one_name():
    x = sg.Value(3.0)

    result = sg.expression("x * x")(x)

    assert result.parents == (x, x)
    assert result.parents[0] is result.parents[1] is x


def test_expression_keeps_constants_as_plain_operands():
    x = sg.Value(3.0)

    result = sg.expression("x ** -2")(x)

    assert result.operands == (x, -2.0)
    assert type(result.operands[1]) is float
    assert result.parents == (x,)


def test_expression_takes_a_value_for_the_name_of_a_constant():
    formula = sg.expression("e * x")

    assert formula(2.0) == 2 * math.e
    assert formula(2.0, e=5.0) == 10.0


@pytest.mark.parametrize(
    ("operands", "named", "message"),
    [
        ((1.0,), {}, "expression 'x * self': needs a value for 'self'; got none; add self=1.0"),
        ((1, 2, 3), {}, "expression 'x * self': takes 2 operands by position (x, self); got 3; leave out the others"),
        ((1, 2), {"x": 3}, "expression 'x * self': one value is wanted for 'x'; got two; remove one"),
        ((1, 2), {"q": 3}, "expression 'x * self': its names are x, self; got 'q'; rename or remove it"),
        (("1", 2), {}, "expression: x must be a number; got '1' (str); pass e.g. 1.0"),
    ],
)  # fmt: skip
def test_calling_an_expression_refuses_wrong_operands(operands, named, message):
    with pytest.raises(TypeError) as caught:
        sg.expression("x * self")(*operands, **named)

    assert isinstance(caught.value, sg.ScalargradError)
    assert str(caught.value) == message


def test_expression_can_be_copied_and_pickled():
    formula = sg.expression("max(x, 2) * where(x > 1, 3, 4)")

    for twin in (copy.deepcopy(formula), pickle.loads(pickle.dumps(formula))):
        assert (twin.text, twin(5.0)) == (formula.text, formula(5.0))


# -- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expression: the text is empty; write e.g. (x + y) * z"),
        (" \n", "expression: the text is empty; write e.g. (x + y) * z"),
        ("2x", "expression: an operator must come before 'x' at column 2; got none; to multiply, write 2 * x"),
        ("x y", "expression: an operator must come before 'y' at column 3; got none; to multiply, write x * y"),
        ("(x)(y)", "expression: an operator must come before '(' at column 4; got none; to multiply, write ) * ("),
        ("1.2.3", "expression: an operator must come before '.3' at column 4; got none; to multiply, write 1.2 * .3"),
        ("x^2", "expression: unknown character '^' at column 2; write ** for a power"),
        ("x×y", "expression: unknown character '×' at column 2; write * to multiply"),
        ("x − y", "expression: unknown character '−' at column 3; write - for minus"),
        ("x²", "expression: unknown character '²' at column 2; write ** for a power"),
        ("（x", "expression: unknown character '（' at column 1; write the plain ("),
        ("{x}", "expression: unknown character '{' at column 1; use ( ) as brackets"),
        ("x\0", "expression: unknown character '\\x00' at column 2; use numbers, names and + - * / // % ** ( ) [ ] ,"),
        ("\ud800", "expression: unknown character '\\ud800' at column 1; use numbers, names and + - * / // % ** ( ) [ ] ,"),
        ("__import__('os')", "expression: unknown character \"'\" at column 12; write one expression, without quotes"),
        ("__import__(os)", "expression: '__import__' at column 1 is not a function here; to multiply, write __import__ * (...)"),
        ("x.real", "expression: unknown character '.' at column 2; use numbers, names and + - * / // % ** ( ) [ ] ,"),
        ("x = 1", "expression: nothing is assigned inside an expression; got '=' at column 3; give values beside it, as in x=1"),
        ("=x", "expression: nothing is assigned inside an expression; got '=' at column 1; give values beside it, as in x=1"),
        ("x +", "expression: a number, a name, a function or '(' must come at column 4; got the end; complete what stands before"),
        ("x + * y", "expression: a number, a name, a function or '(' must come at column 5; got '*'; complete what stands before"),
        ("()", "expression: a number, a name, a function or '(' must come at column 2; got ')'; complete what stands before"),
        ("max(x, )", "expression: a number, a name, a function or '(' must come at column 8; got ')'; complete what stands before"),
        ("(x", "expression: the '(' at column 1 is not closed; add ')'"),
        ("dot([x", "expression: the '[' at column 5 is not closed; add ']'"),
        ("x)", "expression: the ')' at column 2 closes nothing; remove it, or add '('"),
        ("max(x]", "expression: the ']' at column 6 closes nothing; remove it, or add '['"),
        ("sin x", "expression: 'sin' at column 1 is a function; write sin(x), or rename the value"),
        ("where", "expression: 'where' at column 1 is a function; write where(x > 0, a, b), or rename the value"),
        ("dot * 2", "expression: 'dot' at column 1 is a function; write dot([x, y], [a, b]), or rename the value"),
        ("sigmoidd(x)", "expression: 'sigmoidd' at column 1 is not a function here; did you mean sigmoid?"),
        ("softmax(x)", "expression: 'softmax' at column 1 is not a function here; it gives a list, an expression is one number"),
        ("x(2)", "expression: 'x' at column 1 is not a function here; to multiply, write x * (...)"),
        ("hypot(x)", "expression: hypot at column 1 takes 2 operands; got 1; write e.g. hypot(x, y)"),
        ("sin()", "expression: sin at column 1 takes 1 operand; got 0; write e.g. sin(x)"),
        ("1 + leaky_relu(1, 2, 3)", "expression: leaky_relu at column 5 takes 1 operand or 2; got 3; write e.g. leaky_relu(x)"),
        ("max()", "expression: max at column 1 takes at least 1 operand, or one list; got 0; write e.g. max(x, y)"),
        ("max([x], y)", "expression: max at column 1 takes at least 1 operand, or one list; got 2, 1 of them in []; write e.g. max(x, y)"),
        ("dot(x, y)", "expression: dot at column 1 takes two lists; got 2; write e.g. dot([x, y], [a, b])"),
        ("[x]", "expression: no list can be used at column 1; got '['; lists are for functions such as dot([x, y], [a, b]), use ( ) as brackets"),
        ("max([x] + 1)", "expression: after a list, ',' or ')' must come; got '+' at column 9; close the call"),
        ("x > 0", "expression: no comparison can be used here; got '>' at column 3; compare in where(x > 0, a, b) only"),
        ("where(0 < x < 1, 2, 3)", "expression: no comparison can be used here; got '<' at column 13; compare in where(x > 0, a, b) only"),
        ("where(x, y > 0, 3)", "expression: no comparison can be used here; got '>' at column 12; compare in where(x > 0, a, b) only"),
        ("1,5", "expression: only a call has several operands; got ',' at column 2; write . in a decimal number"),
        ("x" * 100_000, "expression: at most 10000 characters; got 100000; write long computations in Python"),
        ("(" * 300 + "x" + ")" * 300, "expression: at most 200 brackets may be inside one another; got more at column 201; split the expression"),
    ],
)  # fmt: skip
def test_expression_refuses_in_one_sentence_with_the_place(text, message):
    with pytest.raises(ExpressionError) as caught:
        sg.expression(text)

    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == message


def test_expression_refuses_what_is_no_text():
    with pytest.raises(TypeError, match=r"^expression: wants a text; got 3 \(int\); pass e.g."):
        sg.expression(3)


def test_expression_refuses_unequal_lists_when_called():
    with pytest.raises(ValueError, match="dot: both lists must be equally long"):
        sg.expression("dot([x, 1], [2])")(1.0)


@given(st.text(max_size=40) | st.lists(st.sampled_from(
    ["x", "max", "where", "dot", "(", ")", "[", "]", ",", "+", "-", "**", "<", "==", "=", "1", "\0"]
), max_size=14).map("".join))  # fmt: skip
def test_expression_raises_nothing_but_its_own_error(text):
    message = _refusal(text)

    assert len(message.splitlines()) <= 1
    assert len(message) < 400


def _refusal(text: str) -> str:
    try:
        formula = sg.expression(text)
        formula(*[0.5] * len(formula.names))
    except sg.ScalargradError as error:
        return str(error)
    return ""


# -- size ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("+".join(["x"] * 5000), 5000.0),
        ("-" * 9998 + "x", 1.0),
        ("**".join(["x"] * 3000), 1.0),
        ("(" * 200 + "x" + ")" * 200, 1.0),
        (f"max({','.join('x' * 4000)})", 1.0),
        ("abs(" * 200 + "x" + ")" * 200, 1.0),
    ],
)
def test_expression_needs_no_deep_stack_when_long(text, slope):
    x = sg.Value(1.0)

    result = _deep(sg.expression(text), x, 700)
    result.backward()

    assert result.data in (1.0, 5000.0)
    assert x.grad == pytest.approx(slope)


def _deep(function: Any, x: Any, levels: int) -> Any:
    return _deep(function, x, levels - 1) if levels else function(x)

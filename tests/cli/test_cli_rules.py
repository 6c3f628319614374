"""The letters of the chain rule, as the command line prints them."""

from __future__ import annotations

import pytest

import scalargrad as sg
import scalargrad._python
from scalargrad.cli.chain import Chain
from scalargrad.cli.report import write_report
from scalargrad.table import ops
from scalargrad.table.row import ROWS
from scalargrad.table.written import plain

# -- the letters of the chain rule -----------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [r for r in ROWS.values() if not getattr(r, "helper", False) and not hasattr(r, "lists")],
    ids=lambda r: r.name,
)
def test_rule_in_letters_is_the_partial_of_the_row(row):
    shares = (0.625, 0.75)  # x < y
    point = [
        low + share * (high - low) for share, (low, high) in zip(shares, row.sample, strict=False)
    ]
    z, partials = row.step(*point)
    names = dict(zip("xy", point, strict=False)) | {"z": z, "pi": sg.expression("pi")()}
    names |= {"sign": lambda x: (x > 0) - (x < 0), "Phi": _normal, "phi": _density}
    functions = {
        name: getattr(sg, name)
        for name in (
            "sin",
            "cos",
            "exp",
            "log",
            "sqrt",
            "sinh",
            "cosh",
            "sigmoid",
            "trunc",
            "floor",
        )
    }

    for text, partial in zip(row.shown or row.partials, partials, strict=True):
        shown = plain(text)
        assert shown.isascii()
        assert eval(shown, functions, names) == pytest.approx(partial, rel=1e-9)


def _normal(x: float) -> float:
    return (1 + sg.erf(x / 2**0.5)) / 2


def _density(x: float) -> float:
    return sg.exp(-x * x / 2) / sg.sqrt(2 * sg.expression("pi")())


@pytest.mark.parametrize(
    ("text", "shown", "rules"),
    [
        ("x / y", "x / y", ["(1/y)", "(-x/y**2)"]),
        ("x ** -2", "x ** -2", ["(-2*x**(-2-1))"]),
        ("(-2) ** x", "(-2) ** x", ["(g*log(-2))"]),
        ("x * -2", "x * -2", ["-2"]),
        ("-2 / y", "-2 / y", ["(-(-2)/y**2)"]),
        ("2 - x", "2 - x", ["-1"]),
        ("-x", "-x", ["-1"]),
        ("sqrt(x)", "sqrt(x)", ["(1/(2*g))"]),
        ("tanh(x)", "tanh(x)", ["(1-g**2)"]),
        ("cos(x)", "cos(x)", ["-sin(x)"]),
        ("leaky_relu(x)", "leaky_relu(x, 0.01)", ["(1 if x>0 else 0.01)"]),
        ("sum(x, 2.5, y)", "sum(x, 2.5, y)", ["1", "1"]),
        ("mean(x, y, 1, 2)", "mean(x, y, 1, 2)", ["(1/4)", "(1/4)"]),
        ("dot([x, 1], [-2, y])", "dot([x, 1], [-2, y])", ["-2", "1"]),
        ("mse([x, y], [1, 2])", "mse([x, y], [1, 2])", ["(2*(x-1)/2)", "(2*(y-2)/2)"]),
        ("logsumexp(x, y)", "logsumexp(x, y)", ["exp(x-g)", "exp(y-g)"]),
        ("max(x, 1, 2, 3, 4, 5, y)", "max(x, 1, 2, 3, ... 2 more, y)", ["", ""]),
        ("where(x > 9, x, y)", "where(0, 3, y)", ["1"]),
    ],
)
def test_chain_shows_operation_and_rules_with_names(text, shown, rules):
    formula = sg.expression(text)
    values = [sg.Value(3.0, label=name) for name in formula.names]
    root = formula(*values)
    root.backward()

    chain = Chain(root, "g")

    assert chain.text(root) == shown
    assert [chain.rule(part) for part in chain.steps[0].parts] == rules


def test_chain_adds_to_the_gradient_of_every_value():
    x, y = sg.values(x=0.3, y=-1.7)
    root = sg.expression("sin(x*y)*x + exp(x) / (x*y) - max(x, y, x*y) * y**2")(x, y)
    root.backward(1.3)

    chain = Chain(root, "g")

    for value in (x, y):
        total = 0.0
        for term in chain.terms[id(value)]:
            total += term
        assert total == value.grad


def test_chain_is_that_of_its_own_root_after_the_pass_of_another():
    x, y = sg.values(x=5, y=7)
    h = x * y
    first, second = h * 2, h * 3
    first.backward(10.0)
    second.backward()

    chain = Chain(first, "g")

    assert [part.product for step in chain.steps for part in step.parts] == [20.0, 140.0, 100.0]
    assert chain.terms[id(x)] == [140.0]


@pytest.mark.parametrize("name", ["maximum", "minimum"])
@pytest.mark.parametrize("y", [1.0, 2.0, 3.0])
def test_rules_of_a_choice_agree_with_their_numbers(name, y):
    names = {"x": sg.Value(2.0, label="x"), "y": sg.Value(y, label="y")}
    root = sg.expression(f"{name}(x, y)")(**names)
    root.backward()

    chain = Chain(root, "g")

    for part in chain.steps[0].parts:
        assert chain.rule(part).isascii()
        assert eval(chain.rule(part), {"x": 2.0, "y": y}) == part.partial


@pytest.mark.parametrize("text", ["maximum(x, 1)", "minimum(1, x)", "relu(x)"])
def test_chain_shows_no_rule_where_a_nan_takes_no_branch(text):
    root = sg.expression(text)(sg.Value(float("nan"), label="x"))
    root.backward()

    chain = Chain(root, "g")

    assert [chain.rule(part) for part in chain.steps[0].parts] == [""]


def test_report_adds_as_the_row_of_sums_does(monkeypatch):
    x = sg.Value(3.0, label="x")
    root = x * x
    root.backward()
    monkeypatch.setitem(vars(ops.SUM), "value", lambda terms: 42.0)

    assert "dg/dx = 3.0 + 3.0 = 42.0" in write_report("x * x", {"x": x}, root, "g", None)


def test_chain_shows_a_node_of_ones_own_without_a_rule():
    x = sg.Value(3.0, label="x")
    root = sg.record(9.0, [x], [6.0], op="square")
    root.backward()

    chain = Chain(root, "g")

    (step,) = chain.steps
    assert [(chain.rule(part), part.product) for part in step.parts] == [("", 6.0)]

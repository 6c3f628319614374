"""Formulas in pictures are exact: whoever computes one finds the number that belongs there."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction

import pytest
from formula_reader import UnreadableError, is_said, said

import scalargrad as sg
from scalargrad.drawing.layout.setting import ASCENT, DESCENT, block
from scalargrad.drawing.options import view
from scalargrad.drawing.words.algebra import ONE, add, constant, name
from scalargrad.drawing.words.writing import write

#: plain numbers as people type them
NUMBERS = [
    2, 3, 7, 10, 12, 0.5, 0.1, 1.5, 9.81, 1 / 3, 2 / 7, math.pi, 2 * math.pi, math.pi / 180, math.e,
    math.sqrt(2), 1 / math.sqrt(2 * math.pi), 1e-7, 1e8, 6.674e-3, 0.1 + 0.2, 100, -1, 0,
]  # fmt: skip

Step = Callable[[sg.Value, sg.Value, float], sg.Value]
STEPS: list[Step] = [
    lambda a, b, c: a + b, lambda a, b, c: a - b, lambda a, b, c: a * b, lambda a, b, c: a / b,
    lambda a, b, c: a * c, lambda a, b, c: a / (c or 1), lambda a, b, c: c / a,
    lambda a, b, c: c - a, lambda a, b, c: a + c, lambda a, b, c: -a, lambda a, b, c: a**2,
    lambda a, b, c: a**3, lambda a, b, c: 1 / a, lambda a, b, c: a**-2,
    lambda a, b, c: sg.sqrt(abs(a)), lambda a, b, c: sg.sqrt(a * a + b * b + 1),
    lambda a, b, c: (a * a) ** 0.5, lambda a, b, c: abs(a) ** (1 / 3), lambda a, b, c: sg.cbrt(a),
    lambda a, b, c: abs(a) ** 1.4, lambda a, b, c: (1 + a * a) ** b, lambda a, b, c: 2 ** sg.sin(a),
    lambda a, b, c: math.e ** sg.sin(a), lambda a, b, c: sg.exp(-a * a), lambda a, b, c: abs(a - b),
    lambda a, b, c: sg.log(1 + a * a), lambda a, b, c: sg.sin(a), lambda a, b, c: sg.cos(a * c),
    lambda a, b, c: sg.tanh(a), lambda a, b, c: sg.sigmoid(a), lambda a, b, c: sg.erf(a),
    lambda a, b, c: sg.atan(a), lambda a, b, c: sg.hypot(a, b), lambda a, b, c: sg.relu(a),
    lambda a, b, c: sg.maximum(a, b), lambda a, b, c: sg.sum([a, b, a]),
    lambda a, b, c: sg.dot([a, b], [b, float(c)]), lambda a, b, c: sg.mean([a, b, b * 2]),
    lambda a, b, c: sg.log2(1 + a * a), lambda a, b, c: sg.exp2(-a * a),
    lambda a, b, c: sg.asinh(a),
    lambda a, b, c: (3 * abs(a)) ** b, lambda a, b, c: (a * a / 7 + 1) ** sg.sin(b),
    lambda a, b, c: 2 * a / math.sqrt(2), lambda a, b, c: a / 2 * math.sqrt(2),
    lambda a, b, c: a - a, lambda a, b, c: 0 * a, lambda a, b, c: a / a + b,
]  # fmt: skip


def expression(seed: int) -> sg.Value:
    """Return the result of a few steps on three variables, some of the steps with a label."""
    chance = random.Random(seed)
    pool = list(sg.values(**{name: round(chance.uniform(-2, 3), 3) or 1 for name in "xyz"}))
    for step in range(chance.randint(1, 7)):
        made = chance.choice(STEPS)(
            chance.choice(pool[-3:]), chance.choice(pool), chance.choice(NUMBERS)
        )
        if chance.random() < 0.3:
            made.label = f"n{step}"
        pool.append(made)
    return pool[-1]


@pytest.mark.parametrize("block", range(15))
def test_every_formula_gives_the_number_that_belongs_there(block: int) -> None:
    read = unread = 0
    for seed in range(30 * block, 30 * block + 30):
        root = expression(seed)
        if not root.parents or root.data != root.data:
            continue
        root.label = "r"
        root.backward()
        for text, number, reader in said(view("draw", root, symbols=True)):
            if not 1e-100 < abs(number) < 1e100 and number != 0:
                continue
            try:
                assert is_said(text, number, reader), (seed, text, number, reader.read(text))
                read += 1
            except (UnreadableError, ArithmeticError, ValueError, TypeError):
                unread += 1
    assert read > 300
    assert unread < 0.02 * read


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1 / 3, "1/3"), (-2 / 7, "−2/7"), (0.5, "0.5"), (0.1 + 0.2, "0.3"), (math.pi, "π"),
        (2 * math.pi, "2π"), (-math.pi / 2, "−π/2"), (math.pi / 180, "π/180"), (math.e, "e"),
        (1 / math.e, "1/e"), (math.sqrt(2), "√2"), (math.sqrt(8), "2√2"), (math.sqrt(0.5), "1/√2"),
        (math.sqrt(3) / 2, "√3/2"), (math.sqrt(2 * math.pi), "√(2π)"), (math.sqrt(math.pi), "√π"),
        (1 / math.sqrt(2 * math.pi), "1/√(2π)"), (2 / math.sqrt(math.pi), "2/√π"), (1e8, "10⁸"),
        (1e-7, "10⁻⁷"), (1.5e-9, "1.5·10⁻⁹"), (-6.674e-11, "−6.674·10⁻¹¹"), (1000.0, "1000"),
        (123456.0, "123456"), (1234567.0, "1234567"), (0.27801234567890123, "0.278012"),
        (0.0, "0"), (-0.0, "0"), (math.inf, "∞"), (-math.inf, "−∞"), (0.001, "0.001"),
        (1e300, "10³⁰⁰"), (100.0, "100"), (1 / 7e6, "1.42857·10⁻⁷"),
    ],
)  # fmt: skip
def test_number_is_written_as_what_it_was_meant_to_be(number: float, text: str) -> None:
    assert write(constant(number)) == text


def test_no_number_is_taken_for_another() -> None:
    chance = random.Random(1)
    for _ in range(3000):
        number = chance.uniform(-1, 1) * 10.0 ** chance.randint(-8, 8)
        made = constant(number)
        assert not made.order, number
        assert made.coefficient == Fraction(number) or abs(
            float(made.coefficient) - number
        ) <= 2 * math.ulp(number)


def gradients(made: Callable[..., sg.Value], **numbers: float) -> dict[str, str | None]:
    """Return the gradient of each variable of a formula, beginning with 1."""
    variables = sg.values(**numbers)
    root = made(*variables)
    root.label = "L"
    root.backward()
    seen = view("draw", root, symbols=True)
    texts = {seen.wording.flow(f).forward: seen.wording.flow(f).backward for f in seen.graph.flows}
    return {name: texts[name] for name in numbers}


@pytest.mark.parametrize(
    ("made", "numbers", "expected"),
    [
        (lambda x: x / 3, {"x": 2}, {"x": "1/3"}),
        (lambda x: x / 9.81, {"x": 2}, {"x": "1/9.81"}),
        (lambda x: 0.5 * x**2, {"x": 2}, {"x": "x"}),
        (lambda x: math.e**x, {"x": 2}, {"x": "L"}),
        (lambda x: 2**x, {"x": 2}, {"x": "L·log(2)"}),
        (lambda x: x ** (1 / 3), {"x": 2}, {"x": "1/(3∛(x²))"}),
        (lambda x: x**0.5, {"x": 2}, {"x": "1/(2L)"}),
        (lambda x: x**1.5, {"x": 2}, {"x": "3√x/2"}),
        (lambda x: x - x, {"x": 2}, {"x": "0"}),
        (lambda x: 0 * x, {"x": 2}, {"x": "0"}),
        (lambda x: x**-2, {"x": 2}, {"x": "−2/x³"}),
        (lambda h: 2 * math.pi * sg.sqrt(h / 9.81), {"h": 2}, {"h": "L/(2h)"}),
        (lambda a, b, x: (-b + sg.sqrt(b * b + 4 * a * x)) / (2 * a), {"a": 2, "b": 3, "x": 1},
         {"x": "1/√(b²+4a·x)"}),
        (lambda p, r, n, t: p * (1 + r / n) ** (n * t), {"p": 100, "r": 0.05, "n": 12, "t": 3},
         {"p": "(1+r/n)^(n·t)", "r": "p·t(1+r/n)^(n·t−1)"}),
        (lambda x, s: sg.exp(-((x / s) ** 2) / 2) / (s * math.sqrt(2 * math.pi)),
         {"x": 1, "s": 2}, {"x": "−L·x/s²"}),
        (lambda a, b, c: a * b * c / (1 + b), {"a": 0, "b": 2, "c": 3},
         {"a": "c·b/(1+b)", "c": "a·b/(1+b)"}),
        (lambda w, x: w * x * sg.exp(w * x), {"w": 0, "x": 2},
         {"w": "x(exp(w·x)+L)"}),
        (lambda a, x, b: (a * x**2 + b) ** 3, {"a": 2, "x": 0.5, "b": 3},
         {"a": "3x²(a·x²+b)²", "x": "6a·x(a·x²+b)²", "b": "3(a·x²+b)²"}),
        (lambda x: x * x * x / (1 + x), {"x": 0}, {"x": "(3x²−L)/(1+x)"}),
        (lambda x, y: x / y, {"x": 0, "y": 2}, {"x": "1/y", "y": "−x/y²"}),
        (lambda x: 1 / (1 + x), {"x": 2}, {"x": "−L²"}),
        (lambda h, g: 2 * math.pi * sg.sqrt(h / g), {"h": 1, "g": 9.81},
         {"h": "L/(2h)", "g": "−L/(2g)"}),
        (lambda p, x, m: p * (x - m) ** 2, {"p": 0, "x": 1, "m": 3},
         {"p": "(x−m)²", "x": "2p(x−m)", "m": "−2p(x−m)"}),
        (lambda a, b: -sg.log(sg.softmax([a, b])[0]), {"a": 1, "b": 2}, {"a": "y₁−1"}),
    ],
)  # fmt: skip
def test_gradient_is_the_one_of_a_careful_hand(
    made: Callable[..., sg.Value], numbers: dict[str, float], expected: dict[str, str]
) -> None:
    found = gradients(made, **numbers)

    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    "made",
    [
        lambda x, y: x * y * 3 / (1 + y), lambda x, y: x * y * sg.exp(x * y),
        lambda x, y: x * x * x / (1 + x) + y, lambda x, y: x / y, lambda x, y: (x * y) ** 3,
        lambda x, y: y * (x + 0 * y) ** 2, lambda x, y: sg.sin(x) * sg.tanh(x) * y,
        lambda x, y: x**2 * y**3 * sg.cos(x) / (y + 1), lambda x, y: sg.sigmoid(x) * x * y,
        lambda x, y: x * sg.sqrt(y) * sg.exp(-y), lambda x, y: sg.dot([x, y], [y, x]) * x,
    ],
)  # fmt: skip
def test_no_formula_divides_by_an_operand_that_is_0(made: Callable[..., sg.Value]) -> None:
    variables = sg.values(x=0, y=2)
    root = made(*variables)
    root.label = "h"
    root.backward()

    texts = list(said(view("draw", root, symbols=True)))

    assert sum("∂L/∂h" in text for text, _, _ in texts) > 2
    for text, number, reader in texts:
        assert is_said(text, number, reader), (text, number)


# -- what a sum and a choice say -------------------------------------------------------------------


def test_long_sum_has_the_terms_of_its_arrows_a_line_each() -> None:
    variables = sg.values(n=1.0, R=8.0, T=300.0, V=2.0, b=0.5, a=0.3)
    n, r, t, v, b, a = variables
    root = n * r * t / (v - n * b) - a * n**2 / v**2
    root.backward()
    seen = view("draw", root, symbols=True)
    flow = next(flow for flow in seen.graph.flows if flow.value is n)

    parts = [str(seen.wording.use(use).backward) for use in flow.uses]

    assert len(parts) == 3
    written = str(seen.wording.flow(flow).backward)
    assert written == parts[0] + "".join(
        f"\n− {part[1:]}" if part.startswith("−") else f"\n+ {part}" for part in parts[1:]
    )


@pytest.mark.parametrize(
    ("function", "numbers", "expected"),
    [
        (lambda x: sg.relu(x), {"x": 3}, ["∂L/∂z·1\nhere x > 0"]),
        (lambda x: sg.relu(x), {"x": -3}, ["0\nhere x ≤ 0"]),
        (lambda x: sg.relu(x), {"x": 0}, ["0\nhere x ≤ 0"]),
        (lambda x: sg.leaky_relu(x, 0.1), {"x": -3}, ["∂L/∂z·0.1\nhere x ≤ 0"]),
        (sg.maximum, {"x": 1, "y": 2}, ["0\nhere x < y", "∂L/∂z·1\nhere y > x"]),
        (sg.minimum, {"x": 2, "y": 2}, ["∂L/∂z·1/2\nhere x = y", "∂L/∂z·1/2\nhere x = y"]),
        (lambda *xs: sg.max(xs), {"x": 1, "y": 2},
         ["0\nhere not the largest", "∂L/∂z·1\nhere the largest"]),
    ],
)  # fmt: skip
def test_choice_says_what_is_so_here(
    function: Callable[..., sg.Value], numbers: dict[str, float], expected: list[str]
) -> None:
    variables = sg.values(**numbers)
    root = function(*variables)
    root.label = "z"
    root.backward()
    seen = view("draw", root, symbols=True)

    flows = [flow for flow in seen.graph.flows if flow.value is not root]

    assert [seen.wording.use(use).backward for flow in flows for use in flow.uses] == expected


@pytest.mark.parametrize(
    ("number", "lines"),
    [(3.0, ["∂L/∂z·1", "1", "here x > 0"]), (-3.0, ["0", "here x ≤ 0"])],
)
def test_remark_stands_below_the_number_with_more_room(number: float, lines: list[str]) -> None:
    (x,) = sg.values(x=number)
    root = sg.relu(x)
    root.label = "z"
    root.backward()
    texts = [t for t in sg.draw(root, symbols="both").picture.texts if t.style == "backward"]
    red = [text for text in texts if text.about == texts[0].about]

    assert [text.content for text in red] == lines
    assert red[-1].y - red[-2].y >= 19.0


@pytest.mark.parametrize(
    ("condition", "text", "back"), [(True, "x²", "∂L/∂z·2x"), (False, "3x", "∂L/∂z·3")]
)
def test_where_is_what_was_chosen(condition: bool, text: str, back: str) -> None:
    (x,) = sg.values(x=2.0)
    root = sg.where(condition, x * x, 3 * x)
    root.label = "z"
    root.backward()
    seen = view("draw", root, symbols=True)
    flows = {str(seen.wording.flow(flow).forward): flow for flow in seen.graph.flows}

    chosen = flows[text]

    assert seen.wording.use(chosen.uses[0]).backward == "∂L/∂z·1\nhere chosen"
    assert chosen.uses[0].target is not None
    assert chosen.uses[0].target.inputs == chosen.uses  # no number of what was not
    assert seen.wording.flow(flows["x"]).backward == back


def test_softmax_of_an_error_has_the_names_of_that_beside_it() -> None:
    scores = sg.values(a=1.0, b=2.0)
    first, _ = sg.softmax(scores)
    root = sg.cross_entropy(scores, [0, 1]) + first
    root.backward()
    seen = view("draw", root, symbols=True)
    flow = next(flow for flow in seen.graph.flows if flow.value is scores[0])

    assert [seen.wording.use(use).backward for use in flow.uses] == ["y₁", "y₁(1−y₁)"]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda x: 0.9**x, "0.9^x"), (lambda x: (x + 1) ** 0.5, "√(x+1)"),
        (lambda x: -x + sg.sqrt(x * x + 1), "−x+√(x²+1)"), (lambda x: sg.sqrt(x) - 1, "√x−1"),
        (lambda x: 2 - x + sg.cbrt(x), "2−x+∛x"), (lambda x: -x + 1 / sg.sqrt(x), "1/√x−x"),
        (lambda x: sg.sqrt(x * x + 1) - x, "√(x²+1)−x"), (lambda x: -x + 3, "3−x"),
        (lambda x: abs(x), "|x|"), (lambda x: sg.sqrt(x), "√x"), (lambda x: sg.cbrt(x), "∛x"),
        (lambda x: x**-1.5, "1/x^(3/2)"), (lambda x: sg.exp(-x / 3), "exp(−x/3)"),
        (lambda x: 2 * x / math.sqrt(2), "x√2"), (lambda x: x / 2 * math.sqrt(2), "x/√2"),
        (lambda x: (3 * x) ** (x / 2), "(3x)^(x/2)"),
        (lambda x: 1e8 * x, "10⁸·x"), (lambda x: x * math.pi / 180, "πx/180"),
        (lambda x: x * (x - 3) ** 2, "x(x−3)²"), (lambda x: (x + 1) * (x - 3), "(x+1)(x−3)"),
        (lambda x: 2 * (x + 1) ** x, "2(x+1)^x"), (lambda x: 3 * 2.0**x, "3·2^x"),
        (lambda x: x**2 * (x + 1), "x²(x+1)"), (lambda x: x**x * (x + 1), "x^x·(x+1)"),
        (lambda x: 2 * sg.sin(x), "2·sin(x)"), (lambda x: x * sg.sin(x), "x·sin(x)"),
    ],
)  # fmt: skip
def test_plain_text_of_what_is_set_in_type(made: Callable[..., sg.Value], text: str) -> None:
    (x,) = sg.values(x=2.0)
    root = made(x)
    seen = view("draw", root, symbols=True)

    assert [seen.wording.flow(flow).forward for flow in seen.graph.flows][-1] == text


def test_a_fraction_has_a_slash_in_the_brackets_of_a_function() -> None:
    x, y = sg.values(x=1.5, y=2.0)
    seen = view("draw", sg.sin(x / y) * y, symbols=True)
    texts = [seen.wording.flow(flow).forward for flow in seen.graph.flows]
    by_text = {str(text): text for text in texts}

    for written, is_stacked in (("x/y", True), ("y·sin(x/y)", False)):
        assert bool(block(by_text[written].lines[0], 10.0).strokes) is is_stacked


def test_brackets_grow_around_a_fraction() -> None:
    x, y, z = name("x", 1), name("y", 2), name("z", 3)
    low, tall = write(y * add(ONE, x)), write(y * add(ONE, x * z**-1))
    assert (low, tall) == ("y(1+x)", "y(1+x/z)")

    made = block(tall.lines[0], 10.0)
    brackets = [run for run in made.runs if run.text in ("(", ")")]

    assert {run.size for run in block(low.lines[0], 10.0).runs} == {10.0}
    assert len(brackets) == 2
    assert made.strokes  # it is stacked
    for run in brackets:  # from its top to its foot
        assert run.y - ASCENT * run.size == pytest.approx(-made.ascent)
        assert run.y + DESCENT * run.size == pytest.approx(made.descent)

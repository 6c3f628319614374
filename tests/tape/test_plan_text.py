"""A plan prints as text: what the machine does, instruction by instruction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from replays import KINDS, times

import scalargrad as sg
from scalargrad import _engine

if not KINDS:
    pytest.skip("the machine was not built", allow_module_level=True)

PRODUCT_AND_SINE = """\
plan of f: value, its gradient by inputs; blocks of lanes; strict
  5 slots of values, 3 of gradients, reckoned at 24.0 ns a lane
inputs: %0 = x, %1 = y
forward
    0  mul  %2 = %0 * %1
    1  sin  %3 = sin(%0)
    2  add  %4 = %2 + %3
results: %4
backward, from g0 = upstream
    0  add  g1 = g0, g2 = g0
    1  sin  g0 = g2 * cos(%0)
    2  mul  g0 += g1 * %1, g2 = g1 * %0
gradients by inputs: x: g0, y: g2"""


def test_plan_of_the_worked_example() -> None:
    def f(x: Any, y: Any) -> Any:
        return x * y + sg.sin(x)

    compiled = sg.compile(f)
    compiled(2.0, 3.0)
    plan = compiled.tape.plan()
    assert plan == repr(plan) == PRODUCT_AND_SINE
    values = PRODUCT_AND_SINE.partition("\nbackward")[0].splitlines()
    assert compiled.tape.plan("none").splitlines()[2:] == values[2:]
    assert "point" not in plan
    assert compiled.tape.plan(lanes="point").splitlines()[1:] == plan.splitlines()[1:]


CAPTURED = """\
plan of f: value, its gradient by inputs and captured; blocks of lanes; strict
  14 slots of values, 5 of gradients, reckoned at 52.8 ns a lane
inputs: %3 = x, %5 = y
captured: %0 = w0 (slope)
constants: %1 = 2.0, %12 = 4.0, %10 = 0.25, %13 = 0.25
prelude, once a call
    0  mul  %2 = %0 * %1
forward
    0  mul     %4 = %2 * %3
    1  mul     %6 = %1 * %5
    2  add     %7 = %4 + %6
    3  relu    %8 = relu(%7)
    4  square  %9 = %8 * %8
    5  mul     %11 = %9 * %10
results: %11
guard: %3 > %5
added up over all lanes, from 0: g3, g4
backward, from g0 = upstream
    0  mul     g1 = g0 * %13
    1  square  g0 = g1 * 2 * %8
    2  relu    g1 = g0 * drelu/dx(%7)
    3  add     g0 = g1, g2 = g1
    4  mul     g1 = g2 * %1
    5  mul     g3 += g0 * %3, g2 = g0 * %2
backward prelude, once a call
    0  mul  g4 += g3 * %1
gradients by inputs: x: g2, y: g1
gradients by captured: w0 (slope): g4"""


def test_plan_names_what_is_captured_and_what_is_done_once_a_call() -> None:
    w = sg.Value(0.5, label="slope")

    def f(x: Any, y: Any) -> Any:
        return sg.relu(w * 2 * x + 2.0 * y) ** 2 / 4 if x > y else y

    compiled = sg.compile(f)
    compiled(2.0, 1.0)
    assert compiled.tape.plan("both") == CAPTURED


MANY_OPERANDS = """\
forward
    0  softmax    %2, %3 = softmax(%0, %1)
    1  logsumexp  %6 = logsumexp(%0, %1)
    2  mul        %7 = %2 * %6
    3  mean       %8 = mean(%0, %1, %0)
    4  sub        %9 = %7 - %8
    5  sum        %10 = sum(%9, %0, %1)
    6  dot        %11 = dot([%0, %1], [%1, %0])
    7  sub        %12 = %10 - %11
    8  mul        %14 = %0 * %13
    9  add        %15 = %12 + %14
results: %15
backward, from g0 = upstream
    0  add        g1 = g0, g2 = g0
    1  mul        g0 = g2 * %13
    2  sub        g2 = g1, g3 = -g1
    3  dot        g0 += g3 * %1, g1 = g3 * %0, g1 += g3 * %0, g0 += g3 * %1
    4  sum        g3 = g2, g0 += g2, g1 += g2
    5  sub        g2 = g3, g4 = -g3
    6  mean       g0 += g4 / 3, g1 += g4 / 3, g0 += g4 / 3
    7  mul        g4 = g2 * %6, g3 = g2 * %2
    8  logsumexp  g0 += g3 * %4, g1 += g3 * %5
    9  softmax    g0 += g4 * dsoftmax(%2, %2), g1 += g4 * dsoftmax(%2, %3)
gradients by inputs: a: g0, b: g1"""


def test_plan_of_rows_with_many_operands() -> None:
    def f(a: Any, b: Any) -> Any:
        start = sg.softmax([a, b])[0] * sg.logsumexp([a, b]) - sg.mean([a, b, a])
        return sg.sum([start, a, b]) - sg.dot([a, b], [b, a]) + a * 3.0

    compiled = sg.compile(f)
    compiled(1.0, 2.0)
    assert "\n".join(compiled.tape.plan().splitlines()[4:]) == MANY_OPERANDS


LAYERS = """\
product 0, 9 dots of 21: %21, %22, %23, %24, %25, %26, ..., %29 = \
[w0, w1, w2, w3, w4, w5, ..., w188] on [%0, %1, %2, %3, %4, %5, ..., %20]
product 1, 4 dots of 10: %39, %40, %41, %42 = \
[w189, w190, w191, w192, w193, w194, ..., w228] on [%30, %31, %32, %33, %34, %35, ..., %20]"""


def test_plans_of_layers_are_matrix_products() -> None:
    net = sg.nn.TwoLayerNet(20, 9, 4, seed=0)
    f = sg.compile(lambda x, t: net.loss(x, t))
    f.backward(np.zeros((3, 20)), np.zeros(3, int))
    text = f.tape.plan("captured")
    products = [line for line in text.splitlines() if line.startswith("product ")]
    assert "\n".join(products) == LAYERS
    assert text.count("matmul") == 4
    assert text.count("the sums of its weights") == 2


VECTORIZED = """\
forward
    0  sin  %40..79 = sin(%0..39)  # 40 at once
    1  mul  %80..119 = %40..79 * %0..39  # 40 at once
    2  sum  %120 = sum(%80, %81, %82, %83, %84, %85, ..., %119)
results: %120
backward, from g0 = upstream
       fill  g41..80 = g0
    0  add   g1..40 = g41..80  # 40 at once
    1  mul   g297..336 = g1..40 * %0..39  # 40 at once
    2  mul   g337..376 = g1..40 * %40..79  # 40 at once
    3  sin   g337..376 += g297..336 * cos(%0..39)  # 40 at once"""


def test_plan_of_a_point_is_vectorised_where_that_gains() -> None:
    f = sg.compile(lambda xs: sg.sum([sg.sin(x) * x for x in xs]))
    f([0.1 * i for i in range(40)])
    text = f.tape.plan(lanes="point")
    assert text.splitlines()[1].endswith("reckoned at 220.6 ns vectorised, 727.2 ns else")
    assert "\n".join(text.splitlines()[3:-1]) == VECTORIZED
    assert "at once" not in f.tape.plan()


def test_plan_gathers_and_scatters_what_is_apart() -> None:
    f = sg.compile(lambda xs: sg.sum([sg.exp(sg.sin(xs[i] * xs[i * 7 % 41])) for i in range(41)]))
    f([0.1 * i for i in range(41)])
    text = f.tape.plan(lanes="point")
    assert "gather   %" in text
    assert "scatter  g" in text


def test_long_plans_leave_their_middle_out() -> None:
    def chain(x: Any) -> Any:
        for _ in range(1000):
            x = sg.sin(x)
        return x

    f = sg.compile(chain)
    f(0.5)
    assert f.tape.plan("none").splitlines()[4 + 100] == "  ... 800 more"


def test_fast_plans_merge_what_is_equal() -> None:
    f = sg.compile(lambda x: sg.exp(x) * sg.sin(sg.exp(x)))
    f(1.0)
    strict, fast = (f.tape.plan(mode=mode) for mode in ("strict", "fast"))
    assert strict.count("  exp ") == 1 + 2
    assert fast.count("  exp ") == 1 + 1


def test_plan_of_what_the_machine_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    f = sg.compile(lambda x: times(x, x))
    f(2.0)
    assert f.tape.plan() == (
        "no plan: the machine cannot call times; the readable replay runs the tape line by line"
    )
    monkeypatch.setattr(_engine, "machine", lambda: None)
    assert f.tape.plan() == (
        "no plan: the machine was not built here; the readable replay runs the tape line by line"
    )


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"gradients": "all"}, 'plan: gradients must be one of "none", "inputs", "captured"'),
        ({"lanes": 3}, 'plan: lanes must be one of "batch", "point"; got 3'),
        ({"mode": "loose"}, 'plan: mode must be one of "strict", "fast"'),
        ({"output": 2}, "tape: output must be at most 0"),
    ],
)
def test_plan_refuses_other_words(option: dict[str, Any], message: str) -> None:
    f = sg.compile(lambda x: x * x)
    f(2.0)
    with pytest.raises(ValueError, match=message):
        f.tape.plan(**option)


def test_a_product_without_a_gradient_shows_none() -> None:
    def function(xs: Any) -> Any:
        dots = [sg.dot(xs, [w, 0.5, 2.0, w]) for w in (0.1, 0.2, 0.3, 0.4, 0.7)]
        return [sg.sin(xs[0]), *dots]

    f = sg.compile(function)
    f([0.1, 0.2, 0.3, 0.4])
    text = str(f.tape.plan("inputs"))
    assert "product 0, 5 dots of 4" in text
    assert "back, from" not in text


def test_offset_that_a_function_captures_is_the_last_term_of_its_dot() -> None:
    b = sg.Value(7.0, "b")
    f = sg.compile(lambda x, y: sg.dot([x, y], [y, x]) + b)
    assert f(2.0, 3.0) == 19.0

    plan = f.tape.plan("none")

    assert "captured: %2 = w0 (b)\nconstants: %3 = 1.0\n" in plan
    assert "forward\n    0  dot  %4 = dot([%0, %1, %2], [%1, %0, %3])\nresults: %4" in plan

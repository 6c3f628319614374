"""`compile` refuses what no replay could do, in one sentence."""

from __future__ import annotations

import contextlib
import copy
import itertools
import math
import pickle
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import replays
from replays import KINDS

import scalargrad as sg

runner = replays.runner


def _slope_first(x: Any) -> Any:
    return x.grad * x.data


def _frozen(x: Any) -> Any:
    return x.data * x  # the line that messages name


def _passes(x: Any) -> Any:
    y = x * x
    y.backward()
    return y


def _writes(x: Any) -> Any:
    y = x * x
    y.data = 3.0
    return y


def _forgets(x: Any) -> Any:
    W.grad = 0.0
    return x * W


def _random(x: Any) -> Any:
    return x * random.random()


def _cube(x: Any) -> Any:
    return x * sg.gradients(x**3, [x])[0]


def _turns(x: Any) -> Any:
    return x * x if random.random() < 0.5 else -x


@pytest.mark.parametrize(
    ("function", "arguments", "kind", "words"),
    [
        (_frozen, (1.0,), RuntimeError, r"\.data must not be read.*return x\.data \* x"),
        (_slope_first, (1.0,), RuntimeError, r"\.grad must not be read.*or with its \.detach\(\)$"),
        (_frozen, (1.0,), RuntimeError, r"or with its \.detach\(\): return x\.detach\(\) \* x"),
        (_passes, (1.0,), RuntimeError, r"gradients must not.*y\.backward\(\)"),
        (_writes, (1.0,), RuntimeError, r"\.data must not be changed.*y\.data = 3\.0"),
        (_forgets, (1.0,), RuntimeError, r"\.grad must not be changed.*W\.grad = 0\.0"),
        (_random, (1.0,), RuntimeError, "must do the same each time"),
        (lambda x: None, (1.0,), TypeError, "got None; write return"),
        (lambda x: "one", (1.0,), TypeError, "must be numbers.*'one'"),
        (lambda x: [], (1.0,), TypeError, r"must return numbers; got \[\]"),
        (lambda x: x, ("one",), TypeError, "argument 0 must be numbers.*'one'"),
        (lambda x: x, (None,), TypeError, "argument 0 must be numbers.*None"),
        (lambda x: x, (np.array(["a"]),), TypeError, "argument 0 must be numbers"),
        (lambda x: x, (np.empty(0),), ValueError, "at least one lane; got none"),
        (lambda x, y: x, (np.zeros(2), np.zeros(3)), ValueError, r"\(2,\), \(3,\)"),
        (lambda x, y: x, (np.zeros(2), sg.Value(1.0)), TypeError, "Values or arrays, not both"),
        (lambda x: sg.record(1.0, [x], [1.0], op="own"), (1.0,), RuntimeError, "'own'"),
        (lambda x, y: x, (1.0,), TypeError, "missing 1 required positional"),
    ],
)  # fmt: skip
def test_what_no_replay_could_do_is_refused(
    runner: str, function: Any, arguments: Any, kind: type[Exception], words: str
) -> None:
    f = sg.compile(function)
    for _ in range(2):
        with pytest.raises(kind, match=words):
            f(*arguments)
    assert sg.compile(lambda x: x * x)(3.0) == 9.0
    x = sg.Value(2.0)
    (x * x).backward()
    assert (x.data, x.grad) == (2.0, 4.0)


def test_what_is_printed_has_no_number_that_would_never_change(runner: str) -> None:
    seen: list[str] = []

    def function(x: Any) -> Any:
        seen.extend([repr(x), f"{x * 2}", str(W)])
        return x * 2

    assert sg.compile(function)(3.5) == 7.0
    assert seen[:3] == ["Value(recorded)", "Value(recorded, op='mul')", "Value(recorded)"]


def test_functions_that_turn_at_random_are_refused() -> None:
    def often() -> None:
        for _ in range(60):
            sg.compile(_turns)(1.0)

    with pytest.raises(RuntimeError, match="must do the same each time"):
        often()


def test_refusal_says_where_two_runs_parted() -> None:
    turns = itertools.count()

    def function(x: Any) -> Any:
        return -x if (x > 0.0 if next(turns) % 2 else x < 0.0) else x

    with pytest.raises(RuntimeError, match=r"the second time \(first seen at .*next\(turns\)"):
        sg.compile(function)(1.0)


# -- what would be the same at every later call --------------------------------------------

W = sg.Value(2.0)
SCALED = sg.compile(lambda x: W * x)
COUNT = itertools.count()


def _elsewhere(x: Any) -> Any:
    found: list[Any] = []
    worker = threading.Thread(target=lambda: found.append(x * x))
    worker.start()
    worker.join()
    return x * found[0]


def _catches(x: Any) -> Any:
    with contextlib.suppress(RuntimeError):
        return x.data
    return x


def _learns(x: Any) -> Any:
    sg.fit(lambda u: W * u[0], [[1.0]], [1.0], loss="mse", optimizer=SGD, compile=True)
    return x


SGD = sg.optim.SGD([W], lr=0.1)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: copy.copy(x), "must not be copied"),
        (lambda x: copy.deepcopy(x * x), "must not be copied"),
        (lambda x: pickle.loads(pickle.dumps(x)), "must not be copied"),
        (lambda x: x * copy.copy(W), "must not be copied"),
        (lambda x: x * pickle.loads(pickle.dumps(W * W)), "must not be copied"),
        (_elsewhere, "must compute in the thread that calls it"),
        (lambda x: x * SCALED(np.ones(3))[0], "with arrays must not be called"),
        (lambda x: x * SCALED.value_and_grad(np.ones(3))[0][0], "with arrays must not be called"),
        (lambda x: x * SCALED.backward(1.0), "gradients must not be computed as numbers"),
        (lambda x: x * sg.gradients(x**3, [x])[0], "gradients must not be computed as numbers"),
        (lambda x: _cube(x.detach()), "gradients must not be computed as numbers"),
        pytest.param(
            _learns,
            "nothing else may be recorded",
            marks=pytest.mark.skipif(not KINDS, reason="the machine was not built here"),
        ),
        (lambda x: x * sg.Value(float(next(COUNT))), "must do the same each time"),
        (lambda x: x if random.random() < 2 else -x, "must do the same each time"),
        (lambda x: x if np.random.random() < 2 else -x, "must do the same each time"),
        (lambda x: x if np.random.randint(9) < 9 else -x, "must do the same each time"),
        (
            lambda x: x * sg.evaluate(lambda u: u * W, [1.0], [1.0], loss="mse").loss,
            "evaluate must not be called",
        ),
        (lambda x: x * float(f"{x:.1f}"), "must not"),
        (lambda x: x * len(f"{x * W:6}"), "must not"),
        (_catches, r"\.data must not be read"),
    ],
)  # fmt: skip
def test_numbers_that_would_never_change_are_refused(
    runner: str, function: Callable[[Any], Any], words: str
) -> None:
    f = sg.compile(function)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=rf"^compile: [^;]*{words}"):  # not in the line
            f(2.0)
    assert f.tapes == []
    assert sg.compile(lambda x: W * x)(3.0) == 6.0


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_refusals_name_the_line_behind_a_module_of_python(duplicate: Callable[[Any], Any]) -> None:
    with pytest.raises(RuntimeError, match=r"got a copy at .*test_compile_refusals\.py:\d+"):
        sg.compile(lambda x: duplicate(x))(1.0)


def test_gradients_of_what_was_captured_disturb_no_line(runner: str) -> None:
    def function(x: Any) -> Any:
        a = W * x
        sg.gradients(W * W, [W])
        return a * W

    f = sg.compile(function)
    assert f(3.0) == 12.0
    assert f.tape.captured == (W,)
    assert [line.op for line in f.tape.lines] == ["mul", "mul", "mul"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * SCALED(3.0),
        lambda x: x * SCALED.value_and_grad(3.0)[0],
        lambda x: x * 3.0 * SCALED.value_and_grad(3.0)[1][0],
        lambda x: 3.0 * SCALED.value_and_grad(x)[0],
    ],
)
def test_numbers_of_other_compiled_functions_are_computed_anew(
    runner: str, function: Callable[[Any], Any]
) -> None:
    f = sg.compile(function)
    assert f(2.0) == 12.0
    try:
        W.data = 5.0
        assert f(2.0) == 30.0
        assert f(np.array([2.0, 1.0])).tolist() == [30.0, 15.0]
    finally:
        W.data = 2.0


def total(*xs: Any) -> Any:
    """Add numbers and lists of them."""
    return sum(map(total, xs[0])) if len(xs) == 1 and isinstance(xs[0], list) else sum(xs)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sg.compile(3.0), "wants a function; got 3.0"),
        (lambda: sg.compile(abs, mode="quick"), 'mode must be "strict" or "fast"'),
        (lambda: sg.compile(abs, threads=0), "threads must be a whole number from 1"),
        (lambda: sg.compile(abs, max_paths=-1), "max_paths must be a whole number from 1"),
        (lambda: sg.compile(abs).tape, "nothing is recorded before the first call"),
        (lambda: sg.compile(abs).backward(1.0, reduction="max"), '"mean" or "sum"'),
        (lambda: sg.compile(lambda x: [x, x]).value_and_grad(1.0), "returns 2 numbers"),
        (lambda: sg.compile(lambda x: [x, x]).backward(np.ones(2)), "returns 2 numbers"),
        (lambda: sg.compile(abs).backward(sg.Value(1.0)), "backward wants numbers and arrays"),
    ],
)
def test_wrong_options_get_one_sentence(make: Callable[[], Any], words: str) -> None:
    with pytest.raises((TypeError, ValueError, RuntimeError), match=words):
        make()


def test_as_many_arrays_as_are_allowed_are_read(runner: str) -> None:
    f = sg.compile(total)
    assert f(*[np.ones(2)] * 64).tolist() == [64.0, 64.0]
    assert f(*[np.ones(2)] * 63, 2.0).tolist() == [65.0, 65.0]
    assert f.value_and_grad(*[np.ones(2)] * 64)[0].tolist() == [64.0, 64.0]
    assert f(*[1.0] * 65) == 65.0


def test_nothing_is_added_where_a_lane_is_refused(runner: str) -> None:
    w = sg.Value(1.0)

    def function(x: Any) -> Any:
        if x > 2:
            raise ValueError("no lane may be above 2")
        return w * x

    f = sg.compile(function)
    with pytest.raises(ValueError, match="no lane may be above 2"):
        f.backward(np.array([1.0, 3.0]))
    assert w.grad == 0.0


def test_recording_leaves_other_threads_alone() -> None:
    seen: list[Any] = []

    def function(x: Any) -> Any:
        def elsewhere() -> None:
            v = sg.Value(3.0)
            z = v * v
            z.backward()
            seen.append((z.data, v.grad, v.grad))

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        return x * 2

    f = sg.compile(function)
    assert f(1.0) == 2.0
    assert seen[0] == (9.0, 6.0, 6.0)
    assert len(f.tape) == 1


# -- what is not finite --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: f(0.0), r"^log\(.*0\.0\): the value is -inf"),
        (lambda f: f(np.array([1.0, 2.0, 0.0])), r"^log\(.*0\.0\): the value is -inf"),
        (lambda f: f.value_and_grad(np.array([1.0, 4.0])), r"gradient .* inf"),
        (lambda f: f.backward(4.0), r"gradient .* inf"),
    ],
)
def test_anomalies_are_found_in_every_lane(runner: str, call: Any, words: str) -> None:
    w = sg.Value(1.0)
    f = sg.compile(lambda x: w * sg.sqrt(x - 4.0 if x > 3.0 else sg.log(x) + 1.0))
    with sg.detect_anomaly():
        assert f(np.array([1.0, 2.0])).tolist() == [1.0, math.sqrt(math.log(2.0) + 1.0)]
        with pytest.raises(FloatingPointError, match=words):
            call(f)
    assert w.grad == 0.0


def test_the_first_of_several_refusals_is_raised(runner: str) -> None:
    def function(x: Any) -> Any:
        with contextlib.suppress(RuntimeError):
            x.data  # noqa: B018 - what it is refused for
        with contextlib.suppress(RuntimeError):
            copy.copy(x)
        return x

    with pytest.raises(RuntimeError, match=r"\.data must not be read"):
        sg.compile(function)(1.0)


def test_function_that_compares_more_often_the_second_time_is_refused(runner: str) -> None:
    calls = itertools.count()

    def function(x: Any) -> Any:
        return x * sum(x > bound for bound in [0.0, 1.0][: 1 + next(calls)])

    with pytest.raises(RuntimeError, match="must do the same each time it is called"):
        sg.compile(function)(2.0)


def test_gradients_as_numbers_of_an_int_are_refused(runner: str) -> None:
    def function(n: Any) -> Any:
        w = sg.Value(2.0)
        return n * sg.gradients((n + 1) * w, [w])[0]

    with pytest.raises(RuntimeError, match="gradients must not be computed as numbers"):
        sg.compile(function)(3)

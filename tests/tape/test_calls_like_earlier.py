"""Calls that are like earlier ones are answered in C: to the same bits, and only where they fit."""

from __future__ import annotations

import copy
import dataclasses
import functools
import gc
import math
import pickle
import weakref
from array import array
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from replays import COSTS, KINDS, bits
from threads import run_in_threads

import scalargrad as sg
from scalargrad import _engine
from scalargrad.core.nesting import flatten
from scalargrad.tape.calls import AT, BUILT, DEEPEST, FLOAT, KEPT, LIST, TUPLE
from scalargrad.tape.compiled import Compiled

if not KINDS:
    pytest.skip("the machine was not built", allow_module_level=True)

#: calls after which a program has been planned for the last time
SETTLED = 2


@dataclasses.dataclass
class Sides:
    """What a function may return."""

    left: Any
    right: Any


class Pair(NamedTuple):
    """The same with places."""

    left: Any
    right: Any


def flat(thing: Any) -> list[bytes]:
    """Return the bits of all numbers in a nesting."""
    return bits(flatten("test", "it", thing, "")[1])


def only_in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every call fail that goes through Python."""

    def fail(*_: Any) -> Any:
        raise AssertionError("a call that was not answered in C")

    monkeypatch.setattr(Compiled, "_taken", fail)


def deeply(x: Any, depth: int = DEEPEST) -> Any:
    """Return a number in so many lists, each alone in the one around it."""
    return functools.reduce(lambda inner, _: [inner], range(depth), x)


def innermost(nest: Any) -> Any:
    """Return the double of the number that stands in lists."""
    while isinstance(nest, list):
        (nest,) = nest
    return nest * 2.0


PROGRAMS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (lambda x, y: (x * y + sg.sin(x)) * (x - y), (1.5, -2.5)),
    (lambda x: x * 0.0, (-1.0,)),  # -0.0
    (lambda x: sg.log(x), (-1.0,)),  # nan
    (lambda xs: sum(x * x for x in xs), ([1.0, 2.0, 3.0],)),
    (lambda xs: xs[0] * xs[1], ((1.0, 2.0),)),
    (lambda rows, b: sum(x * b for row in rows for x in row), ([[1.0, 2.0], [3.0, 4.0]], 0.5)),
    (lambda mixed: mixed[0] * mixed[1][0] + mixed[2][0][0], ((1.0, [2.0], ([3.0, 4.0], 5.0)),)),
    (innermost, (deeply(1.5),)),
    (lambda x, n: x**n, (3.0, 2)),
    (lambda x, is_on: x * 2.0 if is_on else x, (3.0, True)),
    (lambda x, none: x * 3.0 + len(none), (2.0, [])),
    (lambda x: sum(sg.sin(x * i) for i in range(80)), (0.3,)),  # which is vectorised later
]
RESULTS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (lambda x, y: [x * y, x], (1.5, 2.0)),
    (lambda x, y: (x, [y, (x, x + y)], 3.0), (1.5, 2.0)),
    (lambda x, y: {"sum": x + y, "both": [x, y]}, (1.5, 2.0)),
    (lambda x, y: Pair(x - y, x * y), (1.5, 2.0)),
    (lambda x, y: Sides(x - y, [x * y]), (1.5, 2.0)),
    (lambda x: [[x, x * 2.0], [x * 3.0, x * 4.0]], (1.5,)),
    (lambda x: np.array([x, x * 2.0]), (1.5,)),
    (lambda x: [x, []], (1.5,)),
]


@pytest.mark.parametrize("mode", ["strict", "fast"])
@pytest.mark.parametrize(("function", "arguments"), PROGRAMS)
def test_a_later_call_gives_the_bits_of_the_first(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    mode: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    f = sg.compile(function, mode=mode)
    value, both = f(*arguments), f.value_and_grad(*arguments)
    for _ in range(COSTS["VECTOR_POINTS"] + SETTLED):
        f(*arguments), f.value_and_grad(*arguments)
    only_in_c(monkeypatch)
    assert bits([f(*arguments)]) == bits([value])
    later = f.value_and_grad(*arguments)
    assert flat(later) == flat(both)
    assert repr(later) == repr(both)  # the same lists and tuples


@pytest.mark.parametrize(("function", "arguments"), RESULTS)
def test_results_of_every_kind_are_put_together_in_c(
    function: Callable[..., Any], arguments: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    f = sg.compile(function)
    first = f(*arguments)
    only_in_c(monkeypatch)
    again = f(*arguments)
    assert type(again) is type(first)
    assert repr(again) == repr(first)


def test_what_is_too_deep_for_c_goes_the_usual_way() -> None:
    f = sg.compile(innermost)
    assert [f(deeply(1.5, DEEPEST + 1)) for _ in range(3)] == [3.0] * 3


def test_a_deep_nesting_of_results_comes_back() -> None:
    def deep(x: Any) -> Any:
        nest = [x, x * 2.0]
        for _ in range(100):
            nest = [nest, x]
        return nest

    f = sg.compile(deep)
    assert f(2.0) == f(2.0) == f(2.0)


def test_what_does_not_fit_goes_the_usual_way() -> None:
    class Own(float):
        pass

    f = sg.compile(lambda x, n: x * n + 1.0)
    for _ in range(3):
        assert f(2.0, 3.0) == 7.0
        assert f(Own(2.0), np.float64(3.0)) == f(x=2.0, n=3.0) == f(2, 3) == f(2.0, True * 3) == 7.0
        assert f(2.0, 2**60) == 2.0 * 2**60 + 1.0
        assert f(np.array([2.0, 3.0]), 3.0).tolist() == [7.0, 10.0]
        x = sg.Value(2.0)
        f(x, 3.0).backward()
        assert x.grad == 3.0
    with pytest.raises(TypeError, match="missing 1 required"):
        f(1.0)
    with pytest.raises(TypeError, match="must be numbers"):
        f("2.0", 3.0)
    assert f(2.0, 3.0) == 7.0


def test_names_are_put_in_place_each_time() -> None:
    f = sg.compile(lambda x, y=3.0, *rest, z=1.0: x - y * 2.0 + sum(rest) * z)
    for _ in range(3):
        assert f(y=1.0, x=5.0) == f(x=5.0, y=1.0) == f(5.0, y=1.0) == 3.0
        assert f(x=5.0) == f(5.0) == -1.0
        assert f(5.0, 1.0, 2.0, z=3.0) == 9.0
        assert f(z=3.0, x=5.0) == -1.0
        assert f.value_and_grad(y=1.0, x=5.0) == (3.0, (1.0, -2.0))
        with pytest.raises(TypeError, match="multiple values"):
            f(5.0, x=1.0)


def test_an_int_is_followed_as_one_also_later() -> None:
    f = sg.compile(lambda x, n: sum((x for _ in range(n)), 0.0))
    for n in (3, 4, 3, 4, 2, 3):
        assert f(1.5, n) == 1.5 * n
    assert f(1.5, True) == 1.5


def test_points_of_two_paths_are_both_answered_in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    f = sg.compile(lambda x: x * x if x > 0 else -x)
    for x in (2.0, -2.0, 2.0, -2.0):
        f(x), f.value_and_grad(x)
    only_in_c(monkeypatch)
    for x, value, grad in ((3.0, 9.0, 6.0), (-3.0, 3.0, -1.0), (3.0, 9.0, 6.0)):
        assert (f(x), f.value_and_grad(x)) == (value, (value, (grad,)))


@pytest.mark.filterwarnings("ignore:.*should seldom be recorded")
def test_more_paths_than_are_remembered_are_right() -> None:
    f = sg.compile(lambda x: sum((x for k in range(20) if x > k), 0.0))
    for x in [*range(20), *range(19, -1, -1)] * 2:
        assert f(x + 0.5) == (x + 0.5) * (x + 1)


def test_captured_values_are_read_anew_and_get_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    w, b = sg.values(w=2, b=1)
    f = sg.compile(lambda x: w * x + b)
    f(3.0), f.value_and_grad(3.0), f.backward(3.0)
    only_in_c(monkeypatch)
    w.data = 5.0
    assert (f(3.0), f.value_and_grad(3.0)) == (16.0, (16.0, (5.0,)))
    assert f.backward(4.0) == 21.0
    assert (w.grad, b.grad) == (3.0 + 4.0, 2.0)


def test_backward_of_a_captured_node_goes_on_below_it() -> None:
    w = sg.Value(2.0)
    square = w * w
    f = sg.compile(lambda x: square * x)
    for count in (1, 2, 3):
        f.backward(3.0)
        assert w.grad == 12.0 * count


def test_blocks_around_hold_for_later_calls_too() -> None:
    f = sg.compile(lambda x: sg.log(x) * 2.0)
    f(1.0), f.value_and_grad(1.0)
    with sg.no_grad():
        assert f(1.0) == 0.0
    with sg.detect_anomaly(), pytest.raises(sg.errors.NonFiniteError):
        f(0.0)
    with sg.detect_anomaly(), pytest.raises(sg.errors.NonFiniteError):
        f.value_and_grad(0.0)
    assert f(0.0) == -math.inf


def test_a_compiled_function_inside_another_one_is_recorded_there() -> None:
    inner = sg.compile(lambda x: x * x)
    inner(2.0)
    outer = sg.compile(lambda x: inner(x) + inner(3.0))
    assert [outer(x) for x in (2.0, 4.0, 5.0)] == [13.0, 25.0, 34.0]


def test_two_threads_may_call_the_same_function() -> None:
    w = sg.Value(0.5)
    long = sg.compile(lambda xs: sum(sg.sin(x) * w for x in xs))
    paths = sg.compile(lambda x: x * x if x > 0 else -x)
    wrong: list[Any] = []

    def work(index: int) -> None:
        xs = [0.1 * index + 0.01 * i for i in range(3000)]
        expected = long(xs), long.value_and_grad(xs)
        for turn in range(30):
            x = (-1.0) ** turn * (index + 1)
            if (long(xs), long.value_and_grad(xs)) != expected or paths(x) != (
                x * x if x > 0 else -x
            ):
                wrong.append(index)

    run_in_threads(work, 4, numbered=True)
    assert not wrong


def test_an_interrupt_while_a_result_is_built_leaves_all_as_it_was() -> None:
    raised: list[BaseException] = []

    class Fragile(NamedTuple("Fragile", [("left", Any), ("right", Any)])):
        @classmethod
        def _make(cls, things: Any) -> Any:
            if raised:
                raise raised.pop()
            return cls(*things)

    f = sg.compile(lambda x: Fragile(x, x * 2.0))
    assert f(1.0) == f(1.0) == (1.0, 2.0)
    raised.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        f(3.0)
    assert f(3.0) == (3.0, 6.0)


def test_copies_and_pickles_begin_anew() -> None:
    f = sg.compile(math_like)
    f(2.0), f.value_and_grad(2.0)
    for other in (copy.copy(f), copy.deepcopy(f), pickle.loads(pickle.dumps(f))):
        assert other._last_call is other._last_gradient is None
        assert [other(3.0) for _ in range(3)] == [f(3.0)] * 3
        assert other.value_and_grad(3.0) == f.value_and_grad(3.0)


def math_like(x: Any) -> Any:
    """Return something that a pickle finds by its name."""
    return x * x + sg.sin(x)


def test_methods_of_a_class_are_answered_each_for_its_own_object() -> None:
    class Model:
        def __init__(self, w: float) -> None:
            self.w = sg.Value(w)

        @sg.compile
        def __call__(self, x: Any) -> Any:
            return self.w * x

    one, two = Model(2.0), Model(3.0)
    for _ in range(4):
        assert (one(5.0), two(5.0)) == (10.0, 15.0)


def test_what_was_called_is_freed() -> None:
    w = sg.Value(2.0)

    def called() -> weakref.ref[Any]:
        class Result(NamedTuple):
            x: Any

        f = sg.compile(lambda x: Result(w * x))
        Result.f = f  # type: ignore[attr-defined]  # a cycle through what builds the result
        f(2.0), f(2.0)
        return weakref.ref(f)

    gone = called()
    gc.collect()
    assert gone() is None


def test_signatures_and_names_are_those_of_methods() -> None:
    f = sg.compile(math_like)
    assert f.value_and_grad.__name__ == "value_and_grad"
    assert "gradient" in (Compiled.value_and_grad.__doc__ or "")
    assert "point" in (type(f).__call__.__doc__ or "")


# -- the door ------------------------------------------------------------------------------


def codes(*numbers: int) -> bytes:
    """Return codes as the machine reads them."""
    return array("I", numbers).tobytes()


@pytest.mark.parametrize(
    ("arguments", "inputs", "shape"),
    [
        (1, 2, codes(FLOAT)),
        (2, 1, codes(FLOAT)),
        (1, 1, codes(FLOAT, FLOAT)),
        (1, 1, codes(LIST)),
        (1, 1, codes(LIST, 1)),
        (1, 1, codes(LIST, 2, 1, FLOAT)),
        (1, 1, codes(LIST, 2**31, 1, FLOAT)),
        (1, 1, codes(LIST, 1, 2, FLOAT)),
        (1, 1, codes(AT, 0, FLOAT)),
        (1, 1, codes(BUILT, 0, FLOAT)),
        (1, 1, codes(99)),
        (1, 1, codes(FLOAT)[:-1]),
        (1, 1, codes(*[LIST, 1, 1] * 100, FLOAT)),
        (-1, 0, b""),
    ],
)
def test_codes_that_are_no_shape_are_refused(arguments: int, inputs: int, shape: bytes) -> None:
    with pytest.raises(ValueError, match="calls"):
        _engine.machine().calls(arguments, inputs, shape, None, ())


@pytest.mark.parametrize(
    "result",
    [
        codes(FLOAT, FLOAT),
        codes(AT, 3, FLOAT),
        codes(AT, 2**32 - 1, FLOAT),
        codes(BUILT, 1, FLOAT),
        codes(KEPT, 1),
        codes(TUPLE, 3, 1, FLOAT),
        codes(TUPLE, 2, 1, AT, 0, FLOAT),
    ],
)
def test_results_that_are_not_there_are_refused(result: bytes) -> None:
    f = sg.compile(lambda x: x * x)
    f.value_and_grad(2.0)
    (path,) = next(iter(f._paths.values())).known
    plan = path.runner._plan_for_points(1)  # type: ignore[attr-defined]
    calls = _engine.machine().calls(1, 1, codes(FLOAT), None, ())
    with pytest.raises(ValueError, match="calls"):
        calls.put(0, False, -1, plan, (), result, (list,), {})
    assert calls(2.0) is NotImplemented


def test_calls_go_no_way_any_more_once_comparisons_are_guards() -> None:
    def function(x: sg.Value, y: sg.Value) -> sg.Value:
        choice = sg.where(x > 0, x, -x)
        return choice if y < 0 else choice * (2.0 if (y > 1) is True else 3.0)

    f = sg.compile(function)
    assert [f(-1.0, -1.0) for _ in range(3)] == [1.0] * 3
    assert f(np.array([-1.0, 2.0]), np.array([2.0, 0.5])).tolist() == [2.0, 6.0]
    assert [f(-1.0, -1.0), f(-1.0, 2.0), f(-2.0, 0.5), f(3.0, 4.0)] == [1.0, 2.0, 6.0, 6.0]


def test_calls_whose_nan_is_of_what_was_not_chosen_go_another_way() -> None:
    f = sg.compile(lambda x: sg.where(x > 0, sg.sqrt(x), 2 * x))
    for x, value, slope in ((4.0, 2.0, 0.25), (-1.0, -2.0, 2.0), (4.0, 2.0, 0.25)) * 2:
        assert f(x) == value
        assert f.value_and_grad(x) == (value, (slope,))

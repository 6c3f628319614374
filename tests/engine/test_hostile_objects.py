"""What runs code of its own while C reads a list, a trace or a buffer changes nothing in memory."""

from __future__ import annotations

import gc
import math
import struct
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from replays import KINDS

import scalargrad as sg
from scalargrad import _engine, optim
from scalargrad.tape.machine import Machine
from scalargrad.tape.replay import BY_INPUTS

pytestmark = pytest.mark.skipif(sg.engine != "native", reason="only C reads by address")


class Hostile:
    """Does something whenever it is asked for a number."""

    def __init__(self, deed: Callable[[], Any]) -> None:
        self.deed = deed

    def __float__(self) -> float:
        self.deed()
        return 1.0


class Finalised:
    """Does something when the collector finds it."""

    def __init__(self, deed: Callable[[], Any]) -> None:
        self.deed = deed
        self.itself = self

    def __del__(self) -> None:
        self.deed()


@pytest.fixture
def core() -> Any:
    from scalargrad._native import _core

    return _core


@pytest.fixture
def eager_collector() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.enable()


@pytest.mark.skipif(not KINDS, reason="the machine was not built")
def test_list_that_a_number_empties_is_not_read_on() -> None:
    tape = sg.compile(lambda x, y, z: x * y + z)
    assert tape(1.0, 2.0, 3.0) == 5.0
    plan = Machine(tape.tape, _engine.machine(), "strict").planned(BY_INPUTS, 0, math.inf)
    numbers: list[Any] = [1.0, 2.0, 3.0]
    numbers[0] = Hostile(numbers.clear)

    with pytest.raises(RuntimeError, match="changed its size"):
        plan.point(numbers, array("d"), 1.0)
    assert plan.point([1.0, 2.0, 3.0], array("d"), 1.0)[:2] == ([5.0], [2.0, 1.0, 1.0])


def test_rule_that_empties_the_parameters_moves_nothing(core: Any) -> None:
    move = core.short_cut("move", lambda *given: "asked Python", 0)
    parameters = [sg.Value(float(i)) for i in range(100)]
    kept: list[Any] = []

    class Rule:
        """Is found where the real one is, and empties the parameters meanwhile."""

        def __hash__(self) -> int:
            return hash(rule)

        def __eq__(self, other: object) -> bool:
            parameters.clear()
            return other is rule

    rule = optim.SGD._rule
    kept = [array("d", [0.0] * 100) for _ in rule.kept]
    settings = tuple(0.5 for _ in rule.settings)
    assert move(rule, list(parameters), kept, settings) is None  # as it is meant
    assert move(Rule(), parameters, kept, settings) == "asked Python"
    assert parameters == []


@pytest.mark.parametrize("write", ["set_numbers", "add_gradients"])
def test_numbers_may_lie_at_any_address(core: Any, write: str) -> None:
    values = tuple(sg.Value(0.0) for _ in range(3))
    numbers = [1.5, -2.0, 3.25]
    odd = memoryview(b"-" + struct.pack("3d", *numbers))[1:]

    getattr(core, write)(values, odd)

    read = [value.data if write == "set_numbers" else value.grad for value in values]
    assert read == numbers


def traced_product(core: Any, values: list[Any]) -> None:
    """Trace a sum of products of captured Values, and leave the trace to be read."""
    x = sg.Value(2.0)
    with sg.scope("any"):  # outside any block nodes do not ask whether they are traced
        core.watch([x], lambda: sg.sum([value * x for value in values]))


def test_trace_that_a_finaliser_begins_while_one_is_read_is_another(
    core: Any, eager_collector: None
) -> None:
    weights = [sg.Value(float(i)) for i in range(50)]
    others = [sg.Value(float(i)) for i in range(200)]
    begun: list[bool] = []

    def trace_another() -> None:
        begun.append(True)
        traced_product(core, others)

    lists: list[list[Any]] = [[] for _ in range(100)]  # none is left over: the next is a fresh one
    gc.disable()
    traced_product(core, weights)
    Finalised(trace_another)
    gc.set_threshold(1)
    gc.enable()
    ops, starts, _, _, _, captured = core.traced()
    gc.collect()

    assert begun == [True]
    assert len(ops) == len(array("I", starts)) - 1 == len(weights) + 1
    assert list(map(id, captured)) == list(map(id, weights))
    assert len(lists) == 100


def test_trace_that_a_finaliser_begins_while_one_is_forgotten_is_another(core: Any) -> None:
    class Dying(sg.Value):
        def __del__(self) -> None:
            traced_product(core, [sg.Value(1.0) for _ in range(7)])

    dying = Dying(1.0)
    core.watch([dying], lambda: None)  # the trace holds it
    del dying
    weights = [sg.Value(float(i)) for i in range(3)]
    traced_product(core, weights)

    ops, starts, _, _, _, captured = core.traced()
    assert len(ops) == len(array("I", starts)) - 1 == len(weights) + 1
    assert list(map(id, captured)) == list(map(id, weights))

"""What C refuses of the Python around it: nobody else comes to these doors, and none ends in C."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import pytest
from engines import ENGINES, engine_class
from replays import KINDS

import scalargrad as sg
from scalargrad import _engine
from scalargrad.table import ops
from scalargrad.tape.planning import NEVER, plan_tape

if "native" not in ENGINES:
    pytest.skip("no native engine was built", allow_module_level=True)

from scalargrad._native import Kin, _core

Value = engine_class("native")
X = Value(2.0)

NODES: dict[str, tuple[Callable[[], Any], str]] = {
    "a partial too few": (lambda: Value._record(1.0, "mine", (X, X), (X, X), (1.0,)), "floats"),
    "a partial too many": (
        lambda: Value._record(1.0, "mine", (X,), (X,), (1.0, 2.0)), "one partial for each Value",
    ),
    "an operand that is none": (
        lambda: Value._record(1.0, "mine", (X, "y"), (X,), (1.0,)), "must be Values and floats",
    ),
    "no Value": (lambda: Value._record(1.0, "mine", (2.0,), (), ()), "one partial for each Value"),
    "a class of another kind": (
        lambda: Value._make(int, None, None, 1.0, "", (), (), ()), "must be a class of Values",
    ),
    "operands of a node that are none": (
        lambda: Value._make(Value, None, None, 1.0, "mine", (), ("y",), ()), "must be Values",
    ),
    "a gradient that is none": (
        lambda: Value._make(Value, "g", None, 1.0, "", (), (), ()), "must be real number",
    ),
    "notes that are none": (
        lambda: setattr(Value(1.0), "_notes", 3), "_notes must be a dict or None",
    ),
    "no row": (lambda: Value._unary("sin", X), "does not know the row"),
    "no Value for a row": (lambda: Value._unary(ops.SIN, 2.0), "wants a row and a Value"),
    "a row of two": (lambda: Value._unary(ops.MUL, X), "wants a row of one operand"),
    "one operand": (lambda: Value._binary(ops.MUL, X), "wants a row and two operands"),
    "a row of one": (lambda: Value._binary(ops.SIN, X, X), "wants a row of two operands"),
    "a row of numbers": (lambda: Value._many(ops.SIN, [X]), "wants a row and its lists"),
    "one list of two": (lambda: Value._many(ops.DOT, [X]), "wants a row and its lists"),
    "nothing": (lambda: Value._many(), "wants a row and its lists"),
    "what is no Value": (lambda: X._gradients(1.0, [2.0]), "wants a list of Values"),
    "two of three": (lambda: Kin._start(Kin(1.0), 1.0, ()), "wants data, children and an op"),
    "numbers of a list": (lambda: _core.numbers([X]), "wants a tuple of Values"),
    "a leaf without a node": (lambda: _core.alias(X, X), "wants a node that was traced"),
    "a line of nothing": (lambda: _core.call_line(X), "call_line"),
    "no such short cut": (lambda: _core.short_cut("none", abs, 0), "none of the kind none"),
    "no such row": (lambda: _core.short_cut("one", abs, 9999), "none of the kind one at 9999"),
    "the engine again": (
        lambda: _core.create((), (), [], [], {}), "can be loaded once in a process",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NODES)
def test_what_python_hands_to_c_is_checked(name: str) -> None:
    call, sentence = NODES[name]

    with pytest.raises((TypeError, ValueError, ImportError), match=sentence):
        call()

    assert sg.grad(lambda x: x * x)(3.0) == 6.0


# -- the machine ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plan() -> Any:
    """A plan of two inputs, a captured Value and a guard."""
    w = Value(3.0)
    f = sg.compile(lambda x, y: w * x if x > y else y)
    assert f(2.0, 1.0) == 6.0
    return plan_tape(
        _engine.machine(), f.tape, 0, by_inputs=False, by_captured=False, is_fast=False,
        is_for_points=False, vector_share=NEVER,
    )  # fmt: skip


def doubles(count: int) -> array[float]:
    return array("d", [1.0]) * count


def run(plan: Any, **changed: Any) -> Any:
    """Run two lanes of a plan."""
    given = {
        "first": 0, "last": 2, "lanes": 2, "shared": [1.0, 0.5], "arrays": [],
        "captured": array("d", [3.0]), "upstream": 1.0, "values": doubles(2), "inputs": None,
        "sums": None, "status": array("i", [0, 0]), "index": None,
    } | changed  # fmt: skip
    return plan.run(*given.values())


RUNS: dict[str, tuple[dict[str, Any], str]] = {
    "arrays in a tuple": ({"arrays": ()}, "wants a list of at most 64 arrays"),
    "65 arrays": ({"arrays": [(0, doubles(2))] * 65}, "wants a list of at most 64 arrays"),
    "arrays alone": ({"arrays": [doubles(2)]}, "wants pairs of the first input"),
    "no array": ({"arrays": [(0, 3.0)]}, "bytes-like"),
    "an array of bytes": ({"arrays": [(0, bytearray(16))]}, "wants matrices of doubles"),
    "an array that is too short": ({"arrays": [(0, doubles(1))]}, "wants matrices of doubles"),
    "an input that is not there": ({"arrays": [(2, doubles(2))]}, "wants matrices of doubles"),
    "no list of numbers": ({"shared": (1.0, 0.5)}, "wants a list of 2 numbers"),
    "a number too few": ({"shared": [1.0]}, "wants a list of 2 numbers"),
    "a number that is none": ({"shared": [1.0, "y"]}, "must be real number"),
    "a captured number too many": ({"captured": doubles(2)}, "wants 1 captured numbers"),
    "no place for values": ({"values": None}, "wants places for what was planned"),
    "a place that is too small": ({"values": doubles(1)}, "wants a place of 16 bytes; got 8"),
    "a place that cannot be written": ({"values": bytes(16)}, "not writable|read-only"),
    "no place for guards": ({"status": None}, "wants places for what was planned"),
    "gradients that were not planned": ({"inputs": [(0, doubles(2))]}, "wants places for what"),
    "sums that were not planned": ({"sums": doubles(1)}, "wants places for what was planned"),
    "gradients in a tuple": ({"inputs": ()}, "wants a list of at most 64 arguments"),
    "gradients alone": ({"inputs": [doubles(2)]}, "wants pairs of the first input"),
    "gradients of bytes": ({"inputs": [(0, bytes(16))]}, "not writable|read-only"),
    "gradients that are too short": ({"inputs": [(0, doubles(3))]}, "wants a double for each lane"),
    "gradients of no input": ({"inputs": [(2, doubles(2))]}, "wants a double for each lane"),
    "a row that is not there": (
        {"index": array("q", [0, 2]), "arrays": [(0, doubles(2))]}, "wants rows that are there",
    ),
    "no lanes": ({"last": 0}, "wants a range of lanes"),
}  # fmt: skip


@pytest.mark.skipif(not KINDS, reason="the machine was not built")
@pytest.mark.parametrize("name", RUNS)
def test_what_a_run_is_given_is_checked(plan: Any, name: str) -> None:
    changed, sentence = RUNS[name]

    with pytest.raises((TypeError, ValueError, LookupError, BufferError), match=sentence):
        run(plan, **changed)

    values = doubles(2)
    assert run(plan, values=values) == 0
    assert [*values] == [3.0, 3.0]


@pytest.mark.skipif(not KINDS, reason="the machine was not built")
def test_what_a_point_and_the_kernels_are_given_is_checked(plan: Any) -> None:
    with pytest.raises(TypeError, match="wants a list of 2 numbers"):
        plan.point([1.0], doubles(1), 1.0)
    with pytest.raises(ValueError, match="wants 1 captured numbers"):
        plan.point([1.0, 0.5], doubles(0), 1.0)
    with pytest.raises(ValueError, match="no kernels of the kind 'none'"):
        _engine.machine().use("none")
    with pytest.raises(ValueError, match="PyCapsule"):
        _engine.machine().add_fast(3)

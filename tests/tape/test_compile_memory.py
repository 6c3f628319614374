"""The memory of compiled functions, and the threads beside them."""

from __future__ import annotations

import gc
import math
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import replays
from memory import held
from replays import COSTS, KINDS
from threads import run_in_threads

import scalargrad as sg
from scalargrad import _engine
from scalargrad.tape import machine
from scalargrad.tape.planning import NEVER, plan_tape

runner = replays.runner


def test_memory_stays_flat(runner: str) -> None:
    w = sg.Value(0.5)
    f = sg.compile(lambda x, y: sg.sin(x * w) + y if x > 0 else y)
    x = np.linspace(-1, 1, 9)
    rounds = 100 if runner == "replay" else 300

    def work() -> None:
        for _ in range(rounds):
            f(x, 1.0)
            f.value_and_grad(x, 1.0)
            f.backward(x, 1.0)
            f(0.5, 1.0)

    work()
    gc.collect()
    tracemalloc.start()
    work()
    gc.collect()
    first = tracemalloc.get_traced_memory()[0]
    work()
    gc.collect()
    second = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert second - first < 50 * 4 * rounds  # bytes; an object a call would be more


@pytest.mark.parametrize(
    "call",
    [
        lambda f, x: f(x, 1.0),
        lambda f, x: f.value_and_grad(x, 1.0),
        lambda f, x: f.backward(x, 1.0),
    ],
    ids=["value", "value_and_grad", "backward"],
)
@pytest.mark.parametrize(
    ("x", "rounds"),
    [(0.5, 100_000), (np.linspace(-1.0, 1.0, 9), 20_000)],
    ids=["points", "batches"],
)
def test_many_calls_leave_memory_as_it_was(
    call: Callable[[Any, Any], Any], x: Any, rounds: int
) -> None:
    rounds //= 1 if KINDS else 100  # what Python replays is slow
    ws = [sg.Value(0.1 * i) for i in range(8)]
    f = sg.compile(lambda x, y: sg.dot(ws, [x] * 8) + sg.softmax([x, y])[0] if x > 0 else x * ws[0])

    def work(rounds: int) -> None:
        for _ in range(rounds):
            call(f, x)

    work(rounds // 10)
    gc.collect()
    references = [sys.getrefcount(w) for w in ws]
    blocks, memory = sys.getallocatedblocks(), held()
    work(rounds)
    gc.collect()
    assert [sys.getrefcount(w) for w in ws] == references
    assert sys.getallocatedblocks() - blocks < 200
    assert held() - memory < 2_000_000


def test_batches_of_many_sizes_leave_memory_as_it_was() -> None:
    f = sg.compile(lambda x: sg.exp(sg.sin(sg.tanh(x * 2.0 + 1.0))))
    x = np.linspace(-1.0, 1.0, 160)

    def work(rounds: int) -> None:
        for count in [*range(8, 160, 8)] * rounds:
            f.value_and_grad(x[:count])

    work(10)
    memory = held()
    work(300)
    assert held() - memory < 2_000_000


@pytest.mark.skipif(not KINDS, reason="the readable replay plans nothing")
@pytest.mark.parametrize("share", [NEVER, math.inf], ids=["plain", "vectorized"])
@pytest.mark.parametrize("is_for_points", [False, True], ids=["batch", "point"])
@pytest.mark.parametrize("is_fast", [False, True], ids=["strict", "fast"])
def test_plans_come_and_go(share: float, is_for_points: bool, is_fast: bool) -> None:
    net = sg.nn.TwoLayerNet(6, 20, 3, seed=1, weight_init_std="he")
    f = sg.compile(lambda x, t: sg.cross_entropy(net.predict(x), t))
    f([0.1] * 6, 1)

    def plan(rounds: int) -> None:
        for _ in range(rounds):
            plan_tape(
                _engine.machine(), f.tape, 0, by_inputs=True, by_captured=True,
                is_fast=is_fast, is_for_points=is_for_points, vector_share=share,
            )  # fmt: skip

    plan(30)
    gc.collect()
    memory = held()
    plan(300)
    gc.collect()
    assert held() - memory < 60_000  # bytes; an array of the planner is larger than 200


def test_functions_and_their_tapes_come_and_go(runner: str) -> None:
    f = sg.compile(lambda x: sg.exp(x) if x > 0 else x)
    f.value_and_grad(np.array([1.0, -1.0]))
    gone = [weakref.ref(f), *map(weakref.ref, f.tapes)]
    assert len(gone) == 3
    del f
    gc.collect()
    assert [ref() for ref in gone] == [None] * 3


# -- threads -------------------------------------------------------------------------------


@pytest.mark.skipif(not KINDS, reason="the readable replay runs in Python")
def test_another_thread_runs_while_a_batch_does() -> None:
    f = sg.compile(lambda x: sg.sin(sg.exp(sg.erf(sg.sin(x)))))
    x = np.linspace(-1.0, 1.0, 8 * COSTS["CHUNK"])
    f(x)
    events: list[str] = []
    gate, interval = threading.Lock(), sys.getswitchinterval()

    def other() -> None:
        with gate:
            events.append("other")

    thread = threading.Thread(target=other)
    gate.acquire()
    thread.start()
    sys.setswitchinterval(1000.0)  # from here on a thread runs where another one lets it
    try:
        gate.release()
        for _ in range(1000):
            f(x)
            if events:
                break
        events.append("batch")
    finally:
        sys.setswitchinterval(interval)
        thread.join()
    assert events == ["other", "batch"]


def test_an_interrupt_begins_no_further_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, met, begun = threading.Event(), threading.Barrier(2), []

    class Pool(ThreadPoolExecutor):
        def __exit__(self, *what: Any) -> Any:
            ended.set()
            return super().__exit__(*what)

    def run(first: int, last: int) -> tuple[int, Any]:
        begun.append(first)
        met.wait()
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        ended.wait()
        return 0, None

    monkeypatch.setattr(machine, "ThreadPoolExecutor", Pool)
    with pytest.raises(KeyboardInterrupt):
        machine.in_chunks(run, 50, 10, threads=2)
    assert sorted(begun) == [0, 10]


def test_threads_may_share_a_function(runner: str) -> None:
    w = sg.Value(0.5)
    shared = sg.compile(lambda x: sg.sin(x * w) if x > 0 else x * w)
    right: list[bool] = []

    def work(index: int) -> None:
        x = np.linspace(-1.0 - index, 1.0 + index, 5 + index)
        own = sg.compile(lambda x: x * x if x > index else x)
        for _ in range(20):
            values, (grads,) = shared.value_and_grad(x)
            expected = np.where(x > 0, np.sin(x * 0.5), x * 0.5)
            slopes = np.where(x > 0, np.cos(x * 0.5) * 0.5, 0.5)
            right.append(np.allclose(values, expected) and np.allclose(grads, slopes))
            right.append(np.allclose(own(x), np.where(x > index, x * x, x)))

    run_in_threads(work, numbered=True)
    assert right == [True] * 320


@pytest.mark.skipif(not KINDS, reason="only the native tracer reads lists in C")
def test_finaliser_that_makes_values_while_a_tape_is_read_adds_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from scalargrad._native import _core

    weights, others = ([sg.Value(float(i)) for i in range(50)] for _ in range(2))
    products: list[Any] = []
    reads = _core.traced

    class Cycle:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            products.extend(2.0 * other for other in others)

    def function(x: Any) -> Any:
        gc.disable()  # so that it is collected while the tape is read
        result = sg.sum([weight * x for weight in weights])
        Cycle()
        return result

    def reads_amid_collections() -> Any:
        lists = [[] for _ in range(100)]  # none is left over: the next is a fresh one
        thresholds = gc.get_threshold()
        gc.set_threshold(1)
        gc.enable()
        try:
            return reads()
        finally:
            gc.set_threshold(*thresholds)
            lists.clear()

    monkeypatch.setattr(_core, "traced", reads_amid_collections)
    f = sg.compile(function)

    assert f.value_and_grad(2.0) == (2450.0, (1225.0,))
    assert len(products) >= len(others)
    assert len(f.tape.captured) == len(weights)

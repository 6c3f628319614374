"""Compiled functions are pickled, copied and bound to instances."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import replays
from replays import bits

import scalargrad as sg

runner = replays.runner


# -- pickles ---------------------------------------------------------------------------------


def branches(x: Any, y: Any) -> Any:
    """Take one of two paths."""
    return x * y if x > 0 else x - y


compiled_branches = sg.compile(branches)


def test_pickles_replay_without_recording(runner: str) -> None:
    calls = []

    def counted(x: Any) -> Any:
        calls.append(x)
        return sg.exp(x) * 2.0

    f = sg.compile(counted)
    f(1.0)
    before = len(calls)
    twin = pickle.loads(pickle.dumps(f))
    assert bits([twin(0.5)]) == bits([f(0.5)])
    assert len(calls) == before
    assert str(twin.tape) == str(f.tape)


def test_pickles_record_further_paths_by_the_name_of_the_function() -> None:
    compiled_branches(1.0, 2.0)
    twin = pickle.loads(pickle.dumps(compiled_branches))
    assert twin(-1.0, 2.0) == -3.0
    local = sg.compile(lambda x: x if x > 0 else -x)
    local(1.0)
    twin = pickle.loads(pickle.dumps(local))
    assert twin(2.0) == 2.0
    with pytest.raises(RuntimeError, match="cannot be recorded here"):
        twin(-2.0)


def test_pickles_bring_their_parameters() -> None:
    net = sg.nn.MLP(2, [3, 1], seed=0)
    f = sg.compile(lambda x: net(x))
    value = f([1.0, 2.0])
    twin, twin_net = pickle.loads(pickle.dumps((f, net)))
    assert twin([1.0, 2.0]) == value
    twin.backward([1.0, 2.0])
    assert any(p.grad for p in twin_net.parameters())
    assert not any(p.grad for p in net.parameters())


# -- methods ---------------------------------------------------------------------------------


def test_methods_are_compiled_for_each_instance() -> None:
    class Scale:
        def __init__(self, by: float) -> None:
            self.by = sg.Value(by)

        @sg.compile
        def __call__(self, x: Any) -> Any:
            return self.by * x

    assert [Scale(2.0)(3.0), Scale(5.0)(3.0)] == [6.0, 15.0]

"""Compiled functions are pickled, copied and bound to instances."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
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


SLOPE = sg.Value(2.0)


@sg.compile
def decorated(x: Any) -> Any:
    """Take one of two paths, behind a decorator."""
    return x * 2.0 if x > 0 else -x


@sg.compile
def sloped(x: Any) -> Any:
    """Take one of two paths with a Value from outside."""
    return SLOPE * x if x > 0 else -x


def test_pickles_find_a_function_behind_its_decorator() -> None:
    decorated(1.0)
    twin = pickle.loads(pickle.dumps(decorated))
    assert [twin(1.0), twin(-1.0)] == [2.0, 1.0]
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(decorated))))
    assert again(-3.0) == 3.0


def test_pickles_with_values_from_outside_record_nothing() -> None:
    sloped(1.0)
    twin = pickle.loads(pickle.dumps(sloped))
    assert twin(3.0) == 6.0
    with pytest.raises(RuntimeError, match="it uses Values from outside"):
        twin(-1.0)


# -- methods ---------------------------------------------------------------------------------


class Scale:
    """Multiplies in two ways, each recorded for each instance."""

    def __init__(self, by: float) -> None:
        self.by = sg.Value(by)

    @sg.compile
    def __call__(self, x: Any) -> Any:
        return self.by * x

    @sg.compile
    def above(self, x: Any) -> Any:
        """Take one of two paths."""
        return self.by * x if x > 0 else -x

    twice = sg.compile(lambda self, x: self.by * x * 2.0)
    squared = sg.compile(lambda self, x: self.by * x * x)


def test_methods_are_compiled_for_each_instance() -> None:
    assert [Scale(2.0)(3.0), Scale(5.0)(3.0)] == [6.0, 15.0]


def test_methods_of_one_name_are_kept_apart() -> None:
    scale = Scale(2.0)
    assert [scale.twice(3.0), scale.squared(3.0), scale.twice(3.0)] == [12.0, 18.0, 12.0]


def test_methods_are_recorded_once_an_instance() -> None:
    scale = Scale(2.0)
    scale.twice(3.0)
    assert scale.twice is scale.twice
    assert len(scale.twice.tapes) == 1
    assert Scale.twice.tapes == []


def test_methods_of_instances_without_a_dict_are_compiled() -> None:
    class Slotted:
        __slots__ = ("by",)

        @sg.compile
        def times(self, x: Any) -> Any:
            return self.by * x

    slotted = Slotted()
    slotted.by = sg.Value(2.0)
    assert slotted.times(3.0) == 6.0


def test_methods_let_their_instance_go() -> None:
    scale = Scale(2.0)
    scale.twice(3.0)
    gone = weakref.ref(scale)
    del scale
    gc.collect()
    assert gone() is None


def test_deep_copies_of_instances_are_recorded_anew() -> None:
    scale = Scale(2.0)
    scale(3.0)
    twin = copy.deepcopy(scale)
    twin.by.data = 10.0
    assert [twin(3.0), scale(3.0)] == [30.0, 6.0]
    assert twin.__call__.function.__self__ is twin


def test_shallow_copies_of_instances_have_numbers_of_their_own() -> None:
    scale = Scale(2.0)
    scale.twice(3.0)
    twin = copy.copy(scale)
    twin.by = sg.Value(10.0)
    assert [twin.twice(3.0), scale.twice(3.0)] == [60.0, 12.0]


def test_pickles_of_instances_record_further_paths() -> None:
    scale = Scale(2.0)
    scale.above(3.0)
    twin = pickle.loads(pickle.dumps(scale))
    twin.by.data = 10.0
    assert [twin.above(3.0), twin.above(-1.0)] == [30.0, 1.0]


# -- copies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_have_the_function_and_nothing_recorded(duplicate: Callable[[Any], Any]) -> None:
    f = sg.compile(branches, mode="fast", threads=3, max_paths=7)
    f(1.0, 2.0)
    twin = duplicate(f)
    assert (twin.mode, twin.threads, twin.max_paths) == ("fast", 3, 7)
    assert twin.tapes == []
    assert [twin(2.0, 3.0), twin(-2.0, 3.0)] == [6.0, -5.0]
    assert len(f.tapes) == 1


def test_deep_copies_have_parameters_of_their_own() -> None:
    f = sg.compile(sg.nn.MLP(2, [3, 1], seed=0))
    before = f([1.0, 2.0])
    copied, twin = copy.copy(f), copy.deepcopy(f)
    for parameter in twin.function.parameters():
        parameter.data = 0.0
    assert twin([1.0, 2.0]) == 0.0
    assert f([1.0, 2.0]) == copied([1.0, 2.0]) == before


class Named:
    """A class with a compiled method of its own."""

    by = 3.0

    @classmethod
    @sg.compile
    def scaled(cls, x: Any) -> Any:
        """Scale by what the class has."""
        return x * cls.by


class Twice(Named):
    """Another one."""

    by = 6.0


def test_class_methods_are_compiled_once_a_class() -> None:
    assert (Named.scaled(2.0), Twice.scaled(2.0), Named().scaled(2.0)) == (6.0, 12.0, 6.0)
    assert Named.scaled is Named.scaled is not Twice.scaled
    with pytest.raises(TypeError, match="put the other decorator above"):
        sg.compile(classmethod(len))

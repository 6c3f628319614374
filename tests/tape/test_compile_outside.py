"""Wherever a function may find something outside, what is exchanged there is noticed."""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import functools
import gc
import operator
import sys
import types
import weakref
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import nn

CONFIG = types.ModuleType("config")
SCALE = 1.0


class Base:
    """A class whose attributes are read."""

    rate: Any = 1.0

    def scaled(self, x: Any) -> Any:
        """Read one of the class."""
        return x * self.rate

    @classmethod
    def of_class(cls, x: Any) -> Any:
        """Read it without an object."""
        return x * cls.rate

    @staticmethod
    def of_name(x: Any) -> Any:
        """Read it by the name of the class."""
        return x * Base.rate


class Derived(Base):
    """A class that has them from another one."""


class Built:
    """A class that is built where it is used."""

    def __init__(self, x: Any) -> None:
        self.x = x * SCALE

    def doubled(self) -> Any:
        """Read a global number in a method that no object outside leads to."""
        return self.x * 2.0 * SCALE


@dataclasses.dataclass(slots=True)
class Slotted:
    """Something without a dict."""

    a: Any


class Looked:
    """Something that Python reads by methods of its own."""

    def __init__(self) -> None:
        self.inner = {"a": 1.0}

    def __getitem__(self, key: str) -> float:
        return self.inner[key]

    def __getattr__(self, name: str) -> float:
        return float(self.__dict__["inner"][name])

    def __rmul__(self, x: Any) -> Any:
        return x * self.inner["a"]


class Things(list[Any]):
    """A list of one's own."""


def of(holder: Any, x: Any) -> Any:
    """Read something of an argument that is given beforehand."""
    return x * holder.a


Pair = collections.namedtuple("Pair", "items other")


def box() -> Any:
    return SimpleNamespace(a=1.0)


def default(held: Any) -> Any:
    def inner(x: Any, held: Any = held) -> Any:
        return x * held.a

    return inner


def keyword(held: Any) -> Any:
    def inner(x: Any, *, held: Any = held) -> Any:
        return x * held.a

    return inner


def set_a(held: Any) -> None:
    held.a = 3.0


def set_first(held: Any) -> None:
    held[0] = 3.0


def set_key(held: Any) -> None:
    held["a"] = 3.0


def of_rate(kind: Any) -> Any:
    return lambda _: setattr(kind, "rate", 3.0)


#: what is held, the function that reads it, and how it is exchanged
KINDS: dict[str, tuple[Any, Any, Any]] = {
    "class by object": (Base(), lambda o: lambda x: x * o.rate, of_rate(Base)),
    "class by name": (Base, lambda c: lambda x: x * c.rate, of_rate(Base)),
    "class in a method": (Base(), lambda o: o.scaled, of_rate(Base)),
    "class in a method of a parent": (Derived(), lambda o: o.scaled, of_rate(Base)),
    "class before its parent": (Derived(), lambda o: o.scaled, of_rate(Derived)),
    "object before its class": (Base(), lambda o: o.scaled, lambda o: setattr(o, "rate", 3.0)),
    "classmethod": (Derived, lambda c: c.of_class, of_rate(Base)),
    "staticmethod": (Base, lambda c: c.of_name, of_rate(Base)),
    "method": (Base(), lambda o: lambda x: o.scaled(x),
               lambda _: setattr(Base, "scaled", lambda self, x: x * 7.0)),
    "class that is built": (Built, lambda c: lambda x: c(x).doubled(),
                            lambda _: setattr(sys.modules[__name__], "SCALE", 3.0)),
    "module": (CONFIG, lambda m: lambda x: x * m.RATE, lambda m: setattr(m, "RATE", 3.0)),
    "object of a module": (CONFIG, lambda m: lambda x: x * m.inner.a, lambda m: set_a(m.inner)),
    "function of a module": (CONFIG, lambda m: lambda x: m.of_scale(x),
                             lambda _: setattr(sys.modules[__name__], "SCALE", 3.0)),
    "slots": (Slotted(1.0), lambda o: lambda x: x * o.a, set_a),
    "Value in slots": (Slotted(sg.Value(1.0)), lambda o: lambda x: x * o.a,
                       lambda o: setattr(o, "a", sg.Value(3.0))),
    "partial": (box(), lambda o: functools.partial(of, o), set_a),
    "partial by name": (box(), lambda o: functools.partial(lambda x, o: x * o.a, o=o), set_a),
    "partial of a list": ([1.0], lambda o: functools.partial(lambda o, x: x * o[0], o), set_first),
    "default": (box(), default, set_a),
    "default by name": (box(), keyword, set_a),
    "list in a named tuple": (Pair([1.0], 0.0), lambda o: lambda x: x * o.items[0],
                              lambda o: set_first(o.items)),
    "OrderedDict": (collections.OrderedDict(a=1.0), lambda o: lambda x: x * o["a"], set_key),
    "defaultdict": (collections.defaultdict(float, a=1.0), lambda o: lambda x: x * o["a"],
                    set_key),
    "Counter": (collections.Counter(a=1), lambda o: lambda x: x * o["a"], set_key),
    "deque": (collections.deque([1.0]), lambda o: lambda x: x * o[0], set_first),
    "list of one's own": (Things([1.0]), lambda o: lambda x: x * o[0], set_first),
    "set": ({1.0}, lambda o: lambda x: x * sum(o), lambda o: o.add(3.0)),
    "array of Values": (np.array([sg.Value(1.0), sg.Value(2.0)]), lambda o: lambda x: x * o[1],
                        lambda o: o.__setitem__(1, sg.Value(7.0))),
    "array of Values, moved": (np.array([[sg.Value(1.0), sg.Value(2.0)]]).T,
                               lambda o: lambda x: x * o[1, 0], lambda o: o.__imul__(3.0)),
    "slice of an array of Values": (np.array([sg.Value(float(k)) for k in range(6)])[::2],
                                    lambda o: lambda x: x * o[1], set_first),
    "getattr": (box(), lambda o: lambda x: x * getattr(o, "a"), set_a),  # noqa: B009
    "getattr by a text that is built": (box(), lambda o: lambda x: x * getattr(o, f"{'a'}"), set_a),
    "getattr by a name of a list": (box(), lambda o: lambda x: x * sum(getattr(o, n) for n in "a"),
                                    set_a),
    "attrgetter": (box(), lambda o: lambda x: x * operator.attrgetter("a")(o), set_a),
    "vars": (box(), lambda o: lambda x: x * vars(o)["a"], set_a),
    "asdict": (Slotted(1.0), lambda o: lambda x: x * sum(dataclasses.asdict(o).values()), set_a),
    "item of one's own": (Looked(), lambda o: lambda x: x * o["a"], lambda o: set_key(o.inner)),
    "attribute of one's own": (Looked(), lambda o: lambda x: x * o.a,
                               lambda o: set_key(o.inner)),
    "operator of one's own": (Looked(), lambda o: lambda x: x * o, lambda o: set_key(o.inner)),
}  # fmt: skip


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave classes and modules as they were."""
    monkeypatch.setattr(Base, "rate", 1.0)
    monkeypatch.setattr(Base, "scaled", Base.scaled)
    monkeypatch.setattr(Derived, "rate", None, raising=False)
    monkeypatch.delattr(Derived, "rate")
    monkeypatch.setattr(sys.modules[__name__], "SCALE", 1.0)
    for name, thing in {"RATE": 1.0, "inner": box(), "of_scale": of_scale}.items():
        monkeypatch.setattr(CONFIG, name, thing, raising=False)


def of_scale(x: Any) -> Any:
    """Read a global number where only a module leads to."""
    return x * SCALE


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_exchanged_is_noticed(kind: str) -> None:
    held, function, change = KINDS[kind]
    f = function(held)
    compiled = sg.compile(f)
    compiled(2.0), compiled(2.0), compiled.value_and_grad(2.0)
    before = compiled(2.0)
    change(held)
    expected = (sg.Value(0.0) + f(2.0)).data
    assert [compiled(2.0), compiled(2.0)] == [expected] * 2
    assert compiled.value_and_grad(2.0)[0] == expected
    assert compiled(np.array([2.0])).tolist() == [expected]
    if kind != "slice of an array of Values":  # of which another one changed
        assert expected != before


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("kind", KINDS)
def test_what_stays_is_not_recorded_anew(kind: str) -> None:
    held, function, _ = KINDS[kind]
    compiled = sg.compile(function(held))
    compiled(2.0)
    first = compiled._watched
    for _ in range(3):
        compiled(2.0), compiled(np.array([2.0]))
    assert compiled._watched is first


def test_chains_of_any_length_are_followed_each_link_once() -> None:
    chain: Any = None
    pairs: Any = ()
    for _ in range(9_000):
        chain, pairs = SimpleNamespace(a=1.0, next=chain), (1.0, pairs)

    def f(x: Any) -> Any:
        return x * chain.next.next.a * pairs[1][0]

    compiled = sg.compile(f)
    with pytest.warns(UserWarning, match="at most 10,000 things"):
        assert compiled(2.0) == 2.0
    assert compiled(2.0) == 2.0
    chain.next.next.a = 3.0
    with pytest.warns(UserWarning, match="at most 10,000 things"):
        assert compiled(2.0) == 6.0


def test_what_holds_nothing_is_in_nobodys_way() -> None:
    class Both(SimpleNamespace, collections.abc.Sized):
        def __len__(self) -> int:
            return 0

    nothing, things, both = object(), iter([1.0]), Both(a=2.0)
    compiled = sg.compile(lambda x: x * both.a if nothing is not things else x)
    assert compiled(2.0) == compiled(2.0) == 4.0
    both.a = 3.0
    assert compiled(2.0) == 6.0


def test_slot_that_is_emptied_is_noticed() -> None:
    held = Slotted(3.0)
    f = sg.compile(lambda x: x * held.a)
    f(2.0), f(2.0)
    del held.a
    with pytest.raises(AttributeError):
        f(2.0)
    held.a = 5.0
    assert f(2.0) == 10.0


def test_what_a_class_counts_itself_is_not_watched() -> None:
    class Counted:
        calls = 0
        rate = 2.0

        def f(self, x: Any) -> Any:
            Counted.calls += 1
            return x * self.rate

    held = Counted()
    compiled = sg.compile(held.f)
    for _ in range(5):
        assert compiled(2.0) == 4.0
    assert Counted.calls == 2
    Counted.rate = 3.0
    assert compiled(2.0) == 6.0


def test_names_that_are_not_read_are_not_watched() -> None:
    held = SimpleNamespace(a=1.0, losses=[], step=0)
    compiled = sg.compile(lambda x: x * getattr(held, "a"))  # noqa: B009
    compiled(2.0)
    first = compiled._watched
    for _ in range(3):
        held.losses.append(compiled(2.0))
        held.step += 1
    assert compiled._watched is first


def test_classes_of_layers_are_left_alone_but_those_of_ones_own_are_not() -> None:
    class Scaled(nn.Layer):
        factor = 2.0

        def __call__(self, x: Any) -> Any:
            return super().__call__(x) * self.factor

    layer = Scaled(2, 1, seed=0)
    compiled = sg.compile(lambda a, b: layer([a, b]))
    before = compiled(1.0, 2.0)
    assert compiled(1.0, 2.0) == before
    Scaled.factor = 6.0
    assert compiled(1.0, 2.0) == pytest.approx(3.0 * before)


def test_classes_and_arrays_that_are_watched_are_freed() -> None:
    class Gone:
        rate = 2.0

    compiled = sg.compile(lambda x, gone=Gone: x * gone.rate)
    compiled(2.0), compiled(2.0)
    there = weakref.ref(Gone)
    del Gone, compiled
    gc.collect()
    assert there() is None


def test_more_than_can_be_compared_is_said_at_the_users_line() -> None:
    few, many = [[float(i)] for i in range(100)], [[float(i)] for i in range(20_000)]
    sg.compile(lambda x: x * few[7][0])(2.0)  # a warning would be an error

    with pytest.warns(UserWarning, match="at most 10,000 things.*pass as an argument") as said:
        assert sg.compile(lambda x: x * many[7][0])(2.0) == 14.0
    assert {one.filename for one in said} == {__file__}

"""What a Kin remembers: a Value whose results are of its class, and which ints stay ints."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

WHOLE = 1  # its number came from ints alone
WHOLE_GRAD = 2  # so did its gradient
NO_GRAD = 4  # None was assigned to its gradient
OWN_BACKWARD = 8  # it hands its gradient on by a function of the user's
WHOLE_PARTIAL = 16  # its partial by the first operand is an int; by the second: the next bit
WHOLE_EXPONENT = 64
USED = 128  # it is, or was, an operand

#: the class `Kin` of the readable engine, once it is there
readable: list[type[Any]] = []


def class_of(values: tuple[Any, ...], otherwise: type[Any]) -> type[Any]:
    """Return the class of what is computed from some Values, which are used from now on."""
    kind = otherwise
    for value in values:
        if isinstance(value, readable[0]):
            value._marks |= USED
            if kind is otherwise or issubclass(type(value), kind):  # the class that knows more
                kind = type(value)
    return kind


def is_exact(number: float) -> bool:
    """Say whether a float that came from ints alone still is the int that it came from."""
    return abs(number) <= 2.0**53


_caller, _INSIDE = sys._getframe, ("scalargrad", "scalargrad.")

#: the names that a program has given; while there are none, nobody need ask who reads
_given: set[str] = set()


class FreeName:
    """A name of scalargrad's that a program may give to an attribute of its own, or of its class.

    The program reads what it wrote, and scalargrad what is its own, by who asks.
    """

    def __init__(self, own: Any, read: Callable[[Any], Any] | None = None) -> None:
        self.own: Any = own
        self.write: Callable[[Any, Any], None] = own.__set__
        self.read: Callable[[Any], Any] = read or own.__get__
        self.__doc__ = own.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name: str = name

    def __get__(self, node: Any, kind: type | None = None) -> Any:
        if node is None:
            return self.of_class(kind)
        if not _given or _caller(1).f_globals.get("__name__", "")[:11] in _INSIDE:
            return self.read(node)
        return self.given(node)

    def __set__(self, node: Any, value: Any) -> None:
        if _caller(1).f_globals.get("__name__", "")[:11] in _INSIDE:
            self.write(node, value)
        else:
            self.give(node, value)

    def __delete__(self, node: Any) -> None:
        if self.name not in node.__dict__:
            raise AttributeError(self.name)
        del node.__dict__[self.name]

    def of_class(self, kind: type | None) -> Any:
        """Return what stands in the class."""
        return self

    def given(self, node: Any) -> Any:
        """Return what the program reads: scalargrad's, where it wrote nothing."""
        written = node.__dict__
        return written[self.name] if self.name in written else self.read(node)

    def give(self, node: Any, value: Any) -> None:
        """Set what the program reads."""
        _given.add(self.name)
        node.__dict__[self.name] = value


class TakenName(FreeName):
    """Such a name in a subclass that has a method, a property, a slot or a number of this name."""

    def __init__(self, free: FreeName, member: Any) -> None:
        super().__init__(free.own, free.read)
        self.name: str = free.name
        self.member: Any = member
        _given.add(self.name)

    def of_class(self, kind: type | None, node: Any = None) -> Any:
        """Return the member as Python does, of a class or of a node."""
        bound = hasattr(type(self.member), "__get__")
        return self.member.__get__(node, kind) if bound else self.member

    def given(self, node: Any) -> Any:
        """Return what the program reads: its member, in Python's order."""
        if not hasattr(type(self.member), "__set__") and self.name in node.__dict__:
            return node.__dict__[self.name]
        return self.of_class(type(node), node)

    def give(self, node: Any, value: Any) -> None:
        """Set what the program reads."""
        if hasattr(type(self.member), "__set__"):
            self.member.__set__(node, value)
        else:
            super().give(node, value)


def free_name(kind: type, name: str) -> FreeName | None:
    """Return what stands for a free name in a class, if anything does."""
    found = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
    return found if isinstance(found, FreeName) else None


def keep_names(kind: type) -> None:
    """Let a subclass have members of free names without scalargrad reading them."""
    for base in kind.__mro__[1:]:
        for name, free in vars(base).items():
            member = vars(kind).get(name, free)
            if isinstance(free, FreeName) and not isinstance(member, FreeName):
                setattr(kind, name, TakenName(free, member))

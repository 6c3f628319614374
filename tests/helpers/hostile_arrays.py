"""Arrays of every kind that hold the numbers of a list, or pretend to."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from memory import IS_SANITIZED

#: what holds the same numbers in another way; of some numbers only
Way = Callable[[Any], Any]


def _strided(x: Any) -> Any:
    wide = np.full([2 * n for n in np.shape(x)], 99.0)
    wide[tuple(slice(None, None, 2) for _ in wide.shape)] = x
    return wide[tuple(slice(None, None, 2) for _ in wide.shape)]


def _backwards(x: Any) -> Any:
    return np.array(x, float)[::-1].copy()[::-1]


def _misaligned(x: Any) -> Any:
    plain = np.array(x, float)
    odd = np.frombuffer(b"-" + plain.tobytes(), np.uint8)[1:].view(float)
    assert not odd.flags.aligned
    return odd.reshape(plain.shape)


def _read_only(x: Any) -> Any:
    made = np.array(x, float)
    made.flags.writeable = False
    return made


class Heir(np.ndarray):
    """A subclass of arrays."""


class Rows(list):  # type: ignore[type-arg]
    """A subclass of lists."""


class Given:
    """What gives an array when it is asked for one, and can be walked by position."""

    def __init__(self, numbers: Any) -> None:
        self._numbers = np.array(numbers, float)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self._numbers, dtype)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: Any) -> Any:
        return self._numbers[index]


#: of floats that are whole numbers from 0 to 4, in one or two dimensions
WAYS: dict[str, Way] = {
    "array": lambda x: np.array(x, float),
    "columns first": lambda x: np.array(x, float, order="F"),
    "every second": _strided,
    "backwards": _backwards,
    "misaligned": _misaligned,
    "read-only": _read_only,
    "wrong byte order": lambda x: np.array(x, ">f8"),
    "whole, wrong byte order": lambda x: np.array(x, ">i8"),
    **{kind: (lambda x, kind=kind: np.array(x, kind)) for kind in (
        "float16", "float32", "longdouble", "int8", "int32", "int64", "uint8", "uint64", "object",
    )},
    "heir": lambda x: np.array(x, float).view(Heir),
    "matrix": lambda x: np.array(x, float) if np.ndim(x) == 1 else np.array(x).view(np.matrix),
    "nothing masked": lambda x: np.ma.array(np.array(x, float)),
    "memoryview": lambda x: memoryview(np.array(x, float)),
    "rows of memoryviews": lambda x: [memoryview(np.array(r)) for r in x] if np.ndim(x) > 1 else x,
    "array.array": lambda x: array("d", x) if np.ndim(x) == 1 else [array("d", r) for r in x],
    "array.array of floats": lambda x: array("f", x) if np.ndim(x) == 1 else x,
    "array.array of ints": lambda x: array("b", map(int, x)) if np.ndim(x) == 1 else x,
    "heir of lists": lambda x: Rows(x if np.ndim(x) == 1 else map(Rows, x)),
    "tuples": lambda x: tuple(x if np.ndim(x) == 1 else map(tuple, x)),
    "given": Given,
    "scalars of NumPy": lambda x: list(np.array(x, np.float32)),
}  # fmt: skip


def _same(x: Any, fill: Any) -> Any:
    return np.broadcast_to(np.array(fill), np.shape(x))


#: what holds other numbers: those of its own `tolist`
OTHERS: dict[str, Way] = {
    "one number everywhere": lambda x: _same(x, 2.0),
    "nan": lambda x: _same(x, math.nan).copy(),
    "infinite": lambda x: _same(x, -math.inf).copy(),
    "truth": lambda x: np.array(x, float) > 1.0,
    "empty": lambda x: np.zeros((0, *np.shape(x)[1:])),
    "no columns": lambda x: np.zeros((len(x), 0)),
    "too many dimensions": lambda x: np.ones((2, 1, 2, 1)),
    "no dimension": lambda x: np.array(2.0),
}

#: what holds no numbers, or not all
NONE: dict[str, Way] = {
    "complex": lambda x: np.array(x, complex) + 1j,
    "texts": lambda x: np.array(x).astype(str),
    "bytes": lambda x: np.array(x).astype(bytes),
    "dates": lambda x: np.array(x).astype(int).astype("datetime64[D]"),
    "differences of dates": lambda x: np.array(x).astype(int).astype("timedelta64[D]"),
    "records": lambda x: np.zeros(np.shape(x), [("a", float), ("b", int)]),
    "one record": lambda x: np.zeros((), [("a", float)]),
    "raw bytes": lambda x: np.zeros(np.shape(x), "V8"),
    "objects": lambda x: np.full(np.shape(x), object()),
    "None": lambda x: np.full(np.shape(x), None),
    "masked": lambda x: np.ma.array(np.array(x, float), mask=np.array(x) >= 1.0),
    "all masked": lambda x: np.ma.array(np.array(x, float), mask=True),
    "released": lambda x: _released(np.array(x, float)),
}
if IS_SANITIZED:  # for its message Python 3.11 reads the format that was freed with the buffer
    del NONE["released"]


def _released(made: Any) -> Any:
    view = memoryview(made)
    view.release()
    return view


# -- what lies -------------------------------------------------------------------------------------


class LieError(Exception):
    """What objects here raise themselves."""


class Liar:
    """A list that says so many, gives as many, and does something at some place."""

    def __init__(self, numbers: Any, said: Any, given: int, act: Callable[[], Any] | None) -> None:
        self.numbers, self.said, self.given, self.act = list(numbers), said, given, act

    def __len__(self) -> int:
        if isinstance(self.said, BaseException):
            raise self.said
        return self.said  # type: ignore[no-any-return]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int) and index >= self.given:
            raise IndexError(index)
        if index == 1 and self.act is not None:
            self.act()
        return self.numbers[index % len(self.numbers) if isinstance(index, int) else index]


class Iterates(Liar):
    """The same by an iterator of its own."""

    def __iter__(self) -> Iterator[Any]:
        for index in range(self.given):
            yield self[index]


class Arrays:
    """Gives another array each time it is asked."""

    def __init__(self, numbers: Any, *given: Any) -> None:
        self._numbers, self._given, self._asked = numbers, given, 0

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: Any) -> Any:
        return self._numbers[index]

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        self._asked += 1
        thing = self._given[self._asked % len(self._given)]
        if isinstance(thing, BaseException):
            raise thing
        return thing


class Number:
    """A number that does something when it is read."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    def __float__(self) -> float:
        self.act()
        return 1.0


def _raising() -> None:
    raise LieError


def _changing(x: Any, change: Callable[[list[Any]], Any]) -> Any:
    """Return a list that changes while its second item is read."""
    things: list[Any] = list(x)
    number = Number(lambda: change(things))
    things[1] = number if np.ndim(x) == 1 else [number, *things[1][1:]]
    return things


def _losing(x: Any) -> Any:
    """Return an array of objects whose buffer goes while one of them is read."""
    things = np.array(x, object)
    views = [memoryview(array("d", [1.0, 2.0]))]
    things[(1,) * things.ndim] = Number(lambda: [view.release() for view in views])
    return things


#: of these there are no right numbers: they do no harm
LIARS: dict[str, Way] = {
    "says more": lambda x: Liar(x, len(x) + 5, len(x), None),
    "says less": lambda x: Liar(x, 2, len(x), None),
    "says nothing": lambda x: Liar(x, 0, len(x), None),
    "says a huge number": lambda x: Liar(x, 2**62, len(x), None),
    "says what is no length": lambda x: Liar(x, -1, len(x), None),
    "cannot say": lambda x: Liar(x, LieError(), len(x), None),
    "raises when read": lambda x: Liar(x, len(x), len(x), _raising),
    "iterates more": lambda x: Iterates(x, len(x), len(x) + 3, None),
    "iterates less": lambda x: Iterates(x, len(x), 2, None),
    "iterator raises": lambda x: Iterates(x, len(x), len(x), _raising),
    "array raises": lambda x: Arrays(x, LieError()),
    "array is no array": lambda x: Arrays(x, [1.0, 2.0]),
    "another array each time": lambda x: Arrays(x, np.ones(3), np.ones((5, 2)), np.zeros(0)),
    "another type each time": lambda x: Arrays(x, np.array(x, float), np.array(["a", "b"])),
    "empties itself": lambda x: _changing(x, list.clear),
    "grows": lambda x: _changing(x, lambda things: things.extend(things[:5])),
    "forgets": lambda x: _changing(x, lambda things: things.__setitem__(slice(None), [None] * 3)),
    "loses a buffer": _losing,
    "raises as a number": lambda x: _changing(x, lambda things: _raising()),
}

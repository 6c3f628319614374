"""Whole numbers of the arguments while a function is traced: Values that know their int."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

from .._engine import Value
from ..core import refusals, tracer
from ..core.arguments import as_whole
from ..core.arithmetic import Arithmetic, is_value
from ..table import ops
from ..table.codes import COMPARISONS
from ..table.row import Row

#: below it a double holds every whole number, and sums and products of such are exact
EXACT = 2**53


class Integer(Value):
    """A whole number of the arguments, or a sum or product of such: a class label, a count.

    In arithmetic it is a Value, a line of the tape like any other; but it knows its int as well.
    Where Python wants that (an index, `range`, a key, `%`, bits), the function goes the way of
    this very number, as it would behind an `if`; no gradient comes from there.

    Guards compare doubles. So where an int is wanted, or compared, they also tell whether doubles
    hold all that it was computed from. If not, the arguments themselves are followed.
    """

    __slots__ = ("_is_exact", "_is_pinned", "_of", "_whole")

    def __init__(self, whole: int, data: float | None = None, of: Sequence[Integer] = ()) -> None:
        super().__init__(whole if data is None else data)
        self._whole = whole
        self._of = of  # what it was computed from
        self._is_exact = False  # whether guards tell that doubles hold it and what it comes from
        self._is_pinned = False  # whether a guard tells which number it is

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What `isinstance` finds, beside the Value that it finds anyway."""
        return int

    def __index__(self) -> int:
        if is_tracing() and not self._is_pinned:
            is_exact = _are_exact(self._of)
            _pin(self)
            if not (is_exact and abs(self._whole) < EXACT):
                if not self._of:
                    raise refusals.beyond_doubles(self._whole)
                _pin_below(self)
        return self._whole

    # fmt: off
    def __add__(self, other: Any) -> Any: return _combine(ops.ADD, operator.add, self, other)
    def __radd__(self, other: Any) -> Any: return _combine(ops.ADD, operator.add, other, self)
    def __sub__(self, other: Any) -> Any: return _combine(ops.SUB, operator.sub, self, other)
    def __rsub__(self, other: Any) -> Any: return _combine(ops.SUB, operator.sub, other, self)
    def __mul__(self, other: Any) -> Any: return _combine(ops.MUL, operator.mul, self, other)
    def __rmul__(self, other: Any) -> Any: return _combine(ops.MUL, operator.mul, other, self)
    def __rpow__(self, other: Any) -> Any: return _power(other, self)
    def __neg__(self) -> Any: return 0 - self  # no int is -0.0
    def __abs__(self) -> Any: return _known(super().__abs__(), abs(self._whole), [self])
    def __bool__(self) -> bool: return bool(self != 0)

    # as the plain int that it is this time
    def __int__(self) -> int: return self.__index__()
    def __float__(self) -> float: return float(self.__index__())
    def __complex__(self) -> complex: return complex(self.__index__())
    def __mod__(self, other: Any) -> Any: return self.__index__() % other
    def __rmod__(self, other: Any) -> Any: return other % self.__index__()
    def __floordiv__(self, other: Any) -> Any: return self.__index__() // other
    def __rfloordiv__(self, other: Any) -> Any: return other // self.__index__()
    def __divmod__(self, other: Any) -> Any: return divmod(self.__index__(), other)
    def __rdivmod__(self, other: Any) -> Any: return divmod(other, self.__index__())
    def __and__(self, other: Any) -> Any: return self.__index__() & other
    def __rand__(self, other: Any) -> Any: return other & self.__index__()
    def __or__(self, other: Any) -> Any: return self.__index__() | other
    def __ror__(self, other: Any) -> Any: return other | self.__index__()
    def __xor__(self, other: Any) -> Any: return self.__index__() ^ other
    def __rxor__(self, other: Any) -> Any: return other ^ self.__index__()
    def __lshift__(self, other: Any) -> Any: return self.__index__() << other
    def __rlshift__(self, other: Any) -> Any: return other << self.__index__()
    def __rshift__(self, other: Any) -> Any: return self.__index__() >> other
    def __rrshift__(self, other: Any) -> Any: return other >> self.__index__()
    def __invert__(self) -> int: return ~self.__index__()
    def __repr__(self) -> str: return repr(self.__index__())
    def __str__(self) -> str: return str(self.__index__())
    def __format__(self, spec: str) -> str: return format(self.__index__(), spec)

    # whole as it is, and never changed
    def __copy__(self) -> Any: return self
    def __deepcopy__(self, memo: dict[int, Any]) -> Any: return self
    def __trunc__(self) -> Any: return self
    def __floor__(self) -> Any: return self
    def __ceil__(self) -> Any: return self
    # fmt: on

    def __round__(self, digits: int | None = None) -> Any:
        return self if digits is None or digits >= 0 else round(self.__index__(), digits)

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        if modulus is None:
            return _power(self, other)
        return pow(self.__index__(), operator.index(other), operator.index(modulus))

    def __getattr__(self, name: str) -> Any:
        if name in vars(int):  # bit_length, numerator
            return getattr(self.__index__(), name)
        raise AttributeError(f"'int' object has no attribute {name!r}")


def is_tracing() -> bool:
    """Tell whether this thread traces a function."""
    return tracer.current is not None and tracer.is_on()


# -- what a whole number computes --------------------------------------------------------------


def _combine(row: Row, operation: Callable[[int, int], int], x: Any, y: Any) -> Any:
    """Return an Integer where both operands are whole, else what Values give."""
    one, other = _as_int(x), _as_int(y)
    if one is None or other is None or not is_tracing():
        return Value._binary(row, x, y)
    of = [operand for operand in (x, y) if isinstance(operand, Integer)]
    constant = (other if of[0] is x else one) if len(of) == 1 else 0
    if abs(constant) >= EXACT:  # which a double may not hold
        return operation(operator.index(x), operator.index(y))
    node = Value._binary(row, x, y)
    if row is ops.MUL and constant <= 0:
        node = node + 0.0  # as no int is -0.0
    return _known(node, operation(one, other), of)


def _power(x: Any, y: Any) -> Any:
    """Return a power: an Integer where both are whole, and the exponent is not negative."""
    if _as_int(x) is None or _as_int(y) is None or y < 0:
        return Value._binary(ops.POW, x, y)
    return _combine(ops.POW, operator.pow, x, y)


def _as_int(x: Any) -> int | None:
    """Return the int that an Integer, or a plain whole number, is; None for anything else."""
    if isinstance(x, Integer):
        return x._whole
    if isinstance(x, bool):
        return int(x)
    return as_whole(x) if isinstance(x, Integral) else None


def _known(node: Any, whole: int, of: Sequence[Integer]) -> Any:
    """Return a fresh node as one whose int is known."""
    if not is_tracing():
        return node
    integer = Integer(whole, node._data, of)
    assert tracer.current is not None
    tracer.current.alias(integer, node)
    return integer


def _comparison(name: str) -> Callable[[Integer, Any], Any]:
    of_values, of_ints = getattr(Value, name), getattr(operator, name)

    def compare(self: Integer, other: Any) -> Any:
        if not is_tracing() or not isinstance(other, (Arithmetic, Real)):
            return of_values(self, other)
        if self._is_pinned:
            return of_ints(self._whole, other)
        # a double may be rounded where what it is compared with is small: it stays on its side
        matter = [*self._of] if _is_small(other) else [self]
        matter += other._of if isinstance(other, Integer) else ()
        if _are_exact(matter):
            return of_values(self, other)
        return of_ints(self.__index__(), other)  # which has its own turn, if it is an Integer

    return compare


def _is_small(x: Any) -> bool:
    return not is_value(x) and abs(x) < EXACT


def _hash(value: Integer) -> int:
    return hash(value.__index__())


# as a key of a dict, or in a set, it is an int; no graph is walked while it lives
type.__setattr__(Integer, "__hash__", _hash)
for _name in ("__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"):
    type.__setattr__(Integer, _name, _comparison(_name))


# -- what is followed of a whole number --------------------------------------------------------


def _guard(comparison: str, x: Integer, y: float, *, outcome: bool = True) -> None:
    assert tracer.current is not None
    tracer.current.guard(COMPARISONS.index(comparison), x, y, outcome)


def _pin(number: Integer) -> None:
    """Follow which number it is."""
    _guard("is", number, number._data)
    number._is_pinned = True


def _pin_below(number: Integer) -> None:
    """Follow which arguments a number was computed from, as its own double may be rounded."""
    waiting = [*number._of]
    while waiting:
        one = waiting.pop()
        if one._is_pinned:
            continue
        if one._of:
            one._is_pinned = True  # as soon as they are
            waiting += one._of
        else:
            one.__index__()


def _are_exact(wholes: Sequence[Integer]) -> bool:
    """Follow whether doubles hold some numbers, and everything they were computed from."""
    waiting = list(wholes)
    met: dict[int, Integer] = {}
    while waiting:
        one = waiting.pop()
        if one._is_exact or id(one) in met:
            continue
        for sign, end in (("<", EXACT), (">", -EXACT)):
            holds = one._data < end if sign == "<" else one._data > end
            _guard(sign, one, float(end), outcome=holds)
            if not holds:
                return False
        met[id(one)] = one
        waiting += one._of
    for one in met.values():
        one._is_exact = True
    return True
